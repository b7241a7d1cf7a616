"""The ground that a plan and a run stand on alike: a job with its parts built, described and brought together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn, cast

import pyarrow as pa

from towpath import assemble, letterbox, registry, window
from towpath.badrows import StopAtFirst
from towpath.built import Built
from towpath.errors import Refused, UserError
from towpath.job import JobSpec
from towpath.nouns import Checkpoint, Description, Existing, Guarantee, Mode, Offer, Restart, State, Want, Way
from towpath.onwards import onwards
from towpath.options import nearest
from towpath.seams.destination import Destination, ReplacesRows
from towpath.seams.source import Reading, Source, TellsRows
from towpath.settling import described
from towpath.shaping import loadcolumns, trial
from towpath.shaping.loadcolumns import SOURCE_FILE, LoadColumns
from towpath.shaping.transform import Transform
from towpath.sqlnames import matched
from towpath.values import textform
from towpath.values.logical import Kind, kind

_STRENGTH = (Guarantee.AT_LEAST_ONCE, Guarantee.RECOVERABLE, Guarantee.ATOMIC)


@dataclass(slots=True)
class Ground:
    """A job with its parts built and described. `since` is per input; `mode` what the run really does. `backfill`: the
    run leaves the step's checkpoint where it is. `instead`: changed files, whose rows make way. `notes`: what the plan
    and the receipt have to say."""

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
    load_columns: LoadColumns
    unchanged: str = ""
    backfill: bool = False
    instead: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def source_shown(self) -> str:
        return ", ".join(source.shown for source in self.sources.values())

    @property
    def rows(self) -> int | None:
        """The rows of all sources together, None when one of them cannot tell."""
        return _total([one.rows for one in self.descriptions.values()])

    def expected(self, readings: Mapping[str, Reading]) -> int | None:
        """The same of sources that are open, some of which tell then."""
        told = self.descriptions.items()
        return _total([one.rows if one.rows is not None else _told(readings[name]) for name, one in told])

    @property
    def size(self) -> int | None:
        """Likewise their bytes."""
        return _total([one.size for one in self.descriptions.values()])

    def offer(self, schemas: Mapping[str, pa.Schema] | None = None) -> Offer:
        """The destination's offer for the rows that inputs of these schemas (default: as described) would become."""
        inputs = schemas or {name: _wanted(one, self.wants[name]) for name, one in self.descriptions.items()}
        return self.offer_for(self.transform.schema(inputs), self.instead)

    def offer_for(self, schema: pa.Schema, instead: tuple[str, ...] = ()) -> Offer:
        """The offer for rows of `schema` and the load's columns, with the user's say on lossy columns and the least
        guarantee. `instead`: the files whose rows make way."""
        spec = self.spec
        if not len(schema):
            self._refuse_no_columns()
        offer = self._offered(self.load_columns.schema(schema))
        if instead:
            offer = cast(ReplacesRows, self.destination).instead(offer, SOURCE_FILE, instead)
        names = [plan.name for plan in offer.columns]
        for name in spec.allow_lossy:
            if name not in names:
                raise UserError(
                    f"allow_lossy: there is no column {name!r}{nearest(name, names)}",
                    todo=f"columns: {', '.join(names)}",
                    code="column-unknown",
                )
        columns = tuple(
            replace(plan, way=Way.LOSSY) if plan.way is Way.CHECKED and plan.name in spec.allow_lossy else plan
            for plan in offer.columns
        )
        if spec.require is not None and _STRENGTH.index(offer.guarantee) < _STRENGTH.index(spec.require):
            raise Refused(
                f"the guarantee here is {offer.guarantee}, and {spec.require} is required",
                where=self.destination.shown,
                todo=f"write to a table of a database, or --require {offer.guarantee}; here: {offer.why}",
                code="guarantee-lacking",
            )
        return replace(offer, columns=columns, about_load=self.load_columns.of_load(columns))

    def _refuse_no_columns(self) -> NoReturn:
        """Where no row could be read the first bad one is the reason; where there is none, there is nothing."""
        for name, source in self.sources.items():
            with suppress(Restart), source.open(None, replace(self.wants[name], bad=StopAtFirst())) as reading:
                for _ in reading:
                    pass
        raise Refused(
            "it has no columns",
            where=self.source_shown,
            todo="check that it is whole; a table without rows still has a header or a schema",
            code="columns-missing",
        )

    def _offered(self, schema: pa.Schema) -> Offer:
        try:
            return self.destination.offer(schema, self.mode, self.spec.key)
        except UserError as error:
            if error.code != "destination-exists" or self.spec.step is None:
                raise
            raise UserError(
                error.what,
                where=error.where,
                todo="give the step a mode (append, replace, or merge with a key), or load it anew (--full-refresh)",
                code=error.code,
            ) from error


