"""The run history: every receipt, and every `tow run` as a group of them, in one SQLite file in the user's state
folder."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath import userfiles
from towpath.errors import DataError, UserError
from towpath.receipt import Receipt

_LOG = logging.getLogger(__name__)
_WAIT_SECS = 30
_TABLE = "create table if not exists runs (run text primary key, started text not null, receipt text not null)"
_GROUPS = (
    "create table if not exists groups (id text primary key, started text not null, file text not null,"
    " env text not null, steps text not null)"
)


@dataclass(frozen=True, slots=True)
class Group:
    """One `tow run`: the absolute path of its tow.yaml, the profile, and the names of the steps that it was to run."""

    id: str
    started: str
    file: str
    env: str | None
    steps: tuple[str, ...]


def path() -> Path:
    """`runs.sqlite` in `$TOWPATH_STATE`, else `$XDG_STATE_HOME/towpath`, else `~/.local/state/towpath`."""
    return userfiles.state() / "runs.sqlite"


def record(receipt: Receipt) -> None:
    """Keeps a receipt. A history that cannot be written is a warning: the run itself has published by then."""
    receipt.hide_secrets()
    _keep(_TABLE, "insert or replace into runs values (?, ?, ?)", (receipt.run, receipt.started, receipt.dumps()))


def record_group(group: Group) -> None:
    """Keeps a group before its first step begins, so that the steps that a kill left out are known."""
    row = (group.id, group.started, group.file, group.env or "", json.dumps(group.steps))
    _keep(_GROUPS, "insert into groups values (?, ?, ?, ?, ?)", row)


def latest_group(file: str, env: str | None) -> Group | None:
    """The latest `tow run` of a tow.yaml in a profile."""
    condition = "where file = ? and env = ? order by started desc, rowid desc limit 1"
    for id, started, path, profile, steps in _rows("groups", "*", condition, (file, env or "")):
        try:
            return Group(id, started, path, profile or None, tuple(json.loads(steps)))
        except (ValueError, TypeError) as error:
            raise _damaged(error) from error
    return None


def of_group(group: Group) -> list[Receipt]:
    """The receipts of one `tow run`, in the order in which its steps began."""
    found = _select("where started >= ? order by started, rowid", (group.started,))
    return [receipt for receipt in found if receipt.group == group.id]


def _keep(table: str, statement: str, row: tuple[object, ...]) -> None:
    try:
        path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _open() as database, database:
            database.execute(table)
            database.execute(statement, row)
    except (OSError, sqlite3.Error) as error:
        _LOG.warning("the run is not in the history: %s: %s (TOWPATH_STATE names another folder)", path(), error)


def find(start: str) -> Receipt:
    """The receipt of the run whose id begins with `start`. Raises UserError when there is none or several."""
    found = _select("where substr(run, 1, ?) = ? order by started desc limit 2", (len(start), start))
    if len(found) > 1:
        raise UserError(
            f"several runs begin with {start!r}", todo="give more of the id; `tow runs` lists them", code="run-unknown"
        )
    if not found:
        raise UserError(
            f"there is no run {start!r} in {path()}", todo="`tow runs` lists the latest", code="run-unknown"
        )
    return found[0]


def latest(count: int, *, step: str | None = None, failed: bool = False, since: str | None = None) -> list[Receipt]:
    """The latest receipts, the newest first: all, or those of a step (`pipeline/step` or its name alone), those that
    stopped or failed, those that started at `since` (as receipts write it) or later."""
    condition = "where (? is null or json_extract(receipt, '$.step') = ? or json_extract(receipt, '$.step') like ?)"
    condition += " and (not ? or json_extract(receipt, '$.status') in ('stopped', 'failed')) and started >= ?"
    values = (step, step, f"%/{step}", failed, since or "", count)
    return _select(f"{condition} order by started desc, rowid desc limit ?", values)


def _select(condition: str, values: tuple[object, ...]) -> list[Receipt]:
    found = _rows("runs", "receipt", condition, values)
    try:
        return [Receipt.loads(text) for (text,) in found]
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged(error) from error


def _rows(table: str, columns: str, condition: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    if not path().exists():
        return []
    try:
        with _open() as database:
            if not database.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone():
                return []
            return database.execute(f"select {columns} from {table} {condition}", values).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter of a damaged catalogue
        raise _damaged(error) from error


def _damaged(error: Exception) -> DataError:
    return DataError(
        f"the run history cannot be read: {error}",
        where=str(path()),
        todo="move the file away: a new one is made at the next run",
        code="state-damaged",
    )


@contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path(), timeout=_WAIT_SECS)) as database:
        yield database
