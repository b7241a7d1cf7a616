"""The mover: one job from source to destination, by the two contracts alone."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import pyarrow as pa

from towpath import history, letterbox
from towpath.badrows import StopAtFirst
from towpath.books import Books, CountedBadRows, Edge
from towpath.columnways import LACKING, column_json
from towpath.digest import Digest
from towpath.errors import BooksDoNotBalance, Conflict, DataError, TowError, Transient, UserError
from towpath.ground import Ground, joined, prepare
from towpath.job import JobSpec
from towpath.letterbox import Limited
from towpath.nouns import Checkpoint, Guarantee, Offer, Published, Restart, State, Way
from towpath.overlap import Lane
from towpath.progress import Progress, Unwatched
from towpath.receipt import Receipt, count, listed, now, peak_memory, versions
from towpath.seams.beside import GivesUp, writes_beside
from towpath.seams.destination import Completes, Load
from towpath.seams.source import Reading, Source
from towpath.secrets import redact
from towpath.settling import settled
from towpath.shaping.transform import bad_rows, without
from towpath.shaping.trial import is_trial
from towpath.stream import Batch, Stream
from towpath.url import shown
from towpath.values.convert import convert
from towpath.watch import Watch
from towpath.window import is_bounded

_BATCHES_BEHIND = 8
"""Batches that may wait to be written while others are read: about a row group of Parquet, which is written at once."""


def blank(spec: JobSpec) -> Receipt:
    """The receipt of a run that has not begun."""
    source = ", ".join(shown(one.address) for one in spec.inputs.values())
    return Receipt(secrets.token_hex(6), source, shown(spec.to.address), str(spec.mode), step=spec.step)


@redact.errors()
def run(
    spec: JobSpec,
    *,
    full_refresh: bool = False,
    accept_plan: bool = False,
    progress: Progress | None = None,
    sources: Mapping[str, Source] | None = None,
    receipt: Receipt | None = None,
    quiet: bool = False,
) -> Receipt:
    """Runs a job and returns its receipt, which is also kept in the run history (`towpath.history`), stopped runs too.

    `full_refresh`: as if nothing had been read before, replacing what exists. `accept_plan`: go on from a checkpoint
    made for another plan. `progress` is told how far the run is. `sources` stand in for the inputs of their names.
    `receipt` is the one to fill (default: `blank`). `quiet`: a run that finds nothing new, or nobody
    there, is not kept in the history.
    Raises TowError when the data or a system said no; nothing was published then. A reader of standard output that has
    enough is no error: the receipt's status is `partial`."""
    receipt = receipt or blank(spec)
    begun, keep = time.perf_counter(), True
    watch = Watch(progress or Unwatched())
    try:
        ground = prepare(spec, recovering=True, full_refresh=full_refresh, accept_plan=accept_plan, sources=sources)
        ground.load_columns = replace(ground.load_columns, run_id=receipt.run)
        receipt.notes += ground.notes
        _move(ground, receipt, watch)
    except TowError as error:
        receipt.status, receipt.why = "stopped", str(error)
        keep = not (quiet and isinstance(error, Transient))
        raise
    except KeyboardInterrupt:
        receipt.status, receipt.why = "stopped", "interrupted"
        raise
    except BaseException as error:
        receipt.status, receipt.why = "failed", f"{type(error).__name__}: {error}"
        raise
    finally:
        watch.end()
        receipt.seconds = time.perf_counter() - begun
        receipt.memory = peak_memory()
        receipt.versions = versions()
        if keep and not (quiet and receipt.status == "unchanged"):
            history.record(receipt)
    return receipt


