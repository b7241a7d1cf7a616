"""Works through names that wait for each other, several at a time where they may."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


@dataclass(slots=True)
class Schedule(Generic[_Result]):
    """`names` in an order in which each comes after those of `before`; at most `parallel` are worked on at the same
    time, and never two that are `apart`. `skip` is asked just before a name would begin: a result instead of its work,
    or None. `ended` is told of each end as it comes. `work` is called in threads (with `parallel` 1: in the caller's),
    all else in the caller's thread.

    What interrupts the caller's thread sets `stop`, and is raised again when all that runs has ended."""

    names: Sequence[str]
    before: Mapping[str, set[str]]
    apart: Callable[[str, str], bool]
    skip: Callable[[str], _Result | None]
    work: Callable[[str], _Result]
    ended: Callable[[str, _Result], None]
    parallel: int = 1
    stop: threading.Event = field(default_factory=threading.Event)
    _waiting: list[str] = field(default_factory=list)
    _running: dict[Future[_Result], str] = field(default_factory=dict)

    def run(self) -> None:
        if self.parallel == 1:
            for name in self.names:
                result = self.skip(name)
                self.ended(name, self.work(name) if result is None else result)
            return
        self._waiting = list(self.names)
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="step") as pool:
            try:
                while self._waiting or self._running:
                    self._begin(pool)
                    self._tell()
            except BaseException:
                self.stop.set()
                while self._running:
                    self._tell()
                raise

    def _begin(self, pool: ThreadPoolExecutor) -> None:
        """Begins all that may begin now."""
        while (name := self._next()) is not None:
            self._waiting.remove(name)
            result = self.skip(name)
            if result is None:
                self._running[pool.submit(self.work, name)] = name
            else:
                self.ended(name, result)

    def _next(self) -> str | None:
        busy = set(self._running.values())
        if len(busy) == self.parallel:
            return None
        for name in self._waiting:
            free = not self.before[name] & (busy | set(self._waiting))
            if free and not any(self.apart(name, other) for other in busy):
                return name
        return None

    def _tell(self) -> None:
        """Waits until something ends, and tells it."""
        if self._running:
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                self.ended(self._running.pop(future), future.result())
