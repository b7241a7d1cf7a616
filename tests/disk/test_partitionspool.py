"""Rows of many partitions come back partition by partition, each in the order in which they were added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.disk import partitionspool
from towpath.disk.partitionspool import PartitionSpool


def back(spool: PartitionSpool) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for number, pieces in spool.partitions():
        assert number not in found, "a partition came twice"
        found[number] = [value for rows in pieces for value in rows.column("v").to_pylist()]
    return found


@given(st.lists(st.lists(st.integers(0, 1_500), max_size=40), max_size=12), st.sampled_from([1, 700, 1 << 20]))
def test_each_partition_has_its_rows_in_order(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], run_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    expected: dict[int, list[int]] = {}
    with pytest.MonkeyPatch.context() as patch, PartitionSpool(folder, "rows", "load") as spool:
        patch.setattr(partitionspool, "_RUN_BYTES", run_bytes)
        for at, numbers in enumerate(batches):
            values = [at * 1_000 + place for place in range(len(numbers))]
            for number, value in zip(numbers, values, strict=True):
                expected.setdefault(number, []).append(value)
            rows = pa.record_batch({"v": pa.array(values, pa.int64()), "t": pa.array(map(str, values), pa.string())})
            spool.add(np.array(numbers, np.int64), rows)
        assert back(spool) == expected
    assert list(folder.iterdir()) == []


def test_a_large_partition_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitionspool, "_PIECE_ROWS", 10)
    monkeypatch.setattr(partitionspool, "_RUN_BYTES", 100)
    with PartitionSpool(tmp_path, "rows", "load") as spool:
        for start in range(0, 95, 7):
            spool.add(np.full(7, 3), pa.record_batch({"v": range(start, start + 7)}))
        ((number, pieces),) = ((number, list(pieces)) for number, pieces in spool.partitions())
    assert number == 3
    assert [len(piece) for piece in pieces] == [10] * 9 + [8]
    assert [value for piece in pieces for value in piece.column(0).to_pylist()] == list(range(98))
