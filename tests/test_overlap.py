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
from towpath.joins import table_waiting
from towpath.joins.files import RowsFile
from towpath.joins.table_waiting import WaitingRows
from towpath.overlap import Lane

LARGE = 1 << 20


def test_works_are_done_in_their_order_in_one_other_thread() -> None:
    done: list[tuple[int, threading.Thread]] = []
    with Lane("test", 100 * LARGE) as lane:
        for number in range(20):
            lane.do(LARGE, lambda number=number: done.append((number, threading.current_thread())))
        lane.settle()
        assert [number for number, _ in done] == list(range(20))
        assert len({thread for _, thread in done} - {threading.main_thread()}) == 1


def test_a_small_work_is_done_at_once_and_behind_those_before_it() -> None:
    done: list[object] = []
    with Lane("test", 100 * LARGE) as lane:
        lane.do(LARGE, lambda: (time.sleep(0.05), done.append("large")))
        lane.do(1, lambda: done.append(threading.current_thread()))
        assert done == ["large", threading.main_thread()]


@pytest.mark.parametrize(("size", "waiting"), [(LARGE, 4), (3 * LARGE, 1), (9 * LARGE, 1)])
def test_no_more_wait_than_memory_allows(size: int, waiting: int) -> None:
    go = threading.Semaphore(0)
    begun = []
    with Lane("test", 4 * LARGE) as lane:
        for _ in range(waiting):
            lane.do(size, go.acquire)
        another = threading.Thread(target=lambda: (lane.do(size, go.acquire), begun.append(1)))
        another.start()
        another.join(0.1)
        assert begun == []
        go.release()
        another.join(10)
        assert begun == [1]
        for _ in range(waiting):
            go.release()
        lane.settle()


def test_a_failure_is_raised_once_and_what_is_behind_it_is_not_begun() -> None:
    done, go = [], threading.Event()

    def fails() -> None:
        go.wait(10)
        raise BlockingIOError

    with Lane("test", 100 * LARGE) as lane:
        lane.do(LARGE, fails)
        lane.do(LARGE, done.append, 1)
        go.set()
        with pytest.raises(BlockingIOError):
            lane.settle()
        lane.settle()
        assert done == []


def test_a_failure_is_raised_by_the_next_work_although_there_is_room() -> None:
    def fails() -> None:
        raise BlockingIOError

    with Lane("test", 100 * LARGE) as lane:
        lane.do(LARGE, fails)
        with pytest.raises(BlockingIOError):
            for _ in range(50):
                time.sleep(0.01)
                lane.do(LARGE, time.sleep, 0)


def test_who_leaves_with_an_error_waits_for_what_has_begun_alone_and_keeps_the_error() -> None:
    done: list[int] = []
    begun = threading.Event()

    def works() -> None:
        begun.set()
        time.sleep(0.05)
        done.append(1)

    with pytest.raises(KeyError), Lane("test", 100 * LARGE) as lane:
        lane.do(LARGE, works)
        lane.do(LARGE, done.append, 2)
        begun.wait(10)
        raise KeyError
    assert done == [1]


def test_what_waits_for_another_is_given_up_until_it_ends() -> None:
    given_up, ended = [], threading.Event()

    def give_up() -> None:
        given_up.append(True)
        if len(given_up) == 3:  # the first ones came too early
            ended.set()

    done: list[int] = []
    with pytest.raises(KeyError), Lane("test", 100 * LARGE, give_up) as lane:
        lane.do(LARGE, lambda: (ended.wait(10), done.append(1)))
        lane.do(LARGE, done.append, 2)
        raise KeyError
    assert len(given_up) == 3
    assert done == [1]


def test_an_interrupt_while_something_is_given_up_abandons_it() -> None:
    said: list[bool] = []
    go = threading.Event()

    def give_up(*, abandon: bool = False) -> None:
        said.append(abandon)
        if not abandon:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Lane("test", 100 * LARGE, give_up) as lane:
        lane.do(LARGE, lambda: go.wait(10))
        raise KeyError
    assert said == [False, True]
    go.set()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of several batches."""
    rows = pa.table({"id": range(200_000), "text": [f"{number:050}" for number in range(200_000)]})
    pq.write_table(rows, tmp_path / "many.parquet", row_group_size=20_000)
    return tmp_path / "many.parquet"


def copied(many: Path, to: str) -> Any:
    return tow.copy(str(many), f"{many.parent}/{to}")


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("{}/out.parquet", RowsFile),
        ("{}/out.csv", RowsFile),
        ("{}/out/", RowsFile),
        ("duckdb:///{}/out.db#t", WaitingRows),
        ("sqlite:///{}/out.db#t", WaitingRows),
    ],
)
def test_rows_are_written_in_their_order_by_another_thread(
    many: Path, to: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, threads = kind.write, set()

    def noted(self: Any, rows: pa.RecordBatch) -> None:
        threads.add(threading.current_thread())
        write(self, rows)

    monkeypatch.setattr(kind, "write", noted)
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 1 << 20)
    address = to.format(many.parent)
    assert tow.copy(str(many), address).rows == 200_000
    assert threads
    assert threading.main_thread() not in threads
    with tow.read(address) as found:
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
