"""Who watches a run that Python started: a notebook's cell, the terminal, or nobody."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from towpath.errors import UserError
from towpath.progress import Progress, Tally, Unwatched
from towpath.python import html
from towpath.receipt import count

_EVERY_SECS = 0.2

Watch = bool | Progress | None
"""True: show progress in the notebook, or on standard error if it is a terminal. None: in a notebook only. False:
nowhere. A `Progress` of one's own is told everything."""


Watches = bool | Callable[[], Progress] | None
"""The same for several runs: a function makes the `Progress` of each, as they may run at the same time."""


@contextmanager
def watched(choice: Watch) -> Iterator[Progress]:
    """The progress that a run shall tell."""
    if choice not in (None, True, False) and not hasattr(choice, "begin"):
        raise _no_watch(choice)
    with watches((lambda: choice) if choice is not None and not isinstance(choice, bool) else choice) as made:
        yield made()


@contextmanager
def watches(choice: Watches) -> Iterator[Callable[[], Progress]]:
    """What makes the progress of each of several runs."""
    if choice not in (None, True, False) and not callable(choice):
        raise _no_watch(choice)
    if callable(choice):
        yield choice
    elif choice is not False and in_notebook():
        yield Cell
    elif choice and sys.stderr.isatty():
        from towpath.cli.progress_bar import Display

        with Display(sys.stderr) as display:
            yield display.progress
    else:
        yield Unwatched


def _no_watch(choice: object) -> UserError:
    return UserError(
        f"progress takes True, False, or what is told of the run, not {choice!r}",
        todo="give True to see it on a terminal; leave it out for notebooks",
        code="option-wrong",
    )


def in_notebook() -> bool:
    """Whether this is a Jupyter kernel; IPython is not imported for the question."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None


class Cell:
    """Progress below a notebook's cell: one display, changed a few times a second and told how the run ended."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._handle: Any = None
        self._shown = 0.0

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        self._tally = Tally(name, time.monotonic(), rows, size, "reading")
        self._show()

    def phase(self, what: str) -> None:
        self._tally.enter(what, time.monotonic())
        self._show()

    def advance(self, rows: int, size: int) -> None:
        self._tally.rows += rows
        self._tally.size += size
        if time.monotonic() - self._shown > _EVERY_SECS:
            self._show()

    def end(self) -> None:
        self._tally.phase = "ended"
        self._show()

    def _show(self) -> None:
        from IPython.display import display

        self._shown = time.monotonic()
        picture = _Picture(self._tally, self._shown)
        if self._handle is None:
            self._handle = display(picture, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(picture)


class _Picture:
    """A moment of a run, for notebooks and for what shows no HTML."""

    def __init__(self, tally: Tally, now: float) -> None:
        counts = count(tally.rows, "row")
        if tally.rows:
            counts += f", {tally.rate(now):,.0f} rows/s"
        self._parts = (tally.name, tally.phase, counts)
        self._share = tally.share()

    def _repr_html_(self) -> str:
        return html.progress(*self._parts, self._share)

    def __repr__(self) -> str:
        name, phase, counts = self._parts
        return f"{name} {phase}: {counts}"
