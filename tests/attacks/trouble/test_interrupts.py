"""Ctrl-C and SIGTERM at random moments: one line, the code that a shell knows, and nothing left."""

from __future__ import annotations

import signal

import pytest

from tests.attacks.kills.kit import attacked, undisturbed
from tests.attacks.kills.local import PLACES, Case, LocalScene, Scenes
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack


@pytest.mark.parametrize("case", PLACES, ids=str)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"])
@pytest.mark.one_of_many
def test_an_interrupt_at_any_moment_is_a_line_and_a_code_and_leaves_nothing(
    case: Case, number: signal.Signals, code: int, tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    known = undisturbed(tow, scenes(case))
    chance = attack.random(f"{number.name}-{case}")
    left: list[str] = []
    for _ in range(attack.times(15, least=5)):
        scene = scenes(case)

        def cut(run: Run) -> None:
            run.go()
            run.wait(chance.uniform(0, known.secs))
            run.signal(number)

        def ended(run: Run, scene: LocalScene = scene) -> None:
            # A program that was not yet told what to do with SIGTERM is ended by it, and had begun nothing.
            assert run.code != -number or not run.err
            assert run.err.count("tow: interrupted") == (1 if run.code == code and run.err else 0), run.err
            # One that comes while a temporary file is being opened leaves it to the next run.
            left.extend(scene.leftovers())
            assert all(name.endswith((".tow-tmp", ".tow-lock")) for name in left), f"{left}: {run.err}"

        attacked(tow, scene, known, cut, codes=(0, code, -number), ended=ended)
    assert len(left) <= max(1, attack.times(15, least=5) // 5), left
