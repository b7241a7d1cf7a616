"""The share of the attacks itself: the same seed makes the same, and no share makes nothing."""

from __future__ import annotations

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
