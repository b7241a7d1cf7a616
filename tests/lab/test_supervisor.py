"""Whatever dies, and however: no server is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.web import Family, Web
from towpath.lab import Lab
from towpath.lab.processes import Process, wait_gone
from towpath.lab.server import OwnServer

ROOT = Path(__file__).parents[2]
SECS = 10.0
_STARTER = """
import json, os, sys, time
from tests.lab.web import Family
from towpath.lab import Lab

lab = Lab()
server = lab.up("web", choices=[Family()])
{more}
print(json.dumps([server.supervisor.pid, str(lab.folder)]), flush=True)
time.sleep(600)
"""
_A_CHILD_HOLDS_THE_PIPE = """
if os.fork() == 0:
    os.setsid()
    time.sleep(30)
    os._exit(0)
"""


def started(more: str = "") -> tuple[subprocess.Popen[str], list[Process], Path]:
    """A process that started a server, all the server's processes with the supervisor's, and the lab's folder."""
    code = _STARTER.format(more=more)
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    above, folder = json.loads(starter.stdout.readline())
    supervisor = Process.of(above)
    assert supervisor is not None
    found = supervisor.tree()
    assert len(found) == 3
    return starter, found, Path(folder)


def ended(starter: subprocess.Popen[str], number: int) -> None:
    starter.send_signal(number)
    starter.wait()
    assert starter.stdout is not None
    starter.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_starter_leaves_nothing_running(number: int) -> None:
    starter, found, folder = started()
    ended(starter, number)
    assert wait_gone(found, SECS)
    assert not folder.exists()


def test_a_killed_starter_whose_child_holds_the_pipe_leaves_nothing_running() -> None:
    starter, found, _ = started(_A_CHILD_HOLDS_THE_PIPE)
    ended(starter, signal.SIGKILL)
    assert wait_gone(found, SECS)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux kills a child with its parent")
def test_a_killed_supervisor_leaves_no_server() -> None:
    with Lab() as lab:
        server = lab.up("web", choices=[Family()])
        assert isinstance(server, OwnServer)
        assert server.supervisor is not None
        assert server.process is not None
        child = Process.of(int((server.place.folder / "child").read_text()))
        server.supervisor.signal(signal.SIGKILL)
        assert wait_gone([server.process], SECS)
        if child is not None:  # it has a session of its own, and nobody who knows of it is left
            child.kill()


class Deaf(Web):
    """A server that no polite signal ends."""

    stop_secs = 0.3

    def command(self, place: object) -> list[str]:
        found = list(super().command(place))  # type: ignore[arg-type]
        return [found[0], "-c", f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{found[2]}", found[3]]


def test_a_server_that_does_not_stop_in_its_time_is_killed() -> None:
    with Lab() as lab:
        server = lab.up("web", choices=[Deaf()])
        assert isinstance(server, OwnServer)
        assert server.supervisor is not None
        found = server.supervisor.tree()
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < 5
        assert not any(one.alive() for one in found)


class Litters(Web):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def litter(self, place: object) -> list[str]:
        return [str(self.folder / "*.sock")]


def test_what_a_server_leaves_elsewhere_is_removed(tmp_path: Path) -> None:
    with Lab() as lab:
        server = lab.up("web", choices=[Litters(tmp_path)])
        (tmp_path / "a.sock").touch()
        (tmp_path / "b.txt").touch()
        server.stop()
    assert os.listdir(tmp_path) == ["b.txt"]


def test_a_server_that_was_let_go_outlives_its_starter_until_its_supervisor_is_told(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.touch()
    starter, found, folder = started(f"from pathlib import Path; lab.let_go('web', Path({str(record)!r}))")
    ended(starter, signal.SIGKILL)
    assert not wait_gone(found, 1.0)
    assert all(one.alive() for one in found)
    assert folder.exists()
    found[0].signal(signal.SIGTERM)
    assert wait_gone(found, SECS)
    shutil.rmtree(folder)
