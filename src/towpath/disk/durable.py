"""What outlasts a power cut: a file is durable by its own `fsync`, its name by that of the folder it stands in."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from towpath.disk.oserrors import subject
from towpath.errors import Refused

_BEGIN_WRITING = 2
"""SYNC_FILE_RANGE_WRITE: https://man7.org/linux/man-pages/man2/sync_file_range.2.html"""


def begin_writing(descriptor: int, begin: int, count: int) -> None:
    """Asks the system to begin to bring these bytes of a file to the disk. `fsync` alone makes them durable, and tells
    what went wrong; it has less to wait for then. Nothing happens where the system has no such call."""
    _sync_file_range()(descriptor, begin, count, _BEGIN_WRITING)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], object]:
    import ctypes  # late: few files are so large

    found = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if found is None:  # Linux alone has it
        return lambda *_: None
    found.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    call: Callable[[int, int, int, int], object] = found
    return call


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable, as they are now. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems know no such thing for folders
            raise
    finally:
        os.close(descriptor)


def confirm(path: Path) -> None:
    """Makes a change of names durable that is made already. Raises Refused, which says so, when the disk fails."""
    try:
        sync_folder(path.parent)
    except OSError as error:
        raise Refused(
            f"it is done, but the disk does not confirm that it outlasts a power cut: {error.strerror or error}",
            where=subject(str(path)),
            todo="see to the disk, then run again: a step with a name does not load again what it has loaded",
            code="system-refused",
        ) from error
