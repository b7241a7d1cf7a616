"""Formats that break a promise each. Not collected by itself: `test_mutants.py` runs it and counts what fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from towpath.adapters.format.parquet import Parquet
from towpath.conformance import FormatSuite
from towpath.nouns import Want
from towpath.seams.format import FormatReading, FormatWriter, InputFile
from towpath.stream import Batch


class Changed:
    """A writer that changes the rows before it writes them; None drops the batch."""

    def __init__(self, inner: FormatWriter, change: Callable[[pa.RecordBatch], pa.RecordBatch | None]) -> None:
        self._inner = inner
        self._change = change
        self._last: pa.RecordBatch | None = None

    def write(self, rows: pa.RecordBatch) -> None:
        changed = self._change(rows)
        if changed is not None:
            self._inner.write(changed)

    def close(self) -> None:
        self._inner.close()


def each(rows: pa.RecordBatch, chosen: pa.DataType, change: Callable[[pa.Array], pa.Array]) -> pa.RecordBatch:
    """The rows with `change` done to each column of one type."""
    columns = [change(values) if values.type == chosen else values for values in rows.columns]
    return pa.record_batch(columns, schema=rows.schema)


class Float32ForDouble(Parquet):
    def writer(self, sink: BinaryIO, schema: pa.Schema) -> FormatWriter:
        def change(rows: pa.RecordBatch) -> pa.RecordBatch:
            return each(rows, pa.float64(), lambda v: v.cast(pa.float32(), safe=False).cast(pa.float64()))

        return Changed(super().writer(sink, schema), change)


class EmptyTextIsNull(Parquet):
    def writer(self, sink: BinaryIO, schema: pa.Schema) -> FormatWriter:
        def change(rows: pa.RecordBatch) -> pa.RecordBatch:
            return each(rows, pa.string(), lambda v: pc.if_else(pc.equal(v, ""), pa.scalar(None, pa.string()), v))

        return Changed(super().writer(sink, schema), change)


class DropsTheLastBatch(Parquet):
    def writer(self, sink: BinaryIO, schema: pa.Schema) -> FormatWriter:
        kept: list[pa.RecordBatch] = []

        def change(rows: pa.RecordBatch) -> pa.RecordBatch | None:
            kept.append(rows)
            return kept.pop(0) if len(kept) > 1 else None

        return Changed(super().writer(sink, schema), change)


class NanosecondsBecomeMicroseconds(Parquet):
    def writer(self, sink: BinaryIO, schema: pa.Schema) -> FormatWriter:
        nanos, micros = pa.timestamp("ns"), pa.timestamp("us")

        def change(rows: pa.RecordBatch) -> pa.RecordBatch:
            return each(rows, nanos, lambda v: v.cast(micros, safe=False).cast(nanos))

        return Changed(super().writer(sink, schema), change)


class MinusZeroIsZero(Parquet):
    def writer(self, sink: BinaryIO, schema: pa.Schema) -> FormatWriter:
        def change(rows: pa.RecordBatch) -> pa.RecordBatch:
            return each(rows, pa.float64(), lambda v: pc.add(v, 0.0))

        return Changed(super().writer(sink, schema), change)


class ClosesTheStream(Parquet):
    def writer(self, sink: BinaryIO, schema: pa.Schema) -> FormatWriter:
        inner = super().writer(sink, schema)

        class Closing(Changed):
            def close(self) -> None:
                super().close()
                sink.close()

        return Closing(inner, lambda rows: rows)


class Read:
    """A reading over batches that were made before."""

    def __init__(self, schema: pa.Schema, batches: list[Batch], given: int) -> None:
        self.schema = schema
        self.given = given
        self._batches = batches

    def __iter__(self) -> Iterator[Batch]:
        yield from self._batches


class CollectsTheFile(Parquet):
    @contextmanager
    def read(self, file: InputFile, want: Want) -> Iterator[FormatReading]:
        with super().read(file, want) as reading:
            yield Read(reading.schema, list(reading), reading.given)


class CountsOneTooFew(Parquet):
    @contextmanager
    def read(self, file: InputFile, want: Want) -> Iterator[FormatReading]:
        with super().read(file, want) as reading:
            batches = list(reading)
            yield Read(reading.schema, batches, reading.given - 1)


class IgnoresTheOrderOfColumns(Parquet):
    @contextmanager
    def read(self, file: InputFile, want: Want) -> Iterator[FormatReading]:
        columns = None if want.columns is None else tuple(sorted(want.columns))
        changed = Want(want.types, want.schema, columns, want.bad, want.batch_bytes, want.threads)
        with super().read(file, changed) as reading:
            yield reading


class LibraryErrors(Parquet):
    @contextmanager
    def read(self, file: InputFile, want: Want) -> Iterator[FormatReading]:
        import pyarrow.parquet as pq

        pq.ParquetFile(file.open())
        with super().read(file, want) as reading:
            yield reading


class StaleGap(Parquet):
    GAPS: ClassVar[dict[str, str]] = {**getattr(Parquet, "GAPS", {}), "integer/int64": "todo: nobody looked again"}


class Undeclared(Parquet):
    """Refuses what it does not declare."""

    def stored(self, type: pa.DataType) -> Any:
        from towpath.errors import Refused

        if pa.types.is_boolean(type):
            raise Refused("there is no bool here")
        return super().stored(type)


class TestUnbroken(FormatSuite):
    adapter = Parquet


class TestFloat32ForDouble(FormatSuite):
    adapter = Float32ForDouble


class TestEmptyTextIsNull(FormatSuite):
    adapter = EmptyTextIsNull


class TestDropsTheLastBatch(FormatSuite):
    adapter = DropsTheLastBatch


class TestNanosecondsBecomeMicroseconds(FormatSuite):
    adapter = NanosecondsBecomeMicroseconds


class TestMinusZeroIsZero(FormatSuite):
    adapter = MinusZeroIsZero


class TestClosesTheStream(FormatSuite):
    adapter = ClosesTheStream


class TestCollectsTheFile(FormatSuite):
    adapter = CollectsTheFile


class TestCountsOneTooFew(FormatSuite):
    adapter = CountsOneTooFew


class TestIgnoresTheOrderOfColumns(FormatSuite):
    adapter = IgnoresTheOrderOfColumns


class TestLibraryErrors(FormatSuite):
    adapter = LibraryErrors


class TestStaleGap(FormatSuite):
    adapter = StaleGap


class TestUndeclared(FormatSuite):
    adapter = Undeclared
