"""The small process above one server: `python -m towpath.lab.supervisor`. It reads an `Order` from standard input,
starts the server and prints its pid. It stops the server when it is told to (SIGTERM) or when standard input closes:
that is, when whoever started it is gone, however it went; unless that one said before to let go: then it stops the
server when its record is removed.

Should the supervisor itself be killed, the kernel kills the server (Linux)."""

from __future__ import annotations

import contextlib
import glob
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from towpath.lab import jobs
from towpath.lab.order import LET_GO, TEMPORARY, Order
from towpath.lab.processes import Process, adopt_orphans, die_with_parent, wait_gone

_LOOK_SECS = 0.2
_GRACE_SECS = 1.0


class _Told:
    """Whether a signal asked us to stop."""

    def __init__(self) -> None:
        self.to_stop = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.to_stop = True


class _Starter:
    """Whoever started us, at the other end of standard input."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        self._record: bytes | None = None

    def order(self) -> Order:
        """Its first line. Nothing behind it is taken in: that is for `gone`."""
        line = b""
        while not line.endswith(b"\n"):
            if not (more := os.read(0, 1)):
                sys.exit("the starter was gone before it said what to start")
            line += more
        return Order.loads(line)

    def gone(self) -> bool:
        """Whether nobody knows of the server any more: the starter closed its end without letting go, or died while a
        child of it holds the end open still; or, once it let go, its record was removed. Waits a moment for that."""
        if self._record is not None:
            select.select([], [], [], _LOOK_SECS)
            return not os.path.exists(self._record)
        ready, _, _ = select.select([0], [], [], _LOOK_SECS)
        said = os.read(0, select.PIPE_BUF) if ready else None
        if said and said.startswith(LET_GO):
            self._record = said.removeprefix(LET_GO)
            return False
        return said == b"" or os.getppid() != self._pid


def main() -> int:
    told, starter = _Told(), _Starter()
    order = starter.order()
    adopt_orphans()
    child = _started(order)
    os.write(1, b"%d\n" % child.pid)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody has to keep listening
    os.chdir("/")
    orphaned = False
    while child.poll() is None and not told.to_stop and not orphaned:
        orphaned = starter.gone()
    _stop(child, order)
    if orphaned:
        _remove(Path(order.root))
    for path in (path for pattern in order.litter for path in glob.glob(pattern)):
        Path(path).unlink(missing_ok=True)
    return 0


def _started(order: Order) -> subprocess.Popen[bytes]:
    parent = os.getpid()
    with open(order.log, "ab") as log:
        return subprocess.Popen(
            order.command,
            cwd=order.folder,
            env=order.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent),
            **jobs.as_user(order.owner),
        )


def _stop(child: subprocess.Popen[bytes], order: Order) -> None:
    """Asks the server to stop, and kills what is left of it after its time."""
    if child.poll() is None:
        child.send_signal(order.stop_signal)
        try:
            child.wait(order.stop_secs)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    # Its children are ours now (`adopt_orphans`); most end by themselves once it is gone.
    if not wait_gone(_below(), _GRACE_SECS):
        for one in _below():
            one.kill()


def _remove(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    if root.parent.name.startswith(TEMPORARY):
        with contextlib.suppress(OSError):  # other servers of the same lab are in it
            root.parent.rmdir()


def _below() -> list[Process]:
    own = Process.of(os.getpid())
    return [] if own is None else own.tree()[1:]


if __name__ == "__main__":
    sys.exit(main())
