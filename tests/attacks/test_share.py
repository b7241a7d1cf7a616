"""The share of the attacks itself: the same seed makes the same, and no share makes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.attacks.share import Attack


def test_the_same_seed_makes_the_same_and_another_makes_others() -> None:
    cases = list(range(1000))
    assert Attack(7, 0.1).some("cuts", cases) == Attack(7, 0.1).some("cuts", cases)
    assert Attack(7, 0.1).some("cuts", cases) != Attack(8, 0.1).some("cuts", cases)
    assert Attack(7, 0.1).some("cuts", cases) != Attack(7, 0.1).some("kills", cases)
    assert Attack(7, 0.1).random("kills").random() == Attack(7, 0.5).random("kills").random()


def test_a_share_is_never_nothing_and_the_whole_is_all_in_order() -> None:
    cases = list(range(30))
    assert len(Attack(7, 0.001).some("cuts", cases)) == 1
    assert len(Attack(7, 0.001).some("cuts", cases, least=5)) == 5
    assert Attack(7, 1.0).some("cuts", cases) == cases
    assert Attack(7, 0.1).times(100) == 10
    assert Attack(7, 0.1).some("cuts", cases) == sorted(Attack(7, 0.1).some("cuts", cases))


CASES = """
import pytest

@pytest.mark.one_of_many
@pytest.mark.parametrize("number", range(500))
def test_one(number):
    pass
"""


def test_workers_beside_each_other_draw_the_same_cases(tmp_path: Path) -> None:
    (tmp_path / "test_cases.py").write_text(CASES)
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "tests.attacks.share", "--attack-share", "0.1"]
    place = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([*command, tmp_path], cwd=tmp_path, env=place, capture_output=True, text=True, check=False)
    assert "50 passed" in done.stdout, done.stdout
