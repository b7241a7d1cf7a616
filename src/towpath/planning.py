"""The plan: what a run would do, found without writing or consuming anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from towpath import letterbox, registry
from towpath.badrows import MostBad
from towpath.columnways import LACKING, column_json
from towpath.errors import Refused
from towpath.ground import Ground, prepare
from towpath.job import JobSpec
from towpath.nouns import Offer, State, Way
from towpath.receipt import count, listed
from towpath.seams.destination import JudgesRows
from towpath.secrets import redact
from towpath.stateedit import in_words
from towpath.values import textform

if TYPE_CHECKING:
    from towpath.pipeline.load import Loaded


@dataclass(slots=True, repr=False)
class Plan:
    """`route` names each part with its adapter, library and file of code. `unchanged` says why nothing would move, if
    so, `waiting` which steps of a pipeline must run before it can be planned; there is no `offer` then. `unsettled`
    lists the columns whose type comes from a sample and may widen."""

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
    notes: tuple[str, ...] = ()
    waiting: str = ""

    def lines(self) -> list[str]:
        """The plan for people."""
        offer = self.offer
        known = ["" if self.rows is None else count(self.rows, "row"), count(self.size, "byte") if self.size else ""]
        amount = ", ".join(word for word in known if word)
        out = [f"{self.spec.step or 'copy'}: {self.source} -> {self.destination}" + (f"  ({amount})" if amount else "")]
        out += [f"  {line}" for line in self.route]
        if offer is None:
            return [*out, f"  {self.waiting}" if self.waiting else f"  would move 0 rows: {self.unchanged}"]
        key = f" by {', '.join(offer.key)}" if offer.key else ""
        out.append(f"  mode: {offer.mode}{key}: {offer.effect}")
        out.append(f"  guarantee: {offer.guarantee}: {offer.why}")
        if self.spec.step is not None:
            out.append(f"  state: {_state_line(self.state)}")
        out += ["  columns:", *(f"    {line}" for line in self._columns(offer))]
        out += [f"  ddl: {statement}" for statement in offer.ddl]
        if offer.lacking:
            out.append(f"  not in the rows: {LACKING.format(listed(offer.lacking))}")
        if self.spec.bad_rows is not None:
            most = "" if self.spec.max_bad is None else f", at most {MostBad.parse(self.spec.max_bad)}"
            out.append(f"  bad rows: set aside in {letterbox.place(self.spec)}{most}")
        if offer.instead_of is not None:
            out.append(f"  changed files, whose rows make way: {listed(offer.instead_of[1])}")
        return out + [f"  note: {note}" for note in self.notes]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        does = f"{self.offer.mode}, {self.offer.guarantee}" if self.offer else self.waiting or "moves nothing"
        return f"<Plan {self.spec.step or 'copy'}: {self.source} -> {self.destination}: {does}>"

    def _repr_html_(self) -> str:
        from towpath.python import html

        return html.plan(self.as_json())

    def _columns(self, offer: Offer) -> list[str]:
        rows = []
        for plan in offer.columns:
            name = plan.name if plan.to == plan.name else f"{plan.name} -> {plan.to}"
            sample = " (from sample)" if plan.name in self.unsettled else ""
            why = f": {plan.why}" if plan.why and plan.way is not Way.EXACT else ""
            native = plan.stored.native or textform.type_name(plan.stored.type)
            rows.append((name, textform.type_name(plan.source) + sample, native, f"{plan.way}{why}"))
        widths = [max(len(row[at]) for row in rows) for at in range(3)]
        return [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  ->  {row[2]:<{widths[2]}}  {row[3]}" for row in rows]

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
            "waiting": self.waiting,
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
            "lacking": list(offer.lacking),
            "bad_rows": None if self.spec.bad_rows is None else letterbox.place(self.spec),
            "max_bad": self.spec.max_bad,
            "instead": [] if offer.instead_of is None else list(offer.instead_of[1]),
            "notes": list(self.notes),
        }


def plan_pipeline(loaded: Loaded, steps: Sequence[str] = ()) -> list[Plan]:
    """The plans of the steps named (without names: all) of a pipeline, in the order in which they would run."""
    from towpath.pipeline.jobs import job
    from towpath.pipeline.order import needs, order

    before, chosen = needs(loaded), order(loaded, steps)
    plans = []
    for name in chosen:
        spec = job(loaded, name)
        try:
            plans.append(plan(spec))
        except Refused as error:
            missing = sorted(before[name] & set(chosen))
            if not missing or error.code == "plan-changed":
                raise
            source = ", ".join(one.address for one in spec.inputs.values())
            why = f"can be planned once {', '.join(missing)} has run: {error}"
            plans.append(Plan(spec, source, spec.to.address, None, waiting=why))
    return plans


def _judged(ground: Ground) -> list[str]:
    """What keeping bad rows does not cover."""
    destination = ground.destination
    if ground.spec.bad_rows is None or ground.existing is None or not isinstance(destination, JudgesRows):
        return []
    return [f"a row that only {destination.judges()} refuse stops the load; a rule (--rule) finds it beforehand"]


def _unsettled(ground: Ground) -> tuple[str, ...]:
    """The columns, by the names that the offer has for them, whose type comes from a sample."""
    spec = ground.spec
    asked = [(one, ground.wants[name]) for name, one in ground.descriptions.items()]
    guessed = [
        spec.rename.get(name, name)
        for one, want in asked
        if not one.settled and not want.all_text
        for name in one.schema.names
        if name not in want.types
    ]
    return tuple(name for name in guessed if name not in spec.cast)


def _state_line(state: State | None) -> str:
    if state is None:
        return "none yet: everything is read"
    at = f"load {state.load_id} at {state.at} ({count(state.rows, 'row')})"
    return f"{at}, read up to {in_words(state.checkpoint)}"


def _file(row: registry.Row) -> str:
    return row.target.partition(":")[0].replace(".", "/") + ".py"


@redact.errors()
def plan(spec: JobSpec, *, full_refresh: bool = False, accept_plan: bool = False) -> Plan:
    """What running `spec` would do. Reads a sample and the state; writes nothing. Raises what the run would raise
    before its first row."""
    ground = prepare(spec, recovering=False, full_refresh=full_refresh, accept_plan=accept_plan)
    return Plan(
        spec,
        ground.source_shown,
        ground.destination.shown,
        None if ground.unchanged else ground.offer(),
        route=[f"{part}: {row.line} [{_file(row)}]" for part, row in ground.route],
        unsettled=_unsettled(ground),
        rows=ground.rows,
        size=ground.size,
        state=ground.state,
        unchanged=ground.unchanged,
        notes=(*ground.notes, *_judged(ground)),
    )
