"""Faults in system calls, put into small programs that are run for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from towpath.errors import Refused
from towpath.lab.faults import syscalls

pytestmark = pytest.mark.skipif(syscalls.missing() is not None, reason=str(syscalls.missing()))

_WRITES = "f = open('a', 'w'); f.write('x'); f.close(); import os; os.rename('a', 'b'); os.open('b', 0)"


def program(folder: Path, text: str = _WRITES) -> list[str]:
    return [sys.executable, "-c", f"import os; os.chdir({str(folder)!r}); {text}"]


def test_the_changing_calls_about_a_folder_are_listed_in_their_order(tmp_path: Path) -> None:
    names = [call.name for call in syscalls.listed(program(tmp_path), about=str(tmp_path))]
    assert [name for name in names if name in ("openat", "write", "rename")] == ["openat", "write", "rename"]


def test_a_run_killed_at_a_call_has_made_those_before_it_and_not_that_one(tmp_path: Path) -> None:
    made = {call.name: call for call in syscalls.listed(program(tmp_path), about=str(tmp_path))}
    (tmp_path / "b").unlink()
    assert syscalls.run(program(tmp_path), [made["rename"].killed()]).returncode == -9
    assert (tmp_path / "a").read_text() == "x"
    assert not (tmp_path / "b").exists()


def test_a_call_that_fails_is_told_to_the_program_as_the_system_would(tmp_path: Path) -> None:
    made = {call.name: call for call in syscalls.listed(program(tmp_path), about=str(tmp_path))}
    done = syscalls.run(program(tmp_path), [made["write"].failing("ENOSPC")])
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_a_process_that_runs_already_can_be_attacked(tmp_path: Path) -> None:
    text = "input(); os.mkdir('a')"
    with (
        subprocess.Popen(program(tmp_path, text), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running,
        syscalls.attached(running.pid, ["inject=mkdir:error=EROFS:when=1"]),
    ):
        _, said = running.communicate(b"\n")
    assert b"Read-only file system" in said


def test_a_process_that_is_not_there_cannot_be_attacked() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with pytest.raises(Refused, match="does not trace"), syscalls.attached(gone.pid):
        pass


def test_a_staged_file_that_cannot_get_the_old_ones_mode_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id\n1\n")
    (tmp_path / "out.csv").write_text("id\n0\n")
    words = [sys.executable, "-m", "towpath.cli.main", "copy", "in.csv", "out.csv", "--mode", "replace"]
    script = f"os.execv({sys.executable!r}, {words!r})"
    done = syscalls.run(program(tmp_path, script), ["inject=fchmod:error=EIO:when=1"])
    assert done.returncode == 1
    assert "out.csv: cannot write it: Input/output error" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out.csv").read_text() == "id\n0\n"
    assert sorted(os.listdir(tmp_path)) == ["in.csv", "out.csv"]
