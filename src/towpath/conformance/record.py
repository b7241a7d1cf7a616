"""The suite of the record seam: rows become bytes and come back, and other bytes are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from towpath.conformance.carry import assert_same
from towpath.conformance.suite import Suite, promise


class RecordSuite(Suite):
    """Holds a kind of record to `towpath.seams.record`. A subclass says how to `make` one, and gives `sample`: rows of
    its schema, no two of them alike."""

    seam: ClassVar[str] = "record"

    def sample(self, record: Any) -> pa.RecordBatch:
        raise NotImplementedError

    @pytest.fixture
    def record(self, tmp_path: Path) -> Any:
        return self.make(tmp_path)

    @promise("rows/back")
    def test_rows_come_back_as_they_were(self, record: Any) -> None:
        sent = self.sample(record)
        assert sent.schema.equals(record.schema)
        made = record.encode(sent)
        assert not made.bad
        assert len(set(made.values.to_pylist())) == len(sent)
        found = record.decode(made.values)
        assert not found.bad
        assert_same(sent, pa.Table.from_batches([found.rows], record.schema))

    @promise("rows/tombstone")
    def test_a_tombstone_is_a_row_of_nulls(self, record: Any) -> None:
        found = record.decode(pa.array([None], pa.binary()))
        assert not found.bad
        assert list(found.rows.to_pylist()[0].values()) == [None] * len(record.schema)

    @promise("bytes/bad")
    def test_bytes_that_are_no_record_are_told_and_harm_no_other(self, record: Any) -> None:
        sent = self.sample(record)
        good = record.encode(sent).values.to_pylist()
        for broken in (b"", b"\xff\xff\xff", good[0][:-1], good[0] + b"\x00"):
            found = record.decode(pa.array([broken, *good], pa.binary()))
            assert list(found.bad) == [0]
            assert found.bad[0]
            assert_same(sent, pa.Table.from_batches([found.rows.slice(1)], record.schema))

    @promise("rows/none")
    def test_no_values_are_no_rows(self, record: Any) -> None:
        assert record.decode(pa.array([], pa.binary())).rows.schema.equals(record.schema)
        assert len(record.encode(self.sample(record).slice(0, 0)).values) == 0
