"""What sqlite3 says, as sentences: the one translation of its errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from towpath.disk.oserrors import READ_ONLY, on_read_only
from towpath.errors import DataError, Refused, TowError, UserError


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Raises sqlite3's errors as ours."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _translated(error, path) from error


_REFUSALS = {
    sqlite3.SQLITE_BUSY: (
        "the database is locked by another process",
        "end it or wait for it, then run again",
        "database-locked",
    ),
    sqlite3.SQLITE_LOCKED: ("the table is locked", "close what else uses it, then run again", "database-locked"),
    sqlite3.SQLITE_FULL: (
        "there is no space left",
        "free some space, then run again; nothing was published",
        "disk-full",
    ),
    sqlite3.SQLITE_READONLY: (
        "the database may not be written to",
        "allow writing to the file and its folder",
        "permission-denied",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "the database file cannot be opened",
        "check the path, and that it may be used",
        "permission-denied",
    ),
    sqlite3.SQLITE_PERM: ("permission was denied", "allow the file to be used", "permission-denied"),
    sqlite3.SQLITE_NOTADB: ("the file is not a SQLite database", "check the path", "file-damaged"),
    sqlite3.SQLITE_CORRUPT: (
        "the database file is damaged",
        "restore it, or recover it with the sqlite3 shell",
        "file-damaged",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk failed to read or write the database",
        "free some space or check the disk",
        "disk-full",
    ),
}


def _translated(error: Exception, path: str) -> TowError:
    """A sqlite3 error as one of ours, in SQLite's words."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in _REFUSALS:
        may_be = code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        what, todo, kind = READ_ONLY if may_be and on_read_only(path) else _REFUSALS[code]
        return Refused(f"{what} ({error})", where=path, todo=todo, code=kind)
    if isinstance(error, (sqlite3.IntegrityError, sqlite3.DataError)) or "Could not decode" in str(error):
        way = "choose --mode merge with --key" if "UNIQUE constraint" in str(error) else "change the table"
        return DataError(
            str(error),
            where=path,
            todo=f"nothing was published; correct the rows, or {way}",
            code="constraint-violated",
        )
    if isinstance(error, (sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.Warning)):
        return UserError(str(error), where=path, todo="correct the SQL: a select over its tables", code="sql-wrong")
    return Refused(str(error), where=path, todo="see what SQLite says, then run again", code="system-refused")
