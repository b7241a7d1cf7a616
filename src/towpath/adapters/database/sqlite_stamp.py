"""Whether a SQLite file was changed, told by a look at it that takes no lock away.

POSIX ends all locks that a process has on a file when it closes any descriptor of that file, those of SQLite as well:
two writers would then go to work at the same time. So a descriptor that was opened to look stays open."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

_MOST = 64
"""Of more files than are ever used at once, those looked at longest ago are closed."""

_kept: OrderedDict[tuple[int, int], int] = OrderedDict()
_one_at_a_time = threading.Lock()


def stamp(path: Path) -> str:
    """Changes with every commit: the file's size, time and change counter; with a WAL also its own and its index's."""
    seen: list[object] = [_look(path, 24, 4)]
    wal = _look(path.with_name(f"{path.name}-wal"), 0, 32)
    if wal[0]:
        seen += [wal, _look(path.with_name(f"{path.name}-shm"), 0, 48)[2]]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]


def _look(path: Path, start: int, length: int) -> tuple[int, int, bytes]:
    """Size, time and some bytes of a file; all nothing when it is not there."""
    with suppress(OSError), _one_at_a_time:
        descriptor = _descriptor(path)
        status = os.fstat(descriptor)
        return status.st_size, status.st_mtime_ns, os.pread(descriptor, length, start)
    return 0, 0, b""


def _descriptor(path: Path) -> int:
    found = os.stat(path)
    known = (found.st_dev, found.st_ino)
    if known not in _kept:
        _kept[known] = os.open(path, os.O_RDONLY)
    _kept.move_to_end(known)
    while len(_kept) > _MOST:
        os.close(_kept.popitem(last=False)[1])
    return _kept[known]
