"""One row of each key: the latest or earliest by a column, or the first or last in the order of the source."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.badrows import shorten
from towpath.books import Edge
from towpath.digest import row_hashes
from towpath.disk import leftovers, temporary
from towpath.disk.rowspool import RowSpool
from towpath.errors import DataError, UserError
from towpath.options import nearest
from towpath.shaping.survivors import Survivors, Tied
from towpath.stream import Batch, Counted, Origin, Picked, Place, Stream
from towpath.values import textform
from towpath.values.logical import Kind, kind, plain

_NAME = "towpath-dedupe"
_MEMORY_SHARE = 16
_NO_KEY = (Kind.FLOAT, Kind.LIST, Kind.STRUCT, Kind.MAP)
_NO_ORDER = (Kind.LIST, Kind.STRUCT, Kind.MAP, Kind.INTERVAL)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which row of a key stays: `how` is latest, earliest (by `column`), first or last (in the source's order)."""

    how: str
    column: str | None = None

    @staticmethod
    def of(text: str) -> Choice:
        """The choice as people write it. Raises UserError."""
        how, _, column = text.strip().partition(" ")
        column = column.strip()
        if len(column) > 1 and column[0] == column[-1] == '"':
            column = column[1:-1]
        if how in ("latest", "earliest") and column:
            return Choice(how, column)
        if how in ("first", "last") and not column:
            return Choice(how)
        raise UserError(
            f"dedupe: {text!r} does not say which row of a key to keep",
            todo="write 'latest COL', 'earliest COL', first or last",
            code="dedupe-bad",
        )


def deduped(stream: Stream, key: Sequence[str], choice: Choice, edge: Edge, memory: int) -> Stream:
    """The stream with one row of each key, in the order of the source. All rows wait on disk until the last is known.

    Rows with a null in their key pass. A null to go by loses against any value. Equal rows count as one; two different
    rows of a key that both win raise DataError. Raises UserError for a column that is not there or cannot serve."""
    _check(stream.schema, key, choice)
    return Stream(stream.schema, _Dedupe(stream, tuple(key), choice, edge, memory).batches())


def _check(schema: pa.Schema, key: Sequence[str], choice: Choice) -> None:
    if not key:
        raise UserError("dedupe needs a key", todo="name the columns that identify a row: --key id", code="key-missing")
    for name, refused, use in [
        *((name, _NO_KEY, "be a key") for name in key),
        (choice.column, _NO_ORDER, "give an order"),
    ]:
        if name is None:
            continue
        if name not in schema.names:
            raise UserError(
                f"dedupe: there is no column {name!r}{nearest(name, schema.names)}",
                todo=f"columns: {', '.join(schema.names)}",
                code="column-unknown",
            )
        if kind(schema.field(name).type) in refused:
            raise UserError(
                f"dedupe: the column {name!r} ({textform.type_name(schema.field(name).type)}) cannot {use}",
                todo="choose a column of integers, text, decimals, dates or timestamps",
                code="column-unfit",
            )


