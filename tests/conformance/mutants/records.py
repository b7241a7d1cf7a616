"""Records that break a promise each. Not collected by itself: `test_mutants.py` runs it and counts what fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.conformance import test_record
from towpath.adapters.record.avro import Avro
from towpath.seams.record import Decoded, Encoded


def with_column(rows: pa.RecordBatch, name: str, change: Callable[[Any], Any]) -> pa.RecordBatch:
    """The rows with each value of a column changed."""
    at = rows.schema.get_field_index(name)
    values = pa.array([change(value) for value in rows.column(name).to_pylist()], rows.schema.field(name).type)
    return rows.set_column(at, rows.schema.field(name), values)


class Float32ForDouble(Avro):
    def encode(self, rows: pa.RecordBatch) -> Encoded:
        def rounded(pairs: list[tuple[str, float]]) -> list[tuple[str, float]]:
            return [(key, float(np.float32(value))) for key, value in pairs]

        return super().encode(with_column(rows, "prices", rounded))


class MinusZeroIsZero(Avro):
    def decode(self, values: pa.Array) -> Decoded:
        found = super().decode(values)
        rows = with_column(found.rows, "prices", lambda pairs: pairs and [(key, value + 0.0) for key, value in pairs])
        return Decoded(rows, found.bad)


class EmptyTextIsNull(Avro):
    def decode(self, values: pa.Array) -> Decoded:
        found = super().decode(values)
        return Decoded(with_column(found.rows, "name", lambda text: text or None), found.bad)


class LosesMicroseconds(Avro):
    def encode(self, rows: pa.RecordBatch) -> Encoded:
        return super().encode(with_column(rows, "at", lambda at: at and at.replace(microsecond=0)))


class SkipsTombstones(Avro):
    def decode(self, values: pa.Array) -> Decoded:
        return super().decode(values.drop_null())


class TombstonesAreBad(Avro):
    def decode(self, values: pa.Array) -> Decoded:
        found = super().decode(values)
        return Decoded(found.rows, {**found.bad, **dict.fromkeys(np.flatnonzero(values.is_null()), "no bytes")})


class IgnoresWhatIsLeftOver(Avro):
    def decode(self, values: pa.Array) -> Decoded:
        found = super().decode(values)
        return Decoded(found.rows, {row: why for row, why in found.bad.items() if "left over" not in why})


class OneBadSpoilsAll(Avro):
    def decode(self, values: pa.Array) -> Decoded:
        found = super().decode(values)
        if not found.bad:
            return found
        nothing = super().decode(pa.nulls(len(values), pa.binary()))
        return Decoded(nothing.rows, found.bad)


class NoRowsNoColumns(Avro):
    def decode(self, values: pa.Array) -> Decoded:
        return super().decode(values) if len(values) else Decoded(pa.RecordBatch.from_pylist([]), {})


class MutantSuite(test_record.TestAvro):
    mutant: type[Avro]

    def make(self, folder: Path) -> Avro:
        made = super().make(folder)
        made.__class__ = self.mutant
        return made


class TestUnbroken(test_record.TestAvro):
    pass


class TestFloat32ForDouble(MutantSuite):
    mutant = Float32ForDouble


class TestMinusZeroIsZero(MutantSuite):
    mutant = MinusZeroIsZero


class TestEmptyTextIsNull(MutantSuite):
    mutant = EmptyTextIsNull


class TestLosesMicroseconds(MutantSuite):
    mutant = LosesMicroseconds


class TestSkipsTombstones(MutantSuite):
    mutant = SkipsTombstones


class TestTombstonesAreBad(MutantSuite):
    mutant = TombstonesAreBad


class TestIgnoresWhatIsLeftOver(MutantSuite):
    mutant = IgnoresWhatIsLeftOver


class TestOneBadSpoilsAll(MutantSuite):
    mutant = OneBadSpoilsAll


class TestNoRowsNoColumns(MutantSuite):
    mutant = NoRowsNoColumns
