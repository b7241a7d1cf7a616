"""What one `copy ... to stdout` gives, in large pieces: psycopg itself makes an object of each row."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any, NoReturn

import psycopg
from psycopg.pq import ExecStatus

from towpath.postgresql import copybinary

CANCEL_SECS = 2.0
_PIECE_BYTES = 8 << 20
_LOOK_SECS = 1.0
"""How often is looked although nothing came: bytes may wait within TLS that the socket does not tell of."""
_ENDED = -1
_GATHERING_SECS = 0.001
"""The server sends 8 KB at a time: what comes meanwhile is taken in one go."""


class CopyOut:
    """One connection of psycopg's, of which rows are taken by calls of its libpq (`libpq.copy_calls`)."""

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
            self._fail(result)

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
                    self._fail(result)
            if outcome != _ENDED:
                self._fail(None)

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
            selector.select(_LOOK_SECS)
        self._pgconn.consume_input()

    def _fail(self, result: Any) -> NoReturn:
        """Raises what the server said, once nothing is left of the statement that a cancel could be for."""
        if result is None:
            raise psycopg.OperationalError(self._pgconn.get_error_message())
        while self._result() is not None:
            pass
        raise psycopg.errors.error_from_result(result)

    def _cancelled(self) -> None:
        """Ends the statement, and takes what is still to come of it."""
        if self._pgconn.transaction_status != psycopg.pq.TransactionStatus.ACTIVE:
            return
        self._connection.cancel_safe(timeout=CANCEL_SECS)
        result = self._result()
        while result is not None:
            outcome = 1
            while result.status == ExecStatus.COPY_OUT and outcome >= 0:
                _, outcome = self._received(_PIECE_BYTES)
                if outcome == 0:
                    self._wait(selectors.EVENT_READ)
            result = self._result()
