"""Every fault is injected for real: its message is the golden one, and keeps what every message owes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.errors.faults import FAULTS
from tests.errors.kit import CANARY, Fault
from tests.errors.run import GOLDEN, CannotInject, Runner, Seen, golden_path

MOST_LINES = 12
MOST_COLUMNS = 270
"""A message is prose that the terminal wraps: three lines of 80 columns each."""


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as made:
        yield made


def _case(fault: Fault) -> object:
    marks = [pytest.mark.xfail(reason=f"waits for: {fault.pending}", strict=True)] if fault.pending else []
    return pytest.param(fault, id=fault.id, marks=marks)


@pytest.mark.parametrize("fault", [_case(fault) for fault in FAULTS])
def test_a_fault_is_told_as_it_should_be(fault: Fault, runner: Runner) -> None:
    try:
        seen = runner.run(fault)
    except CannotInject as error:
        pytest.skip(str(error))
    owes = owed(fault, seen)
    assert not owes, f"{owes}\n{seen.golden(fault)}"
    assert seen.golden(fault) == golden_path(fault).read_text("utf-8")


def owed(fault: Fault, seen: Seen) -> list[str]:
    """What the message lacks."""
    lines = seen.err.splitlines()
    told = seen.err.lower()
    out = [f"no {name}: {getattr(fault, name)!r}" for name in ("place", "value", "rule", "todo")
           if getattr(fault, name).lower() not in told]  # fmt: skip
    if seen.exit != fault.exit:
        out.append(f"exit code {seen.exit} instead of {fault.exit}")
    if fault.code and re.findall(r"\[([a-z][a-z-]+)\]$", seen.err, re.MULTILINE) != [fault.code]:
        out.append(f"not the one code [{fault.code}]")
    if len(lines) > MOST_LINES:
        out.append(f"{len(lines)} lines")
    if any(len(line) > MOST_COLUMNS for line in lines):
        out.append(f"a line of {max(map(len, lines))} columns")
    if "Traceback" in seen.err:
        out.append("a traceback")
    if CANARY in seen.err + seen.out:
        out.append("a secret")
    if seen.out and not fault.out:
        out.append(f"words on standard output: {seen.out[:80]!r}")
    return out


def test_every_golden_message_belongs_to_a_fault() -> None:
    wanted = {golden_path(fault).name for fault in FAULTS if not fault.pending}
    assert {path.name for path in GOLDEN.iterdir()} == wanted


def test_the_table_of_faults_is_long_and_names_each_once() -> None:
    ids = [fault.id for fault in FAULTS]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 75


@pytest.mark.parametrize(
    ("err", "words"),
    [
        ("tow: a.csv: bad [x-y]\n  do\n", []),
        ("tow: a.csv: bad\n  do\n", ["not the one code [x-y]"]),
        ("tow: a.csv: bad [x-y]\n  do [x-y]\n", ["not the one code [x-y]"]),
        ("tow: a.csv: [x-y]\n  do\n", ["no rule: 'bad'"]),
        ("tow: a.csv: bad [x-y]\n", ["no todo: 'do'"]),
        ("tow: a.csv: bad [x-y]\n  do\n" + "more\n" * 11, ["13 lines"]),
        ("tow: a.csv: bad [x-y]\n  do" + "o" * 270 + "\n", ["a line of 274 columns"]),
        (f"tow: a.csv: bad [x-y]\n  do {CANARY}\n", ["a secret"]),
        ("Traceback\ntow: a.csv: bad [x-y]\n  do\n", ["a traceback"]),
    ],
)
def test_what_a_message_lacks_is_seen(err: str, words: list[str]) -> None:
    fault = Fault("x", "did", "copy a b", "x-y", place="a.csv", rule="bad", todo="do", exit=1)
    assert owed(fault, Seen(1, "", err)) == words


def test_words_on_standard_output_and_a_wrong_exit_code_are_seen() -> None:
    fault = Fault("x", "did", "copy a b", "x-y", exit=1)
    assert owed(fault, Seen(2, "done", "tow: bad [x-y]\n")) == [
        "exit code 2 instead of 1",
        "words on standard output: 'done'",
    ]
