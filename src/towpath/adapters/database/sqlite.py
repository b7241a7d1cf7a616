"""SQLite database files, by the standard library's sqlite3.

SQLite checks no value against its column's declaration, so reading does: a value of another type stops it by name.
Columns whose declaration promises nothing (NUMERIC, DATE, none) have the type of the values that they hold: of those at
the beginning, until one turns up that is not of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from towpath.adapters.database import sqlite_catalog as catalog
from towpath.adapters.database import sqlite_direct as direct
from towpath.adapters.database import sqlite_types as types
from towpath.adapters.database.sqlite_catalog import Declared
from towpath.adapters.database.sqlite_columns import Columns, schema
from towpath.adapters.database.sqlite_errors import translated
from towpath.adapters.database.sqlite_read import Reader
from towpath.adapters.database.sqlite_stamp import stamp
from towpath.disk.oserrors import missing
from towpath.errors import DataError
from towpath.nouns import Existing, Stored
from towpath.seams.dialect import Dialect
from towpath.sqlnames import quoted


class SQLite:
    """A SQLite file. A lock of another process is waited for up to `busy_secs`."""

    GAPS: ClassVar[dict[str, str]] = {
        "float/minus-zero": "never: a REAL column keeps -0.0 as 0.0",
        "float/nan": "never: SQLite keeps NaN as NULL",
        "float/single-nan": "never: SQLite keeps NaN as NULL",
        "integer/uint64": "never: integers of SQLite have 64 bits with a sign",
    }

    def __init__(self, path: str, busy_secs: float = 5.0) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self.home: Path | None = self.path.parent
        self.name_bytes: int | None = None
        self.dialect = Dialect(ordered="{} collate binary", kinds="typeof({})")
        self._busy_secs = busy_secs

    def exists(self) -> bool:
        return self.path.is_file()

    @contextmanager
    def read(self) -> Iterator[SQLiteSession]:
        if not self.exists():
            raise missing("database", self.path)
        before = stamp(self.path)
        # Not mode=ro: it could not roll back the journal of a writer that died.
        with self._connected("rw") as (connection, database):
            connection.execute("pragma query_only = on")
            connection.execute("begin")
            connection.execute("select count(*) from sqlite_master").fetchone()
            yield SQLiteSession(connection, str(self.path), before, database)

    @contextmanager
    def write(self) -> Iterator[SQLiteSession]:
        with self._connected("rwc") as (connection, database):
            connection.execute("pragma synchronous = full")
            connection.execute("begin immediate")
            yield SQLiteSession(connection, str(self.path), stamp(self.path), database)

    def stored(self, type: pa.DataType) -> Stored:
        return types.stored(type)

    def quote(self, identifier: str) -> str:
        return types.quote(identifier)

    def version(self, session: SQLiteSession, table: str) -> str | None:
        """Of the file, taken before a snapshot to read (under the lock to write): it may say changed when the table
        is not, never the reverse."""
        return session.stamp

    @contextmanager
    def _connected(self, mode: str) -> Iterator[tuple[sqlite3.Connection, int]]:
        with translated(str(self.path)):
            connection, database = direct.connected(
                lambda: sqlite3.connect(
                    f"{self.path.absolute().as_uri()}?mode={mode}",
                    uri=True,
                    timeout=self._busy_secs,
                    isolation_level=None,
                    check_same_thread=False,
                )
            )
            try:
                yield connection, database
            finally:
                connection.close()


class SQLiteSession:
    """One connection with one transaction. `stamp` is the version of the file that it began with, `database` the
    address that `sqlite_direct` takes (0: none, rows come by a cursor)."""

    def __init__(self, connection: sqlite3.Connection, path: str, stamp: str, database: int = 0) -> None:
        self.stamp = stamp
        self._connection = connection
        self._database = database
        self._path = path
        self._columns = Columns(connection, path)

    def table(self, name: str) -> Existing | None:
        found = self._declarations(name)
        if not found:
            return None
        with translated(self._path):
            columns = self._columns.of_relation(quoted(name, types.quote), [(one.name, one.type) for one in found])
        return Existing(
            schema(columns),
            {one.name: one.stored for one in columns},
            key=tuple(one.name for one in sorted(found, key=lambda one: one.key) if one.key),
            generated=frozenset(one.name for one in found if one.generated),
            required=frozenset(one.name for one in found if one.required),
        )

    def has(self, table: str) -> bool:
        return bool(self._declarations(table))

    def tables(self) -> dict[str, int | None]:
        """All tables and views, with the number of rows of a table that has few."""
        with translated(self._path):
            return catalog.tables(self._connection)

    def added(self, table: str, type: pa.DataType) -> Stored:
        """A STRICT table takes none of the declarations that name other types than SQLite's own."""
        with translated(self._path):
            strict = catalog.strict(self._connection, table)
        return types.strictly(type) if strict else types.stored(type)

    def columns(self, sql: str, sure: Collection[str] | None = None) -> tuple[pa.Schema, frozenset[str]]:
        with translated(self._path):
            found = self._columns.of_query(sql, sure)
        return schema(found), frozenset(column.name for column in found if column.presumed)

    def select(
        self, sql: str, batch_rows: int, known: pa.Schema | None = None
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        with translated(self._path):
            view, columns = self._columns.viewed(sql, known)
            every, names = f"select * from {view}", [column.name for column in columns]
            source = direct.selected(self._connection, self._database, every, names)
        return schema(columns), Reader(self._connection, self._path, view, columns).batches(source, batch_rows)

    def scalar(self, sql: str, values: Sequence[Any] = ()) -> Any:
        with translated(self._path):
            cursor = self._connection.execute(sql, tuple(values))
            row = cursor.fetchone()
            cursor.close()
        return None if row is None else row[0]

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with translated(self._path):
            return self._connection.execute(sql, tuple(values)).rowcount

    def insert(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        target = self._declarations(table)
        with translated(self._path):
            strict = catalog.strict(self._connection, table)
        affinities = {one.name.casefold(): types.affinity(one.type, strict=strict) for one in target}
        numbered = next((one.name.casefold() for one in target if one.numbered), None)
        columns = ", ".join(types.quote(name) for name in schema.names)
        # "or abort" overrides a constraint's own way out, which may be to drop or replace rows quietly.
        sql = f"insert or abort into {quoted(table, types.quote)} ({columns}) values ({', '.join('?' * len(schema))})"
        inserted = 0
        for batch in batches:
            self._refuse_changes(table, batch, affinities, numbered, inserted)
            rows = zip(*(types.values(column) for column in batch.columns), strict=True)
            with translated(self._path):
                inserted += max(self._connection.executemany(sql, rows).rowcount, 0)
        return inserted

    def commit(self) -> None:
        with translated(self._path):
            self._connection.execute("commit")

    def _declarations(self, table: str) -> list[Declared]:
        with translated(self._path):
            return catalog.columns(self._connection, table)

    def _refuse_changes(
        self, table: str, batch: pa.RecordBatch, affinities: dict[str, str], numbered: str | None, before: int
    ) -> None:
        """Raises DataError for the first value that SQLite would keep as another one."""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            affinity = affinities.get(name.casefold(), "BLOB")
            row = types.changed_by(column, affinity)
            if row is None and name.casefold() == numbered and column.null_count:
                row = column.is_null().index(True).as_py()
            if row is not None:
                raise DataError(
                    f"column {name} ({column[row].as_py()!r}): SQLite would keep another value in a column "
                    f"of affinity {affinity}",
                    where=f"{self._path}#{table} row {before + row + 1} of the load",
                    todo="declare the column otherwise (TEXT; without a type for -0.0), or change the value in a query",
                    code="value-refused",
                )
