"""System calls as faults: strace lists those of a program, and makes a chosen one the last, or lets it fail.

    calls = syscalls.listed(["tow", "run"], about="/data/shop")        # what it writes, in order
    syscalls.run(["tow", "run"], [calls[7].killed()])                  # the same, dead before the eighth
    syscalls.run(["tow", "run"], [calls[7].failing("ENOSPC")])         # the same, the eighth finds the disk full

`attached` does the same to a process that runs already. A call is told by its name and by how many of that name its
thread made before; a program that does the same work again makes the same calls. Linux only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from towpath.errors import Refused

CHANGING = (
    "openat", "mkdir", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
    "write", "writev", "pwrite64", "ftruncate", "fallocate", "fsync", "fdatasync", "sync_file_range", "flock", "fcntl",
    "fchmod", "fchown", "copy_file_range", "sendfile",
)  # fmt: skip
"""The calls by which a program changes files, makes them durable and locks them."""

_STRACE = "strace"
_LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")
_RELATIVE = re.compile(r'"[^/]')
_READING = re.compile(r"O_RDONLY(?!.*O_CREAT)")
_QUIET_FCNTL = re.compile(r", F_(?!SETLK|OFD_SETLK)")
_ATTACHING_SECS = 20.0


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a run: its name, the how-manieth of that name in its thread (from 1), and strace's line of it."""

    name: str
    number: int
    line: str

    def killed(self) -> str:
        """The fault that ends the program before this call is made, which is after the one before it."""
        return f"inject={self.name}:signal=SIGKILL:when={self.number}"

    def failing(self, error: str, *, ever_after: bool = False) -> str:
        """The fault that lets this call fail with an error such as ENOSPC; and all later ones of its name."""
        return f"inject={self.name}:error={error}:when={self.number}{'+' if ever_after else ''}"


def missing() -> str | None:
    """Why no fault can be put into a program here, in a few words; None when it can."""
    if shutil.which(_STRACE) is None:
        return "strace is not installed (Debian has it as a package)"
    tried = subprocess.run([_STRACE, "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()[-200:]}"


def run(words: Sequence[str], faults: Sequence[str] = (), log: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command with faults put into it. A program that strace's fault kills has the code -9."""
    traced = [_STRACE, "-f", *_asked(faults, log), "--", *words]
    return subprocess.run(traced, capture_output=True, text=True)


def listed(words: Sequence[str], about: str = "") -> list[Call]:
    """The changing calls of a command, in their order, about something (a folder, a file); see `calls`."""
    with tempfile.TemporaryDirectory() as made:
        run(words, log=Path(made) / "log")
        return calls(Path(made) / "log", about)


@contextmanager
def attached(pid: int, faults: Sequence[str] = (), log: Path | None = None) -> Iterator[None]:
    """Puts faults into what a process and its threads and children do within. Raises Refused when it cannot."""
    words = [_STRACE, "-f", "-p", str(pid), *_asked(faults, log)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as strace:
        try:
            _until_traced(strace, pid)
            yield
        finally:
            # It ends with the last process that it traces; one that lives is let go, unharmed.
            strace.terminate()
            strace.communicate()


def calls(log: Path, about: str = "") -> list[Call]:
    """What a log written with `run` or `attached` lists: the calls whose line names `about`, or a path relative to
    where the program stood."""
    found: list[Call] = []
    made: dict[tuple[str, str], int] = {}
    for line in log.read_text("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        thread, name, rest = match.groups()
        made[thread, name] = made.get((thread, name), 0) + 1
        if (about in rest or _RELATIVE.match(rest)) and not _only_looks(name, rest):
            found.append(Call(name, made[thread, name], line))
    return found


def _only_looks(name: str, rest: str) -> bool:
    """Whether a call changes nothing that outlives it."""
    return bool((name == "openat" and _READING.search(rest)) or (name == "fcntl" and _QUIET_FCNTL.search(rest)))


def _asked(faults: Sequence[str], log: Path | None) -> list[str]:
    """-y: descriptors are shown with their paths. -s 0: the data itself is nobody's business."""
    words = ["-y", "-s", "0", "-o", str(log or "/dev/null"), "-e", f"trace={','.join(CHANGING)}"]
    return [*words, *(part for fault in faults for part in ("-e", fault))]


def _until_traced(strace: subprocess.Popen[str], pid: int) -> None:
    until = time.monotonic() + _ATTACHING_SECS
    while f"TracerPid:\t{strace.pid}\n" not in _status(pid):
        if strace.poll() is not None or time.monotonic() > until:
            strace.kill()
            told = strace.stderr.read().strip() if strace.stderr else ""
            raise Refused(
                f"strace does not trace the process {pid}: {told}", todo=missing() or "", code="system-refused"
            )
        time.sleep(0.001)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
