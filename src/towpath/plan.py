"""The plan: what a run would do, found without writing or consuming anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from towpath import registry
from towpath.ground import prepare
from towpath.job import JobSpec
from towpath.nouns import ColumnPlan, Offer, State, Way
from towpath.values import textform


@dataclass(slots=True)
class Plan:
    """`route` names each part with its adapter, library and file of code. `unchanged` says why nothing would move, if
    so; there is no `offer` then. `unsettled` lists the columns whose type comes from a sample and may widen."""

    spec: JobSpec
    source: str
    destination: str
    offer: Offer | None
    route: list[str] = field(default_factory=list)
    unsettled: tuple[str, ...] = ()
    rows: int | None = None
    size: int | None = None
    state: State | None = None
    unchanged: str = ""

    def lines(self) -> list[str]:
        """The plan for people."""
        offer = self.offer
        known = [f"{self.rows:,} rows" if self.rows is not None else "", f"{self.size:,} bytes" if self.size else ""]
        amount = ", ".join(word for word in known if word)
        out = [f"{self.spec.step or 'copy'}: {self.source} -> {self.destination}" + (f"  ({amount})" if amount else "")]
        out += [f"  {line}" for line in self.route]
        if offer is None:
            return [*out, f"  would move 0 rows: {self.unchanged}"]
        key = f" by {', '.join(offer.key)}" if offer.key else ""
        out.append(f"  mode: {offer.mode}{key}: {offer.effect}")
        out.append(f"  guarantee: {offer.guarantee}: {offer.why}")
        if self.spec.step is not None:
            out.append(f"  state: {_state_line(self.state)}")
        out += ["  columns:", *(f"    {line}" for line in self._columns(offer))]
        out += [f"  ddl: {statement}" for statement in offer.ddl]
        return out

    def _columns(self, offer: Offer) -> list[str]:
        rows = []
        for plan in offer.columns:
            name = plan.name if plan.to == plan.name else f"{plan.name} -> {plan.to}"
            sample = " (from sample)" if plan.name in self.unsettled else ""
            why = f": {plan.why}" if plan.why and plan.way is not Way.EXACT else ""
            native = plan.stored.native or textform.type_name(plan.stored.type)
            rows.append((name, textform.type_name(plan.source) + sample, native, f"{plan.way}{why}"))
        widths = [max(len(row[at]) for row in rows) for at in range(3)]
        return [
            f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  ->  {row[2]:<{widths[2]}}  {row[3]}".rstrip()
            for row in rows
        ]

    def as_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        offer = self.offer
        head = {
            "step": self.spec.step,
            "source": self.source,
            "destination": self.destination,
            "route": self.route,
            "rows": self.rows,
            "size": self.size,
            "unchanged": self.unchanged,
            "state": None if self.state is None else {"load": self.state.load_id, "at": self.state.at},
        }
        if offer is None:
            return head
        return head | {
            "mode": str(offer.mode),
            "key": list(offer.key),
            "effect": offer.effect,
            "guarantee": str(offer.guarantee),
            "why": offer.why,
            "columns": [column_json(plan, plan.name in self.unsettled) for plan in offer.columns],
            "ddl": list(offer.ddl),
        }


def column_json(plan: ColumnPlan, sample: bool = False) -> dict[str, Any]:
    """One column's way as plain JSON values, for plans and receipts."""
    return {
        "name": plan.name,
        "type": textform.type_name(plan.source),
        "to": plan.to,
        "stored": plan.stored.native or textform.type_name(plan.stored.type),
        "way": str(plan.way),
        "why": plan.why,
        "from_sample": sample,
    }


def _state_line(state: State | None) -> str:
    if state is None:
        return "none yet: everything is read"
    return f"load {state.load_id} at {state.at} ({state.rows:,} rows)"


def _file(row: registry.Row) -> str:
    return row.target.partition(":")[0].replace(".", "/") + ".py"


def plan(spec: JobSpec) -> Plan:
    """What running `spec` would do. Reads a sample and the state; writes nothing. Raises what the run would raise
    before its first row."""
    ground = prepare(spec, recovering=False)
    unsettled = tuple(
        name
        for one in ground.descriptions.values()
        if not one.settled
        for name in one.schema.names
        if name not in spec.types
    )
    rows = [one.rows for one in ground.descriptions.values()]
    sizes = [one.size for one in ground.descriptions.values()]
    return Plan(
        spec,
        ground.source_shown,
        ground.destination.shown,
        None if ground.unchanged else ground.offer(),
        route=[f"{part}: {row.line} [{_file(row)}]" for part, row in ground.route],
        unsettled=unsettled,
        rows=sum(one for one in rows if one is not None) if None not in rows else None,
        size=sum(one for one in sizes if one is not None) if None not in sizes else None,
        state=ground.state,
        unchanged=ground.unchanged,
    )
