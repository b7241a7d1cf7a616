"""The plan: what a run would do, found without writing or consuming anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from towpath.job import JobSpec
from towpath.nouns import Offer, State


@dataclass(slots=True)
class Plan:
    """`route` names each part with its adapter, library and file of code. `unchanged` says why nothing would move, if so.
    `unsettled` lists the columns whose type comes from a sample and may widen."""

    spec: JobSpec
    source: str
    destination: str
    offer: Offer
    route: list[str] = field(default_factory=list)
    unsettled: tuple[str, ...] = ()
    rows: int | None = None
    size: int | None = None
    state: State | None = None
    unchanged: str = ""
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The plan for people."""
        raise NotImplementedError

    def as_json(self) -> dict[str, Any]:
        raise NotImplementedError


def plan(spec: JobSpec) -> Plan:
    """What running `spec` would do. Reads a sample and the state; writes nothing. Raises what the run would raise
    before its first row."""
    raise NotImplementedError
