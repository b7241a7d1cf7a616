"""PostgreSQL by psycopg2, the classic driver: rows are read from a cursor of the server, and written by COPY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS

from towpath.interrupted import Apart
from towpath.postgresql.copying import Copying
from towpath.postgresql.errors import translated
from towpath.postgresql.objects import ObjectsSession
from towpath.postgresql.server import PostgreSQLServer
from towpath.postgresql.session import noting, placed

_ALIVE = (TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS)


class Psycopg2(PostgreSQLServer):
    __doc__ = PostgreSQLServer.__doc__

    @contextmanager
    def _connected(self) -> Iterator[Psycopg2Session]:
        try:
            connection = psycopg2.connect(self._conninfo())
        except psycopg2.Error as error:
            raise translated(error.pgcode, str(error), self.name) from None
        connection.autocommit = True
        session = Psycopg2Session(connection, self.name)
        try:
            yield session
        finally:
            session.close()


class Psycopg2Session(ObjectsSession):
    def __init__(self, connection: Any, where: str) -> None:
        super().__init__(where)
        self._connection = connection
        self._apart = Apart(self.cancel)  # psycopg2 itself waits in C, and hears no interrupt before the answer

    def close(self) -> None:
        if not (self.abandoned or self._apart.abandoned):
            self._connection.close()
        self._apart.close()

    def cancel(self) -> None:
        with suppress(psycopg2.Error):  # the server is gone
            self._connection.cancel()

    def _run(self, sql: str, values: Sequence[Any] = ()) -> Any:
        cursor = self._connection.cursor()
        given: tuple[Any, ...]
        if values:
            given = (placed(sql.replace("%", "%%"), lambda number: "%s"), tuple(values))
        else:
            given = (sql,)
        self._apart.call(lambda: cursor.execute(*given))
        return cursor

    def _open(self) -> bool:
        return not self._connection.closed and self._connection.info.transaction_status in _ALIVE

    def _copy(self, copying: Copying, batches: Iterator[pa.RecordBatch]) -> int:
        failures: list[BaseException] = []
        try:
            with self._translated(), self._connection.cursor() as cursor:
                rows = _Pieces(noting(copying.pieces(batches), failures))
                self._apart.call(lambda: cursor.copy_expert(copying.statement, rows))
                return int(cursor.rowcount)
        except Exception as error:
            if failures:
                raise failures[0] from error
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as error:
            raise translated(error.pgcode, str(error), self._where) from error


class _Pieces:
    """Bytes as a file that is read."""

    def __init__(self, pieces: Iterator[bytes | memoryview]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)
