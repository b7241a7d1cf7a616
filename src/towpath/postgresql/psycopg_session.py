"""PostgreSQL by psycopg (version 3): rows are read and written by COPY, in its binary form where types allow it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
import pyarrow as pa

from towpath.ordered import ordered
from towpath.postgresql import copybinary, libpq, reading
from towpath.postgresql.copying import Copying
from towpath.postgresql.copyout import CANCEL_SECS, CopyOut
from towpath.postgresql.errors import translated
from towpath.postgresql.objects import ObjectsSession
from towpath.postgresql.reading import Field
from towpath.postgresql.server import PostgreSQLServer
from towpath.postgresql.session import placed

_ALIVE = (psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.IDLE)


class PsycopgServer(PostgreSQLServer):
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
            self._connection.cancel_safe(timeout=CANCEL_SECS)

    def _run(self, sql: str, values: Sequence[Any] = ()) -> Any:
        cursor = self._connection.cursor()
        text = placed(sql, lambda number: f"${number}").encode() if values else sql.encode()
        return cursor.execute(text, tuple(values) or None, prepare=False)

    def _open(self) -> bool:
        return self._connection.info.transaction_status in _ALIVE

    def _tests(self, fields: Sequence[Field]) -> bool:
        return copybinary.forms_of(fields) is not None and libpq.copy_calls() is not None

    def _stream(self, sql: str, fields: Sequence[Field], batch_rows: int) -> Iterator[pa.RecordBatch]:
        forms, calls = copybinary.forms_of(fields), libpq.copy_calls()
        if forms is None or calls is None:
            yield from super()._stream(sql, fields, batch_rows)
            return
        schema = pa.schema([(field.name, field.type) for field in fields])
        asked = reading.asked(sql, fields, whole=True).rstrip().rstrip(";")
        statement = f"copy (\n{asked}\n) to stdout with (format binary)"
        pieces = CopyOut(self._connection, calls).pieces(statement, self._translated)
        # Made in another thread, while the server sends the next.
        made = ordered(pieces, lambda piece: copybinary.batch(piece, schema, forms), 1)
        with self._undone_if_left(), closing(made) as batches, reading.steady(self._where):
            for whole in batches:
                for first in range(0, len(whole), batch_rows):
                    yield whole.slice(first, batch_rows)

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
