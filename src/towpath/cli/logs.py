"""What goes to standard error while a command runs: log lines for programs and pipes, or progress on a terminal."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from towpath.cli import progress_bar
from towpath.cli.words import size_text
from towpath.errors import Refused
from towpath.progress import LogLine, Progress, Tally, Unwatched
from towpath.receipt import ENDED_WELL, Receipt, count

_EVERY_SECS = 5.0
_LOG = logging.getLogger("towpath.run")
_CODE = re.compile(r"\[([a-z-]+)\]$", re.MULTILINE)


@contextmanager
def on_stderr(args: argparse.Namespace) -> Iterator[None]:
    """Sends the package's log (its libraries' from warnings on) to standard error as the options say."""
    handler = _Handler(as_json=_as_json(args))
    root, ours = logging.getLogger(), logging.getLogger("towpath")
    before = root.level, ours.level
    level = _level(args)
    root.setLevel(max(level, logging.WARNING))
    ours.setLevel(level)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before[0])
        ours.setLevel(before[1])


@contextmanager
def watching(args: argparse.Namespace) -> Iterator[Callable[[], Progress]]:
    """Makes the progress of each run: drawn on a terminal, else logged. Every run needs one of its own."""
    if is_drawn(args):
        with progress_bar.Display(sys.stderr) as display:
            yield display.progress
    elif _LOG.isEnabledFor(logging.INFO):
        yield Logged
    else:
        yield Unwatched


def is_drawn(args: argparse.Namespace) -> bool:
    """Whether progress is drawn: standard error is a terminal that can move its cursor, and nothing else was asked."""
    quiet = getattr(args, "quiet", False) or getattr(args, "json", False) or _as_json(args)
    return not quiet and sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def error(args: argparse.Namespace, message: str, code: str | None) -> bool:
    """Logs what ended the command, when its log is for programs; returns whether it did."""
    if _as_json(args):
        _LOG.error(message, extra={"line": {"event": "error", "code": code}})
    return _as_json(args)


def receipt(args: argparse.Namespace, receipt: Receipt) -> bool:
    """Logs a receipt that would stand on standard error, when its log is for programs; returns whether it did."""
    if _as_json(args):
        well, code = receipt.status in ENDED_WELL, _CODE.search(receipt.why)
        fields = {"event": "message" if well else "error", "step": receipt.step or "copy"}
        line = fields | ({"code": code[1]} if code and not well else {})
        _LOG.log(logging.INFO if well else logging.ERROR, "%s", "\n".join(receipt.lines()), extra={"line": line})
    return _as_json(args)


class Logged:
    """The progress of one run as log lines: when it begins and ends to read, at restarts, and every 5 seconds between.

    What has nothing to read, or is refused before, says nothing here: its receipt or error says it."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._told = 0.0

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        self._told = time.monotonic()
        self._tally = Tally(name, self._told, rows, size)

    def _begin_reading(self) -> None:
        rows, size = self._tally.rows_known, self._tally.size_known
        known = [count(rows, "row") if rows is not None else "", size_text(size) if size is not None else ""]
        amount = ", ".join(word for word in known if word)
        _say(self._tally, "begin", f"begins: {amount}" if amount else "begins", rows_known=rows, bytes_known=size)

    def phase(self, what: str) -> None:
        tally, now = self._tally, time.monotonic()
        if what == "reading":
            self._begin_reading()
        brief = what == "publishing" and now - tally.begun < _EVERY_SECS
        tally.enter(what, now)
        _say(tally, "phase", what, logging.DEBUG if brief or what == "reading" else logging.INFO, phase=what)

    def advance(self, rows: int, size: int) -> None:
        tally, now = self._tally, time.monotonic()
        tally.rows += rows
        tally.size += size
        if now - self._told >= _EVERY_SECS:
            self._told = now
            words = f"read {_amount(tally)}, {tally.rate(now):,.0f} rows/s"
            _say(tally, "read", words, **_counts(tally, now))

    def end(self) -> None:
        tally, now = self._tally, time.monotonic()
        if not tally.phase:
            return
        ends = "ends" if tally.phase == "publishing" else "stops"
        _say(tally, "end", f"{ends}: read {_amount(tally)} in {now - tally.begun:.1f} s", **_counts(tally, now))


def _amount(tally: Tally) -> str:
    return count(tally.rows, "row") + (f", {size_text(tally.size)}" if tally.size else "")


def _counts(tally: Tally, now: float) -> dict[str, Any]:
    return {
        "rows": tally.rows,
        "bytes": tally.size or None,
        "rows_per_sec": round(tally.rate(now)),
        "seconds": round(now - tally.begun, 3),
    }


def _say(tally: Tally, event: str, words: str, level: int = logging.INFO, **fields: Any) -> None:
    _LOG.log(level, "%s: %s", tally.name, words, extra={"line": {"event": event, "step": tally.name, **fields}})


def _level(args: argparse.Namespace) -> int:
    if getattr(args, "quiet", False):
        return logging.ERROR
    if getattr(args, "verbose", False):
        return logging.DEBUG
    # On a terminal the progress and the receipt say it already, and beside --json nothing but warnings is wanted.
    on_terminal = is_drawn(args) or (getattr(args, "json", False) and sys.stderr.isatty() and not _as_json(args))
    return logging.WARNING if on_terminal else logging.INFO


def _as_json(args: argparse.Namespace) -> bool:
    return getattr(args, "log", "text") == "json"


class _Handler(logging.Handler):
    """Writes to whatever standard error is at that moment, above the progress if there is any."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = _json(record) if self._as_json else _text(record)
            with progress_bar.paused():
                print(text, file=sys.stderr, flush=True)
        except (Refused, BrokenPipeError):
            pass  # standard error is full, or nobody reads it: that stops no load, and there is nobody to tell it to
        except Exception:
            self.handleError(record)


def _text(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
    return f"{moment} {record.levelname} {record.getMessage()}"


def _json(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = getattr(record, "line", None) or {"event": "message", "logger": record.name}
    line = LogLine(time=moment, level=record.levelname.lower(), message=record.getMessage(), **fields)
    return json.dumps({name: value for name, value in asdict(line).items() if value is not None}, ensure_ascii=False)
