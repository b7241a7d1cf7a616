"""The destinations on this machine's disk that stand for all of their kind: one of each, in each of its modes."""

from __future__ import annotations

from tests.attacks.kills.local import CASES, PLACES, Case

OLD_THERE = [case for case in PLACES if case.mode != "create"]


def one(name: str) -> Case:
    """The case of this name, such as `out.csv-append`."""
    return next(case for case in CASES if str(case) == name)
