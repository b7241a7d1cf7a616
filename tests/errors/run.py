"""Builds a fault for real in a folder of its own, runs its command, and gives what the person would see."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.errors.kit import ORDERS, Fault
from tests.errors.server import Request

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"


class CannotInject(Exception):
    """This machine does not let the fault happen; the text says why."""


@dataclass(frozen=True)
class Seen:
    """What a command left: exit code, standard output, and standard error without what changes from run to run."""

    exit: int
    out: str
    err: str

    def golden(self, fault: Fault) -> str:
        """The text that is kept: the command, what it said, and its exit code."""
        return f"$ tow {fault.command}\n{self.err}exit code {self.exit}\n"


class Runner:
    """The forking server, and faults run through it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.errors.server", str(theirs.fileno())],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        )
        theirs.close()
        self._channel = ours
        self._lines = ours.makefile("rw")
        assert self._lines.readline() == "ready\n"

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lines.close()
        self._channel.close()
        self._process.wait(30)

    def run(self, fault: Fault) -> Seen:
        """Makes the fault and runs its command. Raises CannotInject where the machine does not allow it."""
        # Not pytest's own folder: that one is closed to other users, who run some of the commands.
        place = Path(tempfile.mkdtemp(prefix="tow-fault-"))
        mounted = None
        try:
            place.chmod(0o755)
            folder = place / "here"
            folder.mkdir()
            mounted = _small_disk(folder / "out") if fault.full else None
            return self._inside(fault, folder, place)
        finally:
            if mounted is not None:
                subprocess.run(["umount", mounted], check=True)
            shutil.rmtree(place)

    def _inside(self, fault: Fault, folder: Path, place: Path) -> Seen:
        for name, data in {"orders.csv": ORDERS, **fault.files}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        if fault.prepare is not None:
            fault.prepare(folder)
        for command in fault.before:
            seen = self._tow(command, folder, place, Fault("", "", command, ""))
            assert seen.exit == 0, f"{command}: {seen.err}"
        if fault.between is not None:
            fault.between(folder)
        if fault.nobody:
            _give_away(folder)
        return self._tow(fault.command, folder, place, fault)

    def _tow(self, command: str, folder: Path, place: Path, fault: Fault) -> Seen:
        out, err = place / "out.txt", place / "err.txt"
        for path in (out, err):
            path.write_bytes(b"")
        env = {
            "PATH": os.environ["PATH"], "HOME": str(place), "LANG": "C.UTF-8", "TOWPATH_STATE": str(folder / "state"),
            "COLUMNS": "80", "TZ": "UTC", **fault.env,
        }  # fmt: skip
        request: Request = {
            "arguments": shlex.split(command),
            "folder": str(folder),
            "env": env,
            "stdin": fault.stdin or os.devnull,
            "stdout": fault.stdout or str(out),
            "stderr": str(err),
            "nobody": fault.nobody,
            "hide": fault.hide,
            "hold": fault.hold,
            "largest": fault.largest,
            "interrupt": fault.interrupt,
        }
        self._lines.write(json.dumps(request) + "\n")
        self._lines.flush()
        code = int(self._lines.readline())
        return Seen(code, out.read_text("utf-8"), _steady(err.read_text("utf-8"), folder))


def _give_away(folder: Path) -> None:
    """Everything belongs to the user without rights now, except what a fault keeps from it by its mode."""
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)


def _small_disk(folder: Path) -> str:
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True, text=True)
    if done.returncode:
        raise CannotInject(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    return str(folder)


def _steady(text: str, folder: Path) -> str:
    """The text without what differs from run to run and from machine to machine."""
    text = re.sub(r"^\d\d:\d\d:\d\d INFO .*\n", "", text, flags=re.MULTILINE)  # how far it is, for the log
    text = re.sub(r"^\d\d:\d\d:\d\d (?=[A-Z]+ )", "12:00:00 ", text, flags=re.MULTILINE)
    text = text.replace(f"{folder}/", "").replace(str(folder), ".").replace(str(folder.parent), "HOME")
    text = re.sub(r"\b(PID|process) \d+", r"\1 4711", text)
    text = text.replace(sys.executable, "python").replace(os.path.realpath(sys.executable), "python")
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "2026-01-01T00:00:00.000Z", text)
    return re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,32}\b", "0123456789abcdef", text)


def golden_path(fault: Fault) -> Path:
    return GOLDEN / f"{fault.id}.txt"
