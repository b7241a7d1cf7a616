"""What other cores do with batches while the mover reads on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

_WORTH = 1 << 17
"""Bytes of a batch that are worth a turn of another thread."""


class Lane:
    """Works done one after another, in their order, in a thread of its own that begins with the first. No more wait
    than hold `most` bytes of memory together, unless one alone does. What a work raises, the next call raises, once;
    those behind it are not begun. Leaving the lane with an error gives up what has not begun; leaving waits."""

    def __init__(self, name: str, most: int) -> None:
        self._thread = ThreadPoolExecutor(1, f"towpath-{name}")
        self._most = most
        self._waiting: deque[tuple[Future[None], int]] = deque()
        self._bytes = 0
        self._failed = False

    def do(self, size: int, work: Callable[..., object], *given: Any) -> None:
        """Does a work, now or later, that holds so many bytes. Small ones are done at once, when all others are."""
        if size < _WORTH:
            self.settle()
            work(*given)
            return
        while self._waiting and (self._waiting[0][0].done() or self._bytes + size > self._most):
            self._first()
        self._waiting.append((self._thread.submit(self._work, work, given), size))
        self._bytes += size

    def settle(self) -> None:
        """Waits for all that was begun."""
        while self._waiting:
            self._first()

    def _first(self) -> None:
        first, size = self._waiting[0]
        first.exception()  # which an interrupt can end, and it waits on
        self._waiting.popleft()
        self._bytes -= size
        first.result()

    def _work(self, work: Callable[..., object], given: tuple[Any, ...]) -> None:
        if self._failed:
            return
        try:
            work(*given)
        except BaseException:
            self._failed = True
            raise

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=kind is not None)
