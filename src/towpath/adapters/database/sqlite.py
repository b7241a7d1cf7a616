"""SQLite database files, by the standard library's sqlite3.

SQLite checks no value against its column's declaration, so reading does: a value of another type stops it by name.
Columns whose declaration promises nothing (NUMERIC, DATE, none) have the type of the values that they hold: of those at
the beginning, until one turns up that is not of it.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from towpath.adapters.database import sqlite_catalog as catalog
from towpath.adapters.database import sqlite_types as types
from towpath.adapters.database.sqlite_catalog import Declared
from towpath.adapters.database.sqlite_errors import translated
from towpath.adapters.database.sqlite_stamp import stamp
from towpath.badrows import shorten
from towpath.disk.oserrors import missing
from towpath.errors import DataError, TypeUnfit, UserError
from towpath.nouns import Existing, Stored
from towpath.seams.dialect import Dialect
from towpath.sqlnames import doubled, quoted

_SAMPLE_ROWS = 10_000

# How a view renames what it takes for no proper name: `true`, and the second of two equal names.
_RENAMED = re.compile(r"^column\d+$|:\d+$")


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
        with self._connected("rw") as connection:
            connection.execute("pragma query_only = on")
            connection.execute("begin")
            connection.execute("select count(*) from sqlite_master").fetchone()
            yield SQLiteSession(connection, str(self.path), before)

    @contextmanager
    def write(self) -> Iterator[SQLiteSession]:
        with self._connected("rwc") as connection:
            connection.execute("pragma synchronous = full")
            connection.execute("begin immediate")
            yield SQLiteSession(connection, str(self.path), stamp(self.path))

    def stored(self, type: pa.DataType) -> Stored:
        return types.stored(type)

    def quote(self, identifier: str) -> str:
        return types.quote(identifier)

    def version(self, session: SQLiteSession, table: str) -> str | None:
        """Of the file, taken before a snapshot to read (under the lock to write): it may say changed when the table
        is not, never the reverse."""
        return session.stamp

    @contextmanager
    def _connected(self, mode: str) -> Iterator[sqlite3.Connection]:
        with translated(str(self.path)):
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=self._busy_secs,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                yield connection
            finally:
                connection.close()


@dataclass(frozen=True, slots=True)
class _Column:
    """`mixed`: it may have several kinds of values. `presumed`: there may be others than its type has. `seen`: some are
    not null."""

    name: str
    stored: Stored
    mixed: bool = False
    presumed: bool = False
    seen: bool = True


class SQLiteSession:
    """One connection with one transaction. `stamp` is the version of the file that it began with."""

    def __init__(self, connection: sqlite3.Connection, path: str, stamp: str) -> None:
        self.stamp = stamp
        self._connection = connection
        self._path = path
        self._views = itertools.count(1)

    def table(self, name: str) -> Existing | None:
        found = self._declarations(name)
        if not found:
            return None
        with translated(self._path):
            columns = self._columns(quoted(name, types.quote), [(one.name, one.type) for one in found])
        return Existing(
            _schema(columns),
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
            view, declared, names = self._viewed(sql)
            found = self._columns(view, declared, names, sure)
        return _schema(found), frozenset(column.name for column in found if column.presumed)

    def select(
        self, sql: str, batch_rows: int, known: pa.Schema | None = None
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        with translated(self._path):
            view, declared, names = self._viewed(sql)
            if known is None:
                columns = self._columns(view, declared, names)
            else:
                columns = [_known(name, text, known) for name, (_, text) in zip(names, declared, strict=True)]
            cursor = self._connection.execute(f"select * from {view}")
        return _schema(columns), self._batches(view, cursor, columns, batch_rows)

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

    def _viewed(self, sql: str) -> tuple[str, list[tuple[str, str]], list[str]]:
        """A view of a query, its columns with their declared types, and the names that these have outside."""
        view = f"_towpath_view_{next(self._views)}"
        declared = self._create_view(view, sql)
        return f"temp.{view}", declared, self._names(sql, [name for name, _ in declared])

    def _create_view(self, view: str, sql: str) -> list[tuple[str, str]]:
        """A temporary view tells the declared types of a query's columns, and admits nothing but a query."""
        only = self._connection.execute("pragma query_only").fetchone()[0]
        self._connection.execute("pragma query_only = off")
        try:
            self._connection.execute(f"create temp view {view} as {sql.rstrip().rstrip(';')}")
        finally:
            self._connection.execute(f"pragma query_only = {only}")
        return self._connection.execute("select name, type from pragma_table_xinfo(?)", [view]).fetchall()

    def _names(self, sql: str, inner: Sequence[str]) -> list[str]:
        """The names of a query's columns, of which its view has renamed some."""
        if not any(_RENAMED.search(name) for name in inner):
            return list(inner)
        names = [column[0] for column in self._connection.execute(sql).description]
        pair = doubled(names)
        if pair is not None:
            raise UserError(
                f"the query has the columns {pair[0]!r} and {pair[1]!r}, which are one name in SQL",
                where=self._path,
                todo="give one of them another name: select ... as other",
                code="column-doubled",
            )
        return names

    def _columns(
        self,
        relation: str,
        declared: Sequence[tuple[str, str]],
        names: Sequence[str] | None = None,
        sure: Collection[str] | None = None,
    ) -> list[_Column]:
        """`names`: those outside. `sure`: of the other columns without a promise the type is presumed from a sample."""
        outside = dict(zip((name for name, _ in declared), names or [name for name, _ in declared], strict=True))
        promised = [(name, text, types.declared(text)) for name, text in declared]
        open_ = [(name, text) for name, text, kept in promised if kept is None]
        found: dict[str, _Column] = {}
        if sure is not None:
            free = [(name, text) for name, text in open_ if outside[name] not in sure]
            sample = self._by_values(f"(select * from {relation} limit {_SAMPLE_ROWS})", free)
            found = {name: replace(one, presumed=True) for name, one in sample.items() if one.seen}
        found |= self._by_values(relation, [(name, text) for name, text in open_ if name not in found])
        columns = [found[name] if kept is None else _Column(name, kept) for name, _, kept in promised]
        return [replace(column, name=outside[column.name]) for column in columns]

    def _by_values(self, relation: str, declared: Sequence[tuple[str, str]]) -> dict[str, _Column]:
        """The types of columns whose declaration promises nothing, from the kinds of all their values."""
        if not declared:
            return {}
        counts = [
            count
            for column in (types.quote(name) for name, _ in declared)
            for count in (
                *(f"total(typeof({column}) = '{kind}')" for kind in ("integer", "real", "text", "blob")),
                f"total(typeof({column}) = 'integer' and {column} not between -{types.EXACT} and {types.EXACT})",
            )
        ]
        found = self._connection.execute(f"select {', '.join(counts)} from {relation}").fetchone()
        return {
            name: _typed(name, text, *(bool(count) for count in found[5 * at : 5 * at + 5]))
            for at, (name, text) in enumerate(declared)
        }

    def _batches(
        self, view: str, cursor: sqlite3.Cursor, columns: Sequence[_Column], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        schema, first = _schema(columns), 1
        try:
            while True:
                with translated(self._path):
                    rows = cursor.fetchmany(batch_rows)
                if not rows:
                    return
                made = [
                    self._array(view, column, values, first)
                    for column, values in zip(columns, zip(*rows, strict=True), strict=True)
                ]
                first += len(rows)
                yield pa.record_batch(made, schema=schema)
        finally:
            cursor.close()

    def _array(self, view: str, column: _Column, values: Sequence[Any], first: int) -> pa.Array:
        try:
            return types.array(values, column.stored.type, mixed=column.mixed)
        except types.Mismatch as mismatch:
            place = self._place(view, column.name, mismatch.value) or f"row {first + mismatch.row}"
            native = column.stored.native or "nothing"
            wrong = DataError(
                f"column {column.name} ({shorten(repr(mismatch.value))}): not a value of its type "
                f"{column.stored.type}, declared {native}",
                where=f"{self._path} {place}",
                todo="correct the value, or read the column as text: a query with `cast(column as text)`",
                code="type-violated",
            )
            if not column.presumed:
                raise wrong from None
            where = f"{self._path} {place}"
            raise TypeUnfit(wrong.what, where=where, todo="run again") from wrong

    def _place(self, view: str, column: str, value: Any) -> str | None:
        """The table and rowid of the first row with this very value, where the query reads one table only."""
        tables: set[str] = set()

        def note(action: int, table: str | None, *_: Any) -> int:
            if action == sqlite3.SQLITE_READ and table and not table.startswith(("sqlite_", "_towpath_view_")):
                tables.add(table)
            return sqlite3.SQLITE_OK

        with suppress(sqlite3.Error):
            self._connection.set_authorizer(note)
            self._connection.execute(f"select * from {view} limit 0")
            self._connection.set_authorizer(None)
            if len(tables) == 1:
                table = types.quote(tables.pop())
                found = f"select rowid from {table} where {types.quote(column)} is ? limit 1"
                row = self._connection.execute(found, [value]).fetchone()
                return None if row is None else f"table {table} rowid {row[0]}"
        return None

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


def _schema(columns: Sequence[_Column]) -> pa.Schema:
    return pa.schema([(column.name, column.stored.type) for column in columns])


def _known(name: str, text: str, known: pa.Schema) -> _Column:
    """A column whose type was found before. Text and doubles may have several kinds of values: where they do not, none
    of another kind turns up."""
    promised = types.declared(text)
    if promised is not None:
        return _Column(name, promised)
    type = known.field(name).type
    mixed = pa.types.is_string(type) or pa.types.is_floating(type)
    return _Column(name, Stored(type, text), mixed=mixed, presumed=True)


def _typed(name: str, text: str, integer: bool, real: bool, words: bool, blob: bool, huge: bool) -> _Column:
    """The type of a column that holds these kinds of values. Decimals are doubles there, whole ones as integers."""
    decimal = "DEC" in text.upper() or "NUM" in text.upper()
    numbers_only = not words and not blob
    if numbers_only and not huge and (real or decimal):
        zero = frozenset() if types.affinity(text) == "BLOB" else frozenset({"minus-zero"})
        return _Column(name, Stored(pa.float64(), text, zero | {"nan"}), mixed=True)
    kinds = (integer, real, words, blob)
    if kinds == (True, False, False, False):
        return _Column(name, Stored(pa.int64(), text))
    if not any(kinds):
        return _Column(name, Stored(pa.string(), text), seen=False)
    if kinds == (False, False, False, True):
        return _Column(name, Stored(pa.binary(), text))
    return _Column(name, Stored(pa.string(), text), mixed=sum(kinds) > 1)
