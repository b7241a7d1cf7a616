"""What the columnar formats share: types that a file declares, exact conversion, batches cut by bytes."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from towpath.badrows import BadRow
from towpath.disk import oserrors
from towpath.disk.spool import Spool
from towpath.errors import DataError, UserError
from towpath.nouns import Want
from towpath.seams.format import InputFile, Inspected, TypesTooNarrow
from towpath.stream import Batch, Counted
from towpath.values import textform
from towpath.values.convert import cast
from towpath.values.logical import plain, plain_type


@dataclass(frozen=True, slots=True)
class Declared:
    """A column's type as the file itself declares it; no value can change it."""

    of: pa.DataType
    declared = True

    def merge(self, other: Any) -> Declared:
        """The same; raises ValueError for another type, since which one holds both is not this class's to say."""
        if other.type() != self.of:
            raise ValueError(f"a file declares {self.of}, another {other.type()}")
        return self

    def type(self) -> pa.DataType:
        return self.of


def inspected(schema: pa.Schema, rows: int | None, name: str) -> Inspected:
    """The columns of a file's own schema, as the plain types that are read. Raises DataError for names met twice."""
    _refuse_twins(schema, name)
    return Inspected({field.name: Declared(plain_type(field.type)) for field in schema}, True, rows)


MIDNIGHT = frozenset({"midnight"})
"""What files in Arrow's types refuse: 24:00:00 breaks a rule that `checked` asks for."""

_UNFIT = "the value does not fit"


class ColumnarReading:
    """One pass over batches of a file's own schema, each column as it is wanted. A value that a pinned type does not
    hold exactly makes its row bad; elsewhere it raises TypesTooNarrow. `given` is `rows`, which the file's
    metadata tells, or is counted by batches."""

    def __init__(
        self, name: str, own: pa.Schema, batches: Iterable[pa.RecordBatch], want: Want, rows: int | None = None
    ) -> None:
        _refuse_twins(own, name)
        self._name = name
        self._batches = batches
        self._want = want
        names = own.names if want.columns is None else [column for column in want.columns if column in own.names]
        self.schema = pa.schema([(column, self._type(own.field(column))) for column in names])
        self.given = rows or 0
        self._counted = rows is None

    def __iter__(self) -> Iterator[Batch]:
        first = 1
        for whole in self._batches:
            if self._counted:
                self.given += whole.num_rows
            for rows in _pieces(whole, self._want.batch_bytes):
                batch = self._convert(rows, Counted(self._name, first))
                first += rows.num_rows
                if len(batch):
                    yield batch

    def _type(self, field: pa.Field) -> pa.DataType:
        if field.name in self._want.types:
            return plain_type(self._want.types[field.name])
        if self._want.schema is None:
            return plain_type(field.type)
        if field.name not in self._want.schema.names:
            raise TypesTooNarrow(f"{self._name}: column {field.name} is new")
        return plain_type(self._want.schema.field(field.name).type)

    def _convert(self, rows: pa.RecordBatch, origin: Counted) -> Batch:
        arrays: list[pa.Array] = []
        bad: dict[int, pa.Field] = {}
        for field in self.schema:
            values = plain(rows.column(field.name))
            if values.type != field.type:
                done = cast(values, values.type, field.type)
                if len(done.bad) and field.name not in self._want.types:
                    row = int(done.bad[0])
                    value = textform.write(values.slice(row, 1))[0].as_py()
                    raise TypesTooNarrow(f"{origin.place(row)}: column {field.name}: {value!r} {_UNFIT} {field.type}")
                for row in done.bad.tolist():
                    bad.setdefault(row, field)
                values = done.values
            arrays.append(values)
        numbers = sorted(bad)
        for row, texts in zip(numbers, textform.row_texts(rows, numbers), strict=True):
            name, reason = bad[row].name, f"{_UNFIT} {textform.type_name(bad[row].type)}"
            self._want.bad.add(BadRow(origin.place(row), reason, name, texts[name], texts))
        batch = Batch(record_batch(arrays, self.schema, rows.num_rows), origin)
        return batch.take(np.setdiff1d(np.arange(len(batch)), list(bad)).tolist()) if bad else batch


def record_batch(arrays: list[pa.Array], schema: pa.Schema, count: int) -> pa.RecordBatch:
    """A batch of `count` rows, also when it has no columns."""
    if arrays:
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    return pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([])))


def _pieces(rows: pa.RecordBatch, most: int) -> Iterator[pa.RecordBatch]:
    """The batch in slices of about `most` bytes."""
    length = max(1, rows.num_rows * most // max(rows.nbytes, 1))
    for start in range(0, rows.num_rows, length):
        yield rows.slice(start, length)


def _refuse_twins(schema: pa.Schema, name: str) -> None:
    try:
        schema.names  # noqa: B018 (they are decoded only now)
    except UnicodeDecodeError as error:
        raise DataError(
            "the name of a column is no UTF-8", where=name, todo="fetch the file again", code="file-damaged"
        ) from error
    twins = [column for column in schema.names if schema.names.count(column) > 1]
    if twins:
        raise DataError(
            f"two columns are named {twins[0]!r}",
            where=name,
            todo="give each column a name of its own",
            code="column-doubled",
        )


@contextmanager
def random_access(file: InputFile) -> Iterator[Any]:
    """The file as pyarrow reads it at any position: from its path, or from its stream, spooled to disk if need be."""
    if file.path is not None:
        with oserrors.translated(file.name, "read"):
            opened = pa.OSFile(str(file.path))
        with opened:
            yield opened
        return
    with closing(file.open()) as stream:
        seekable = stream if stream.seekable() else Spool(stream, file.name).open()
        with closing(seekable):
            yield pa.PythonFile(seekable, "r")


@contextmanager
def translated(name: str, format: str) -> Iterator[None]:
    """Turns pyarrow's words for a broken file into DataError."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(
            f"it is no whole {format} file: {error}",
            where=name,
            todo="it may be truncated or damaged: fetch it again; if it has another format, name that (--from-format)",
            code="file-damaged",
        ) from error


def checked(batches: Iterable[pa.RecordBatch], name: str, format: str) -> Generator[pa.RecordBatch, None, None]:
    """The batches; a broken one raises DataError. Each is looked at whole before anybody relies on it: a library takes
    offsets, lengths and letters as they stand in a file, and a wrong one would end the process later."""
    with translated(name, format):
        iterator = iter(batches)
    while True:
        with translated(name, format):
            batch = next(iterator, None)
            if batch is not None:
                _refuse_broken(batch)
        if batch is None:
            return
        yield batch


def _refuse_broken(batch: pa.RecordBatch) -> None:
    """Raises ArrowInvalid for columns that are not what they say; a time of 24:00:00 is a value all the same."""
    batch.validate()
    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            if "not within the acceptable range" not in str(error):
                raise


def check_level(compression: str, level: int) -> None:
    """Raises UserError for a level that a codec of Arrow's does not have."""
    try:
        least = pa.Codec.minimum_compression_level(compression)
        most = pa.Codec.maximum_compression_level(compression)
    except ValueError as error:
        raise UserError(
            f"the compression {compression} has no levels", todo="leave compression_level out", code="option-wrong"
        ) from error
    if not least <= level <= most:
        raise UserError(
            f"compression_level of {compression} goes from {least} to {most}, not {level}", code="option-wrong"
        )
