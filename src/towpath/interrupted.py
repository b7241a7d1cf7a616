"""Ctrl-C and SIGTERM: kept from what must not be left half done, and told by libraries in words of their own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


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


@contextmanager
def told_as(words: str) -> Iterator[None]:
    """Raises the RuntimeError with these words, which a library makes of Ctrl-C, as KeyboardInterrupt."""
    try:
        yield
    except RuntimeError as error:
        if str(error) == words:
            raise KeyboardInterrupt from error
        raise
