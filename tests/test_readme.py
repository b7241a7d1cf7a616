"""The README's examples are run as they stand there."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import towpath

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found.group(1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    flights = "carrier,flight,dep_delay\nAA,1,5\nAA,2,15\nUA,3,\n"
    (tmp_path / "flights.csv.gz").write_bytes(gzip.compress(flights.encode()))
    for number, rows in enumerate(("1,50.5\n2,150\n", "2,250\n3,99.5\n")):
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        (tmp_path / "in" / str(number) / "orders.csv").write_text(f"id,amount\n{rows}")
    return tmp_path


def test_the_examples_run_as_they_stand_there(folder: Path) -> None:
    lines = [line for line in block("sh").splitlines() if line.startswith("tow ")]
    assert len(lines) >= 8
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # The second file brings a key of the first again: within one load that is a doubled key, so it comes later.
    (folder / "in" / "1").rename(folder / "later")
    for line in lines:
        done = subprocess.run(
            ["sh", "-c", line], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert (folder / "late.csv").read_text().splitlines()[0] == "carrier,delay"
    assert sorted((folder / "late.csv").read_text().splitlines()[1:]) == ["AA,10", "UA,"]
    (folder / "later").rename(folder / "in" / "0" / "1")
    merge = next(line for line in lines if "merge" in line)
    (folder / "in" / "0" / "orders.csv").unlink()
    done = subprocess.run(
        ["sh", "-c", merge], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert "1 inserted, 1 updated" in done.stdout, done.stdout + done.stderr


def test_the_python_example_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "a.csv").write_text("id\n1\n")
    call = re.search(r"From Python: `(towpath\.copy\(.*?\))`", README)
    assert call is not None
    receipt = eval(call.group(1), {"towpath": towpath})
    assert (receipt.status, receipt.rows) == ("done", 1)


def test_the_guarantees_of_the_readme_are_the_ones_that_plans_show(folder: Path) -> None:
    from towpath.job import InputSpec, JobSpec, OutputSpec
    from towpath.planning import plan

    source = {"input": InputSpec(str(folder / "flights.csv.gz"))}
    for address, row in {
        f"duckdb:///{folder}/w.db#t": "DuckDB table",
        f"sqlite:///{folder}/w.sqlite#t": "SQLite table",
        f"{folder}/out/": "folder of files",
        f"{folder}/one.parquet": "one local file",
        "-": "standard output",
    }.items():
        offer = plan(JobSpec(source, OutputSpec(address, format="csv" if address == "-" else None))).offer
        assert offer is not None
        (line,) = [line for line in README.splitlines() if line.startswith("|") and row in line.split("|")[1]]
        assert line.split("|")[2].strip().startswith(offer.guarantee)
