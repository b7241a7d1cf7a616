from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from towpath.lab import processes
from towpath.lab.processes import Process, wait_gone


@pytest.fixture(autouse=True, params=["by the system's tables", "by ps"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc, `ps` is asked."""
    if request.param == "by ps":
        monkeypatch.setattr(processes, "_LINUX", False)
    elif not sys.platform.startswith("linux"):
        pytest.skip("only Linux has these tables")


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_a_pid_that_the_system_gave_to_another_process_is_not_signalled() -> None:
    other = sleeper()
    try:
        before = Process(other.pid, "0")  # an earlier process of this pid
        assert not before.alive()
        before.signal(signal.SIGKILL)
        before.kill()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_the_remains_of_a_process_do_not_live() -> None:
    child = sleeper()
    process = Process.of(child.pid)
    assert process is not None
    child.kill()
    assert wait_gone([process], 5), "a zombie counts as gone"
    child.wait()
    assert Process.of(child.pid) != process


def test_waiting_ends_with_its_time() -> None:
    own = Process.of(os.getpid())
    assert own is not None
    assert not wait_gone([own], 0.05)


def test_memory_is_that_of_the_whole_tree() -> None:
    own = Process.of(os.getpid())
    assert own is not None
    alone = own.memory()
    child = sleeper()
    try:
        assert alone > 1_000_000
        assert own.memory() > alone
    finally:
        child.kill()
        child.wait()
