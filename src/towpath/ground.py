"""The ground that a plan and a run stand on alike: a job with its parts built, described and brought together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa

from towpath import assemble, registry
from towpath.errors import Refused, UserError
from towpath.job import JobSpec
from towpath.nouns import Checkpoint, Description, Existing, Guarantee, Mode, Offer, State, Want, Way
from towpath.options import nearest
from towpath.seams.destination import Destination
from towpath.seams.source import Source
from towpath.transform import Transform
from towpath.values import textform

_STRENGTH = (Guarantee.AT_LEAST_ONCE, Guarantee.RECOVERABLE, Guarantee.ATOMIC)


@dataclass(slots=True)
class Ground:
    """A job with its parts built and described. `since` is per input; `mode` what the run really does."""

    spec: JobSpec
    sources: dict[str, Source]
    destination: Destination
    transform: Transform
    route: list[tuple[str, registry.Row]]
    descriptions: dict[str, Description]
    wants: dict[str, Want]
    existing: Existing | None
    state: State | None
    mode: Mode
    since: dict[str, Checkpoint | None]
    bound: Checkpoint | None
    unchanged: str = ""

    @property
    def source_shown(self) -> str:
        return ", ".join(source.shown for source in self.sources.values())

    def offer(self, schemas: Mapping[str, pa.Schema] | None = None) -> Offer:
        """The destination's offer for the rows that inputs of these schemas (default: as described) would become."""
        inputs = schemas or {name: _wanted(one, self.wants[name]) for name, one in self.descriptions.items()}
        return self.offer_for(self.transform.schema(inputs))

    def offer_for(self, schema: pa.Schema) -> Offer:
        """The offer for rows of `schema`, with the user's say on lossy columns and the least guarantee."""
        spec = self.spec
        if not len(schema):
            raise Refused("has no columns", where=self.source_shown)
        offer = self.destination.offer(schema, self.mode, spec.key)
        names = [plan.name for plan in offer.columns]
        for name in spec.allow_lossy:
            if name not in names:
                raise UserError(f"allow_lossy: there is no column {name!r}{nearest(name, names)}")
        columns = tuple(
            replace(plan, way=Way.LOSSY) if plan.way is Way.CHECKED and plan.name in spec.allow_lossy else plan
            for plan in offer.columns
        )
        if spec.require is not None and _STRENGTH.index(offer.guarantee) < _STRENGTH.index(spec.require):
            raise Refused(
                f"the guarantee here is {offer.guarantee}, and {spec.require} is required: {offer.why}",
                where=self.destination.shown,
                todo=f"choose another destination, or require {offer.guarantee}",
            )
        return replace(offer, columns=columns)


def prepare(spec: JobSpec, *, recovering: bool, full_refresh: bool = False, accept_plan: bool = False) -> Ground:
    """Builds and describes a job's parts. With `recovering` the destination first finishes or discards what a dead
    run left; without it nothing is touched."""
    reread = spec.mode is Mode.MERGE
    built = {
        name: assemble.build_source(one, spec.connections, spec.folder, reread_changed=reread)
        for name, one in spec.inputs.items()
    }
    made = assemble.build_destination(spec.to, spec.connections, spec.folder)
    destination: Destination = made.part
    _refuse_pairs(spec, destination)
    state = None
    if recovering:
        state = destination.recover(spec.step)
    elif spec.step is not None:
        state = destination.state(spec.step)
    existing = destination.describe()
    sources: dict[str, Source] = {name: one.part for name, one in built.items()}
    types = {name: textform.parse_type(text) for name, text in spec.types.items()}
    descriptions, wants = {}, {}
    for name, source in sources.items():
        descriptions[name], wants[name] = _describe(spec, source, types, existing)
    if spec.types:
        _known_types(spec, descriptions)
    transform = Transform(spec, partial(assemble.engine, spec))
    route = [(f"read {name}", row) for name, one in built.items() for row in one.route]
    if spec.sql is not None or spec.where is not None:
        route.append(("transform", registry.find("engine", "duckdb")))
    route += [("write", row) for row in made.route]
    ground = Ground(
        spec, sources, destination, transform, route, descriptions, wants, existing, state, spec.mode,
        dict.fromkeys(sources), _bound(spec, descriptions),
    )  # fmt: skip
    _onwards(ground, full_refresh=full_refresh, accept_plan=accept_plan)
    return ground


