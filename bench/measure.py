"""One command as a fresh tree of processes: its wall seconds, CPU seconds and peak resident memory.

Memory is sampled: the private resident pages of every process of the tree, and once those of the one that maps the most
files (`statm`: resident less shared, and shared); it is at least the greatest high-water mark (`VmHWM`) of any one of
them. Not the cgroup's `memory.peak`, which counts the page cache of the files read and written too.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from towpath.lab.processes import Process, wait_gone

MEMORY = "/proc, 100 samples a second: private pages of all processes, file pages of one; at least any one's VmHWM"
_EVERY_SECS = 0.01
_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took. `failure` is empty, or says in a line why its figures mean nothing."""

    seconds: float
    cpu: float
    memory: int
    server_cpu: float = 0.0
    failure: str = ""


def tree(pid: int) -> list[int]:
    """The process and all that descend from it, itself first; processes that ended meanwhile may be missing."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{one}/task"):
                with contextlib.suppress(OSError):
                    found += map(int, (_PROC / str(one) / "task" / thread / "children").read_text().split())
    return found


def resident(pids: Sequence[int]) -> int:
    """The resident bytes of these processes together, the pages of files once."""
    private, shared, highest = 0, 0, 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            _, pages, files = (int(field) for field in (_PROC / str(pid) / "statm").read_text().split()[:3])
            private, shared = private + pages - files, max(shared, files)
            status = (_PROC / str(pid) / "status").read_text()
            highest = max(highest, int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024)
    return max((private + shared) * _PAGE, highest)


def cpu(pid: int | None) -> float:
    """The CPU seconds of a server so far: of its processes, and of those that it waited for."""
    ticks = 0
    for at, one in enumerate(tree(pid) if pid else ()):
        with contextlib.suppress(OSError):
            fields = (_PROC / str(one) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15] if at == 0 else fields[11:13]))
    return ticks / _TICKS


class Sampler(threading.Thread):
    """Follows the memory of a process tree until it is told to stop; `seen` are all its processes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.seen = pid, 0, {pid}
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_EVERY_SECS):
            pids = tree(self.pid)
            self.seen.update(pids)
            self.peak = max(self.peak, resident(pids))

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self.peak


def measured(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float, server: int | None = None
) -> Run:
    """Runs a command in a folder, in a session of its own, and ends it when it takes longer than `limit` seconds.

    What it says goes into `said.txt` in the folder. `server`: the pid of a server whose CPU seconds count too.
    """
    said = folder / "said.txt"
    before_server, before = cpu(server), resource.getrusage(resource.RUSAGE_CHILDREN)
    with said.open("wb") as out:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        sampler = Sampler(process.pid)
        sampler.start()
        try:
            ended = _ended(process.pid, limit)
            seconds = time.perf_counter() - begun
        finally:
            end(process, sampler)
        peak = sampler.stop()
    failure = f"exit {process.returncode}: {last_line(said)}" if process.returncode else ""
    failure = failure if ended else f"took longer than {limit:g} s"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, used, peak, cpu(server) - before_server, failure)


def _ended(pid: int, limit: float) -> bool:
    """Waits for a child; not by `Popen.wait` with a time, which looks only every 50 ms."""
    handle = os.pidfd_open(pid)
    try:
        return bool(select.select([handle], [], [], limit)[0])
    finally:
        os.close(handle)


def end(process: subprocess.Popen[bytes], sampler: Sampler) -> None:
    """Collects the process that a run began, and kills what is left of its tree."""
    pids = {*tree(process.pid), *(pid for pid in sampler.seen if _session(pid) == process.pid)}
    found = [one for pid in pids if (one := Process.of(pid))]
    for one in found:
        one.signal(signal.SIGKILL)
    process.wait()
    wait_gone(found, 10)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def last_line(said: Path) -> str:
    """The last line that says something, for a table's cell."""
    text = said.read_text("utf-8", "replace").replace(str(said.parent), ".")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "said nothing"
