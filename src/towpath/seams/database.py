"""Database: tables reached by SQL, in sessions with transactions.

The table join builds Source and Destination from these few methods: it writes the SQL for merging and state, in the
words of the adapter's dialect; the adapter gives types, bulk paths and the transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from towpath.nouns import Existing, Stored
from towpath.seams.dialect import Dialect


class ReadSession(Protocol):
    """One connection. Leaving the context rolls back."""

    def table(self, name: str) -> Existing | None:
        """The columns, native types, primary key, generated and required columns of a table as this session sees it,
        or None. `name` may be qualified by a schema (`main.orders`)."""
        ...

    def select(
        self, sql: str, batch_rows: int, known: pa.Schema | None = None
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Runs a query under this session's snapshot; batches stream, memory stays flat. `known`: columns of the same
        rows, or of more, as `columns` gave them, so that their values need not be looked at for types; TypeUnfit is
        raised at the first that is none of its column's type."""
        ...

    def scalar(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None when there is no row. Values are bound as parameters (`?`)."""
        ...

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs one statement, also one that creates or alters a table, within the transaction; returns the number of
        rows that it changed (-1 when the driver cannot say)."""
        ...


class Session(ReadSession, Protocol):
    """A connection that writes. Nothing is visible to others before `commit`."""

    def insert(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Bulk-inserts rows into an existing (or temporary) table by column name; returns the number of rows inserted,
        counted by the database or driver."""
        ...

    def commit(self) -> None: ...


@runtime_checkable
class ListsTables(Protocol):
    """A session that can tell the names of its tables."""

    def tables(self) -> Mapping[str, int | None]:
        """Every table and view, with a rough number of its rows where that is cheap to know."""
        ...


@runtime_checkable
class HasTables(Protocol):
    """A session that has to look at a table's rows to tell its columns."""

    def has(self, table: str) -> bool:
        """Whether there is such a table, without looking at its rows."""
        ...


def is_there(session: ReadSession, table: str) -> bool:
    """Whether a session sees a table."""
    return session.has(table) if isinstance(session, HasTables) else session.table(table) is not None


@runtime_checkable
class LimitsMemory(Protocol):
    """A database whose engine runs within our process."""

    def limit(self, memory: int) -> None:
        """Keeps the engine to so many bytes from now on, where the user has not said how many it may take."""
        ...


@runtime_checkable
class AddsColumns(Protocol):
    """A session some of whose tables take fewer types in a new column than `create table` has."""

    def added(self, table: str, type: pa.DataType) -> Stored:
        """The column type that `alter table ... add column` can use in this table. No side effects. Raises Refused when
        there is none."""
        ...


@runtime_checkable
class CountsInserts(Protocol):
    """A session that is told by the database how many rows it put into a table. Where there is none, the rows of the
    table are counted before and after, which costs a pass and takes a snapshot that holds."""

    def inserted(self, table: str) -> int:
        """The rows that this transaction has inserted into the table so far, those of triggers among them."""
        ...


@runtime_checkable
class WidensColumns(Protocol):
    """A session that can give a column another type: `alter table ... alter column ... type`."""

    def widened(self, table: str, column: str, type: pa.DataType) -> Stored:
        """What the column would keep after being given a type of its own kind that holds all of `type`. No side
        effects. Raises Refused, saying why, when this column cannot be altered."""
        ...


@runtime_checkable
class IndexesStages(Protocol):
    """A session whose joins take an index to be fast."""

    def stage_index(self, key: Mapping[str, str]) -> str:
        """What stands behind the columns of a temporary table whose rows are to be found by some of them (quoted, with
        their native types)."""
        ...


@runtime_checkable
class JoinsByKey(Protocol):
    """A session whose database reads a whole table to find a few of its rows, unless it is told not to."""

    def join_by_key(self, table: str, rows: int) -> None:
        """Lets the transaction find rows of a table (quoted) by its primary key, where that many are few beside it."""
        ...


@runtime_checkable
class DescribesQueries(Protocol):
    """A session that can tell a query's columns without running it to its end."""

    def columns(self, sql: str, sure: Collection[str] | None = None) -> tuple[pa.Schema, frozenset[str]]:
        """The columns as `select` would give them, each of a type that holds all of its values. With `sure` the values
        of only those columns are looked at for that; others may have the type that is declared, which holds nearly all
        of what may stand there. The names of these come second."""
        ...


@runtime_checkable
class ChecksUndo(Protocol):
    """A session some of whose tables take nothing back when a transaction is rolled back."""

    def check_undo(self, table: str) -> None:
        """Raises Refused for such a table."""
        ...


@runtime_checkable
class TellsBulk(Protocol):
    """A session that sends rows in one way or another, as the server allows."""

    bulk: str
    """The way, in a few words."""


@runtime_checkable
class HoldsNames(Protocol):
    """A session that can hold a name as long as it lives, so that others can tell what a living run made."""

    def hold(self, name: str) -> bool:
        """Takes the name; whether it could: no other session has it."""
        ...

    def let_go(self, name: str) -> None:
        """Gives the name back."""
        ...


@runtime_checkable
class Cancels(Protocol):
    """A session of a server in which one thread's call can be ended by another's."""

    abandoned: bool
    """Set when a call is not waited for: leaving the session then does nothing that this call would not bear."""

    def cancel(self) -> None:
        """Cancels the statement under way, if there is one. Raises nothing; may come too early."""
        ...


class PlaceTaken(Exception):
    """The file of a stage could not take the place of the database. Nothing happened."""


class Stage(Protocol):
    """Rows of one load that wait in a database of their own. Used by one thread at a time; leaving it removes it."""

    def insert(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Adds rows; returns how many, as `Session.insert` does."""
        ...

    def seal(self) -> None:
        """Completes it: only after it can the rows be read."""
        ...

    def relation(self, session: Any) -> str:
        """What a query of a session of the database reads the rows from, in their order."""
        ...

    def becoming(self, table: str) -> AbstractContextManager[Session]:
        """A session in which the rows are a table of that name (without a schema), and whose commit gives the stage the
        place of the database, which is not there yet. The commit raises PlaceTaken where it cannot have that."""
        ...


@runtime_checkable
class StagesRows(Protocol):
    """An embedded database that rows can wait for in its own format."""

    def stage(self, load_id: str, columns: Mapping[str, str]) -> AbstractContextManager[Stage] | None:
        """A stage with a table of these columns, each with its native type; None where rows cannot wait so."""
        ...


class Outcome(StrEnum):
    """What became of a transaction. ENDED: it is over, and the database does not know how."""

    UNDER_WAY = "under way"
    COMMITTED = "committed"
    UNDONE = "undone"
    ENDED = "ended"


@runtime_checkable
class TellsOutcomes(Protocol):
    """A session of a server, which can be lost between a commit and its answer: another session can ask for it."""

    def mark(self) -> str:
        """A word by which another session can ask for this transaction; called before its commit."""
        ...

    def became(self, mark: str) -> Outcome:
        """What became of the transaction of a session that was lost, as far as it is known by now. Ends that session if
        it is there still."""
        ...


class Database(Protocol):
    """One database. Errors of its library are translated at this boundary: Refused (locked, no permission, full),
    DataError (constraint), Transient (connection), UserError (wrong SQL)."""

    name: str

    home: Path | None
    """The folder for staging files beside an embedded database, which is opened only to publish; None for a server,
    which takes rows into an open transaction as they come."""

    dialect: Dialect

    name_bytes: int | None
    """How long the name of a table or column may be, in bytes of UTF-8; None when there is no limit."""

    def read(self) -> AbstractContextManager[ReadSession]:
        """A session with one snapshot, which changes nothing. Raises Refused when there is no such database."""
        ...

    def write(self) -> AbstractContextManager[Session]:
        """A session with one transaction, begun; creates an embedded database that is not there."""
        ...

    def exists(self) -> bool:
        """Whether there is a database to read yet (an embedded one may be created by `write`)."""
        ...

    def stored(self, type: pa.DataType) -> Stored:
        """The column type that `create table` would use. Raises Refused when there is none."""
        ...

    def quote(self, identifier: str) -> str:
        """An identifier quoted for this dialect, whatever characters it has."""
        ...

    def version(self, session: ReadSession, table: str) -> str | None:
        """Something that changes whenever the table's rows change, cheap or exact; None when it cannot be known."""
        ...
