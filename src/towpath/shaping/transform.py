"""What happens to rows between source and destination, in one fixed order:
timezone - sample - where - sql - python - select - rename - cast - rules - dedupe - limit.
Each keeps its side of the books."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from towpath.badrows import BadRow, BadRows
from towpath.books import Books, CountedBadRows, Edge
from towpath.errors import Refused, UserError
from towpath.job import JobSpec
from towpath.options import nearest
from towpath.seams.engine import Engine, Filter
from towpath.shaping.dedupe import Choice, deduped
from towpath.shaping.localtimes import schema_in, stream_in
from towpath.shaping.rules import Check, compile_rules, still_doubled
from towpath.shaping.trial import limited, sampled
from towpath.stream import Batch, Stream
from towpath.values import textform
from towpath.values.convert import cast as cast_values


@dataclass(slots=True)
class Transform:
    """The row-shaping part of a job. `schema` gives what comes out without reading a row; `apply` shapes streams.
    `engine` makes the engine, which only SQL and conditions need."""

    spec: JobSpec
    engine: Callable[[], Engine]

    def schema(self, inputs: Mapping[str, pa.Schema]) -> pa.Schema:
        """The schema that `apply` would give. Raises UserError for wrong SQL, columns, types or rules."""
        with ExitStack() as stack:
            empty = {name: Stream(schema, ()) for name, schema in inputs.items()}
            if self.spec.sql is not None:
                inputs = {name: schema_in(one, self.spec.inputs[name].timezone) for name, one in inputs.items()}
                shaped = self._after_sql(
                    Stream(self.engine().result_schema(self.spec.sql, inputs), ()), stack, None, None
                )
            else:
                shaped = self.apply(empty, stack, Books(), CountedBadRows(_Nowhere(), "plan"))
            return shaped.schema

    def apply(self, inputs: Mapping[str, Stream], stack: ExitStack, books: Books, bad: CountedBadRows) -> Stream:
        """The shaped stream; what it opens is closed by `stack`. Edges are added to `books` in order."""
        if any(self.spec.inputs[name].timezone is not None for name in inputs):
            inputs = self._zoned(inputs, books, bad)
        if self.spec.sample is not None:
            inputs = self._sampled(inputs, self.spec.sample, books)
        if self.spec.sql is not None:
            edge = books.edge("sql", row_wise=False)
            counted = {name: Stream(one.schema, _given(one, edge)) for name, one in inputs.items()}
            result = stack.enter_context(self.engine().sql(self.spec.sql, counted))
            return self._after_sql(Stream(result.schema, _accepted(result, edge)), stack, books, bad)
        (stream,) = inputs.values()
        if self.spec.where is not None:
            keep = stack.enter_context(self.engine().where(self.spec.where, stream.schema))
            stream = Stream(stream.schema, _where(stream, keep, books.edge("where")))
        return self._after_sql(stream, stack, books, bad)

    def _zoned(self, inputs: Mapping[str, Stream], books: Books, bad: CountedBadRows) -> dict[str, Stream]:
        made: dict[str, Stream] = {}
        for name, one in inputs.items():
            label = "timezone" if len(inputs) == 1 else f"timezone {name}"
            edge = books.edge(label, beside=bool(made))
            made[name] = stream_in(one, self.spec.inputs[name].timezone, edge, bad.at(label))
        return made

    def _sampled(self, inputs: Mapping[str, Stream], share: float, books: Books) -> dict[str, Stream]:
        made: dict[str, Stream] = {}
        for name, one in inputs.items():
            edge = books.edge("sample" if len(inputs) == 1 else f"sample {name}", beside=bool(made))
            made[name] = Stream(one.schema, sampled(one, share, edge))
        return made

    def _after_sql(self, stream: Stream, stack: ExitStack, books: Books | None, bad: CountedBadRows | None) -> Stream:
        books = books or Books()
        bad = bad or CountedBadRows(_Nowhere(), "plan")
        spec = self.spec
        if spec.python is not None:
            from towpath.shaping.python_step import PythonStep  # which takes pydantic, and so its time

            step = PythonStep(spec.python, spec.folder, whole=spec.whole)
            stream = step.apply(stream, books.edge("python", row_wise=False))
        if spec.select:
            stream = _select(stream, spec.select)
        if spec.rename:
            stream = _rename(stream, spec.rename)
        if spec.cast:
            stream = _cast(stream, spec.cast, books.edge("cast"), bad.at("cast"))
        if spec.rules:
            checks = compile_rules(spec.rules, stream.schema, spec.memory)
            stream = Stream(stream.schema, _rules(stream, checks, spec, books.edge("rules"), bad.at("rules")))
        if spec.dedupe is not None:
            stream = deduped(stream, spec.key, Choice.of(spec.dedupe), books.edge("dedupe"), spec.memory)
        if spec.limit is not None:
            stream = Stream(stream.schema, limited(stream, spec.limit, books.edge("limit", row_wise=False)))
        return stream


class _Nowhere:
    def add(self, bad: BadRow) -> None:
        raise AssertionError("no row passes while a plan is made")


def bad_rows(batch: Batch, found: Mapping[int, tuple[str | None, str]], edge: str) -> Iterator[BadRow]:
    """Some rows of a batch as bad rows, in their order, with all their values as text forms. `found` has column and
    reason of each by its number."""
    numbers = sorted(found)
    for row, values in zip(numbers, textform.row_texts(batch.rows, numbers), strict=True):
        column, reason = found[row]
        value = None if column is None else values.get(column)
        if column is not None and column not in values:  # several, of a rule
            value = ", ".join(str(values.get(name)) for name in column.split(", "))
        yield BadRow(batch.origin.place(row), reason, column, value, values, edge)


def without(batch: Batch, rows: Sequence[int]) -> Batch:
    """The batch without some row numbers."""
    return batch.take(np.setdiff1d(np.arange(len(batch)), rows))


def _given(stream: Stream, edge: Edge) -> Iterator[Batch]:
    for batch in stream:
        edge.given += len(batch)
        yield batch


def _accepted(stream: Stream, edge: Edge) -> Iterator[Batch]:
    for batch in stream:
        edge.accepted += len(batch)
        yield batch


def _where(stream: Stream, keep: Filter, edge: Edge) -> Iterator[Batch]:
    for batch in stream:
        edge.given += len(batch)
        kept, left_out = keep(batch)
        edge.filtered += left_out
        edge.accepted += len(kept)
        yield kept


def _columns(names: Sequence[str], schema: pa.Schema, asked: str) -> None:
    for name in names:
        if name not in schema.names:
            raise UserError(
                f"{asked}: there is no column {name!r}{nearest(name, schema.names)}",
                todo=f"columns: {', '.join(schema.names)}",
                code="column-unknown",
            )


def _select(stream: Stream, names: Sequence[str]) -> Stream:
    _columns(names, stream.schema, "select")
    if len(set(names)) < len(names):
        raise UserError(
            f"select names a column twice: {', '.join(names)}", todo="name each column once", code="column-doubled"
        )
    schema = pa.schema([stream.schema.field(name) for name in names])
    return Stream(schema, (batch.with_rows(batch.rows.select(list(names))) for batch in stream))


def _rename(stream: Stream, names: Mapping[str, str]) -> Stream:
    _columns(list(names), stream.schema, "rename")
    new = [names.get(name, name) for name in stream.schema.names]
    if len(set(new)) < len(new):
        raise UserError(
            f"rename gives two columns one name: {', '.join(new)}",
            todo="choose another name, or leave one of them out (--select)",
            code="column-doubled",
        )
    schema = pa.schema([field.with_name(name) for field, name in zip(stream.schema, new, strict=True)])
    return Stream(schema, (batch.with_rows(batch.rows.rename_columns(new)) for batch in stream))


def _cast(stream: Stream, types: Mapping[str, str], edge: Edge, bad: BadRows) -> Stream:
    _columns(list(types), stream.schema, "cast")
    targets = {name: textform.parse_type(text, f"cast: {name}") for name, text in types.items()}
    schema = pa.schema(
        [field.with_type(targets.get(field.name, field.type)) for field in stream.schema],
    )
    for name, target in targets.items():
        source = stream.schema.field(name).type
        try:
            cast_values(pa.array([], source), source, target)  # a cast that no value survives is refused now
        except Refused as error:
            raise Refused(error.what, where=f"cast: {name}", todo=error.todo, code=error.code) from None

    def batches() -> Iterator[Batch]:
        for batch in stream:
            edge.given += len(batch)
            columns = list(batch.rows.columns)
            unfit: dict[int, tuple[str | None, str]] = {}
            for name, target in targets.items():
                at = stream.schema.get_field_index(name)
                done = cast_values(columns[at], columns[at].type, target)
                columns[at] = done.values
                for row in done.bad:
                    unfit.setdefault(int(row), (name, f"does not survive the cast to {types[name]}"))
            for one in bad_rows(batch, unfit, "cast"):
                bad.add(one)
            edge.aside += len(unfit)
            done_rows = batch.with_rows(pa.record_batch(columns, schema=schema))
            kept = without(done_rows, sorted(unfit)) if unfit else done_rows
            edge.accepted += len(kept)
            yield kept

    return Stream(schema, batches())


def _rules(stream: Stream, checks: Sequence[Check], spec: JobSpec, edge: Edge, bad: BadRows) -> Iterator[Batch]:
    again = [rule for rule in spec.rules if rule.kind == "unique" and rule.limits]
    for batch in stream:
        edge.given += len(batch)
        broken = {found.row: found for rule in again for found in still_doubled(rule, batch)}
        for check in checks:
            for found in check(batch.rows):
                broken.setdefault(found.row, found)
        for one in bad_rows(batch, {row: (rule.column, rule.reason) for row, rule in broken.items()}, "rules"):
            bad.add(one)
        edge.aside += len(broken)
        kept = without(batch, sorted(broken)) if broken else batch
        edge.accepted += len(kept)
        yield kept
