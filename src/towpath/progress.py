"""Progress: what a run tells whoever watches it, and the form that it has in a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol


class Progress(Protocol):
    """Told by the mover, in this order for each run: `begin`, then any number of `phase` and `advance`, then `end`,
    however the run ends. Called from the run's own thread; steps that run at the same time have one each."""

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        """`rows` and `size` (bytes) of all sources together, None when they are not known."""
        ...

    def phase(self, what: str) -> None:
        """What the run does now: `reading`, `restarting: ...` (counts begin anew), `publishing`."""
        ...

    def advance(self, rows: int, size: int) -> None:
        """So many more rows were read, and so many more bytes of `begin`'s `size` (0 when that is not known)."""
        ...

    def end(self) -> None: ...


class Unwatched:
    """Nobody looks."""

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        pass

    def phase(self, what: str) -> None:
        pass

    def advance(self, rows: int, size: int) -> None:
        pass

    def end(self) -> None:
        pass


@dataclass(slots=True)
class Tally:
    """How far one run has come; `phase` keeps it. Times are those of one clock, in seconds."""

    name: str = ""
    begun: float = 0.0
    rows_known: int | None = None
    size_known: int | None = None
    phase: str = ""
    passes: int = 1
    rows: int = 0
    size: int = 0

    def enter(self, what: str, now: float) -> None:
        """Another phase; a restart begins the counts anew."""
        self.phase = what
        if what.startswith("restarting"):
            self.rows = self.size = 0
            self.begun, self.passes = now, self.passes + 1

    def share(self) -> float | None:
        """The part that is read, 0 to 1: by bytes, else by rows; None where neither is known beforehand."""
        for done, known in ((self.size, self.size_known), (self.rows, self.rows_known)):
            if known and done:
                return min(1.0, done / known)
        return None

    def rate(self, now: float) -> float:
        """Rows a second since the pass began."""
        return self.rows / max(now - self.begun, 1e-3)

    def left(self, now: float) -> float | None:
        """Seconds that the rest would take at the speed so far; None where that is not known."""
        share = self.share()
        return None if not share else (now - self.begun) * (1 - share) / share


@dataclass(slots=True)
class LogLine:
    """One line of `--log json`, written to standard error. Fields that an event does not have are left out."""

    time: Annotated[str, "when, in UTC, ISO 8601 with milliseconds"]
    level: Annotated[str, "debug, info, warning or error"]
    event: Annotated[
        str,
        "begin, phase, read (every 5 seconds), end, error (the command or a step failed), or message (anything else)",
    ]
    message: Annotated[str, "the same in words"]
    step: Annotated[str | None, "the run that it is about: pipeline/step, or copy"] = None
    phase: Annotated[str | None, "what the run does now: reading, restarting: ..., publishing"] = None
    rows: Annotated[int | None, "rows read so far"] = None
    bytes: Annotated[int | None, "bytes read so far, where they are known"] = None
    rows_per_sec: Annotated[int | None, "rows read a second since the pass began"] = None
    rows_known: Annotated[int | None, "rows of all sources, where they are known beforehand"] = None
    bytes_known: Annotated[int | None, "bytes of all sources, where they are known beforehand"] = None
    seconds: Annotated[float | None, "seconds since the pass began"] = None
    code: Annotated[str | None, "the kind of error, which `tow explain CODE` explains"] = None
    logger: Annotated[str | None, "who says it, for messages"] = None