def _move(ground: Ground, receipt: Receipt, watch: Watch) -> None:
    spec = ground.spec
    if ground.state is not None:
        # A run may have died between publishing and naming its bad rows as published: the state tells.
        letterbox.finish(spec, ground.state.load_id)
    if ground.unchanged:
        watch.begin(spec.step or "copy", ground.rows, ground.size)
        _accept_plan(ground)
        receipt.status, receipt.why = "unchanged", ground.unchanged
        return
    # Each input may ask once for wider types; it has then seen all its values and cannot ask again.
    for _ in range(len(ground.sources) + 2):
        attempt = _Attempt(ground, receipt, watch)
        try:
            attempt.run()
            return
        except Restart as restart:
            name = attempt.restarting
            if name is None or ground.wants[name].schema is not None:
                raise
            ground.wants[name] = replace(ground.wants[name], schema=restart.schema)
            receipt.notes.append(f"restarted once with wider types: {restart.because}")
            watch.phase(f"restarting: {restart.because}")
        except _Unsettled as unsettled:
            _settle(ground, unsettled.names)
            receipt.notes.append(_SETTLED)
        except BrokenPipeError:
            if attempt.guarantee is not Guarantee.AT_LEAST_ONCE:
                raise
            receipt.status, receipt.rows, receipt.guarantee = "partial", attempt.written, str(attempt.guarantee)
            passed = f"{count(attempt.written, 'row')} or somewhat more" if attempt.written else "the first rows"
            receipt.why = f"the reader of standard output left after {passed}"
            return
    raise AssertionError("every input restarted, and one asked again")


_SETTLED = (
    "the input was read once for its types before the first row, for what is written here cannot be taken back;"
    " types that are given (--types, --all-text) spare that"
)


class _Unsettled(Exception):
    """Inputs whose types may still widen, where rows that are written cannot be taken back."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(*names)
        self.names = names


def _settle(ground: Ground, names: Sequence[str]) -> None:
    spec = ground.spec
    fewer = (spec.sample, spec.where, spec.sql, spec.python, spec.cast, spec.rules, spec.dedupe)
    for name in names:
        # A trial of rows that go through as they come meets no others.
        most = None if any(fewer) or spec.inputs[name].timezone else spec.limit
        schema = settled(ground.sources[name], ground.wants[name], most)
        ground.wants[name] = replace(ground.wants[name], schema=schema)


def _accept_plan(ground: Ground) -> None:
    """Keeps that the step's plan was accepted, although nothing was there to load by it: the next run need not ask."""
    state, plan = ground.state, ground.spec.plan_hash()
    if state is not None and ground.spec.step is not None and state.plan != plan:
        ground.destination.put_state(ground.spec.step, state, replace(state, plan=plan))


_NOT_PUBLISHED = (BooksDoNotBalance, Conflict, DataError, UserError)
"""What `publish` raises only before its visible act. After another error the load may be out, or not."""