def _refuse_pairs(spec: JobSpec, destination: Destination) -> None:
    """Combinations whose meaning would be a guess."""
    if len(spec.inputs) != 1 and spec.sql is None:
        raise UserError("several inputs need sql that says how they come together")
    if spec.sql is not None and spec.where is not None:
        raise UserError("where and sql together leave open which comes first", todo="put the condition into the sql")
    if spec.mode is Mode.MERGE and not spec.key:
        raise UserError("merge needs a key", todo="name the columns that identify a row: --key id")
    if spec.step is None or spec.mode is not Mode.APPEND:
        return
    if spec.sql is not None or spec.whole:
        raise UserError(
            "a step that reads its whole input cannot append: each run would add its rows again",
            where=spec.step,
            todo="use mode replace, or merge with a key",
        )
    for one in spec.inputs.values():
        if one.cursor is not None and not one.monotonic:
            raise UserError(
                f"append by the cursor {one.cursor!r} could add rows of equal value twice or never",
                where=spec.step,
                todo="use merge with a key, or declare the cursor `monotonic: true`",
            )
        if one.cursor is None and (one.table or one.query or "://" in one.address):
            raise UserError(
                "append from a table needs a cursor: without one each run would add every row again",
                where=spec.step,
                todo="name a cursor, or use mode replace or merge",
            )


def _describe(
    spec: JobSpec, source: Source, types: Mapping[str, pa.DataType], existing: Existing | None
) -> tuple[Description, Want]:
    """A source's description, and what it is asked for: pinned types are the user's, then those of the columns that
    the rows will meet (only for text, whose own types are a guess)."""
    want = Want(types=types, batch_bytes=_batch_bytes(spec.memory))
    found = source.describe(want)
    if not found.inferred or existing is None or spec.sql is not None or spec.python is not None:
        return found, want
    pins = dict(types)
    for name in found.schema.names:
        there = existing.stored.get(spec.rename.get(name, name))
        goes = not spec.select or name in spec.select
        if there is not None and goes and name not in pins and name not in spec.cast:
            pins[name] = _readable(there.type, existing.schema, spec.rename.get(name, name))
    fields = [field.with_type(pins.get(field.name, field.type)) for field in found.schema]
    return replace(found, schema=pa.schema(fields)), replace(want, types=pins)


def _readable(stored: pa.DataType, schema: pa.Schema, name: str) -> pa.DataType:
    at = schema.get_field_index(name)
    return schema.field(at).type if at >= 0 else stored


def _known_types(spec: JobSpec, descriptions: Mapping[str, Description]) -> None:
    known = [name for one in descriptions.values() for name in one.schema.names]
    for name in spec.types:
        if name not in known:
            raise UserError(
                f"types: there is no column {name!r}{nearest(name, known)}", todo=f"columns: {', '.join(known)}"
            )


def _batch_bytes(memory: int) -> int:
    """A batch is small against the limit: several are under way at once, as text, as values and as output."""
    return max(1 << 16, min(8 << 20, memory // 64))


def _bound(spec: JobSpec, descriptions: Mapping[str, Description]) -> Checkpoint | None:
    return joined({name: one.bound for name, one in descriptions.items()})


def joined(checkpoints: Mapping[str, Checkpoint | None]) -> Checkpoint | None:
    """One checkpoint for all inputs; None when any of them has none."""
    known = {name: one for name, one in checkpoints.items() if one is not None}
    if len(known) < len(checkpoints):
        return None
    if len(known) == 1:
        return next(iter(known.values()))
    return Checkpoint("inputs", {name: one.as_json() for name, one in known.items()})


def _onwards(ground: Ground, *, full_refresh: bool, accept_plan: bool) -> None:
    """Where the run starts: after the committed checkpoint, or from the beginning."""
    spec, state = ground.spec, ground.state
    if full_refresh and ground.existing is not None:
        ground.mode = Mode.REPLACE
        return
    if state is None or ground.existing is None:
        return
    if state.plan != spec.plan_hash() and not accept_plan:
        raise Refused(
            "the step was changed since its last load, so its checkpoint may not fit it any more",
            where=str(spec.step),
            todo="either load everything anew (--full-refresh), or go on from the checkpoint (--accept-plan)",
        )
    if ground.bound is not None and ground.bound == state.checkpoint:
        ground.unchanged = f"nothing new in {ground.source_shown} since load {state.load_id} at {state.at}"
        return
    whole = spec.sql is not None or spec.whole or spec.mode is Mode.REPLACE
    if not whole:
        ground.since = dict.fromkeys(ground.since, state.checkpoint)


def _wanted(description: Description, want: Want) -> pa.Schema:
    return want.schema if want.schema is not None else description.schema