def prepare(
    spec: JobSpec,
    *,
    recovering: bool,
    full_refresh: bool = False,
    accept_plan: bool = False,
    sources: Mapping[str, Source] | None = None,
) -> Ground:
    """Builds and describes a job's parts. With `recovering` the destination first finishes or discards what a dead
    run left; without it nothing is touched, and types that reading would only presume are made sure of. `sources` stand
    in for the inputs of their names."""
    made = assemble.build_destination(spec.to, spec.connections, spec.folder, memory=spec.memory)
    destination: Destination = made.part
    refuse_pairs(spec)
    built = _inputs(spec, destination, sources or {})
    state = None
    if recovering:
        state = destination.recover(spec.step)
    elif spec.step is not None:
        state = destination.state(spec.step)
    trial.check(spec, state)
    existing = destination.describe()
    parts: dict[str, Source] = {name: one.part for name, one in built.items()}
    types = {name: textform.parse_type(text, f"types: {name}") for name, text in spec.types.items()}
    descriptions, wants = {}, {}
    for name, source in parts.items():
        timezone = spec.inputs[name].timezone
        describe = source.describe if recovering else partial(described, source)
        descriptions[name], want = _describe(
            spec, describe, source.shown, types, existing, timezone, count=not recovering
        )
        wants[name] = _narrowed(spec, descriptions[name], want)
    if spec.types:
        _known_types(spec, descriptions)
    transform = Transform(spec, partial(assemble.engine, spec))
    route = [(f"read {name}", row) for name, one in built.items() for row in one.route]
    if spec.sql is not None or spec.where is not None:
        route.append(("transform", registry.find("engine", "duckdb")))
    route += [("write", row) for row in made.route]
    load_columns = LoadColumns([f"_{name}" for name in spec.load_columns], datetime.now(UTC), "")
    ground = Ground(
        spec, parts, destination, transform, route, descriptions, wants, existing, state, spec.mode,
        dict.fromkeys(parts), _bound(spec, descriptions), load_columns, notes=window.notes(spec),
    )  # fmt: skip
    if trial.is_trial(spec):
        ground.notes.append(trial.note(spec))
    onwards(ground, full_refresh=full_refresh, accept_plan=accept_plan)
    return ground


def _inputs(spec: JobSpec, destination: Destination, given: Mapping[str, Source]) -> dict[str, Built]:
    """The inputs, opened by their addresses or as they were given."""
    names_rows = spec.mode is Mode.APPEND and "source_file" in spec.load_columns and hasattr(destination, "instead")
    return {
        name: Built(given[name], ())
        if name in given
        else assemble.build_source(
            one,
            spec.connections,
            spec.folder,
            reread_changed=spec.mode is Mode.MERGE,
            names_rows=names_rows,
            memory=spec.memory,
        )
        for name, one in spec.inputs.items()
    }


