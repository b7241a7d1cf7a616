"""What DuckDB's errors mean to a user, in DuckDB's words."""

from __future__ import annotations

import re

import duckdb

from towpath.adapters.database import duckdb_encryption as encryption
from towpath.disk.oserrors import READ_ONLY
from towpath.errors import DataError, Refused, TowError, UserError

_LOCKED = ("Could not set lock", "different configuration than existing", "Unique file handle conflict")
_WRONG_SQL = (duckdb.ProgrammingError, duckdb.NotSupportedError)
_BAD_DATA = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException, duckdb.TypeMismatchException)


_OF_THE_DISK = ("fsync failed", "IO Error", "Could not write", "Could not read")
"""What DuckDB says within a fatal error that is the system's fault, not its own."""

_FULL = {
    "No space left on device": ("there is no space left", "free some space"),
    "File too large": ("the file would be larger than the system allows", "raise the limit (ulimit -f)"),
}
"""The words of the system within DuckDB's: why, and what to do."""

_SYSTEM_GUESS = re.compile(r'\nDid you mean "(pg_|duckdb_|sqlite_|information_schema|system\.)[^"]*"\?')
"""DuckDB guesses what table was meant; its own tables are none that people mean here."""


def translated(error: duckdb.Error, path: str) -> TowError:
    """A DuckDB error as one of ours. Raises it where it is DuckDB's own defect."""
    words = re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", str(error).partition("\n\nLINE ")[0]).strip()
    full = next((why for told, why in _FULL.items() if told in words), None)  # of a checkpoint it is a fatal error
    if full is not None:
        why, todo = full
        todo = f"{todo}, then run again; nothing was published"
        return Refused(f"{why}: {_one_line(words)}", where=path, todo=todo, code="disk-full")
    if isinstance(error, duckdb.FatalException) and any(told in words for told in _OF_THE_DISK):
        todo = "see what the system's log says of the disk, then run again, which finds out what was committed"
        return Refused(f"its disk fails: {_one_line(words)}", where=path, todo=todo, code="system-refused")
    if isinstance(error, (duckdb.InternalException, duckdb.FatalException)):
        raise error
    about_key = encryption.refusal(words, path)
    if about_key is not None:
        return about_key
    if any(told in words for told in _LOCKED):
        holder = re.search(r"\(PID (\d+)\)", words)
        who = f"process {holder.group(1)}" if holder else "another connection of this process"
        return Refused(
            f"the database is locked by {who}",
            where=path,
            todo="end it or wait for it, then run again",
            code="database-locked",
        )
    if "Read-only file system" in words:
        why, todo, code = READ_ONLY
        return Refused(f"{why}: {_one_line(words)}", where=path, todo=todo, code=code)
    if "Permission denied" in words:
        todo = "use an account that may open it, or change its permissions"
        return Refused(f"permission was denied: {words}", where=path, todo=todo, code="permission-denied")
    if "not a valid DuckDB database" in words:
        return Refused("it is not a DuckDB database", where=path, todo="check the path", code="file-damaged")
    if isinstance(error, duckdb.OutOfMemoryException):
        return Refused(
            words.partition("\n")[0],
            where=path,
            todo="give more with --memory, or to the database alone (its option memory, in bytes)",
            code="memory-short",
        )
    if isinstance(error, _BAD_DATA):
        way = "choose --mode merge with --key" if "duplicate key" in words.lower() else "change the table"
        todo = f"nothing was published; correct the rows, or {way}"
        return DataError(_one_line(words), where=path, todo=todo, code="constraint-violated")
    if isinstance(error, _WRONG_SQL):
        return UserError(
            _one_line(words), where=path, todo="correct the SQL: a select over its tables", code="sql-wrong"
        )
    return Refused(words, where=path, todo="see what DuckDB says, then run again", code="system-refused")


def _one_line(words: str) -> str:
    return _SYSTEM_GUESS.sub("", words).replace("\n", " ")
