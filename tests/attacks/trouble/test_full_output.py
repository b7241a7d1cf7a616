"""Standard output or standard error on a disk that is full: the data is as it was to be, and a line says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")

WORDS = (
    ("copy", "in.csv", "out.csv"),
    ("copy", "in.csv", "out.csv", "--json"),
    ("copy", "in.csv", "-", "--to-format", "jsonl"),
    ("peek", "in.csv"),
    ("runs",),
    ("--help",),
    ("adapters",),
)


def _run(folder: Path, words: tuple[str, ...], full: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "in.csv").write_text("id\n1\n2\n")
    env = {**os.environ, "TOWPATH_STATE": str(folder / "state")}
    with FULL.open("wb") as there:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, full: there}
        return subprocess.run([sys.executable, "-m", "towpath.cli.main", *words], cwd=folder, env=env, **streams)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
@pytest.mark.one_of_many
def test_standard_output_that_is_full_is_a_line_and_code_1(words: tuple[str, ...], tmp_path: Path) -> None:
    done = _run(tmp_path, words, "stdout")
    said = done.stderr.decode()
    if words[:3] == ("copy", "in.csv", "out.csv"):
        assert (tmp_path / "out.csv").read_text() == "id\n1\n2\n"
    if done.returncode == 0:  # it had nothing to say there
        return
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert "no space" in said.lower(), said


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
@pytest.mark.one_of_many
def test_standard_error_that_is_full_stops_no_load(words: tuple[str, ...], tmp_path: Path) -> None:
    done = _run(tmp_path, words, "stderr")
    if words[:3] == ("copy", "in.csv", "-"):  # the data goes on; the receipt, which would stand there, cannot be given
        assert (done.returncode, done.stdout) == (1, b'{"id":1}\n{"id":2}\n')
        return
    assert done.returncode == 0
    if words[0] == "copy":
        assert (tmp_path / "out.csv").read_text() == "id\n1\n2\n"
