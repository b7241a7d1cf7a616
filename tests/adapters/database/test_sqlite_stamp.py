"""A look at a SQLite file tells of every commit, and takes no lock away."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from towpath.adapters.database import sqlite_stamp
from towpath.adapters.database.sqlite import SQLite
from towpath.adapters.database.sqlite_stamp import stamp

_OTHER = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute('begin immediate')"


def made(path: Path, rows: int = 1) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table if not exists t (id)")
        connection.executemany("insert into t values (?)", [(row,) for row in range(rows)])
    return path


def other_writer(path: Path) -> str:
    """What another process is told that begins to write."""
    return subprocess.run([sys.executable, "-c", _OTHER, str(path)], capture_output=True, text=True).stderr


def test_a_session_that_writes_keeps_other_processes_out(tmp_path: Path) -> None:
    path = made(tmp_path / "shop.db")
    with SQLite(str(path)).write() as session:
        session.execute("insert into t values (2)")
        assert "database is locked" in other_writer(path)
        stamp(path)
        assert "database is locked" in other_writer(path)
        session.commit()
    assert other_writer(path) == ""


def test_a_session_that_reads_the_same_file_takes_no_lock_of_a_writer_away(tmp_path: Path) -> None:
    path = made(tmp_path / "shop.db")
    with SQLite(str(path)).write() as session:
        session.execute("insert into t values (2)")
        with SQLite(str(path)).read() as other:
            assert other.scalar("select count(*) from t") == 1
            assert "database is locked" in other_writer(path)


def test_a_stamp_changes_with_each_commit_and_with_nothing_else(tmp_path: Path) -> None:
    path = made(tmp_path / "shop.db")
    first = stamp(path)
    assert stamp(path) == first
    made(path)
    assert stamp(path) != first
    assert stamp(tmp_path / "none.db") == stamp(tmp_path / "other.db")


def test_a_file_that_took_the_place_of_another_is_looked_at_afresh(tmp_path: Path) -> None:
    path = made(tmp_path / "shop.db")
    first = stamp(path)
    made(tmp_path / "new.db", rows=2_000).rename(path)
    assert stamp(path) != first


def test_few_files_stay_open(tmp_path: Path) -> None:
    for number in range(100):
        stamp(made(tmp_path / f"{number}.db"))
    assert len(sqlite_stamp._kept) <= 64
