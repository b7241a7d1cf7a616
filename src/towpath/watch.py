"""What the mover tells a Progress: from the run's own thread only, whichever thread the rows pass in."""

from __future__ import annotations

import threading

from towpath.progress import Progress


class Watch:
    """Counts rows and bytes read, in any thread, and passes them on in the thread that made it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._rows = self._size = 0
        self._begun = False

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        self._begun = True
        self._progress.begin(name, rows, size)

    def reading(self, name: str, rows: int | None, size: int | None) -> None:
        """The run begins to read. Said again by a further attempt, it is nothing new."""
        if not self._begun:
            self.begin(name, rows, size)
            self.phase("reading")

    def phase(self, what: str) -> None:
        if self._begun:
            self._pass_on()
            self._progress.phase(what)

    def read(self, rows: int, size: int) -> None:
        """So many more rows and bytes."""
        with self._lock:
            self._rows += rows
            self._size += size
        if threading.get_ident() == self._thread:
            self._pass_on()

    def end(self) -> None:
        """Ends what was begun, if anything was."""
        if self._begun:
            self._pass_on()
            self._progress.end()

    def _pass_on(self) -> None:
        with self._lock:
            rows, size, self._rows, self._size = self._rows, self._size, 0, 0
        if rows or size:
            self._progress.advance(rows, size)
