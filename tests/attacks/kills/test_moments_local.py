"""Runs killed at random moments, onto every destination on this machine's disk, in each of its modes."""

from __future__ import annotations

import pytest

from tests.attacks.kills.kit import attacked, kill_after, undisturbed
from tests.attacks.kills.local import PLACES, Case, Scenes
from tests.attacks.kills.warm import Warm
from tests.attacks.share import Attack


@pytest.mark.parametrize("case", PLACES, ids=str)
@pytest.mark.one_of_many
def test_a_run_killed_at_any_moment_leaves_old_or_new_and_the_next_ends_right(
    case: Case, tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    known = undisturbed(tow, scenes(case))
    chance = attack.random(f"moments-{case}")
    for _ in range(attack.times(100, least=15)):
        attacked(tow, scenes(case), known, kill_after(chance.uniform(0, known.secs * 1.1)))
