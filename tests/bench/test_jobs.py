"""Every job has those who do it, and every function of a tool serves a job."""

from __future__ import annotations

import ast

import pytest

from bench.environments import PINS, TOOLS
from bench.jobs import JOBS
from bench.rounds import entries, functions

ALL = list(TOOLS.values())


@pytest.mark.parametrize("name", JOBS)
def test_towpath_does_the_job_and_somebody_is_there_to_compare_with(name: str) -> None:
    taking = entries(JOBS[name], ALL)
    assert taking[0].peer.name == "towpath"
    assert len(taking) > 1
    assert all(entry.kind in functions(entry.peer) for entry in taking)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_has_its_environment_and_no_function_that_nobody_calls(name: str) -> None:
    tool = TOOLS[name]
    assert tool.environment in {"", *PINS}
    wanted = {
        f"{entry.kind}{suffix}" for job in JOBS.values() for entry in entries(job, ALL) for suffix in ("", "_before")
    }
    tree = ast.parse(tool.script.read_text("utf-8"))
    made = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    assert made <= wanted


def test_tools_that_were_not_chosen_take_no_part() -> None:
    job = JOBS["postgresql-parquet"]
    chosen = [TOOLS["towpath"], TOOLS["pyarrow"]]
    assert [entry.peer.name for entry in entries(job, chosen)] == ["towpath", "pyarrow"]
    assert [entry.kind for entry in entries(job, ALL) if entry.bar] == ["postgresql_to_nowhere"]
