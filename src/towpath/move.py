"""The mover: one job from source to destination, by the two contracts alone."""

from __future__ import annotations

from towpath.job import JobSpec
from towpath.receipt import Receipt


def run(spec: JobSpec, *, full_refresh: bool = False, accept_plan: bool = False) -> Receipt:
    """Runs a job and returns its receipt, which is also kept in the run history (`towpath.history`), stopped runs too.

    `full_refresh`: as if nothing had been read before, replacing what exists. `accept_plan`: go on from a checkpoint
    made for another plan. Raises TowError when the data or a system said no; nothing was published then."""
    raise NotImplementedError
