"""How the values of messages become columns: by a format of lines, by a schema of records, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol, cast

import numpy as np
import pyarrow as pa

from towpath.badrows import BadRow
from towpath.joins.topic_values import Messages, Opening, PlacedBadRows, ValueLines
from towpath.joins.union import fit, one_text
from towpath.nouns import Want
from towpath.seams.format import Evidence, Format, InputFile, Inspected, TypesTooNarrow
from towpath.seams.queue import ENVELOPE
from towpath.seams.record import Record


class Decoded(Protocol):
    """One pass over messages. Each item holds some of them, and the columns of their values row by row; those that are
    bad are left out."""

    @property
    def given(self) -> int:
        """Messages met so far."""
        ...

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]: ...

    def close(self) -> None: ...


class Decoding(Protocol):
    inferred: bool
    """Whether the types are ours, found in the values."""

    enveloped: bool
    """Whether the columns are those of the envelope already."""

    def inspect(self, opening: Opening, topic: str, want: Want, *, whole: bool) -> Inspected:
        """The columns of the values, from the first of them, or with `whole` from all."""
        ...

    def read(self, opening: Opening, topic: str, want: Want) -> Decoded:
        """One pass over the messages; `want.schema` has the columns of the values. Iterating raises TypesTooNarrow."""
        ...


class ByLines:
    """Values that are objects of a format of lines (JSON Lines), one each."""

    inferred = True
    enveloped = False

    def __init__(self, format: Format) -> None:
        self._format = format

    def inspect(self, opening: Opening, topic: str, want: Want, *, whole: bool) -> Inspected:
        file = InputFile(topic, lambda: cast(BinaryIO, ValueLines(opening)))
        return self._format.inspect(file, replace(want, columns=None), whole=whole)

    def read(self, opening: Opening, topic: str, want: Want) -> Decoded:
        return _LinesRead(self._format, opening, topic, want)


class _LinesRead:
    def __init__(self, format: Format, opening: Opening, topic: str, want: Want) -> None:
        self._context = ExitStack()
        self._lines = ValueLines(opening)
        self._context.callback(self._lines.close)
        self._bad = PlacedBadRows(self._lines, topic, want.bad)
        assert want.schema is not None
        names = want.schema.names if want.columns is None else want.columns
        self._schema = one_text(pa.schema([want.schema.field(name) for name in names]))
        self._topic = topic
        file = InputFile(topic, lambda: cast(BinaryIO, self._lines))
        self._reading = self._context.enter_context(format.read(file, replace(want, bad=self._bad)))

    @property
    def given(self) -> int:
        return self._lines.given

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        try:
            for batch in self._reading:
                yield self._messages(len(batch)), fit(batch.rows, self._schema, self._topic)
        except TypesTooNarrow as error:
            raise TypesTooNarrow(self._bad.placed(str(error))) from error

    def close(self) -> None:
        self._context.close()

    def _messages(self, rows: int) -> pa.RecordBatch:
        """The messages that the next rows came from; between them were those that are bad."""
        bad, begun = self._bad.numbers, self._bad.taken
        count = rows + len(bad)
        messages = self._lines.take(count)
        self._bad.numbers, self._bad.taken = [], begun + count
        if not bad:
            return messages
        return messages.take(pa.array(np.setdiff1d(np.arange(count), np.array(bad) - begun)))


@dataclass(frozen=True, slots=True)
class _Known(Evidence):
    """A type that is not found, but given."""

    known: pa.DataType
    declared: bool = True

    def merge(self, other: Evidence) -> Evidence:
        return self

    def type(self) -> pa.DataType:
        return self.known


class AsTheyAre:
    """Messages whole: the envelope, with the bytes of key and value."""

    inferred = False
    enveloped = True

    def inspect(self, opening: Opening, topic: str, want: Want, *, whole: bool) -> Inspected:
        return Inspected({one.name: _Known(one.type) for one in ENVELOPE}, settled=True)

    def read(self, opening: Opening, topic: str, want: Want) -> Decoded:
        return _Whole(opening, want)


class _Whole:
    def __init__(self, opening: Opening, want: Want) -> None:
        self.given = 0
        self._context = ExitStack()
        self._batches = self._context.enter_context(opening())
        self._names = ENVELOPE.names if want.columns is None else list(want.columns)

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        for rows in self._batches:
            self.given += rows.num_rows
            yield rows, rows.select(self._names)

    def close(self) -> None:
        self._context.close()


class ByRecords:
    """Values that are records by a schema."""

    inferred = False
    enveloped = False

    def __init__(self, record: Record) -> None:
        self._record = record

    def inspect(self, opening: Opening, topic: str, want: Want, *, whole: bool) -> Inspected:
        return Inspected({one.name: _Known(one.type) for one in self._record.schema}, settled=True)

    def read(self, opening: Opening, topic: str, want: Want) -> Decoded:
        return _RecordsRead(self._record, opening, topic, want)


class _RecordsRead(_Whole):
    def __init__(self, record: Record, opening: Opening, topic: str, want: Want) -> None:
        super().__init__(opening, replace(want, columns=want.columns or tuple(record.schema.names)))
        self._record = record
        self._topic = topic
        self._bad = want.bad

    def __iter__(self) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        for messages in self._batches:
            self.given += messages.num_rows
            found = self._record.decode(messages.column("value"))
            values, origin = found.rows.select(self._names), Messages(self._topic, messages)
            for row, reason in found.bad.items():
                self._bad.add(BadRow(origin.place(row), reason, code="record-malformed"))
            kept = pa.array(np.setdiff1d(np.arange(messages.num_rows), list(found.bad)))
            yield (messages.take(kept), values.take(kept)) if found.bad else (messages, values)
