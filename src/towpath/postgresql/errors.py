"""What PostgreSQL says, as sentences: the one translation of its errors, by SQLSTATE (appendix A of its manual)."""

from __future__ import annotations

import re

from towpath.errors import Conflict, DataError, Refused, TowError, Transient, UserError

_NOTHING = "nothing was published"

_REFUSED: tuple[tuple[str, str, str], ...] = (
    (
        "28",
        "give the right user and password: in the address, PGPASSWORD, a password file (~/.pgpass)",
        "login-refused",
    ),
    ("3D000", "check the database's name in the address, or make it: create database NAME", "path-missing"),
    ("42501", "let an owner grant the right, or log in as another user", "permission-denied"),
    ("25006", "write to the primary server, or as a user who may write", "permission-denied"),
    ("55P03", f"end what holds the lock, or wait longer (busy_secs), then run again; {_NOTHING}", "database-locked"),
    ("53100", f"free some space on the server, then run again; {_NOTHING}", "disk-full"),
    ("53200", f"free some memory on the server, then run again; {_NOTHING}", "system-refused"),
    ("57014", f"allow it more time (statement_timeout), then run again; {_NOTHING}", "system-refused"),
)
_GONE = ("08", "57P", "53300")
_LOST = ("40001", "40P01")
_WRONG_SQL = ("42", "0A", "2B", "34", "3B", "3F", "25")
_DATA = ("21", "22", "23", "44", "P0")

_OF_CATALOGUE = re.compile(r'unique constraint "pg_')
_ABOUT_LINE = re.compile(r"\s*\n\s*(LINE \d+|Is the server|CONTEXT|QUERY|HINT|Query was|\.? ?SQLSTATE).*", re.DOTALL)
_BEFORE = re.compile(r"^(.*?\b(ERROR|FATAL|PANIC):\s+|.*?Failed to connect:\s+)", re.DOTALL)


def said(text: str) -> str:
    """The server's own sentences within what a library made of them."""
    words = _BEFORE.sub("", text.strip(), count=1)
    return " ".join(_ABOUT_LINE.sub("", words).replace("DETAIL: ", "-").split()).rstrip(".")


def translated(state: str | None, text: str, where: str) -> TowError:
    """An error of the server, or (without `state`) of the way to it, as one of ours."""
    words = said(text)
    if state is None or state.startswith(_GONE):
        return _unreached(words, where)
    if state in _LOST or (state == "23505" and _OF_CATALOGUE.search(text)):
        return Conflict(f"another transaction came first ({words})", where=where, todo=f"{_NOTHING}; run it again")
    for start, todo, code in _REFUSED:
        if state.startswith(start):
            return Refused(words, where=where, todo=todo, code=code)
    if state.startswith(_DATA):
        way = "choose --mode merge with --key" if state == "23505" else "change the table"
        return DataError(words, where=where, todo=f"{_NOTHING}; correct the rows, or {way}", code="constraint-violated")
    if state.startswith(_WRONG_SQL):
        return UserError(words, where=where, todo="correct the SQL: a select over its tables", code="sql-wrong")
    return Refused(words, where=where, todo="see what PostgreSQL says, then run again", code="system-refused")


_LOGIN = ("password authentication failed", "no password supplied", "pg_hba.conf", "authentication failed")
_NO_HOST = ("could not translate host name", "failed to resolve host")


def _unreached(words: str, where: str) -> TowError:
    """No connection, or one that was lost. At the log-in libpq tells no SQLSTATE, so its words have to."""
    if any(one in words for one in _LOGIN):
        return Refused(words, where=where, todo=_REFUSED[0][1], code="permission-denied")
    if re.search(r'database "[^"]*" does not exist', words):
        return Refused(words, where=where, todo=_REFUSED[1][1], code="path-missing")
    if any(one in words for one in _NO_HOST):
        return Refused(words, where=where, todo="check the host in the address", code="system-refused")
    if re.search(r"SSL|invalid \w+ value|certificate", words):
        return Refused(words, where=where, todo="correct the options behind ? in the address", code="system-refused")
    return Transient(
        words or "the server ended the connection",
        where=where,
        todo=f"see that the server runs and can be reached, then run again; {_NOTHING}",
    )