@dataclass(slots=True)
class _Attempt:
    """One pass from the sources to the publishing, undone whole when it does not get there."""

    ground: Ground
    receipt: Receipt
    watch: Watch
    restarting: str | None = None
    guarantee: Guarantee | None = None
    written: int = 0
    books: Books = field(default_factory=Books)
    edges: dict[str, Edge] = field(default_factory=dict)
    bad: dict[str, CountedBadRows] = field(default_factory=dict)

    def run(self) -> None:
        ground, spec = self.ground, self.ground.spec
        load_id = _load_id(ground)
        letters = letterbox.letters(spec, load_id)
        bad = CountedBadRows(letters or StopAtFirst(), "read")
        with ExitStack() as stack:
            if letters is not None:
                stack.callback(letters.discard)
            readings = self._open(stack, bad)
            self.watch.reading(spec.step or "copy", ground.expected(readings), ground.size)
            streams = {name: Stream(one.schema, self._read(name, one)) for name, one in readings.items()}
            shaping = stack.enter_context(ExitStack())
            result = ground.transform.apply(streams, shaping, self.books, bad)
            shaping.callback(result.close)
            if letters is not None:
                if len(readings) == 1:
                    letters.types("read", next(iter(readings.values())).schema)
                letters.types("rows", result.schema)
            offer = ground.offer_for(result.schema, _instead(readings))
            self.guarantee = offer.guarantee
            if offer.guarantee is Guarantee.AT_LEAST_ONCE:
                self._refuse_unsettled(readings)
            digest = Digest(result.schema)
            edge = self.books.edge("write")
            load = stack.enter_context(ground.destination.begin(offer, load_id))
            self._pump(result, offer, load, digest, edge, bad.at("write"))
            self._finish_reading(streams, shaping)
            new = self._state(load_id, readings, digest.rows)
            edge.accepted = digest.rows
            self.books.check()
            if isinstance(letters, Limited):
                letters.judge(sum(edge.given for edge in self.edges.values()))
            if isinstance(load, Completes):
                self.watch.phase("writing")
                load.complete()
            if letters is not None:
                letters.seal()
            self.watch.phase("publishing")
            try:
                published = load.publish(ground.state, new)
            except _NOT_PUBLISHED:
                if letters is not None:
                    letters.unseal()
                raise
            if letters is not None:
                letters.published()
                self.receipt.bad_rows = letterbox.place(spec)
            edge.accepted = published.accepted
            self.books.check()
            self._write_receipt(load_id, offer, published, digest, bad)

    def _open(self, stack: ExitStack, bad: CountedBadRows) -> dict[str, Reading]:
        """Opens every input and gives it its edge of the books."""
        ground = self.ground
        readings = {}
        for name, source in ground.sources.items():
            label = "read" if len(ground.sources) == 1 else f"read {name}"
            whole = ground.spec.limit is None
            self.edges[name] = self.books.edge(label, row_wise=whole, beside=bool(self.edges))
            self.bad[name] = bad.at(label)
            want = replace(ground.wants[name], bad=self.bad[name])
            with self._restart_of(name):
                readings[name] = stack.enter_context(source.open(ground.since[name], want))
        return readings

    def _refuse_unsettled(self, readings: Mapping[str, Reading]) -> None:
        open_ = [name for name, one in readings.items() if not one.settled and self.ground.wants[name].schema is None]
        if open_:
            raise _Unsettled(open_)

    def _read(self, name: str, reading: Reading) -> Iterator[Batch]:
        edge, consumed = self.edges[name], 0
        with self._restart_of(name):
            try:
                for batch in reading:
                    edge.accepted += len(batch)
                    reached = getattr(reading, "consumed", 0)
                    self.watch.read(len(batch), reached - consumed)
                    consumed = reached
                    yield batch
                self.watch.read(0, getattr(reading, "consumed", 0) - consumed)
            finally:
                edge.given, edge.aside = reading.given, self.bad[name].count

    def _pump(self, result: Stream, offer: Offer, load: Load, digest: Digest, edge: Edge, bad: CountedBadRows) -> None:
        beside = writes_beside(load)
        give_up = load.give_up if beside and isinstance(load, GivesUp) else None
        most = _BATCHES_BEHIND * min(want.batch_bytes for want in self.ground.wants.values())
        with Lane("digest", most) as digesting, Lane("write", most, give_up) as writing:
            for batch in result:
                kept, made = self._converted(batch, offer, edge, bad)
                self.written = digest.rows
                if not len(made):
                    continue
                size = made.rows.nbytes
                digesting.do(size, digest.update, kept.rows)
                if beside:
                    writing.do(size, load.write, made)
                else:
                    load.write(made)
            digesting.settle()
            writing.settle()
        self.written = digest.rows

    def _converted(self, batch: Batch, offer: Offer, edge: Edge, bad: CountedBadRows) -> tuple[Batch, Batch]:
        """The rows of a batch that the destination takes, as they came and as it keeps them; others become bad rows."""
        edge.given += len(batch)
        columns = []
        unfit: dict[int, tuple[str | None, str]] = {}
        full = self.ground.load_columns.added(batch)
        for plan in offer.columns:
            converted = convert(full.rows.column(plan.name), plan)
            columns.append(converted.values)
            stored, why = plan.stored.native or plan.stored.type, plan.why or "it lies outside its range"
            for row in converted.bad:
                unfit.setdefault(int(row), (plan.name, f"{stored} cannot hold it: {why}"))
        for one in bad_rows(batch, unfit, "write"):
            bad.add(one)
        edge.aside += len(unfit)
        kept, made = batch, batch.with_rows(pa.record_batch(columns, schema=offer.schema))
        if unfit:
            kept, made = without(kept, sorted(unfit)), without(made, sorted(unfit))
        return kept, made

    def _finish_reading(self, streams: dict[str, Stream], shaping: ExitStack) -> None:
        """Reads on what the SQL left unread: the books and the checkpoint are about whole inputs, unless the job has a
        limit. After it nothing moves any more, in whatever thread."""
        if self.ground.spec.limit is None:
            for stream in streams.values():
                for _ in stream.rest():
                    pass
        shaping.close()
        for stream in streams.values():
            stream.close()

    def _state(self, load_id: str, readings: dict[str, Reading], rows: int) -> State | None:
        """The state to commit with the rows; asked of every reading, for it also checks that the source stood still."""
        ground, spec = self.ground, self.ground.spec
        if spec.limit is not None:
            return None
        reached = joined({name: reading.checkpoint() for name, reading in readings.items()})
        if spec.step is None or is_trial(spec):
            return None
        if ground.backfill and ground.state is not None:
            reached = ground.state.checkpoint
        return State(spec.step, load_id, reached or Checkpoint("none", None), spec.plan_hash(), now(), rows)

    def _write_receipt(
        self, load_id: str, offer: Offer, published: Published, digest: Digest, bad: CountedBadRows
    ) -> None:
        receipt = self.receipt
        receipt.status, receipt.load, receipt.mode = "done", load_id, str(offer.mode)
        receipt.guarantee = str(offer.guarantee)
        receipt.rows, receipt.inserted = published.accepted, published.inserted
        receipt.updated, receipt.unchanged = published.updated, published.unchanged
        receipt.books, receipt.books_lines = self.books.as_json(), self.books.lines()
        receipt.digest, receipt.parts = digest.hexdigest(), list(published.parts)
        receipt.columns = [column_json(plan) for plan in offer.columns]
        receipt.set_aside, receipt.max_bad = sum(bad.counts.values()), self.ground.spec.max_bad
        if offer.instead_of is not None:
            receipt.notes.append(
                f"{count(published.removed, 'row')} of changed files made way: {listed(offer.instead_of[1])}"
            )
        if offer.lacking:
            receipt.notes.append(f"not in the rows: {LACKING.format(listed(offer.lacking))}")
        receipt.notes += [f"the table was changed: {one}" for one in offer.ddl if one.startswith("alter table ")]
        for plan in offer.columns:
            if plan.way is Way.LOSSY:
                receipt.notes.append(f"column {plan.name} was allowed to lose: {plan.why}")

    @contextmanager
    def _restart_of(self, name: str) -> Iterator[None]:
        """Notes which input asked for a restart, for the exception may come out of an engine in between."""
        try:
            yield
        except Restart:
            self.restarting = name
            raise


def _load_id(ground: Ground) -> str:
    """The same for every try of one step's next load, so that what a dead try left is recognised; else a new one."""
    spec = ground.spec
    if spec.step is None or ground.bound is None or is_trial(spec):
        return secrets.token_hex(8)
    before = ground.state.load_id if ground.state is not None else ""
    bounds = [(one.since, one.until, one.lookback) for one in spec.inputs.values()] if is_bounded(spec) else ""
    meant = "\n".join((spec.step, before, ground.bound.digest(), spec.plan_hash(), f"{ground.mode}{bounds}"))
    return hashlib.sha256(meant.encode()).hexdigest()[:16]


def _instead(readings: Mapping[str, Reading]) -> tuple[str, ...]:
    """The changed files that are read again, and whose rows make way."""
    return tuple(name for reading in readings.values() for name in getattr(reading, "instead", ()))
