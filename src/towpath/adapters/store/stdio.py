"""Standard input and output, both named `-`."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from towpath.disk.oserrors import translated
from towpath.disk.spool import Spool
from towpath.errors import UserError
from towpath.nouns import Guarantee
from towpath.seams.store import Entry, Staged

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class StandardStreams:
    """Reads standard input, kept on disk so that it can be read again; writes standard output as rows come.

    What was written cannot be taken back, so nothing here is staged, published atomically or remembered. A reader
    that leaves early raises BrokenPipeError, untranslated: the command then ends quietly.
    """

    guarantee = Guarantee.AT_LEAST_ONCE

    def __init__(self) -> None:
        self._spool: Spool | None = None

    def entries(self, pattern: str) -> list[Entry]:
        """Standard input, whose size is not known and whose version is empty: it cannot be read a second time."""
        return [Entry(pattern, 0, "")]

    def open(self, path: str) -> BinaryIO:
        """All of standard input from its first byte; the first call waits for its end."""
        if self._spool is None:
            self._spool = Spool(sys.stdin.buffer, "standard input")
        return self._spool.open()

    def local(self, path: str) -> Path | None:
        return None

    @contextmanager
    def stage(self, path: str, load_id: str) -> Iterator[Staged]:
        yield _Output()

    def published(self, path: str, token: str) -> bool:
        return False

    def sweep(self, path: str) -> list[str]:
        return []

    def remove(self, path: str) -> None:
        """Nothing: what was written stays."""

    def read_note(self, path: str) -> tuple[bytes, str] | None:
        return None

    def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
        raise UserError(
            "standard output keeps no notes", todo="write to a file or a table instead", code="mode-impossible"
        )


class _Output:
    """Standard output in the form of a staged object; sealing it flushes."""

    token = ""

    def __init__(self) -> None:
        self.file = cast(BinaryIO, _Written())

    def seal(self) -> None:
        self.file.flush()

    def publish(self, *, create: bool) -> None:
        """Nothing: the bytes are out already."""


class _Written(io.RawIOBase):
    """Passes bytes on to standard output, which stays open when this is closed."""

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        with translated("standard output", "write"):
            while rest:  # without a buffer (python -u) standard output may take a part only
                rest = rest[sys.stdout.buffer.write(rest) :]
        return size

    def flush(self) -> None:
        with translated("standard output", "write"):
            sys.stdout.buffer.flush()
