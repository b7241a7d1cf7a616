"""What is done beside the reading is done when it is waited for, and what fails in it is told."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import towpath as tow
from towpath import move
from towpath.errors import Refused
from towpath.joins.files import RowsFile
from towpath.overlap import Overlap


def test_works_run_beside_each_other_and_are_done_when_settled() -> None:
    both, done = threading.Barrier(2), []

    def work(number: int) -> None:
        both.wait(10)
        done.append(number)

    with Overlap() as overlap:
        overlap.start(work, 1)
        overlap.start(work, 2)
        overlap.settle()
        assert sorted(done) == [1, 2]


def test_a_failure_is_raised_once_when_all_have_ended() -> None:
    done = []

    def fails() -> None:
        raise BlockingIOError

    def works() -> None:
        time.sleep(0.05)
        done.append(1)

    with Overlap() as overlap:
        overlap.start(fails)
        overlap.start(works)
        with pytest.raises(BlockingIOError):
            overlap.settle()
        assert done == [1]
        overlap.settle()


def test_who_leaves_with_an_error_waits_and_keeps_the_error() -> None:
    done = []

    def works() -> None:
        time.sleep(0.05)
        done.append(1)

    with pytest.raises(KeyError), Overlap() as overlap:
        overlap.start(works)
        raise KeyError
    assert done == [1]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of several batches."""
    rows = pa.table({"id": range(200_000), "text": [f"{number:050}" for number in range(200_000)]})
    pq.write_table(rows, tmp_path / "many.parquet", row_group_size=20_000)
    return tmp_path / "many.parquet"


def copied(many: Path, to: str) -> Any:
    return tow.copy(str(many), f"{many.parent}/{to}")


@pytest.mark.parametrize("to", ["out.parquet", "out.csv", "out/"])
def test_rows_are_written_in_their_order_by_another_thread(
    many: Path, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, threads = RowsFile.write, set()

    def noted(self: RowsFile, rows: pa.RecordBatch) -> None:
        threads.add(threading.current_thread())
        write(self, rows)

    monkeypatch.setattr(RowsFile, "write", noted)
    assert copied(many, to).rows == 200_000
    assert threads
    assert threading.main_thread() not in threads
    with tow.read(f"{many.parent}/{to}") as found:
        assert found.to_arrow()["id"].to_pylist() == list(range(200_000))


def test_what_cannot_be_written_is_told_and_leaves_nothing(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: RowsFile, rows: pa.RecordBatch) -> None:
        raise Refused("the disk is full", where="out.parquet")

    monkeypatch.setattr(RowsFile, "write", full)
    with pytest.raises(Refused, match="the disk is full"):
        copied(many, "out.parquet")
    assert [path.name for path in many.parent.iterdir()] == ["many.parquet"]


def test_what_cannot_be_hashed_is_told(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: move.Digest, rows: pa.RecordBatch) -> None:
        raise Refused("it has no kind")

    monkeypatch.setattr(move.Digest, "update", fails)
    with pytest.raises(Refused, match="no kind"):
        copied(many, "out.parquet")
    assert [path.name for path in many.parent.iterdir()] == ["many.parquet"]
