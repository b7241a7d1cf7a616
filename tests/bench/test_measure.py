"""Seconds, CPU and memory are those of the whole tree of processes, and of no other."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from bench.measure import cpu, measured
from towpath.lab.processes import Process

MIB = 1 << 20
# Each process holds so many bytes and waits, so that all of them are there at once.
HOLD = "import sys, time; held = b'x' * int(sys.argv[1]); time.sleep(1)"
HOLD_UNTIL_TOLD = "import sys; held = b'x' * int(sys.argv[1]); print(flush=True); sys.stdin.read()"
BOTH = (
    "import subprocess, sys, time; held = b'x' * int(sys.argv[1]); pipe = subprocess.PIPE;"
    " child = subprocess.Popen([sys.executable, '-S', '-c', *sys.argv[2:0:-1]], stdin=pipe, stdout=pipe);"
    " child.stdout.readline(); time.sleep(1); child.communicate()"
)
SPIN = "import time\nwhile time.process_time() < 0.3: pass"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def python(*code: str) -> list[str]:
    return [sys.executable, "-S", "-c", *code]


def test_the_memory_is_that_of_all_processes_together(tmp_path: Path) -> None:
    bare = measured(python(HOLD, "0"), tmp_path, os.environ, 60)
    one = measured(python(HOLD, str(64 * MIB)), tmp_path, os.environ, 60)
    two = measured(python(BOTH, str(64 * MIB), HOLD_UNTIL_TOLD), tmp_path, os.environ, 60)
    assert 64 * MIB * 0.95 < one.memory - bare.memory < 64 * MIB * 1.2 + 8 * MIB
    assert 128 * MIB * 0.95 < two.memory - bare.memory < 128 * MIB * 1.2 + 24 * MIB


def test_a_short_peak_is_seen_though_no_sample_fell_on_it(tmp_path: Path) -> None:
    short = "import time; held = b'x' * (64 << 20); del held; time.sleep(0.5)"
    assert measured(python(short), tmp_path, os.environ, 60).memory > 64 * MIB


def test_cpu_seconds_are_those_of_children_too(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', sys.argv[1]], check=True)"
    assert 0.3 <= measured(python(child, SPIN), tmp_path, os.environ, 60).cpu < 1.5


def test_a_server_is_told_apart(tmp_path: Path) -> None:
    before = cpu(os.getpid())
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    assert cpu(os.getpid()) - before >= 0.1
    assert measured(python("0"), tmp_path, os.environ, 60).server_cpu == 0


def test_a_failure_is_told_with_what_was_said_last(tmp_path: Path) -> None:
    code = "import os, sys; print('first'); sys.exit('no table in ' + os.getcwd() + '/out\\n')"
    assert measured(python(code), tmp_path, os.environ, 60).failure == "exit 1: no table in ./out"


def test_a_run_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    child = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)']);"
        " print(child.pid, flush=True); child.wait()"
    )
    run = measured(python(child), tmp_path, os.environ, 2)
    pid = int((tmp_path / "said.txt").read_text())
    assert run.failure == "took longer than 2 s"
    assert run.seconds < 50
    assert Process.of(pid) is None
