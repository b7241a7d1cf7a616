"""The small process above one server: `python -m towpath.lab.supervisor`. It reads one line of JSON (`Order`) from standard
input, starts the server, and prints its pid. Then it stops the server when it is told to (SIGTERM) or, if the server is
`held`, when standard input closes: that is, when whoever started it is gone, however it went.

Should the supervisor itself be killed, the kernel kills the server (Linux)."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from towpath.lab import jobs
from towpath.lab.processes import Process, adopt_orphans, die_with_parent, wait_gone

_LOOK_SECS = 0.2


@dataclass(frozen=True, slots=True)
class Order:
    """What to run and how to stop it. `litter`: files to remove afterwards."""

    command: list[str]
    environment: dict[str, str]
    folder: str
    log: str
    owner: str | None
    stop_signal: int
    stop_secs: float
    litter: list[str]
    held: bool

    def dumps(self) -> str:
        return json.dumps(asdict(self))


class _Told:
    """Whether SIGTERM or SIGINT came."""

    def __init__(self) -> None:
        self.to_stop = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.to_stop = True


def main() -> int:
    told = _Told()
    order = Order(**json.loads(sys.stdin.buffer.readline()))
    starter = os.getppid()
    adopt_orphans()
    child = _started(order)
    print(json.dumps({"pid": child.pid}), flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody has to keep listening
    os.chdir("/")
    while child.poll() is None and not told.to_stop:
        if order.held and (_closed() or os.getppid() != starter):
            break
        if not order.held:
            signal.sigtimedwait((signal.SIGCHLD,), _LOOK_SECS)
    _stop(child, order)
    for path in order.litter:
        Path(path).unlink(missing_ok=True)
    return 0


def _started(order: Order) -> subprocess.Popen[bytes]:
    parent = os.getpid()
    dropped = {} if order.owner is None else {
        "user": order.owner, "group": jobs.group(order.owner), "extra_groups": ()
    }  # fmt: skip
    with open(order.log, "ab") as log:
        return subprocess.Popen(
            order.command, cwd=order.folder, env=order.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=lambda: die_with_parent(parent), **dropped,  # type: ignore[call-overload]
        )  # fmt: skip


def _closed() -> bool:
    """Whether standard input ended; waits a moment for it."""
    ready, _, _ = select.select([0], [], [], _LOOK_SECS)
    return bool(ready) and os.read(0, 1) == b""


def _stop(child: subprocess.Popen[bytes], order: Order) -> None:
    """Asks the server to stop, and kills what is left of it after its time."""
    own = Process.of(os.getpid())
    assert own is not None
    if child.poll() is None:
        child.send_signal(order.stop_signal)
        try:
            child.wait(order.stop_secs)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    # Its children are ours now (`adopt_orphans`); most end by themselves once it is gone.
    orphans = own.tree()[1:]
    if orphans and not wait_gone(orphans, 1.0):
        for one in own.tree()[1:]:
            one.kill()


if __name__ == "__main__":
    sys.exit(main())
