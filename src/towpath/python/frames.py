"""Frames and Python objects as a source, so that the mover takes them as it takes any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from towpath.columnar import ColumnarReading
from towpath.errors import DataError, Refused, TowError, UserError
from towpath.nouns import Checkpoint, Description, Want
from towpath.python import pandas_frames
from towpath.python.objects import Objects
from towpath.python.reader import Reader
from towpath.seams.source import Reading
from towpath.stream import Batch
from towpath.values.logical import plain_type

NAME = "frame"
"""How messages and receipts call it."""


class FrameSource:
    """A frame in memory, or one pass over rows that come from elsewhere: anything with an Arrow stream or array, a
    `towpath.Reader`, a numpy structured array, or an iterable of dicts, dataclass instances or pydantic models.

    Rows are counted as they pass; a table also says beforehand how many it has."""

    def __init__(self, frame: Any, types: Mapping[str, pa.DataType]) -> None:
        self.shown = NAME
        self._reader = frame if isinstance(frame, Reader) else None
        self._rows: int | None = None
        self._pinned = dict(types)
        self._spent = False
        if self._reader is not None and types:
            raise UserError("types of a reader's columns are given to towpath.read", where=NAME, code="option-wrong")
        self._schema, self._batches = (frame.schema, ()) if self._reader else self._opened(frame)

    def describe(self, want: Want) -> Description:
        fields = [(one.name, plain_type(want.types.get(one.name, one.type))) for one in self._schema]
        return Description(pa.schema(fields), rows=self._rows)

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[Reading]:
        if self._spent and not isinstance(self._batches, list):
            raise Refused("rows that pass only once are gone", where=NAME, todo="give a frame", code="reader-read")
        self._spent = True
        if self._reader is not None:
            yield _ReaderReading(self._reader)
            return
        batches = ([one] if isinstance(one, pa.RecordBatch) else one.to_batches() for one in self._batches)
        yield _FrameReading(NAME, self._schema, (one for many in batches for one in many), want, self._rows)

    def _opened(self, frame: Any) -> tuple[pa.Schema, Iterable[Any]]:
        if pandas_frames.is_pandas(frame):
            return self._table(pandas_frames.table(frame, NAME, self._pinned))
        if isinstance(frame, np.ndarray):
            return self._table(_of_numpy(frame))
        if isinstance(frame, (pa.Table, pa.RecordBatch)):
            return self._table(pa.table(frame))
        if hasattr(frame, "__arrow_c_stream__"):
            return self._stream(frame)
        if hasattr(frame, "__arrow_c_array__"):
            return self._table(pa.table(_arrow(pa.record_batch, frame)))
        if isinstance(frame, (str, bytes, Path, Mapping)) or not isinstance(frame, Iterable):
            raise UserError(
                f"{type(frame).__name__} is no frame and no rows",
                where=NAME,
                todo="give a frame (a lazy one after .collect()), or a list of dicts; towpath.copy moves files",
                code="frame-unknown",
            )
        objects = Objects(frame, NAME, self._pinned)
        self._rows = objects.count
        return objects.schema, objects.batches()

    def _table(self, table: pa.Table) -> tuple[pa.Schema, Iterable[Any]]:
        self._rows = table.num_rows
        return table.schema.remove_metadata(), [table]

    def _stream(self, frame: Any) -> tuple[pa.Schema, Iterable[Any]]:
        reader = _arrow(pa.RecordBatchReader.from_stream, frame)
        return reader.schema.remove_metadata(), _pulled(reader)


class _FrameReading(ColumnarReading):
    """One pass over a frame, whose types are its own."""

    settled = True

    def checkpoint(self) -> Checkpoint | None:
        return None


class _ReaderReading:
    """A reader's own pass: its rows keep the places that they came from."""

    settled = True

    def __init__(self, reader: Reader[Any]) -> None:
        self.schema = reader.schema
        self.given = 0
        self._reader = reader

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._reader.placed():
            self.given += len(batch)
            yield batch

    def checkpoint(self) -> Checkpoint | None:
        return None


def _of_numpy(values: Any) -> pa.Table:
    if values.dtype.names is None or values.ndim != 1:
        raise UserError(
            f"a numpy array of the type {values.dtype} and {values.ndim} dimensions has no named columns",
            where=NAME,
            todo="give a structured array, or a frame made of it",
            code="frame-unfit",
        )
    arrays = []
    for name in values.dtype.names:
        column = np.ascontiguousarray(values[name])
        try:
            arrays.append(pa.array(column.astype(column.dtype.newbyteorder("="))))
        except (pa.ArrowException, ValueError) as error:
            raise UserError(f"column {name}: {error}", where=NAME, code="frame-unfit") from error
    return pa.Table.from_arrays(arrays, names=list(values.dtype.names))


def _pulled(reader: Any) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (pa.ArrowException, OSError) as error:  # what a lazy frame's own library said on the way
        raise DataError(f"the frame's own rows stopped: {error}", where=NAME, code="frame-unfit") from error


def _arrow(made: Any, frame: Any) -> Any:
    try:
        return made(frame)
    except TowError:
        raise
    except Exception as error:  # of whatever library the frame is: a DuckDB relation runs its query only now
        raise UserError(
            f"{type(frame).__name__} is no frame with columns: {error}",
            where=NAME,
            todo="give a frame; a single column becomes one by naming it (.to_frame('name'))",
            code="frame-unfit",
        ) from error
