"""Processes by pid and start time, so that a pid which the system gave to another one meanwhile is never signalled."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LINUX = sys.platform.startswith("linux")
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


@dataclass(frozen=True, slots=True)
class Process:
    """One process. `started` is the system's own word for when it began."""

    pid: int
    started: str

    @staticmethod
    def of(pid: int) -> Process | None:
        """The process that has this pid now; None when there is none, or only its remains."""
        found = _looked_up(pid)
        return None if found is None else Process(pid, found[1])

    def alive(self) -> bool:
        return Process.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Sends a signal, if this process still lives."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def tree(self) -> list[Process]:
        """The process and all that descend from it, itself first; [] when it is gone."""
        children: dict[int, list[Process]] = {}
        for pid, parent, started in _all():
            children.setdefault(parent, []).append(Process(pid, started))
        found = [self] if self.alive() else []
        for one in found:
            found += children.get(one.pid, [])
        return found

    def kill(self) -> None:
        """SIGKILL to the process and all that descend from it; returns when they are gone."""
        tree = self.tree()
        for one in tree:
            one.signal(signal.SIGKILL)
        wait_gone(tree, 10)

    def memory(self) -> int:
        """The resident bytes of the process and all that descend from it; pages that they share count once for each."""
        return sum(_resident(one.pid) for one in self.tree())


def wait_gone(processes: list[Process], secs: float) -> bool:
    """Whether all of them ended within this time."""
    until = time.monotonic() + secs
    while any(one.alive() for one in processes):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process when its parent dies. Called between fork and exec, after the user was changed,
    which would undo it. Only Linux can; elsewhere the supervisor alone sees to it."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def adopt_orphans() -> None:
    """Makes this process the parent of descendants whose own parent died, so that it still finds them (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        _LIBC.prctl(option, value, 0, 0, 0)


def _looked_up(pid: int) -> tuple[int, str] | None:
    """Parent and start of a process that is not a zombie."""
    if not _LINUX:
        return next(((parent, started) for one, parent, started in _listed("-p", str(pid)) if one == pid), None)
    try:
        # The name stands in brackets and may hold any sign.
        fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), fields[19])


def _all() -> Iterator[tuple[int, int, str]]:
    if not _LINUX:
        yield from _listed("-A")
        return
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (found := _looked_up(int(entry.name))):
            yield int(entry.name), *found


def _listed(*which: str) -> Iterator[tuple[int, int, str]]:
    """By `ps`, where there is no /proc. Its start is in whole seconds."""
    done = subprocess.run(
        ["ps", *which, "-o", "pid=,ppid=,stat=,lstart="], capture_output=True, text=True, env={"LC_ALL": "C"}
    )
    for line in done.stdout.splitlines():
        pid, parent, state, started = line.split(maxsplit=3)
        if not state.startswith("Z"):
            yield int(pid), int(parent), started.strip()


def _resident(pid: int) -> int:
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True) if not _LINUX else None
    try:
        if done is not None:
            return int(done.stdout) * 1024
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
