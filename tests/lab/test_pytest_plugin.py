"""The plug-in, in a pytest of its own over a small folder of tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from towpath.lab.pytest_plugin import Notes

_TESTS = """
import pytest
from towpath.lab.ports import HOST
from towpath.lab.recipes import recipes

@pytest.mark.server("s3")
def test_one(): ...

def test_two(s3_server, kafka_server): ...

@pytest.mark.server("postgresql")
def test_three(lab):
    recipes("postgresql")[0].answers(HOST, lab.up("postgresql").port)

def test_four(postgresql_server, lab):
    assert lab.up("postgresql") is postgresql_server

def test_five(): ...

@pytest.mark.server("postgresql", start=False)
def test_six(lab): ...
"""
pytestmark = pytest.mark.slow
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs pytest on the tests above, where no server answers that the environment names for s3 and kafka."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["towpath.lab.pytest_plugin"]\n')
    (tmp_path / "test_it.py").write_text(_TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider -q\n")

    def pytest_(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        dead = {"TOWPATH_LAB_S3": "s3://b?endpoint=http://127.0.0.1:1", "TOWPATH_LAB_KAFKA": "kafka://127.0.0.1:1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        command = [sys.executable, "-m", "pytest", *options]
        return subprocess.run(
            command, cwd=tmp_path, env={**kept, **dead, **environment}, capture_output=True, text=True
        )

    return pytest_


def test_a_test_whose_server_cannot_be_had_is_skipped_and_counted_by_server(run: Run) -> None:
    done = run("-n", "0", "-rs")
    assert done.returncode == 0, done.stdout
    assert "4 passed, 2 skipped" in done.stdout
    assert re.search(r"^postgresql: PostgreSQL [0-9.]+ \(real\)$", done.stdout, re.MULTILINE)
    assert "not run: 2 tests for want of s3: s3://b?endpoint=http://127.0.0.1:1: TOWPATH_LAB_S3 names" in done.stdout
    assert "kafka" not in done.stdout, "the first server that a test lacks is enough"


def test_with_require_all_such_tests_fail(run: Run) -> None:
    done = run("-n", "0", "--require-all")
    assert done.returncode == 1
    assert "2 errors" in done.stdout or "2 failed" in done.stdout
    assert "--require-all: s3://b?endpoint=http://127.0.0.1:1" in done.stdout
    assert "Traceback" not in done.stdout


def test_workers_have_servers_of_their_own_and_the_summary_is_of_them_all(run: Run) -> None:
    done = run("-n", "2", "--dist", "each")
    assert "8 passed, 4 skipped" in done.stdout
    assert "not run: 2 tests for want of s3" in done.stdout
    assert done.stdout.count("(real)") == 1


def test_not_lab_leaves_out_all_but_postgresql(run: Run) -> None:
    done = run("-n", "0", "-m", "not lab")
    assert "4 passed, 2 deselected" in done.stdout
    assert "not run" not in done.stdout


def test_a_server_that_the_lab_has_not_is_an_error_of_the_test(run: Run, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text('import pytest\n@pytest.mark.server("oracle")\ndef test_x(): ...\n')
    done = run("-n", "0")
    assert done.returncode == 4
    assert "the lab has no server oracle" in done.stderr + done.stdout


def test_notes_of_workers_are_added() -> None:
    one, other = Notes(), Notes()
    one.lacks("kafka", "no java", "a")
    other.lacks("kafka", "no java", "b")
    other.lacks("kafka", "no java", "a")
    other.used["s3"] = "SeaweedFS"
    one.add(other.as_plain())
    assert one.lines() == ["s3: SeaweedFS", "not run: 2 tests for want of kafka: no java"]
