"""The state folder and the run history in it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from towpath import history
from towpath.doctor.report import OK, PROBLEM, Check, size
from towpath.receipt import count

_TOPIC = "state"


def checks() -> Iterator[Check]:
    folder = history.path().parent
    yield _folder(folder)
    if history.path().exists():
        yield _history(history.path())


def _folder(folder: Path) -> Check:
    there = next(one for one in (folder, *folder.parents) if one.exists())
    reason = _unwritable(there)
    if reason:
        return Check(
            _TOPIC, "folder", PROBLEM, f"{folder} cannot be written: {reason}",
            "make it writable, or name another one: export TOWPATH_STATE=...",
        )  # fmt: skip
    if there != folder:
        return Check(_TOPIC, "folder", OK, f"{folder} (no run yet: it is made by the first)")
    return Check(_TOPIC, "folder", OK, f"{folder}, {size(_size(folder))}")


def _history(path: Path) -> Check:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (found,) = database.execute("pragma integrity_check(1)").fetchone()
            known = database.execute("select 1 from sqlite_master where name = 'runs'").fetchone()
            runs = database.execute("select count(*) from runs").fetchone()[0] if known else 0
    except sqlite3.Error as error:
        found, runs = str(error), 0
    if found != "ok":
        return Check(
            _TOPIC, "run history", PROBLEM, f"{path} is damaged: {found}",
            f"move it away (mv '{path}' '{path}.damaged'); the next run makes a new one, and no data depends on it",
        )  # fmt: skip
    return Check(_TOPIC, "run history", OK, f"{count(runs, 'run')}, sound")


def _unwritable(folder: Path) -> str:
    """Why nothing can be written to a folder; empty when it can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return os.strerror(error.errno or 0)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
