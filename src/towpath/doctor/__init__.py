"""`tow doctor`: looks at what is installed and what was left behind, on this machine alone; changes nothing unasked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from towpath.doctor import configuration, installed, lab, leftovers, machine, state
from towpath.doctor.report import Report

__all__ = ["examine"]


def examine(folders: Sequence[Path] = (), *, clean: bool = False) -> Report:
    """Everything that there is to see. Leftovers are looked for in `folders` too, with all that is below them; with
    `clean`, those of dead runs are removed, and unfinished loads finished or discarded as the next run would."""
    return Report(
        [
            *installed.checks(),
            *state.checks(),
            *leftovers.checks(folders, clean=clean),
            *lab.checks(),
            *machine.checks(),
            *configuration.checks(),
        ]
    )
