from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from towpath import userfiles
from towpath.errors import Refused, UserError
from towpath.lab import running
from towpath.lab.processes import Process, wait_gone

pytestmark = [pytest.mark.slow, pytest.mark.server("postgresql", start=False)]


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("TOWPATH_LAB_POSTGRESQL", raising=False)
    yield
    for one in running.every():
        one.down()


def processes(one: running.Running) -> list[Process]:
    assert one.supervisor is not None
    return one.supervisor.tree()


def test_a_server_outlives_the_process_that_started_it_and_another_one_stops_it() -> None:
    code = "from towpath.lab import running; running.up('postgresql')"
    subprocess.run([sys.executable, "-c", code], check=True)
    (one,) = running.every()
    assert one.answers()
    assert one.memory() > 10_000_000
    before = processes(one)
    assert len(before) > 2
    subprocess.run([sys.executable, "-c", "from towpath.lab import running; running.down('postgresql')"], check=True)
    assert not any(process.alive() for process in before)
    assert running.every() == []
    assert not Path(one.root).exists()


def test_starting_twice_gives_the_running_one() -> None:
    first = running.up("postgresql")
    again = running.up("postgresql")
    assert (first.new, again.new) == (True, False)
    assert replace(again, new=True) == first


def test_another_port_than_that_of_the_running_one_is_refused() -> None:
    one = running.up("postgresql")
    assert running.up("postgresql", port=one.port).process == one.process
    with pytest.raises(UserError, match=f"postgresql is up already on port {one.port}, so that --port 15432"):
        running.up("postgresql", port=15432)


def test_starting_at_the_same_time_starts_one() -> None:
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(running.up, ["postgresql"] * 2))
    assert sorted(one.new for one in found) == [False, True]
    assert found[0].port == found[1].port


def test_a_starter_that_is_killed_before_the_server_is_kept_leaves_nothing() -> None:
    code = """
import os, signal
from towpath.lab import running
def die(one):
    print(one.supervisor.pid, one.process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
running._save = die
running.up("postgresql")
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL
    found = [Process.of(int(pid)) for pid in done.stdout.split()]
    assert wait_gone([one for one in found if one is not None], 10)
    assert running.every() == []


def test_one_that_was_killed_is_told_and_makes_way_for_a_new_one() -> None:
    one = running.up("postgresql")
    assert one.process is not None
    one.process.kill()
    (found,) = running.every()
    assert not found.alive()
    assert not found.answers()
    assert found.memory() == 0
    again = running.up("postgresql")
    assert again.new
    assert again.answers()
    assert not Path(one.root).exists()


def test_one_whose_record_is_removed_ends_with_its_data() -> None:
    one = running.up("postgresql")
    before = processes(one)
    (userfiles.state() / "lab" / "postgresql.json").unlink()
    assert wait_gone(before, 15)
    assert not Path(one.root).exists()


def test_a_pid_that_another_process_has_by_now_is_left_alone() -> None:
    one = running.up("postgresql")
    assert one.supervisor is not None
    assert one.process is not None
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        taken = replace(one, supervisor=Process(other.pid, "0"), process=Process(other.pid, "1"))
        assert not taken.alive()
        taken.down()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        one.down()


def test_the_password_is_kept_for_the_user_alone_and_struck_out_where_it_is_not_asked_for() -> None:
    one = running.up("postgresql")
    file = userfiles.state() / "lab" / "postgresql.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert one.password in one.address
    assert one.password not in str(one)
    assert one.password not in str(one.hidden().address)
    assert "***" in one.hidden().address


def test_a_server_of_the_environment_is_used_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    own = running.up("postgresql")
    monkeypatch.setenv("TOWPATH_LAB_POSTGRESQL", own.address)
    monkeypatch.setenv("TOWPATH_STATE", os.environ["TOWPATH_STATE"] + "-other")
    found = running.up("postgresql")
    assert found.address == own.address
    assert found.how == "named by TOWPATH_LAB_POSTGRESQL"
    assert running.every() == []
    own.down()


def test_what_cannot_be_had_is_not_kept() -> None:
    with pytest.raises(UserError):
        running.up("postgres")
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(Refused, match="answers there already"):
        running.up("postgresql", port=other.getsockname()[1])
    assert running.every() == []
    assert not running.down("postgresql")
