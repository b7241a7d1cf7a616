"""--follow: a command that goes on until it is told to end."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from towpath.errors import UserError

DEFAULT_SECS = 10.0
_OPTION = "--follow"


def add(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument_group("going on").add_argument
    option(_OPTION, action="store_true", help="go on with what is new, until Ctrl-C or SIGTERM")
    option("--every", metavar="SPAN", help="how long to wait between two looks: 500ms, 10s (the default), 1h")


def every(args: argparse.Namespace) -> float:
    """Seconds between two looks. Raises UserError for an option that has no meaning without --follow."""
    from towpath.pipeline import shorthand

    if args.every is not None and not args.follow:
        raise UserError("--every is about --follow, which is not given", code="options-conflict")
    return DEFAULT_SECS if args.every is None else shorthand.seconds(args.every, "--every")


@contextmanager
def stopping(words: Sequence[str]) -> Iterator[threading.Event]:
    """An event that, where the words of a command ask to follow, the first Ctrl-C or SIGTERM sets from now on; the
    second one interrupts as ever. It begins before anything is imported or looked at, since a signal may come early."""
    stop = threading.Event()
    before: dict[int, Any] = {}

    def told(number: int, _: Any) -> None:
        stop.set()
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM) if _OPTION in words else ():
        before[number] = signal.signal(number, told)
    try:
        yield stop
    finally:
        for told_of, handler in before.items():
            signal.signal(told_of, handler)
