"""A look at a source: its columns, their types and figures, and its first rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from towpath import assemble
from towpath.badrows import BadRow
from towpath.books import Edge
from towpath.errors import UserError
from towpath.ground import refuse_all_text
from towpath.job import InputSpec
from towpath.look.figures import Figures
from towpath.look.histogram import Bars, spread
from towpath.nouns import Restart, Want
from towpath.options import nearest
from towpath.seams.source import Source
from towpath.settling import described
from towpath.shaping import localtimes
from towpath.stream import Batch, Stream
from towpath.values import textform

FIGURED = 10_000
"""Rows that the figures are from when not all are read."""
_BAD_KEPT = 5
_BATCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Peeked:
    """What was seen. `settled` is False while types come from a sample; `pinned` names the columns given a type.

    `rows` are the first ones; the figures are from `counted` rows: all that there are (`whole`), or the first of
    `known` (None: not known how many). `bad` holds the first few of the `bad_count` rows that cannot be read."""

    shown: str
    schema: pa.Schema
    settled: bool
    pinned: frozenset[str]
    rows: pa.Table
    figures: list[Figures] = field(default_factory=list)
    counted: int = 0
    whole: bool = False
    known: int | None = None
    bad: list[BadRow] = field(default_factory=list)
    bad_count: int = 0
    chart: Bars | None = None

    def from_sample(self, name: str) -> bool:
        """Whether the type of a column may widen yet."""
        return not self.settled and not self.whole and name not in self.pinned

    def as_json(self) -> dict[str, Any]:
        """All of it as plain JSON values. A row's numbers, truth values and nulls are JSON's own; any other value, and
        a number that JSON does not have, is text."""
        return {
            "source": self.shown,
            "counted": self.counted,
            "whole": self.whole,
            "rows_known": self.known,
            "columns": [self._column(at) for at in range(len(self.schema))],
            "rows": [dict(row) for row in zip(*map(self._members, range(len(self.schema))), strict=True)],
            "bad": [{"place": str(one.place), "reason": one.error().what} for one in self.bad],
            "bad_count": self.bad_count,
            "chart": None if self.chart is None else [{"value": name, "rows": n} for name, n in self.chart.bars],
        }

    def _column(self, at: int) -> dict[str, Any]:
        one = self.schema.field(at)
        head = {"name": one.name, "type": textform.type_name(one.type), "from_sample": self.from_sample(one.name)}
        if not self.figures:
            return head
        found = self.figures[at]
        return head | {
            "nulls": found.nulls,
            "distinct": found.distinct.count,
            "distinct_exact": found.distinct.exact,
            "low": found.low,
            "high": found.high,
            "unit": found.unit,
        }

    def _members(self, at: int) -> list[tuple[str, Any]]:
        name, values = self.schema.names[at], self.rows.column(at).combine_chunks()
        texts = textform.write(values).to_pylist()
        plain = pa.types.is_boolean(values.type) or pa.types.is_integer(values.type)
        if not plain and not pa.types.is_floating(values.type):
            return [(name, text) for text in texts]
        pairs = zip(values.to_pylist(), texts, strict=True)
        return [(name, text if isinstance(one, float) and not math.isfinite(one) else one) for one, text in pairs]


def peek(
    spec: InputSpec,
    rows: int = 10,
    types: Mapping[str, str] | None = None,
    *,
    all_text: bool = False,
    whole: bool = False,
    figures: bool = True,
    chart: str | None = None,
    connections: Mapping[str, str] | None = None,
) -> Peeked:
    """The first `rows` rows of what `spec` names, with figures of the first 10,000 rows, or of all (`whole`, in bounded
    memory); `chart` names a column whose spread is wanted. Bad rows are told, not refused. Raises UserError."""
    if rows < 0:
        raise UserError(f"{rows} rows cannot be shown", todo="give -n a number from 0 on", code="option-wrong")
    pins = {name: textform.parse_type(text, f"types: {name}") for name, text in (types or {}).items()}
    look = _Look(
        spec,
        assemble.source(spec, connections),
        Want(pins, all_text=all_text, checkpoint=False, batch_bytes=_BATCH_BYTES),
    )
    most = None if whole else max(rows, FIGURED if figures or chart else 0)
    found = described(look.source, look.want)
    if all_text:
        refuse_all_text(found, look.source.shown)
    for name in (*pins, *([chart] if chart else ())):
        _known(name, found.schema, look.source)
    try:
        seen = look.see(rows, most, figures)
    except Restart as restart:
        look.want = replace(look.want, schema=restart.schema)
        seen = look.see(rows, most, figures)
    bars = None
    if chart is not None:
        bars = spread(seen.schema.field(chart).type, look.column(chart, most))
    return replace(seen, settled=found.settled, known=found.rows, chart=bars)


@dataclass(slots=True)
class _Look:
    """Passes over one source."""

    spec: InputSpec
    source: Source
    want: Want

    def see(self, rows: int, most: int | None, figures: bool) -> Peeked:
        """One pass over the first `most` rows, None: over all."""
        kept = _Kept()
        with self._stream(kept) as stream:
            found = [Figures() for _ in stream.schema] if figures else []
            head: list[pa.RecordBatch] = []
            counted = 0
            whole = most != 0
            for batch, ended in _until(stream, most):
                whole = not ended
                counted += batch.num_rows
                missing = rows - sum(map(len, head))
                if missing > 0:
                    head.append(batch.slice(0, missing))
                for one, column in zip(found, batch.columns, strict=bool(found)):
                    one.update(column)
            table = pa.Table.from_batches(head, stream.schema)
        return Peeked(
            self.source.shown, stream.schema, False, frozenset(self.want.types), table, found, counted, whole,
            bad=kept.rows, bad_count=kept.count,
        )  # fmt: skip

    def column(self, name: str, most: int | None) -> Callable[[], Iterator[pa.Array]]:
        """Gives the values of one column on each call, by another pass."""

        def batches() -> Iterator[pa.Array]:
            with self._stream(_Kept()) as stream:
                for batch, _ in _until(stream, most):
                    yield batch.column(name)

        return batches

    @contextmanager
    def _stream(self, kept: _Kept) -> Iterator[Stream]:
        with self.source.open(None, replace(self.want, bad=kept)) as reading:
            stream = Stream(reading.schema, reading)
            yield localtimes.stream_in(stream, self.spec.timezone, Edge("timezone"), kept)


@dataclass(slots=True)
class _Kept:
    rows: list[BadRow] = field(default_factory=list)
    count: int = 0

    def add(self, bad: BadRow) -> None:
        self.count += 1
        if len(self.rows) < _BAD_KEPT:
            self.rows.append(bad)


def _until(batches: Iterable[Batch], most: int | None) -> Iterator[tuple[pa.RecordBatch, bool]]:
    """The rows of the batches up to `most`, each with whether the rest is left out."""
    missing = most
    if missing == 0:
        return
    for batch in batches:
        rows = batch.rows if missing is None else batch.rows.slice(0, missing)
        if missing is not None:
            missing -= rows.num_rows
        yield rows, missing == 0
        if missing == 0:
            return


def _known(name: str, schema: pa.Schema, source: Source) -> None:
    if name not in schema.names:
        near = nearest(name, schema.names)
        raise UserError(
            f"there is no column {name!r}{near}",
            where=source.shown,
            todo=f"columns: {', '.join(schema.names)}",
            code="column-unknown",
        )
