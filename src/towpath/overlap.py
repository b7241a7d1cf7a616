"""What other cores do with a batch while the mover reads on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any

WORTH = 1 << 17
"""Bytes of a batch that are worth a turn of another thread."""


class Overlap:
    """Works under way, in threads that begin with the first. Leaving it waits for them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2, "towpath-overlap")
        self._under_way: list[Future[Any]] = []

    def start(self, work: Callable[..., object], *given: Any) -> None:
        self._under_way.append(self._pool.submit(work, *given))

    def settle(self) -> None:
        """Waits for all that was started, then raises what the first of them raised that failed."""
        under_way, self._under_way = self._under_way, []
        wait(under_way)
        for one in under_way:
            one.result()

    def __enter__(self) -> Overlap:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()
