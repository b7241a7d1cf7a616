"""`tow` as a process of its own that need not start: forked from one that has imported everything and done nothing.

`Warm` starts that process and asks it for runs; as a program this file is it. A forked `tow` is a session of its own,
has its folder, environment and output, and ends as any other does, its exit code told by the parent.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_IMPORTED = (
    "towpath.cli.main", "towpath.cli.run", "towpath.cli.copy", "towpath.cli.replay", "towpath.cli.state",
    "towpath.cli.secrets", "towpath.cli.logs", "towpath.cli.progress_bar", "towpath.pipeline.run", "towpath.assemble",
    "towpath.move", "towpath.assemble_topics", "towpath.adapters.store.local", "towpath.adapters.store.s3",
    "towpath.adapters.queue.kafka", "towpath.adapters.format.csv", "towpath.adapters.format.jsonl",
    "towpath.adapters.format.json", "towpath.adapters.format.parquet", "towpath.adapters.format.arrow",
    "towpath.adapters.engine.duckdb", "towpath.adapters.database.duckdb", "towpath.adapters.database.sqlite",
    "towpath.adapters.database.postgresql", "towpath.adapters.database.mariadb",
    "towpath.adapters.database.adbc", "towpath.adapters.database.psycopg2",
    "towpath.joins.file_source", "towpath.joins.file_destination", "towpath.joins.folder_destination",
    "towpath.joins.table_source", "towpath.joins.table_destination", "towpath.joins.topic_source",
    "towpath.joins.topic_destination", "towpath.deadletters", "towpath.replay",
)  # fmt: skip
SAID = "tow-said-"
"""How the folders begin of what the runs say."""
_LONGEST_SECS = 180.0


class Warm:
    """The warm process; `close` ends it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the tests
            )
        self._channel = ours.makefile("rw", encoding="utf-8", newline="\n")
        ours.close()
        self._one_at_a_time = threading.Lock()
        self._said = tempfile.TemporaryDirectory(prefix=SAID)
        self._numbers = itertools.count()

    def start(self, words: Sequence[str], folder: Path, env: Mapping[str, str], *, held: bool = False) -> Run:
        """`tow` with these words; with `held` it stands before its first step until `go`."""
        folder.mkdir(parents=True, exist_ok=True)
        said = Path(self._said.name) / str(next(self._numbers))
        asked = {"words": list(words), "folder": str(folder), "env": dict(env), "said": str(said), "held": held}
        made = Run(self, self.ask(asked), said)
        while held and not Path(f"{said}.here").exists() and not made.ended():
            time.sleep(0.0005)
        return made

    def run(self, words: Sequence[str], folder: Path, env: Mapping[str, str]) -> Run:
        """`tow` with these words, from beginning to end."""
        done = self.start(words, folder, env)
        done.wait()
        return done

    def ask(self, asked: Any) -> Any:
        with self._one_at_a_time:
            print(json.dumps(asked), file=self._channel, flush=True)
            return json.loads(self._channel.readline())

    def close(self) -> None:
        self._channel.close()
        self._process.wait(10)
        self._said.cleanup()


@dataclass
class Run:
    """One `tow` under way. When it has ended, `code` is its exit code, negative for a signal, and `out` and `err` are
    what it said."""

    warm: Warm
    pid: int
    said: Path
    code: int | None = None
    out: str = ""
    err: str = ""

    def go(self) -> None:
        """Lets it begin, if it has not ended for want of what it waits for."""
        while not self.ended():
            try:
                os.close(os.open(f"{self.said}.held", os.O_WRONLY | os.O_NONBLOCK))
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody reads there yet
                    raise
                time.sleep(0.001)
            else:
                return

    def ended(self) -> bool:
        if self.code is None:
            self.code = self.warm.ask({"poll": self.pid})
            if self.code is not None:
                self.out, self.err = (_read(f"{self.said}.{name}") for name in ("out", "err"))
        return self.code is not None

    def wait(self, secs: float = _LONGEST_SECS) -> bool:
        """Whether it ended within so many seconds."""
        until = time.monotonic() + secs
        while not self.ended():
            left = until - time.monotonic()
            if left <= 0:
                return False
            _await_end(self.pid, left)
        return True

    def signal(self, number: int) -> None:
        """Sends a signal, if it is still there to get one."""
        if not self.ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def orphans(self) -> list[int]:
        """The processes of its session that live although it has ended."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _session(pid) == self.pid]

    def receipts(self) -> list[dict[str, Any]]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


def _await_end(pid: int, secs: float) -> None:
    """Returns when the process has ended, or after so many seconds; where the system cannot tell, somewhat earlier."""
    if not hasattr(os, "pidfd_open"):
        time.sleep(min(0.002, secs))
        return
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(pid)
        try:
            select.select([process], [], [], secs)
        finally:
            os.close(process)


def _read(path: str) -> str:
    """A file that its process has not come to make is empty."""
    try:
        return Path(path).read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _session(pid: int) -> int | None:
    try:
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return None
    return None if state in "ZX" else int(session)


def _serve(channel: socket.socket) -> list[str]:
    """Forks for each request; returns in the children alone, with the words of `tow`."""
    requests = channel.makefile("rw", encoding="utf-8", newline="\n")
    codes: dict[int, int] = {}
    for line in requests:
        asked = json.loads(line)
        if "words" in asked:
            if asked["held"]:
                os.mkfifo(f"{asked['said']}.held")
            answer: Any = os.fork()
            if answer == 0:
                channel.close()
                os.closerange(3, 64)  # the channel's file among them
                _become(asked)
                return asked["words"]
            codes.pop(answer, None)  # of an earlier process of that number
        else:
            while True:
                with contextlib.suppress(ChildProcessError):
                    pid, status = os.waitpid(-1, os.WNOHANG)
                    if pid:
                        codes[pid] = os.waitstatus_to_exitcode(status)
                        continue
                break
            answer = codes.get(asked["poll"])
        requests.write(json.dumps(answer) + "\n")
        requests.flush()
    os._exit(0)


def _become(asked: dict[str, Any]) -> None:
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.update(asked["env"])
    for number, name in ((0, os.devnull), (1, f"{asked['said']}.out"), (2, f"{asked['said']}.err")):
        descriptor = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(descriptor, number)
        os.close(descriptor)
    if size := asked["env"].get("TOW_ATTACK_CHUNK_BYTES"):  # so few rows are a load that is sent as it comes
        from towpath.joins import folder_writing, table_waiting

        table_waiting.CHUNK_BYTES = int(size)
        folder_writing.OPEN_FILES = 1  # and a few partitions are more than may be open
    if asked["held"]:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing has begun yet
        _wait(f"{asked['said']}.held")
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _wait(gate: str) -> None:
    """Until the gate opens. A fault that is meant for the run's first call can strike here: it is spent then."""
    Path(gate).with_suffix(".here").touch()
    for _ in range(3):
        with contextlib.suppress(OSError), open(gate, "rb") as held:
            held.read()
            return


def main() -> None:
    for name in _IMPORTED:
        with contextlib.suppress(ModuleNotFoundError):
            __import__(name)
    words = _serve(socket.socket(fileno=int(sys.argv[1])))
    from towpath.cli.main import main as tow

    try:
        code = tow(words)
    except SystemExit as error:
        code = int(error.code or 0)
    except KeyboardInterrupt:  # as a program whose interpreter is just starting
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as `program` does
    # All that ending a process does but the taking apart of modules, which would take longer than the run.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
