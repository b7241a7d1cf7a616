"""Rows of many partitions come back partition by partition, each in the order in which they were added."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.disk import partitionspool
from towpath.disk.partitionspool import PartitionSpool
from towpath.errors import Refused


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


def of_numbers(*numbers: int) -> tuple[np.ndarray, pa.RecordBatch]:
    return np.array(numbers, np.int64), pa.record_batch({"v": pa.array(numbers, pa.int64())})


def test_partitions_come_in_groups_which_have_no_more_of_them_than_they_must(tmp_path: Path) -> None:
    with PartitionSpool(tmp_path, "rows", "load") as spool:
        spool.add(*of_numbers(513, 1024, 511, 0, 2, 1, 512, 1023, 1))
        assert list(back(spool).items()) == [
            (0, [0]), (512, [512]), (1024, [1024]), (1, [1, 1]), (513, [513]), (2, [2]), (511, [511]), (1023, [1023]),
        ]  # fmt: skip


@pytest.mark.parametrize(("run_bytes", "waiting"), [(112, [1, 0, 1, 0, 1, 0]), (113, [1, 2, 0, 1, 2, 0])])
def test_rows_wait_in_memory_until_they_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_bytes: int, waiting: list[int]
) -> None:
    monkeypatch.setattr(partitionspool, "_RUN_BYTES", run_bytes)
    with PartitionSpool(tmp_path, "rows", "load") as spool:
        found = []
        for _ in waiting:
            spool.add(*of_numbers(*range(7)))  # 56 bytes
            found.append(len(spool._waiting))
    assert found == waiting


def test_the_file_carries_its_load_in_its_name(tmp_path: Path) -> None:
    with PartitionSpool(tmp_path, "rows", "load") as spool:
        assert spool.path == tmp_path / ".rows.load.partitions.tow-tmp"


class Failing:
    """A file that takes so many bytes and no more."""

    closed = False

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, data: bytes) -> int:
        if self.room < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        return len(data)

    def flush(self) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    def close(self) -> None:
        """Nothing is there to close."""


@pytest.mark.parametrize("room", [0, 100_000])
def test_a_disk_that_is_full_is_told_with_the_place(tmp_path: Path, room: int) -> None:
    with PartitionSpool(tmp_path, "rows", "load") as spool:
        spool._file.close()
        spool._file = Failing(room)  # type: ignore[assignment]
        spool.add(*of_numbers(1))
        with pytest.raises(Refused, match="/rows: cannot write it: there is no space left"):
            list(spool.partitions())


def test_a_file_that_is_gone_or_cut_short_is_told_with_the_place(tmp_path: Path) -> None:
    with PartitionSpool(tmp_path, "rows", "load") as spool:
        spool.add(*of_numbers(1, 2))
        spool.path.unlink()
        with pytest.raises(Refused, match="/rows: cannot read it: there is no such file"):
            list(spool.partitions())
    with PartitionSpool(tmp_path, "rows", "load") as spool:
        spool.add(*of_numbers(1, 2))
        partitions = spool.partitions()
        assert next(partitions)[0] == 1
        os.truncate(spool.path, 100)
        with pytest.raises(Refused, match="/rows: cannot read it: "):
            next(partitions)
