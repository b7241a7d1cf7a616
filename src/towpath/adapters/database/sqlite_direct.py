"""SQLite's rows without a Python value for each: by calls of the library that sqlite3 has loaded, with its connections.

sqlite3 tells no address of a database. SQLite does, to an extension that is called for each one that is opened
(https://www.sqlite.org/c3ref/auto_extension.html). Where the library cannot be called so (it is a part of Python
itself, or knows no such extensions), and where nothing was compiled, rows are taken from a cursor."""

from __future__ import annotations

import ctypes
import sqlite3
import sys
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from typing import Protocol

from towpath.badrows import shorten
from towpath.values import rows
from towpath.values.rows import Column, Kind

try:
    import towpath.values.rows_compiled as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

_CALLS = (
    "prepare_v2", "finalize", "step", "column_count", "column_value", "value_type", "value_int64", "value_double",
    "value_text", "value_blob", "value_bytes", "errmsg",
)  # fmt: skip

_ERRORS = {
    **dict.fromkeys(
        ("ERROR", "PERM", "ABORT", "BUSY", "LOCKED", "READONLY", "INTERRUPT", "IOERR", "FULL", "CANTOPEN", "PROTOCOL",
         "EMPTY", "SCHEMA"),
        sqlite3.OperationalError,
    ),
    **dict.fromkeys(("INTERNAL", "NOTFOUND"), sqlite3.InternalError),
    **dict.fromkeys(("CONSTRAINT", "MISMATCH"), sqlite3.IntegrityError),
    "TOOBIG": sqlite3.DataError,
    "MISUSE": sqlite3.InterfaceError,
    "RANGE": sqlite3.InterfaceError,
}  # fmt: skip
"""What sqlite3 raises (its Modules/_sqlite/util.c); DatabaseError for all others."""

_opening = Lock()


class Rows(Protocol):
    """The rows of a query. sqlite3's errors are raised, and the rows of that call are lost."""

    def read(self, most: int, kinds: Sequence[Kind]) -> tuple[int, list[Column]]:
        """As `rows.read`."""

    def close(self) -> None:
        """Must be called before the connection is closed."""


def connected(connect: Callable[[], sqlite3.Connection]) -> tuple[sqlite3.Connection, int]:
    """What `connect` opens, and the address of its database, or 0."""
    library = _library() if rows.is_compiled() else None
    if library is None:
        return connect(), 0
    note = ctypes.c_void_p(compiled.noting())
    with _opening:
        library.sqlite3_auto_extension(note)
        try:
            return compiled.noted(connect)
        finally:
            library.sqlite3_cancel_auto_extension(note)


def selected(connection: sqlite3.Connection, database: int, sql: str, names: Sequence[str]) -> Rows:
    """The rows of a query, by the address of the connection's database where there is one. `names`: of the columns."""
    calls = _calls() if database and rows.is_compiled() else None
    if calls is None:
        return _OfCursor(connection.execute(sql))
    return _OfStatement(connection, calls, database, sql, names)


class _OfCursor:
    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def read(self, most: int, kinds: Sequence[Kind]) -> tuple[int, list[Column]]:
        return rows.read(self._cursor, most, kinds)

    def close(self) -> None:
        self._cursor.close()


class _OfStatement:
    def __init__(
        self,
        connection: sqlite3.Connection,
        calls: tuple[int, ...],
        database: int,
        sql: str,
        names: Sequence[str],
    ) -> None:
        self._connection = connection  # which is not closed by itself as long as this lives
        self._names = names
        try:
            self._statement = compiled.prepare(calls, database, sql)
        except ValueError as error:
            raise self._told(error) from None

    def read(self, most: int, kinds: Sequence[Kind]) -> tuple[int, list[Column]]:
        try:
            return rows.read_statement(self._statement, most, kinds)
        except ValueError as error:
            raise self._told(error) from None

    def close(self) -> None:
        compiled.close_statement(self._statement)

    def _told(self, error: ValueError) -> Exception:
        """What sqlite3 would raise."""
        if len(error.args) != 2:
            return error
        number, what = error.args
        if isinstance(what, bytes):
            shown = shorten(what.decode(errors="replace"))
            return sqlite3.OperationalError(
                f"Could not decode to UTF-8 column '{self._names[-number]}' with text '{shown}'"
            )
        if number & 0xFF == sqlite3.SQLITE_NOMEM:
            return MemoryError()
        raised = {getattr(sqlite3, f"SQLITE_{name}"): kind for name, kind in _ERRORS.items()}
        made = raised.get(number & 0xFF, sqlite3.DatabaseError)(what)
        made.sqlite_errorcode = number
        return made


@cache
def _library() -> ctypes.CDLL | None:
    """The library that sqlite3 has loaded; None where it cannot be told."""
    path = getattr(sys.modules.get("_sqlite3"), "__file__", None)
    if path is None:
        return None
    try:
        library = ctypes.CDLL(path)  # it finds the functions of the library that this one has loaded
        library.sqlite3_libversion.restype = ctypes.c_char_p
        same = library.sqlite3_libversion() == sqlite3.sqlite_version.encode()
        return library if same and library.sqlite3_auto_extension and library.sqlite3_cancel_auto_extension else None
    except (OSError, AttributeError):
        return None


@cache
def _calls() -> tuple[int, ...] | None:
    """The addresses of what `prepare` asks for; None where one is lacking."""
    library = _library()
    try:
        found = [getattr(library, f"sqlite3_{name}") for name in _CALLS]
    except AttributeError:
        return None
    return tuple(ctypes.cast(one, ctypes.c_void_p).value or 0 for one in found)
