"""The run history: every receipt in one SQLite file in the user's state folder."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from towpath.errors import UserError
from towpath.receipt import Receipt

_LOG = logging.getLogger(__name__)
_WAIT_SECS = 30
_TABLE = "create table if not exists runs (run text primary key, started text not null, receipt text not null)"


def path() -> Path:
    """`runs.sqlite` in `$TOWPATH_STATE`, else `$XDG_STATE_HOME/towpath`, else `~/.local/state/towpath`."""
    chosen = os.environ.get("TOWPATH_STATE")
    if chosen:
        return Path(chosen) / "runs.sqlite"
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state) / "towpath" / "runs.sqlite"


def record(receipt: Receipt) -> None:
    """Keeps a receipt. A history that cannot be written is a warning: the run itself has published by then."""
    try:
        path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _open() as database, database:
            database.execute(_TABLE)
            row = (receipt.run, receipt.started, receipt.dumps())
            database.execute("insert or replace into runs values (?, ?, ?)", row)
    except (OSError, sqlite3.Error) as error:
        _LOG.warning("the run is not in the history: %s: %s", path(), error)


def find(start: str) -> Receipt:
    """The receipt of the run whose id begins with `start`. Raises UserError when there is none or several."""
    found = _select("where substr(run, 1, ?) = ? order by started desc limit 2", (len(start), start))
    if len(found) > 1:
        raise UserError(f"several runs begin with {start!r}", todo="give more of the id; `tow runs` lists them")
    if not found:
        raise UserError(f"there is no run {start!r} in {path()}", todo="`tow runs` lists the latest")
    return found[0]


def latest(count: int) -> list[Receipt]:
    """The latest receipts, the newest first."""
    return _select("order by started desc, rowid desc limit ?", (count,))


def _select(condition: str, values: tuple[object, ...]) -> list[Receipt]:
    if not path().exists():
        return []
    try:
        with _open() as database:
            if not database.execute("select 1 from sqlite_master where name = 'runs'").fetchone():
                return []
            found = database.execute(f"select receipt from runs {condition}", values).fetchall()
    except sqlite3.Error as error:
        raise UserError(f"the run history cannot be read: {error}", where=str(path())) from error
    return [Receipt.loads(text) for (text,) in found]


@contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path(), timeout=_WAIT_SECS)) as database:
        yield database
