from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from towpath import history
from towpath.errors import DataError, UserError
from towpath.receipt import Receipt


def receipt(run: str, started: str = "2026-01-02T03:04:05.678Z") -> Receipt:
    return Receipt(run=run, source="a.csv", destination="b.csv", mode="create", status="done", started=started)


def test_a_receipt_comes_back_as_it_was() -> None:
    kept = receipt("abc123")
    kept.books = [{"name": "read", "given": 3}]
    kept.why = "größer als ∅"
    history.record(kept)
    assert history.find("abc123") == kept


def test_the_beginning_of_an_id_is_enough() -> None:
    history.record(receipt("abc123"))
    history.record(receipt("abd456"))
    assert history.find("abd").run == "abd456"


@pytest.mark.parametrize(
    ("start", "words"), [("ab", "several runs begin with 'ab'"), ("%", "no run '%'"), ("x", "no run 'x'")]
)
def test_an_id_of_several_runs_or_none_is_refused(start: str, words: str) -> None:
    history.record(receipt("abc123"))
    history.record(receipt("abd456"))
    with pytest.raises(UserError, match=words):
        history.find(start)


def test_the_latest_come_first_and_no_more_than_asked_for() -> None:
    for second in (3, 1, 2):
        history.record(receipt(f"run{second}", f"2026-01-01T00:00:0{second}.000Z"))
    assert [one.run for one in history.latest(2)] == ["run3", "run2"]


def test_a_run_recorded_again_is_kept_once() -> None:
    history.record(receipt("abc123"))
    again = receipt("abc123")
    again.rows = 7
    history.record(again)
    assert [one.rows for one in history.latest(9)] == [7]


def test_without_a_history_there_are_no_runs() -> None:
    assert history.latest(5) == []
    assert not history.path().exists()
    with pytest.raises(UserError, match="no run"):
        history.find("a")


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOWPATH_STATE", str(tmp_path / "own"))
    assert history.path() == tmp_path / "own" / "runs.sqlite"
    monkeypatch.delenv("TOWPATH_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert history.path() == tmp_path / "xdg" / "towpath" / "runs.sqlite"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert history.path() == tmp_path / ".local" / "state" / "towpath" / "runs.sqlite"


def test_a_history_that_cannot_be_written_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOWPATH_STATE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        history.record(receipt("abc123"))
    assert "the run is not in the history" in caplog.text


def test_a_history_that_is_no_database_is_a_warning_for_a_run_and_an_error_for_a_reader(
    caplog: pytest.LogCaptureFixture,
) -> None:
    history.path().parent.mkdir(parents=True, exist_ok=True)
    history.path().write_bytes(b"no database at all" * 100)
    history.record(receipt("abc123"))
    assert "not a database" in caplog.text
    with pytest.raises(DataError, match="cannot be read"):
        history.latest(5)


@pytest.mark.parametrize("kept", ["no JSON", "[]", '{"run": "abc123", "no such field": 1}'])
def test_a_receipt_that_is_none_any_more_is_told_by_the_history_s_place(kept: str) -> None:
    history.record(receipt("abc123"))
    with sqlite3.connect(history.path()) as database:
        database.execute("update runs set receipt = ?", (kept,))
    with pytest.raises(DataError, match=r"runs\.sqlite: the run history cannot be read"):
        history.find("abc123")


def test_an_empty_history_file_is_no_error() -> None:
    history.path().parent.mkdir(parents=True, exist_ok=True)
    history.path().touch()
    assert history.latest(5) == []


RECORD_TEN = """
from towpath import history
from towpath.receipt import Receipt
for number in range(10):
    history.record(Receipt(f"{worker}-{{number}}", "a.csv", "b.csv", "create"))
"""


def test_runs_at_the_same_time_are_all_kept() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    workers = [
        subprocess.Popen([sys.executable, "-c", RECORD_TEN.format(worker=worker)], env=environment)
        for worker in range(3)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert len(history.latest(99)) == 30
