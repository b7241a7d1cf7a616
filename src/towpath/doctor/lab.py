"""Servers that `tow lab up` started: those that run, and those that died and left their data."""

from __future__ import annotations

from collections.abc import Iterator

from towpath.doctor.report import OK, WARNING, Check, size
from towpath.lab import running

_TOPIC = "lab"


def checks() -> Iterator[Check]:
    """One line for each server that is kept; none where there is none."""
    for one in running.every():
        if one.alive():
            yield Check(_TOPIC, one.name, OK, f"{one.told} runs since {one.since}, {size(one.memory())} of memory")
        else:
            what = f"{one.told} does not run any more; its data is in {one.root}"
            yield Check(_TOPIC, one.name, WARNING, what, f"tow lab down {one.name} removes it")
