"""Small disks as faults: one that fills up at a byte of one's choice, and one that can be made read-only.

    with disk.small(folder, 1 << 20) as small:      # the folder lies on a disk of 1 MiB of its own
        small.fill(leaving=8192)                    # two pages are left
        small.read_only()

Linux, and root, since it mounts a `tmpfs`; `missing` says so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from towpath.errors import Refused

_BALLAST = ".ballast"


def missing() -> str | None:
    """Why no disk can be made here, in a few words; None when it can."""
    if not sys.platform.startswith("linux"):
        return "small disks are mounted as Linux does it"
    return None if os.geteuid() == 0 and shutil.which("mount") else "only root may mount a small disk"


@dataclass(frozen=True, slots=True)
class Small:
    """A disk of its own at `folder`."""

    folder: Path

    def fill(self, leaving: int) -> None:
        """Takes all space but `leaving` bytes, rounded down to pages of 4 KiB."""
        self.empty()
        page = os.statvfs(self.folder)
        taken = page.f_bavail - leaving // page.f_frsize
        with open(self.folder / _BALLAST, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(taken, 1) * page.f_frsize)

    def empty(self) -> None:
        """Gives the space back."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def read_only(self, only: bool = True) -> None:
        """Lets nothing be changed on it; with False it may again. Raises Refused while a file is open for writing."""
        _mount("-o", f"remount,{'ro' if only else 'rw'}", str(self.folder))


@contextmanager
def small(folder: Path, size: int) -> Iterator[Small]:
    """A new empty disk of `size` bytes at an empty folder, gone with all that is on it at the end. Raises Refused where
    it cannot be made."""
    _mount("-t", "tmpfs", "-o", f"size={size},mode=755", "towpath-small", str(folder))
    try:
        yield Small(folder)
    finally:
        with contextlib.suppress(Refused):
            _mount("-o", "remount,rw", str(folder))
        # Lazily: a process that still stands in it keeps it until it ends.
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(f"no small disk can be had: {done.stderr.strip()}", todo=missing() or "", code="system-refused")