def refuse_pairs(spec: JobSpec) -> None:
    """Raises UserError for combinations whose meaning would be a guess; touches nothing."""
    if len(spec.inputs) != 1 and spec.sql is None:
        raise UserError(
            "several inputs need sql that says how they come together",
            todo="add sql: select ... from one join other using (...)",
            code="option-missing",
        )
    if spec.sql is not None and spec.where is not None:
        raise UserError(
            "where and sql together leave open which comes first",
            todo="put the condition into the sql",
            code="options-conflict",
        )
    if spec.mode is Mode.MERGE and not spec.key:
        raise UserError("merge needs a key", todo="name the columns that identify a row: --key id", code="key-missing")
    window.check(spec)
    loadcolumns.check(spec)
    letterbox.check(spec)
    if spec.step is None or spec.mode is not Mode.APPEND:
        return
    if spec.sql is not None or spec.whole:
        raise UserError(
            "a step that reads its whole input cannot append: each run would add its rows again",
            where=spec.step,
            todo="use mode replace, or merge with a key",
            code="mode-impossible",
        )
    for one in spec.inputs.values():
        if one.cursor is not None and not one.monotonic:
            raise UserError(
                f"append by the cursor {one.cursor!r} could add rows of equal value twice or never",
                where=spec.step,
                todo="use merge with a key, or declare the cursor `monotonic: true`",
                code="cursor-unordered",
            )
        if one.cursor is None and assemble.reads_table(one, spec.connections, spec.folder):
            raise UserError(
                "append from a table needs a cursor: without one each run would add every row again",
                where=spec.step,
                todo="name a cursor, or use mode replace or merge",
                code="cursor-missing",
            )


def _describe(
    spec: JobSpec,
    describe: Callable[[Want], Description],
    shown: str,
    types: Mapping[str, pa.DataType],
    existing: Existing | None,
    timezone: str | None,
    *,
    count: bool,
) -> tuple[Description, Want]:
    """A source's description, and what it is asked for: pinned types are the user's, then those of the columns that
    the rows will meet (only for text, whose own types are a guess)."""
    resumes = spec.step is not None
    want = Want(
        types=types,
        all_text=spec.all_text,
        checkpoint=resumes,
        count=count,
        by_file="source_file" in spec.load_columns,
        batch_bytes=_batch_bytes(spec.memory),
    )
    found = describe(want)
    if spec.all_text:
        refuse_all_text(found, shown)
        return found, want
    if not found.inferred or existing is None or spec.sql is not None or spec.python is not None:
        return found, want
    pins = dict(types)
    for name in found.schema.names:
        near = matched(spec.rename.get(name, name), list(existing.stored))
        there = existing.stored[near[0]] if len(near) == 1 else None
        goes = not spec.select or name in spec.select
        # A local time that a zone will make an instant of is text without a zone: pinning it would make its row bad.
        unzoned = there is not None and timezone is not None and kind(there.type) is Kind.INSTANT
        if there is not None and goes and not unzoned and name not in pins and name not in spec.cast:
            pins[name] = _readable(there.type, existing.schema, near[0])
    fields = [field.with_type(pins.get(field.name, field.type)) for field in found.schema]
    return replace(found, schema=pa.schema(fields)), replace(want, types=pins)


def _narrowed(spec: JobSpec, found: Description, want: Want) -> Want:
    """Asks for the selected columns only, where no other column decides on a row: in a condition, or by a type that
    the user gave it."""
    chosen = spec.select
    known = len(set(chosen)) == len(chosen) and set(chosen) <= set(found.schema.names)
    others = spec.sql or spec.python or spec.where or set(spec.types) - set(chosen)
    return want if not chosen or not known or others else replace(want, columns=chosen)


def refuse_all_text(found: Description, shown: str) -> None:
    """Raises UserError when a source has types of its own."""
    if not found.inferred:
        raise UserError(
            "all_text is for text, whose types are guesses; here the types are known",
            where=shown,
            todo="change single columns with --cast COL=text",
            code="option-wrong",
        )


def _readable(stored: pa.DataType, schema: pa.Schema, name: str) -> pa.DataType:
    at = schema.get_field_index(name)
    return schema.field(at).type if at >= 0 else stored


def _known_types(spec: JobSpec, descriptions: Mapping[str, Description]) -> None:
    known = [name for one in descriptions.values() for name in one.schema.names]
    for name in spec.types:
        if name not in known:
            raise UserError(
                f"types: there is no column {name!r}{nearest(name, known)}",
                todo=f"columns: {', '.join(known)}",
                code="column-unknown",
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


def _told(reading: Reading) -> int | None:
    return reading.expected if isinstance(reading, TellsRows) else None


def _total(counts: Sequence[int | None]) -> int | None:
    return None if None in counts else sum(count for count in counts if count is not None)


def _wanted(description: Description, want: Want) -> pa.Schema:
    return want.schema if want.schema is not None else description.schema
