"""Ctrl-C and SIGTERM: kept from what must not be left half done, and told by libraries in words of their own."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


@contextmanager
def shielded() -> Iterator[None]:
    """A signal that asks the program to end is heard at the end of what is within, which is short or clears up; the
    second one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        if len(heard) > 1:
            _answer(before[number], number, frame)

    answers: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: answer for number, answer in answers.items() if answer is not None}  # None: not Python's
    try:
        for number in before:
            signal.signal(number, hear)
        yield
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)
        if len(heard) == 1:
            _answer(before[heard[0]], heard[0], None)


def settle(clear: Callable[[], object]) -> None:
    """Clears up, whatever interrupts. `clear` may be called twice: an interrupt can come before it is shielded."""
    try:
        with shielded():
            clear()
    except KeyboardInterrupt:
        with shielded():
            clear()
        raise


def _answer(answer: object, number: int, frame: FrameType | None) -> None:
    if callable(answer):
        answer(number, frame)
    elif answer == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


class Apart:
    """A thread for the calls of a library that answers SIGINT by itself while the main thread is in it. Those of other
    threads are made where they are. An interrupt of a call cancels it and waits for its end; the next one waits no
    longer, and the call is `abandoned`: what it uses may not be touched any more."""

    def __init__(self, cancel: Callable[[], object]) -> None:
        self.abandoned = False
        self._cancel = cancel
        self._asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def call(self, work: Callable[[], Result]) -> Result:
        if threading.current_thread() is not threading.main_thread():
            return work()
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="towpath-apart", daemon=True)
            self._thread.start()
        done: Future[Result] = Future()
        self._asked.put((done, work))
        try:
            while not done.done():
                self._look(done)
        except KeyboardInterrupt:
            self._end(done)
            raise
        return done.result()

    @staticmethod
    def _look(done: Future[Any]) -> None:
        """Waits, and not for long: a signal that the system gives to the other thread does not wake this one."""
        with suppress(TimeoutError):
            done.exception(timeout=0.1)

    def _end(self, done: Future[Any]) -> None:
        try:
            while not done.done():
                self._cancel()  # again: it may have come before the call had begun
                self._look(done)
        except BaseException:
            self.abandoned = not done.done()
            raise

    def close(self) -> None:
        self._asked.put(None)

    def _serve(self) -> None:
        while (asked := self._asked.get()) is not None:
            done, work = asked
            try:
                result = work()
            except BaseException as error:
                done.set_exception(error)
                del error
            else:
                done.set_result(result)
                del result
            del asked, done, work  # which hold what the caller is to let go


_STRUCK = re.compile(r" failed: KeyboardInterrupt:?\s*$")


@contextmanager
def told_as(words: str) -> Iterator[None]:
    """Raises as KeyboardInterrupt what a library makes of Ctrl-C: the RuntimeError with these words, or an error that
    ends with its name, where it struck Python's code within the library's."""
    try:
        yield
    except Exception as error:
        if (isinstance(error, RuntimeError) and str(error) == words) or _STRUCK.search(str(error)):
            raise KeyboardInterrupt from error
        raise
