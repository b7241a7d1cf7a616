"""Runs whose system calls are counted, and of which each in turn is the last, or fails: the whole publish window."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.attacks.kills.kit import Cut, Scene, attacked, undisturbed
from tests.attacks.kills.local import CASES, Case, LocalScene, Scenes
from tests.attacks.kills.warm import SAID, Run, Warm
from tests.attacks.share import Attack
from towpath.lab.faults import syscalls
from towpath.lab.faults.syscalls import Call

ERRORS = ("ENOSPC", "EIO", "EROFS", "EDQUOT")
LOCKS = ("flock", "fcntl")
SHOWING = ("rename", "link", "fdatasync")
"""With the first of these calls the publishing begins: a note, a file or a page of a database takes its place."""
HISTORY = "/home/"
WITH_HISTORY = "out.json-create"
"""The case for all whose run history is attacked as well: it is kept in the same way whatever the destination."""


@pytest.fixture(scope="module", autouse=True)
def _strace() -> None:
    reason = syscalls.missing()
    if reason:
        pytest.skip(reason)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.one_of_many
def test_a_run_killed_before_or_after_any_system_call_leaves_old_or_new(
    case: Case, tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    known = undisturbed(tow, scenes(case))
    calls = _calls(tow, scenes(case))
    shown = next(at for at, call in enumerate(calls) if call.name in SHOWING)
    # However few are made: some before anything could be seen, more after.
    for name, part, least in (("before", calls[:shown], 3), ("after", calls[shown:], 9)):
        for call in attack.some(f"killed-{case}-{name}", part, least=least):
            attacked(tow, scenes(case), known, traced(call.killed()))


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.one_of_many
def test_a_run_whose_system_call_fails_says_so_and_leaves_old_or_new(
    case: Case, tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    known = undisturbed(tow, scenes(case))
    chance = attack.random(f"failing-{case}-how")
    calls = [call for call in _calls(tow, scenes(case)) if call.name not in LOCKS]
    for call in attack.some(f"failing-{case}", calls, least=8):
        # Of all further writes those of its words would fail as well, and nothing could be told; of all further opened
        # files those of the system that no disk is for (DuckDB ends the process then).
        ever_after = chance.random() < 0.5 and not call.name.startswith(("write", "open"))
        fault = call.failing(chance.choice(ERRORS), ever_after=ever_after)

        def ended(run: Run, told: str = f"{fault} at {call.line}") -> None:
            # Of a step that it could not read a run keeps no receipt, and to where it cannot write it prints none.
            why = ("tow: tow.yaml: cannot read it: ", "standard output")
            assert run.code != -signal.SIGABRT or "duckdb::InternalException" in run.err, f"{told}: {run}"
            if run.code == 1:
                assert '"status": "stopped"' in run.out or any(one in run.err for one in why), f"{told}: {run}"

        codes: tuple[int, ...] = (0, 1)
        if case.name == "duckdb" and call.name.startswith("open"):
            codes = (0, 1, -signal.SIGABRT)  # where the call strikes the opening of /sys: then DuckDB ends the process
        try:
            attacked(tow, scenes(case), known, traced(fault), codes=codes, ended=ended)
        except AssertionError as error:
            raise AssertionError(f"{fault} at {call.line}: {error}") from error


def _calls(tow: Warm, scene: Scene) -> list[Call]:
    """What an undisturbed run of the scene calls in its folder."""
    log = scene.folder.with_suffix(".log")
    Path(scene.env["TMPDIR"]).mkdir(parents=True)
    scene.begin(tow)
    run = tow.start(scene.words, scene.folder, scene.env, held=True)
    traced(log=log)(run)
    assert run.code == 0
    found = syscalls.calls(log, about=str(scene.folder))
    assert len(found) > 10
    with_history = isinstance(scene, LocalScene) and str(scene.case) == WITH_HISTORY
    scene.end()
    found = [call for call in found if SAID not in call.line]  # of the harness
    return found if with_history else [call for call in found if HISTORY not in call.line]


def traced(*faults: str, log: Path | None = None) -> Cut:
    def cut(run: Run) -> None:
        with syscalls.attached(run.pid, faults, log):
            run.go()
            run.wait()

    return cut
