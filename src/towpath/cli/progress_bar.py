"""Progress on a terminal: one line for each running step at the bottom of the screen, gone when the step has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from towpath.cli.charts import has_blocks
from towpath.cli.words import duration, short_count, size_text
from towpath.look.screen import cut, cut_middle, width
from towpath.progress import Tally
from towpath.receipt import count

if TYPE_CHECKING:
    from rich.live import Live

_DRAWN_AFTER_SECS = 0.3
_DRAWN_EVERY_SECS = 0.1
_NAME, _BAR, _SHORTEST_BAR = 24, 20, 5

_current: Display | None = None


class Display:
    """The lines of a terminal. Each run gets a `progress` of its own; any thread may call it. What takes less than a
    blink draws nothing, and never loads the library that draws."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._tallies: list[Tally] = []
        self._closed = threading.Event()
        self._live: Live | None = None
        self._drawing = threading.Thread(target=self._draw, name="progress", daemon=True)

    def __enter__(self) -> Display:
        global _current
        _current = self
        self._drawing.start()
        return self

    def __exit__(self, *_: object) -> None:
        global _current
        _current = None
        self._closed.set()
        self._drawing.join()
        self._erase()

    def progress(self) -> Drawn:
        return Drawn(self)

    @contextmanager
    def change(self) -> Iterator[list[Tally]]:
        """The tallies of the running steps, for one thread at a time."""
        with self._lock:
            yield self._tallies
            if not self._tallies:
                self._erase()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The lines are away, and stay away until the caller has written."""
        with self._lock:
            self._erase()
            yield

    def _draw(self) -> None:
        while not self._closed.wait(_DRAWN_EVERY_SECS):
            with self._lock:
                now = time.monotonic()
                if self._tallies and (self._live or now - self._tallies[0].begun > _DRAWN_AFTER_SECS):
                    self._redraw(now)

    def _redraw(self, now: float) -> None:
        from rich.text import Text

        live = self._live or self._open()
        room = live.console.width - 1  # some terminals begin a new line when the last column is written
        blocks = "━─" if has_blocks(self._stream) else "#-"
        text = Text("\n".join(line(tally, now, room, blocks) for tally in self._tallies), no_wrap=True)
        text.highlight_regex(f"[{blocks[0]}]+", "cyan")
        live.update(text, refresh=True)

    def _open(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, force_terminal=True)
        console.show_cursor = lambda show=True: False  # type: ignore[method-assign]  # a killed run leaves it as it was
        self._live = Live(
            console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        return self._live

    def _erase(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


class Drawn:
    """The progress of one run on a display."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._tally = Tally()

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        with self._display.change() as tallies:
            self._tally = Tally(name, time.monotonic(), rows, size)
            tallies.append(self._tally)

    def phase(self, what: str) -> None:
        with self._display.change():
            self._tally.enter(what, time.monotonic())

    def advance(self, rows: int, size: int) -> None:
        with self._display.change():
            self._tally.rows += rows
            self._tally.size += size

    def end(self) -> None:
        with self._display.change() as tallies:
            tallies[:] = [one for one in tallies if one is not self._tally]


@contextmanager
def paused() -> Iterator[None]:
    """Room to write whole lines: no progress is on the screen meanwhile."""
    if _current is None:
        yield
    else:
        with _current.paused():
            yield


def line(tally: Tally, now: float, room: int, blocks: str = "━─") -> str:
    """One step in at most `room` columns: what matters least is left out first, and the bar takes what is left."""
    name = cut_middle(tally.name, min(_NAME, max(8, room // 3)))
    if not tally.rows and tally.phase not in ("", "reading"):
        return cut(f"{name}  {tally.phase}", room)
    parts = _parts(tally, now)
    while len(parts) > 1 and width("  ".join((name, *(text for _, text in parts)))) > room:
        parts.remove(min(parts))
    out = "  ".join((name, *(text for _, text in parts)))
    return cut(_with_bar(name, out, tally, room, blocks), room)


def _parts(tally: Tally, now: float) -> list[tuple[int, str]]:
    """What a line says, from left to right, each with how much it matters."""
    share, left = tally.share(), tally.left(now)
    reading = tally.phase.startswith(("reading", "restarting")) or not tally.phase
    parts = [
        (4, f"{share:4.0%}" if share is not None else ""),
        (6, count(tally.rows, "row")),
        (2, size_text(tally.size) if tally.size else ""),
        (3, f"{short_count(tally.rate(now))} rows/s" if reading and tally.rows else ""),
        (5, tally.phase if not reading else f"{duration(left)} left" if left is not None else ""),
        (1, f"pass {tally.passes}" if tally.passes > 1 else ""),
    ]
    return [(matters, text) for matters, text in parts if text]


def _with_bar(name: str, out: str, tally: Tally, room: int, blocks: str) -> str:
    share, length = tally.share(), min(_BAR, room - width(out) - 2)
    if share is None or length < _SHORTEST_BAR:
        return out
    done = int(share * length)
    return f"{name}  {blocks[0] * done}{blocks[1] * (length - done)}{out[len(name) :]}"
