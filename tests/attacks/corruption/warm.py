"""Runs `tow` over many damaged copies of a file, in forks of one process that has imported everything.

A fork makes one case after another until one kills it or takes too long; the next fork goes on behind that case. What a
case costs is measured by the kernel: the largest resident size since its beginning, against that at its beginning.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pickle
import resource
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.attacks.corruption.damage import Damage

IMPORTS = (
    "duckdb", "numpy", "pyarrow.parquet", "sqlite3", "towpath.api", "towpath.adapters.database.duckdb",
    "towpath.adapters.database.sqlite", "towpath.adapters.engine.duckdb", "towpath.adapters.store.local",
    "towpath.adapters.format.arrow", "towpath.adapters.format.csv", "towpath.adapters.format.json",
    "towpath.adapters.format.jsonl", "towpath.adapters.format.parquet", "towpath.cli.copy",
    "towpath.cli.replay", "towpath.cli.run", "towpath.cli.runs", "towpath.cli.state",
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """`words` is the command, run in a copy of `folder` whose file `victim` is damaged; `result` is the file or folder
    that it makes; `codes` are those of a refusal. `room` is how many bytes of address space and `memory` how many of
    memory a case may take, `deadline` its seconds."""

    folder: Path
    victim: str
    words: Sequence[str]
    damages: Sequence[Damage | None]
    result: str = ""
    shows: bool = False
    codes: tuple[int, ...] = (1,)
    room: int = 1 << 30
    memory: int = 300 << 20
    deadline: float = 60.0


@dataclass
class Outcome:
    """`code` is None for a process that died (of `died`) or was too slow. `made` is the result's content, `left` every
    other file that is new."""

    damage: Damage | None
    code: int | None = None
    died: str = ""
    said: str = ""
    made: bytes | None = None
    left: list[str] = field(default_factory=list)
    grown: int = 0
    seconds: float = 0.0


def outcomes(task: Task) -> Iterator[Outcome]:
    """One for each damage, in order."""
    at = 0
    while at < len(task.damages):
        for outcome in _fork(task, at):
            yield outcome
            at += 1


def _fork(task: Task, start: int) -> Iterator[Outcome]:
    read, write = os.pipe()
    said = Path(task.folder.parent / "stderr.txt")
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.dup2(os.open(said, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
        with os.fdopen(write, "wb") as file:
            _work(task, start, file)
        os._exit(0)
    os.close(write)
    at = start
    with os.fdopen(read, "rb", 0) as file:
        while at < len(task.damages):
            died = ""
            if not select.select([file], [], [], task.deadline)[0]:
                died = f"took longer than {task.deadline} s"
                os.kill(pid, signal.SIGKILL)
            head = b"" if died else file.read(8)
            if len(head) < 8:
                _, status = os.waitpid(pid, 0)
                died = died or f"ended with {os.waitstatus_to_exitcode(status)}"
                yield Outcome(task.damages[at], died=died, said=said.read_text(errors="replace"))
                return
            yield pickle.loads(_exactly(file, int.from_bytes(head, "big")))
            at += 1
    os.waitpid(pid, 0)


def _exactly(file: io.RawIOBase, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        data += file.read(size - len(data)) or b""
    return bytes(data)


def _work(task: Task, start: int, file: Any) -> None:
    data = (task.folder / task.victim).read_bytes()
    place = task.folder.parent / "work"
    for damage in task.damages[start:]:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(task.folder, place)
        if damage is not None:
            (place / task.victim).write_bytes(damage.done_to(data))
        outcome = _case(task, damage, place)
        told = pickle.dumps(outcome)
        file.write(len(told).to_bytes(8, "big") + told)
        file.flush()


def _case(task: Task, damage: Damage | None, place: Path) -> Outcome:
    outcome = Outcome(damage)
    before = {path.relative_to(place) for path in place.rglob("*")}
    os.chdir(place)
    os.environ["TOWPATH_STATE"] = str(place / "state")
    size = _status("VmSize")
    Path("/proc/self/clear_refs").write_text("5")
    resident, begun = _status("VmRSS"), time.monotonic()
    resource.setrlimit(resource.RLIMIT_AS, (size + task.room, resource.RLIM_INFINITY))
    try:
        outcome.code, outcome.said, shown = _tow(task.words)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    outcome.seconds, outcome.grown = time.monotonic() - begun, _status("VmHWM") - resident
    made = place / task.result
    if task.shows:
        outcome.made = shown.encode()
    elif task.result and made.is_file():
        outcome.made = made.read_bytes()
    after = {path.relative_to(place) for path in place.rglob("*")} - before
    outcome.left = sorted(str(path) for path in after if path.parts[0] != "state" and str(path) != task.result)
    return outcome


def _tow(words: Sequence[str]) -> tuple[int, str, str]:
    from towpath.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(words))
        except SystemExit as stop:
            code = int(stop.code or 0)
        except BaseException:
            traceback.print_exc()
            code = 99
    return code, err.getvalue(), out.getvalue()


def _status(name: str) -> int:
    """A figure of /proc/self/status, in bytes."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(name + ":"))
    return int(line.split()[1]) << 10


def main() -> None:
    task = pickle.load(sys.stdin.buffer)
    for name in IMPORTS:
        importlib.import_module(name)
    say: Callable[[Outcome], None] = lambda one: pickle.dump(one, sys.stdout.buffer)  # noqa: E731
    for outcome in outcomes(task):
        say(outcome)
