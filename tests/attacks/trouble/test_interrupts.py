"""Ctrl-C and SIGTERM at random moments: one line, the code that a shell knows, and nothing left."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.attacks.kills.kit import INTERRUPTS, attacked, check_interrupted, interrupted_after, undisturbed
from tests.attacks.kills.local import PLACES, Case, LocalScene, Scenes
from tests.attacks.kills.sqlkit import Siege, TableScene
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack

_SIGNALS = pytest.mark.parametrize("number", INTERRUPTS, ids=lambda number: number.name)


@pytest.mark.parametrize("case", PLACES, ids=str)
@_SIGNALS
@pytest.mark.one_of_many
def test_an_interrupt_at_any_moment_is_a_line_and_a_code_and_leaves_nothing(
    case: Case, number: signal.Signals, tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    known = undisturbed(tow, scenes(case))
    chance = attack.random(f"{number.name}-{case}")
    left: list[str] = []
    for _ in range(attack.times(15, least=5)):
        scene = scenes(case)

        def ended(run: Run, scene: LocalScene = scene) -> None:
            check_interrupted(run, number)
            # In a narrow moment the note of a load, or a temporary file, is left to the next run.
            left.extend(scene.leftovers())
            assert all(name.endswith((".tow-tmp", ".tow-lock", ".tow-loads")) for name in left), f"{left}: {run.err}"

        cut = interrupted_after(chance.uniform(0, known.secs), number)
        attacked(tow, scene, known, cut, codes=(0, INTERRUPTS[number], -number), ended=ended)
    assert len(left) <= max(1, attack.times(15, least=5) // 5), left


@pytest.mark.parametrize("mode", ["create", "append", "replace", "merge"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("postgresql", marks=pytest.mark.server("postgresql")),
        pytest.param("mariadb", marks=pytest.mark.server("mariadb")),
    ],
)
@_SIGNALS
@pytest.mark.one_of_many
def test_an_interrupt_of_a_load_into_a_server_leaves_nothing_there(
    besieged: Callable[..., Siege], name: str, mode: str, number: signal.Signals, tow: Warm, attack: Attack
) -> None:
    siege = besieged(name, mode)
    known = undisturbed(tow, siege.scene())
    chance = attack.random(f"{number.name}-{name}-{mode}")
    for _ in range(attack.times(15, least=3)):
        scene = siege.scene()

        def ended(run: Run, scene: TableScene = scene) -> None:
            check_interrupted(run, number)
            assert scene.leftovers() == [], run.err

        cut = interrupted_after(chance.uniform(0, known.secs), number)
        attacked(tow, scene, known, cut, codes=(0, INTERRUPTS[number], -number), ended=ended)
