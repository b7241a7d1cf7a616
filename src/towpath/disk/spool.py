"""Bytes that can be read only once (standard input, a FIFO), kept on disk so that they can be read again."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import weakref
from typing import TYPE_CHECKING, BinaryIO

from towpath.disk import temporary
from towpath.disk.oserrors import translated

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 1 << 20


class Spool:
    """All that a stream held, readable any number of times and from any position.

    The bytes lie in a temporary file without a name (in `TMPDIR`), which ends with the spool, or with the process."""

    def __init__(self, source: BinaryIO, name: str) -> None:
        """Reads `source` to its end. Raises Refused when it cannot be read or the temporary folder is full."""
        where = f"temporary folder {temporary.folder()} (for {name})"
        with translated(where, "use"), tempfile.TemporaryFile(prefix="tow-", dir=temporary.folder()) as file:
            shutil.copyfileobj(source, file, _CHUNK)
            file.flush()
            self.descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self.descriptor)

    def open(self) -> BinaryIO:
        """A new seekable stream from the first byte on."""
        return io.BufferedReader(_Spooled(self), _CHUNK)


class _Spooled(io.RawIOBase):
    """A reader with a position of its own: readers of one spool do not disturb each other."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        found = os.preadv(self._spool.descriptor, [buffer], self._position)
        self._position += found
        return found

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}
        start = starts[whence] if whence in starts else os.fstat(self._spool.descriptor).st_size
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._position = start + offset
        return self._position
