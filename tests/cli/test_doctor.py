"""tow doctor as it is typed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from towpath.cli.main import main


@pytest.fixture(autouse=True)
def _clean_ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def test_a_healthy_machine_exits_0_within_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    long = [line for line in out.splitlines() if len(line) > 80 and " " in line.strip().partition(": ")[2]]
    assert long == []
    assert out.endswith("0 problems, 0 warnings\n")


def test_a_problem_exits_1_and_is_in_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "missing-folder", "--json"]) == 1
    made = json.loads(capsys.readouterr().out)
    assert made["problems"] == 1
    assert [one["name"] for one in made["checks"] if one["level"] == "problem"] == ["missing-folder"]


def test_clean_lists_what_it_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = tmp_path / "out" / "deep" / ".a.parquet.load1.tow-tmp"
    left.parent.mkdir(parents=True)
    left.write_text("x")
    assert main(["doctor", "out"]) == 0
    assert "1 warning" in capsys.readouterr().out
    assert left.exists()
    assert main(["doctor", "out", "--clean"]) == 0
    assert ".a.parquet.load1.tow-tmp: removed" in " ".join(capsys.readouterr().out.split())
    assert not left.exists()


def test_quiet_prints_what_is_amiss_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["doctor", "missing-folder", "--quiet"]) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["problem", "->"]


def test_nothing_goes_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert main(["doctor"]) == 0


def test_a_narrow_terminal_without_letters_is_served(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "40", "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "towpath.cli.main", "doctor"], capture_output=True, env=env)
    assert done.returncode == 0, done.stderr
