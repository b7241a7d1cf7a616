"""The rows of queries in SQLite as record batches: every value is of its column's type, or reading stops by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa

from towpath.adapters.database import sqlite_types as types
from towpath.adapters.database.sqlite_columns import VIEW, Column, schema
from towpath.adapters.database.sqlite_direct import Rows
from towpath.adapters.database.sqlite_errors import translated
from towpath.badrows import shorten
from towpath.errors import DataError, TypeUnfit
from towpath.values import rows


class Reader:
    """Reads a view whose columns were found before."""

    def __init__(self, connection: sqlite3.Connection, path: str, view: str, columns: Sequence[Column]) -> None:
        self._connection = connection
        self._path = path
        self._view = view
        self._columns = columns

    def batches(self, source: Rows, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of the view, whose source is closed at the end. Raises DataError for a value that is not of
        its column's type; TypeUnfit where the type was presumed."""
        made_of, first = schema(self._columns), 1
        kinds = [types.kind(column.stored.type, mixed=column.mixed) for column in self._columns]
        try:
            while True:
                with translated(self._path):
                    count, found = source.read(batch_rows, kinds)
                if not count:
                    return
                made = [self._array(column, one, first) for column, one in zip(self._columns, found, strict=True)]
                first += count
                yield pa.record_batch(made, schema=made_of)
        finally:
            source.close()

    def _array(self, column: Column, found: rows.Column, first: int) -> pa.Array:
        try:
            return types.column(found, column.stored.type, mixed=column.mixed)
        except types.Mismatch as mismatch:
            place = self._place(column.name, mismatch.value) or f"row {first + mismatch.row}"
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

    def _place(self, column: str, value: Any) -> str | None:
        """The table and rowid of the first row with this very value, where the query reads one table only."""
        tables: set[str] = set()

        def note(action: int, table: str | None, *_: Any) -> int:
            if action == sqlite3.SQLITE_READ and table and not table.startswith(("sqlite_", VIEW)):
                tables.add(table)
            return sqlite3.SQLITE_OK

        with suppress(sqlite3.Error):
            self._connection.set_authorizer(note)
            self._connection.execute(f"select * from {self._view} limit 0")
            self._connection.set_authorizer(None)
            if len(tables) == 1:
                table = types.quote(tables.pop())
                found = f"select rowid from {table} where {types.quote(column)} is ? limit 1"
                row = self._connection.execute(found, [value]).fetchone()
                return None if row is None else f"table {table} rowid {row[0]}"
        return None
