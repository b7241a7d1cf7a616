"""What other cores do with batches while the mover reads on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any

_WORTH = 1 << 17
"""Bytes of a batch that are worth a turn of another thread."""


class Lane:
    """Works done one after another, in their order, in a thread of its own that begins with the first. No more wait
    than hold `most` bytes of memory together, unless one alone does. What a work raises, the next call raises, once;
    those behind it are not begun. Leaving the lane with an error gives up what has not begun; leaving waits. `give_up`
    ends what is under way then (again and again until it has ended), or, told to abandon it when an interrupt comes
    while it is waited for, lets it be."""

    def __init__(self, name: str, most: int, give_up: Callable[..., object] | None = None) -> None:
        self._thread = ThreadPoolExecutor(1, f"towpath-{name}")
        self._most = most
        self._give_up = give_up
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
        while not first.done():  # not for long: a signal that the system gives to the other thread wakes nobody here
            wait((first,), timeout=0.1)
        self._waiting.popleft()
        self._bytes -= size
        first.result()

    def _end(self, give_up: Callable[..., object]) -> None:
        try:
            while under_way := [one for one, _ in self._waiting if not one.done()]:
                give_up()
                wait(under_way, timeout=0.1)
        except BaseException:
            give_up(abandon=True)
            raise

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
        if kind is not None and self._give_up is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._end(self._give_up)
        self._thread.shutdown(cancel_futures=kind is not None)