@dataclass(slots=True)
class _Dedupe:
    stream: Stream
    key: tuple[str, ...]
    choice: Choice
    edge: Edge
    memory: int

    def batches(self) -> Iterator[Batch]:
        folder = temporary.folder()
        leftovers.sweep(folder, _NAME)
        with ExitStack() as stack:
            run = secrets.token_hex(8)
            spool = stack.enter_context(RowSpool(folder, _NAME, run))
            survivors = stack.enter_context(
                Survivors(self.choice.how, folder, _NAME, run, self.memory // _MEMORY_SHARE)
            )
            origins = list(self._spooled(spool, survivors))
            spool.seal()
            try:
                kept = survivors.kept(spool.rows)
            except Tied as tie:
                raise self._tied(tie, spool, origins) from None
            yield from self._kept(spool, origins, kept)

    def _spooled(self, spool: RowSpool, survivors: Survivors) -> Iterator[tuple[_Origin, str]]:
        """Writes all rows to disk, each with the number of its place; gives what else is known of each batch."""
        for batch in self.stream:
            if not len(batch):
                continue
            self.edge.given += len(batch)
            origin = _Origin.of(batch)
            self._enter(batch, spool.rows, survivors)
            columns = [*batch.rows.columns, pa.array(origin.numbers, pa.int64())]
            spool.write(pa.record_batch(columns, names=[*batch.rows.schema.names, ""]))
            yield _Origin(origin.name, origin.unit, np.empty(0, np.int64)), batch.file

    def _enter(self, batch: Batch, first: int, survivors: Survivors) -> None:
        keys = batch.rows.select(list(self.key))
        whole = np.logical_and.reduce([np.asarray(values.is_valid()) for values in keys.columns])
        order = None if self.choice.column is None else self._order(batch)
        rows = np.flatnonzero(whole)
        taken = pa.array(rows, pa.int64())
        survivors.add(
            row_hashes(keys.take(taken)),
            first + rows,
            None if order is None else (order.take(taken), row_hashes(batch.rows.take(taken))),
        )

    def _order(self, batch: Batch) -> pa.Array:
        assert self.choice.column is not None
        values = plain(batch.rows.column(self.choice.column))
        if pa.types.is_floating(values.type):
            nans = np.flatnonzero(np.asarray(pc.fill_null(pc.is_nan(values), False)))
            if len(nans):
                raise DataError(
                    f"dedupe: column {self.choice.column} is NaN, which is neither later nor earlier than a number",
                    where=str(batch.origin.place(int(nans[0]))),
                    todo="leave such rows out (--where), or choose another column",
                    code="order-nan",
                )
        return pc.cast(values, pa.int64()) if pa.types.is_null(values.type) else values

    def _kept(self, spool: RowSpool, origins: list[tuple[_Origin, str]], kept: np.ndarray) -> Iterator[Batch]:
        first = 0
        for batch in _read_back(spool, origins, self.stream.schema):
            mask = kept[first : first + len(batch)]
            first += len(batch)
            self.edge.filtered += int(np.count_nonzero(~mask))
            chosen = batch.take(np.flatnonzero(mask))
            self.edge.accepted += len(chosen)
            yield chosen

    def _tied(self, tie: Tied, spool: RowSpool, origins: list[tuple[_Origin, str]]) -> DataError:
        texts, places, first = {}, [], 0
        for batch in _read_back(spool, origins, self.stream.schema):
            for number in sorted((tie.one, tie.other)):
                if first <= number < first + len(batch):
                    texts = next(textform.row_texts(batch.rows, [number - first]))
                    places.append(str(batch.origin.place(number - first)))
            first += len(batch)
        key = ", ".join(f"{name} = {shorten(str(texts[name]))}" for name in self.key)
        by = texts[str(self.choice.column)]
        return DataError(
            f"two different rows have the key {key} and the same {self.choice.column} = "
            f"{'null' if by is None else shorten(by)}",
            where=" and ".join(places),
            todo="nothing was published; go by another column, or by the order of the source (dedupe: first or last)",
            code="dedupe-tied",
        )


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the rows of one batch stood: lines of the file `name`, or (with a `unit`) numbers within what it names."""

    name: str
    unit: str | None
    numbers: np.ndarray

    @staticmethod
    def of(batch: Batch) -> _Origin:
        rows = np.arange(len(batch))
        origin: Origin = batch.origin
        while isinstance(origin, Picked):
            rows = np.asarray(origin.rows)[rows]
            origin = origin.whole
        if isinstance(origin, Counted):
            return _Origin(origin.name, origin.unit, origin.first + rows)
        places = [origin.place(int(row)) for row in rows]
        lines = [-1 if place.line is None else place.line for place in places]
        return _Origin(places[0].file, None, np.array(lines, np.int64))

    def place(self, row: int) -> Place:
        number = int(self.numbers[row])
        if self.unit is not None:
            return Place(f"{self.name} {self.unit} {number}")
        return Place(self.name, None if number < 0 else number)


def _read_back(spool: RowSpool, origins: list[tuple[_Origin, str]], schema: pa.Schema) -> Iterator[Batch]:
    for rows, (origin, file) in zip(spool.batches(), origins, strict=True):
        columns: list[Any] = rows.columns
        numbers = np.asarray(columns.pop())
        yield Batch(pa.record_batch(columns, schema=schema), _Origin(origin.name, origin.unit, numbers), file)
