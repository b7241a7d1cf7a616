"""Progress: in order, in the run's own thread, with counts that add up; and readers of standard output that leave."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.movekit import duck, job, write
from towpath import history, move, planning
from towpath.adapters.database.sqlite import SQLiteSession
from towpath.errors import TowError
from towpath.joins.files import Counted
from towpath.nouns import Mode
from towpath.stream import Batch
from towpath.stream import Counted as Numbered


class Seen:
    """Notes every call and the thread that it came in."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.threads: set[int] = set()

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        self.threads.add(threading.get_ident())

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        self._note("begin", name, rows, size)

    def phase(self, what: str) -> None:
        self._note("phase", what)

    def advance(self, rows: int, size: int) -> None:
        self._note("advance", rows, size)

    def end(self) -> None:
        self._note("end")

    @property
    def words(self) -> list[str]:
        return [call[0] for call in self.calls]

    def total(self, at: int) -> int:
        return sum(call[at] for call in self.calls if call[0] == "advance")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst", "a.csv.zip", "a.jsonl", "a.parquet"])
def test_rows_and_bytes_of_a_file_add_up_to_what_was_announced(tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "s.csv", "id,n\n" + "".join(f"{n},{n}\n" for n in range(50_000)))
    move.run(job(source, tmp_path / name)) if name != "s.csv" else None
    seen = Seen()
    move.run(job(tmp_path / name, tmp_path / "o.arrow"), progress=seen)
    assert seen.calls[0][:2] == ("begin", "copy")
    assert seen.calls[0][3] == (tmp_path / name).stat().st_size
    assert seen.words[-1] == "end"
    assert [call[1] for call in seen.calls if call[0] == "phase"] == ["reading", "publishing"]
    assert (seen.total(1), seen.total(2)) == (50_000, (tmp_path / name).stat().st_size)


def test_many_files_are_counted_one_after_the_other(tmp_path: Path) -> None:
    for number in range(3):
        pq.write_table(pa.table({"id": range(1_000)}), tmp_path / f"{number}.parquet")
    seen = Seen()
    move.run(job(tmp_path / "*.parquet", tmp_path / "o.csv", step="p/s"), progress=seen)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.parquet"))
    assert seen.calls[0] == ("begin", "p/s", 3_000, size)
    assert (seen.total(1), seen.total(2)) == (3_000, size)


def test_a_table_tells_rows_and_no_bytes(tmp_path: Path) -> None:
    duck(tmp_path / "s.db", "create table t as select i as id from range(10) r(i)")
    seen = Seen()
    move.run(job(f"duckdb:///{tmp_path}/s.db#t", tmp_path / "o.csv"), progress=seen)
    assert seen.calls[0] == ("begin", "copy", 10, None)
    assert (seen.total(1), seen.total(2)) == (10, 0)


def test_a_query_is_told_in_the_runs_own_thread(tmp_path: Path) -> None:
    source = write(tmp_path / "s.csv", "id\n" + "".join(f"{n}\n" for n in range(200_000)))
    seen = Seen()
    move.run(
        job(source, tmp_path / "o.csv", sql="select id % 10 as k, count(*) as n from input group by 1"), progress=seen
    )
    assert seen.threads == {threading.get_ident()}
    assert seen.total(1) == 200_000


def test_a_restart_is_a_phase_of_its_own(tmp_path: Path) -> None:
    lines = "".join(f"{n}\n" for n in range(1_500_000))
    source = write(tmp_path / "s.csv", f"zip\n{lines}00501\n")
    seen = Seen()
    move.run(job(source, tmp_path / "o.parquet"), progress=seen)
    phases = [call[1] for call in seen.calls if call[0] == "phase"]
    assert phases[0] == "reading"
    assert phases[1].startswith("restarting: ")
    assert phases[-1] == "publishing"


