"""SIGTERM ends a command as Ctrl-C does: what it wrote and did not publish is removed, and a line says so."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TOLD = "interrupted: what was not published yet is not visible to anybody"


_heard: list[int] = []
"""SIGTERM, if it came. Not told by the kind of the exception: a library may make another KeyboardInterrupt of it."""


def exit_code() -> int:
    """130 for Ctrl-C, 143 for SIGTERM: what a shell says of a program that such a signal ended."""
    return 128 + (signal.SIGTERM if _heard else signal.SIGINT)


@contextmanager
def heard() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt within, unless whoever called us has an answer of their own."""
    _heard.clear()
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not ours:
        yield
        return
    signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raise(number: int, frame: FrameType | None) -> None:
    _heard.append(number)
    raise KeyboardInterrupt
