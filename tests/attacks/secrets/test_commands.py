"""Every command of `tow` is run where secrets stand behind all that it touches; none of them may come out."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from tests.attacks.secrets.world import World
from tests.attacks.share import Attack
from towpath import history
from towpath.cli.main import COMMANDS, parser
from towpath.cli.parsing import commands

CASES: dict[str, list[str]] = {
    "adapters": ["adapters", "adapters postgresql", "adapters --json"],
    "completion": [
        "completion bash",
        "__complete copy env#",
        "__complete run tow.yaml --s",
        "__complete connections test ",
    ],
    "connections list": ["connections list", "connections list --json"],
    "connections test": ["connections test", "connections test --json"],
    "connections discover": ["connections discover duckdb", "connections discover env"],
    "copy": [
        "copy in.csv {} --types id=int64 --bad-rows bad --mode append",
        "copy {} out.parquet --log json -v --mode replace",
    ],
    "doctor": ["doctor", "doctor --json", "doctor tow.yaml"],
    "explain": ["explain login-refused", "explain secret-hidden"],
    "init": ["init {} --output made.yaml", "init {}"],
    "lab down": ["lab down postgresql"],
    "lab list": ["lab list"],
    "lab status": ["lab status", "lab status --json"],
    "lab up": ["lab up nosuch"],
    "lint": ["lint tow.yaml", "lint plain.yaml", "lint tow.yaml --json"],
    "peek": ["peek {}", "peek {} --json"],
    "plan": ["plan tow.yaml", "plan tow.yaml --json", "plan in.csv {} --json", "plan {} out.csv"],
    "replay": ["replay bad --types id=text", "replay bad --from-opt null=x --json"],
    "run": [
        "run tow.yaml",
        "run tow.yaml --json",
        "run tow.yaml -v --log json",
        "run plain.yaml",
        "run tow.yaml --dry-run",
    ],
    "runs": ["runs", "runs --json", "runs --failed", "runs RUN", "runs RUN --json"],
    "schema": ["schema", "schema receipt", "schema plan", "schema log"],
    "secrets remove": ["secrets remove shop/none"],
    "secrets list": ["secrets list"],
    "secrets set": ["secrets set shop/other"],
    "state rewind": ["state rewind tow.yaml duckdb --yes"],
    "state set": ["state set tow.yaml duckdb --help"],
    "state show": ["state show tow.yaml", "state show tow.yaml --json"],
    "verify": ["verify in.csv {}", "verify {} in.csv --json"],
}
"""What is run of each command and of each command within one; `{}` stands for something behind each credential."""


def _all() -> set[str]:
    found = set()
    for name, one in commands(parser()).items():
        within = [action for action in one._actions if isinstance(action, argparse._SubParsersAction)]
        found |= {f"{name} {sub}" for sub in within[0].choices} if within else {name}
    return found


def test_every_command_has_a_case() -> None:
    assert {name.partition(" ")[0] for name in CASES} == set(COMMANDS)
    there = _all()
    assert there - CASES.keys() == set(), "a new command: write what is to be run of it into CASES"
    assert CASES.keys() - there == set(), "a command that is no more"


def test_no_command_says_or_keeps_a_secret(
    tmp_path: Path, attack: Attack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    world = World(tmp_path, attack.random("commands"), monkeypatch)
    tables = attack.some("tables", [*world.tables, *world.connections.values()], least=2)
    order = ("run", "copy", *sorted(CASES.keys() - {"run", "copy", "replay"}), "replay")
    for name in order:
        for line in attack.some(name, CASES[name]):
            for table in tables if "{}" in line else [""]:
                latest = history.latest(1)
                run = latest[0].run if latest else "none"
                world.tow(*(word.replace("{}", table).replace("RUN", run) for word in line.split()), capfd=capfd)
    defects = [text for text in world.texts.values() if "Traceback" in text]
    assert not defects, defects[0]
    found = world.leaks()
    assert not found, f"{len(found)} leaks\n" + "\n".join(found[:10])
    assert any("***" in text for text in world.texts.values())
