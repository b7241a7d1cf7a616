"""PostgreSQL by ADBC: rows travel in PostgreSQL's binary COPY, and are Arrow at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar
from weakref import finalize

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa

from towpath.errors import TowError
from towpath.postgresql import reading
from towpath.postgresql.catalog import Column, Relation
from towpath.postgresql.errors import translated
from towpath.postgresql.reading import Field
from towpath.postgresql.server import PostgreSQLServer
from towpath.postgresql.session import PostgreSQLSession, noting, placed
from towpath.postgresql.types import PLAIN, WORDS, Native

_BATCH_BYTES = "adbc.postgresql.batch_size_hint_bytes"
_ROW_BYTES = 128
_QUERY = "_towpath_query"
_CHANGES = re.compile(r"\s*(insert|update|delete)\b", re.IGNORECASE)
_BINARY = {*PLAIN, *WORDS, "json"}


class PostgreSQL(PostgreSQLServer):
    __doc__ = PostgreSQLServer.__doc__

    _first: Any = None

    @contextmanager
    def _connected(self) -> Iterator[ADBCSession]:
        try:
            connection = self._cloned()
        except adbc.Error as error:
            raise translated(error.sqlstate, str(error), self.name) from None
        try:
            yield ADBCSession(connection, self.name)
        finally:
            with suppress(adbc.Error):
                connection.close()

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
    plainly: ClassVar[bool] = False

    def __init__(self, connection: Any, where: str) -> None:
        super().__init__(where)
        self._connection = connection

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Sequence[Any]]:
        with self._translated(), self._connection.cursor() as cursor:
            cursor.execute(*_bound(sql, values))
            return list(cursor.fetchall())

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        if values and _CHANGES.match(sql):
            # The driver does not say how many rows a statement with values changed, so that it is made a query.
            return int(self.rows(f"with _towpath_changed as ({sql} returning 1) select count(*)"
                                 " from _towpath_changed", values)[0][0])  # fmt: skip
        with self._translated(), self._connection.cursor() as cursor:
            cursor.execute(*_bound(sql, values))
            return int(cursor.rowcount)

    def _natives(self, sql: str) -> list[tuple[str, Native]]:
        with self._translated(), self._connection.cursor() as cursor:
            return [(field.name, _native(field)) for field in cursor.adbc_execute_schema(sql)]

    def _stream(self, sql: str, fields: Sequence[Field], batch_rows: int) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([(field.name, field.type) for field in fields])
        # A query that is left half-way is cancelled, else the driver would take in all of its rows.
        self.execute(f"savepoint {_QUERY}")
        ended = False
        try:
            with self._translated(), self._connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**{_BATCH_BYTES: str(batch_rows * _ROW_BYTES)})
                cursor.execute(sql)
                with _cancelling(cursor):
                    # The reader behind `fetch_record_batch`, which would lose what the server says from now on.
                    for batch in cursor._results.reader:
                        parts = zip(batch.columns, fields, strict=True)
                        with reading.steady(self._where):
                            columns = [reading.decoded(values, field.type) for values, field in parts]
                        whole = pa.record_batch(columns, schema=schema)
                        for first in range(0, len(whole), batch_rows):
                            yield whole.slice(first, batch_rows)
            ended = True
        finally:
            with suppress(TowError):  # the connection is gone
                self.execute(f"{'release' if ended else 'rollback to'} savepoint {_QUERY}")

    def _copy(self, into: Relation, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        failures: list[BaseException] = []
        reader = pa.RecordBatchReader.from_batches(schema, noting(batches, failures))
        place = {"temporary": True} if into.temporary else {"db_schema_name": into.schema}
        try:
            with self._translated(), self._connection.cursor() as cursor:
                return int(cursor.adbc_ingest(into.name, reader, mode="append", **place))
        except Exception as error:
            if failures:
                raise failures[0] from error
            raise

    def _takes(self, column: Column) -> bool:
        native = column.native
        whole = native.name in _BINARY or (native.element in PLAIN) or (native.element in WORDS)
        return not column.domain and (whole or native.numeric is not None)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Ctrl-C within a call of the driver cancels its query, and nothing else tells of it: the driver takes the
        signal for itself while a call of the main thread lasts (`_blocking_call` in adbc_driver_manager). Who cancels
        the query on the server (`pg_cancel_backend`) interrupts the run too: the server's words are the same."""
        try:
            yield
        except adbc.Error as error:
            if _CANCELLED in str(error) and threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt from error
            raise translated(error.sqlstate, str(error), self._where) from error


_CANCELLED = "canceling statement due to user request"


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
