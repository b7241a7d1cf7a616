"""Progress: what a run tells whoever watches it."""

from __future__ import annotations

from typing import Protocol


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
