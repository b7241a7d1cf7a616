"""PostgreSQL by psycopg (version 3): rows are read from a cursor of the server, and written by COPY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pyarrow as pa

from towpath.postgresql.copying import Copying
from towpath.postgresql.errors import translated
from towpath.postgresql.objects import ObjectsSession
from towpath.postgresql.server import PostgreSQLServer
from towpath.postgresql.session import placed

_CANCEL_SECS = 2.0
_ALIVE = (psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.IDLE)


class Psycopg(PostgreSQLServer):
    __doc__ = PostgreSQLServer.__doc__

    @contextmanager
    def _connected(self) -> Iterator[PsycopgSession]:
        try:
            connection = psycopg.connect(self._conninfo(), autocommit=True, cursor_factory=psycopg.RawCursor)
        except psycopg.Error as error:
            raise translated(error.sqlstate, str(error), self.name) from None
        session = PsycopgSession(connection, self.name)
        try:
            yield session
        finally:
            if not session.abandoned:
                connection.close()


class PsycopgSession(ObjectsSession):
    def __init__(self, connection: psycopg.Connection[Any], where: str) -> None:
        super().__init__(where)
        self._connection = connection

    def cancel(self) -> None:
        with suppress(psycopg.Error):  # nothing is under way, or the server is gone
            self._connection.cancel_safe(timeout=_CANCEL_SECS)

    def _run(self, sql: str, values: Sequence[Any] = ()) -> Any:
        cursor = self._connection.cursor()
        text = placed(sql, lambda number: f"${number}").encode() if values else sql.encode()
        return cursor.execute(text, tuple(values) or None, prepare=False)

    def _open(self) -> bool:
        return self._connection.info.transaction_status in _ALIVE

    def _copy(self, copying: Copying, batches: Iterator[pa.RecordBatch]) -> int:
        with self._translated(), self._connection.cursor() as cursor:
            with cursor.copy(copying.statement.encode()) as copy:
                for piece in copying.pieces(batches):
                    copy.write(piece)
            return cursor.rowcount

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise translated(error.sqlstate, str(error), self._where) from error
