"""PostgreSQL by psycopg (version 3): rows are read and written by COPY, in its binary form where types allow it."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.pq import ExecStatus

from towpath.errors import TowError
from towpath.ordered import ordered
from towpath.postgresql import copybinary, libpq, reading
from towpath.postgresql.copying import Copying
from towpath.postgresql.errors import translated
from towpath.postgresql.objects import ObjectsSession
from towpath.postgresql.reading import Field
from towpath.postgresql.server import PostgreSQLServer
from towpath.postgresql.session import placed

_CANCEL_SECS = 2.0
_QUERY = "_towpath_query"
_PIECE_BYTES = 8 << 20
_GATHERING_SECS = 0.001
"""The server sends 8 KB at a time: what comes meanwhile is taken in one go."""
_ALIVE = (psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.IDLE)


class PostgreSQL(PostgreSQLServer):
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

    def _tests(self, fields: Sequence[Field]) -> bool:
        return copybinary.forms_of(fields) is not None and libpq.copy_calls() is not None

    def _stream(self, sql: str, fields: Sequence[Field], batch_rows: int) -> Iterator[pa.RecordBatch]:
        forms, calls = copybinary.forms_of(fields), libpq.copy_calls()
        if forms is None or calls is None:
            yield from super()._stream(sql, fields, batch_rows)
            return
        schema = pa.schema([(field.name, field.type) for field in fields])
        asked = reading.asked(sql, fields, whole=True).rstrip().rstrip(";")
        # A query that is left half-way is cancelled, which ends what was done since the savepoint.
        self.execute(f"savepoint {_QUERY}")
        ended = False
        try:
            statement = f"copy (\n{asked}\n) to stdout with (format binary)"
            pieces = CopyOut(self._connection, calls).pieces(statement, self._translated)
            # Made in another thread, while the server sends the next.
            made = ordered(pieces, lambda piece: copybinary.batch(piece, schema, forms), 1)
            with closing(made) as batches, reading.steady(self._where):
                for whole in batches:
                    for first in range(0, len(whole), batch_rows):
                        yield whole.slice(first, batch_rows)
            ended = True
        finally:
            with suppress(TowError):  # the connection is gone
                self.execute(f"{'release' if ended else 'rollback to'} savepoint {_QUERY}")

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


class CopyOut:
    """What one `copy ... to stdout` gives, in large pieces: psycopg itself makes an object of each row."""

    def __init__(self, connection: psycopg.Connection[Any], calls: tuple[int, int, int]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._calls = calls

    def pieces(self, statement: str, translated: Callable[[], AbstractContextManager[None]]) -> Iterator[bytes]:
        """Whole rows, without what stands before the first; `translated` raises the library's errors as ours. Closing
        it cancels the statement."""
        with translated():
            self._pgconn.send_query(statement.encode())
        try:
            with translated():
                self._begun()
            yield from self._rows(translated)
        except BaseException:
            with suppress(psycopg.Error):
                self._cancelled()
            raise

    def _begun(self) -> None:
        while self._pgconn.flush():
            self._wait(selectors.EVENT_READ | selectors.EVENT_WRITE)
        result = self._result()
        if result is None or result.status != ExecStatus.COPY_OUT:
            raise self._failure(result)

    def _rows(self, translated: Callable[[], AbstractContextManager[None]]) -> Iterator[bytes]:
        outcome, skipped = 1, len(copybinary.HEAD)
        while outcome >= 0:
            parts, size = [], 0
            with translated():
                while size < _PIECE_BYTES and outcome >= 0:
                    part, outcome = self._received(_PIECE_BYTES - size)
                    parts.append(part)
                    size += len(part)
                    if outcome == 0:
                        time.sleep(_GATHERING_SECS if size else 0)
                        self._wait(selectors.EVENT_READ)
            piece = b"".join(parts)
            yield piece[skipped:]
            skipped = 0
        with translated():
            while (result := self._result()) is not None:
                if result.status != ExecStatus.COMMAND_OK:
                    raise self._failure(result)

    def _received(self, most: int) -> tuple[bytes, int]:
        address: int = self._pgconn.pgconn_ptr  # type: ignore[attr-defined]
        return copybinary.received(self._calls, address, most)

    def _result(self) -> Any:
        while self._pgconn.is_busy():
            self._wait(selectors.EVENT_READ)
        return self._pgconn.get_result()

    def _wait(self, events: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._pgconn.socket, events)
            selector.select()
        self._pgconn.consume_input()

    def _failure(self, result: Any) -> psycopg.Error:
        if result is None:
            return psycopg.OperationalError(self._pgconn.get_error_message())
        return psycopg.errors.error_from_result(result)

    def _cancelled(self) -> None:
        """Ends the statement, and takes what is still to come of it."""
        if self._pgconn.transaction_status != psycopg.pq.TransactionStatus.ACTIVE:
            return
        self._connection.cancel_safe(timeout=_CANCEL_SECS)
        result = self._result()
        while result is not None:
            outcome = 1
            while result.status == ExecStatus.COPY_OUT and outcome >= 0:
                _, outcome = self._received(_PIECE_BYTES)
                if outcome == 0:
                    self._wait(selectors.EVENT_READ)
            result = self._result()
