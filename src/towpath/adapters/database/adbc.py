"""PostgreSQL read by ADBC, which makes Arrow of PostgreSQL's binary COPY itself. Written by psycopg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from weakref import finalize

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa

from towpath.interrupted import Apart
from towpath.postgresql import reading
from towpath.postgresql.errors import translated
from towpath.postgresql.psycopg_session import PsycopgServer
from towpath.postgresql.reading import Field
from towpath.postgresql.server import PostgreSQLServer
from towpath.postgresql.session import PostgreSQLSession, placed
from towpath.postgresql.types import Native

_BATCH_BYTES = "adbc.postgresql.batch_size_hint_bytes"
_ROW_BYTES = 128


class ADBC(PsycopgServer):
    __doc__ = PostgreSQLServer.__doc__

    _first: Any = None

    @contextmanager
    def _reading(self) -> Iterator[ADBCSession]:
        try:
            connection = self._cloned()
        except adbc.Error as error:
            raise translated(error.sqlstate, str(error), self.name) from None
        session = ADBCSession(connection, self.name)
        try:
            yield session
        finally:
            session.close()

    def _cloned(self) -> Any:
        """A new connection. The driver reads all columns of all tables when it first connects, so that the first
        connection stays, idle, for others to share what it found."""
        if self._first is None:
            self._first = adbc.connect(self._conninfo(), autocommit=True)
            finalize(self, self._first.close)
        clone = self._first.adbc_clone()
        clone.adbc_connection.set_autocommit(True)
        return clone


class ADBCSession(PostgreSQLSession):
    def __init__(self, connection: Any, where: str) -> None:
        super().__init__(where)
        self._connection = connection
        # Called by the main thread the driver hears SIGINT itself (`_blocking_call` in adbc_driver_manager 1.13), and
        # may lose it, or read memory that is freed already where its query ends at that moment.
        self._apart = Apart(self.cancel)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Sequence[Any]]:
        def rows() -> list[Sequence[Any]]:
            with self._connection.cursor() as cursor:
                cursor.execute(*_bound(sql, values))
                return list(cursor.fetchall())

        with self._translated():
            return self._apart.call(rows)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        def execute() -> int:
            with self._connection.cursor() as cursor:
                cursor.execute(*_bound(sql, values))
                return int(cursor.rowcount)

        with self._translated():
            return self._apart.call(execute)

    def close(self) -> None:
        if not (self.abandoned or self._apart.abandoned):
            with suppress(adbc.Error):
                self._connection.close()
        self._apart.close()

    def cancel(self) -> None:
        with suppress(adbc.Error):  # nothing is under way, or the server is gone
            self._connection.adbc_connection.cancel()

    def _natives(self, sql: str) -> list[tuple[str, Native]]:
        def natives() -> list[tuple[str, Native]]:
            with self._connection.cursor() as cursor:
                return [(field.name, _native(field)) for field in cursor.adbc_execute_schema(sql)]

        with self._translated():
            return self._apart.call(natives)

    def _stream(self, sql: str, fields: Sequence[Field], batch_rows: int) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([(field.name, field.type) for field in fields])
        sql = reading.asked(sql, fields)
        # A query that is left half-way is cancelled, else the driver would take in all of its rows.
        with self._undone_if_left(), self._translated(), self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{_BATCH_BYTES: str(batch_rows * _ROW_BYTES)})
            self._apart.call(lambda: cursor.execute(sql))
            with _cancelling(cursor):
                # The reader behind `fetch_record_batch`, which would lose what the server says from now on.
                for batch in cursor._results.reader:
                    parts = zip(batch.columns, fields, strict=True)
                    with reading.steady(self._where):
                        columns = [reading.decoded(values, field.type) for values, field in parts]
                    whole = pa.record_batch(columns, schema=schema)
                    for first in range(0, len(whole), batch_rows):
                        yield whole.slice(first, batch_rows)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except adbc.Error as error:
            raise translated(error.sqlstate, str(error), self._where) from error


@contextmanager
def _cancelling(cursor: Any) -> Iterator[None]:
    """Cancels the query of a cursor that is left before its end."""
    try:
        yield
    except BaseException:
        with suppress(adbc.Error):
            cursor.adbc_cancel()
        raise


def _bound(sql: str, values: Sequence[Any]) -> tuple[Any, ...]:
    return (placed(sql, lambda number: f"${number}"), tuple(values)) if values else (sql,)


def _native(field: pa.Field) -> Native:
    about = field.metadata or {}
    name = about.get(b"POSTGRESQL:type", b"text").decode()
    return Native(name, int(about.get(b"POSTGRESQL:typmod", b"-1")))