def test_the_rows_of_a_table_are_announced_and_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(tmp_path / "s.db")) as made:
        made.execute("create table t (id integer)")
        made.executemany("insert into t values (?)", [(1,), (2,), (3,)])
        made.commit()
    spec, counted, scalar = job(f"sqlite:///{tmp_path}/s.db#t", tmp_path / "o.csv"), [], SQLiteSession.scalar

    def noted(self: SQLiteSession, sql: str, values: Sequence[Any] = ()) -> Any:
        if "count(*)" in sql:
            counted.append(sql)
        return scalar(self, sql, values)

    monkeypatch.setattr(SQLiteSession, "scalar", noted)
    assert planning.plan(spec).rows == 3
    counted.clear()
    seen = Seen()
    assert move.run(spec, progress=seen).rows == 3
    assert seen.calls[0][:3] == ("begin", "copy", 3)
    assert len(counted) == 1


@pytest.mark.parametrize("fails", ["nosuch.csv", "bad.csv"])
def test_the_end_is_told_however_the_run_ends_and_only_what_began(tmp_path: Path, fails: str) -> None:
    write(tmp_path / "bad.csv", "n\n1\nx\n")
    seen = Seen()
    with pytest.raises(TowError):
        move.run(job(tmp_path / fails, tmp_path / "o.csv", types={"n": "int64"}), progress=seen)
    assert seen.words.count("begin") == seen.words.count("end") == (fails == "bad.csv")


def test_nothing_new_is_told_too(tmp_path: Path) -> None:
    source = write(tmp_path / "s.csv", "id\n1\n")
    spec = job(source, tmp_path / "o.csv", step="p/s", mode=Mode.REPLACE)
    move.run(spec)
    seen = Seen()
    assert move.run(spec, progress=seen).status == "unchanged"
    assert seen.words == ["begin", "end"]


def test_a_counted_stream_is_the_stream_in_all_else(tmp_path: Path) -> None:
    sizes: list[int] = []
    path = write(tmp_path / "a.txt", "0123456789")
    with Counted(open(path, "rb"), sizes.append) as stream:
        assert stream.read(4) == b"0123"
        buffer = bytearray(4)
        assert stream.readinto(buffer) == 4
        assert stream.tell() == 8
        assert stream.read() == b"89"
    assert stream.closed
    assert sizes == [4, 4, 2]


class Rows:
    """A source of its own: what Python gives to a run."""

    shown = "rows"

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.given = table.num_rows
        self.schema = table.schema
        self.settled = True

    def describe(self, want: Any) -> Any:
        from towpath.nouns import Description

        return Description(self.schema, rows=self.given)

    def open(self, since: Any, want: Any) -> Any:
        from contextlib import nullcontext

        return nullcontext(self)

    def __iter__(self) -> Any:
        for batch in self.table.to_batches():
            yield Batch(batch, Numbered("rows"))

    def checkpoint(self) -> None:
        return None


def test_a_source_given_takes_the_place_of_an_address(tmp_path: Path) -> None:
    rows = Rows(pa.table({"id": [1, 2], "n": ["a", "b"]}))
    receipt = move.run(
        job("frame://", tmp_path / "o.csv", where="id > 1", select=("n",), load_columns=("source_file",)),
        sources={"input": rows},
    )
    assert (tmp_path / "o.csv").read_text() == "n,_source_file\nb,\n"
    assert receipt.rows == 1


@pytest.mark.parametrize("step", [[], ["--bad-rows", "bad"]])
def test_a_reader_that_has_enough_ends_the_run_quietly_with_a_partial_receipt(tmp_path: Path, step: list[str]) -> None:
    write(tmp_path / "s.csv", "id,n\n" + "".join(f"{n},{n}\n" for n in range(1_000_000)))
    command = [sys.executable, "-m", "towpath.cli.main", "copy", "s.csv", "-", "--to-format", "csv", *step]
    tow = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert tow.stdout is not None
    assert tow.stderr is not None
    first = [tow.stdout.readline() for _ in range(3)]
    tow.stdout.close()
    words = tow.stderr.read().decode()
    tow.stderr.close()
    assert (tow.wait(), first) == (0, [b"id,n\n", b"0,0\n", b"1,1\n"])
    assert "Traceback" not in words
    assert "BrokenPipe" not in words
    (last,) = history.latest(1)
    assert last.status == "partial"
    assert 0 <= last.rows < 1_000_000
    assert "standard output" in last.why
