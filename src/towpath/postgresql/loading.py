"""Rows on their way into a table: what PostgreSQL would change without a word is found, and refused by name.

Most columns take their rows straight. Where a type writes text in words of its own (uuid, jsonb, numeric without digits
...), the rows are staged, and each text must come back from the type as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.badrows import shorten
from towpath.errors import DataError
from towpath.postgresql.catalog import Column
from towpath.postgresql.reading import plain_text
from towpath.postgresql.types import NATIVE, PLAIN, WORDS, Native, quote
from towpath.values import textform

STAGE = "_towpath_cast"

_AS_WRITTEN = (*WORDS, "json")
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Lane:
    """One column of rows and the column of the table that it goes to (None: the table has none of the name).

    `staged`: whether its texts are to be tried first."""

    name: str
    column: Column | None
    staged: bool

    @property
    def native(self) -> Native | None:
        """The type that takes its rows, where that is known: in the stage that of the stage."""
        if self.column is None or self.column.domain or (self.staged and self.column.listed):
            return None
        return Native("text") if self.staged else self.column.native

    @property
    def words(self) -> str:
        """Its type in the stage."""
        if self.column is None or self.staged:
            return "text[]" if self.column is not None and self.column.listed else "text"
        native = self.column.native
        kept = PLAIN.get(native.name)
        return NATIVE[kept] if kept is not None and self.column.domain else self.column.words


def lanes(found: Sequence[Column], schema: pa.Schema) -> list[Lane]:
    known = {column.name: column for column in found}
    return [_lane(field, known.get(field.name)) for field in schema]


def _lane(field: pa.Field, column: Column | None) -> Lane:
    if column is None:
        return Lane(field.name, None, False)
    one, name = (field.type.value_type, column.native.element) if column.listed else (field.type, column.native.name)
    tried = pa.types.is_string(one) and name not in _AS_WRITTEN and column.native.kind != "e"
    return Lane(field.name, column, tried)


def stage(found: Sequence[Lane]) -> str:
    """The statement that makes the stage."""
    inside = ", ".join(f"{quote(lane.name)} {lane.words}" for lane in found)
    return f"create temp table {STAGE} ({inside}) on commit drop"


def unstage(table: str, found: Sequence[Lane]) -> str:
    """The statement that brings the staged rows into `table` (quoted)."""
    names = ", ".join(quote(lane.name) for lane in found)
    values = ", ".join(
        f"cast({quote(lane.name)} as {lane.column.words})" if lane.column is not None else quote(lane.name)
        for lane in found
    )
    return f"insert into {table} ({names}) select {values} from {STAGE}"


def changed(lane: Lane) -> str:
    """A query for a staged text that its type would change, and what it would make of it; none when all stay."""
    assert lane.column is not None
    name = quote(lane.name)
    kept = f"cast({name} as {lane.column.words})"
    back = f"{kept}::text[]" if lane.column.listed else plain_text(kept, lane.column.native)
    return f"select {name}, {back} from {STAGE} where {name} is not null and {back} is distinct from {name} limit 1"


def refusal(lane: Lane, value: str, made: Any, where: str) -> DataError:
    assert lane.column is not None
    return DataError(
        f"column {lane.name} ({shorten(repr(value))}): {lane.column.words} would keep {shorten(repr(made))}",
        where=where,
        todo="nothing was published; write the values as PostgreSQL does, or give the column a type that keeps them",
        code="value-refused",
    )


def named(error: DataError, found: Sequence[Lane]) -> DataError:
    """The error with the columns that it is about: those of the type that it names, for PostgreSQL tells no more."""
    type = re.search(r"\b(?:domain|enum|type) ([^\s:]+)", error.what)
    names = [lane.name for lane in found if type and lane.column is not None and lane.column.words == type[1]]
    return _about(error, *names) if names and not error.what.startswith("column ") else error


def _about(error: DataError, *names: str) -> DataError:
    told = f"column{'s' * (len(names) > 1)} {', '.join(names)}: {error.what}"
    return DataError(told, where=error.where, todo=error.todo, code=error.code)


def try_texts(rows: Callable[[str], list[Sequence[Any]]], lane: Lane, where: str) -> None:
    """Raises DataError when a staged text is none of its column's type, or would be kept as another."""
    try:
        found = rows(changed(lane))
    except DataError as error:
        raise _about(error, lane.name) from error
    for value, made in found:
        raise refusal(lane, value, made, where)


def checked(batches: Iterator[pa.RecordBatch], found: Sequence[Lane], where: str) -> Iterator[pa.RecordBatch]:
    """The batches; raises DataError for the first value that its column would cut or round, or cannot hold."""
    looked = [(at, lane.column) for at, lane in enumerate(found) if lane.column is not None and not lane.staged]
    looked = [(at, column) for at, column in looked if _narrow(_inner(column.native))]
    rows = 0
    for batch in batches:
        for at, column in looked:
            row = _misfit(batch.column(at), _inner(column.native))
            if row is not None:
                value = textform.write(batch.column(at).slice(row, 1))[0].as_py()
                raise DataError(
                    f"column {column.name} ({shorten(repr(value))}): {column.words} does not hold it whole",
                    where=f"{where} row {rows + row + 1} of the load",
                    todo="nothing was published; change the value, or the column's type",
                    code="value-refused",
                )
        rows += batch.num_rows
        yield batch


_DAYS = {
    "date": (-2_440_588, 2_145_042_905),
    "timestamp": (-2_440_588, 106_762_939),
    "timestamptz": (-2_440_588, 106_762_939),
}
"""The first and the last day that there is, from 1970-01-01: 4714-11-24 BC, 5874897-12-31, 294276-12-31."""


def _inner(native: Native) -> Native:
    """The type of an array's elements, which have its modifier; any other type itself."""
    return native if native.element is None else Native(native.element, native.mod)


def _narrow(native: Native) -> bool:
    return native.length is not None or native.digits is not None or native.name in _DAYS


def _misfit(values: pa.Array, native: Native) -> int | None:
    """The first row with a value, or an element of one, that would not be kept as it is."""
    if pa.types.is_list(values.type):
        at = _misfit(values.flatten(), native)
        return None if at is None else int(pc.list_parent_indices(values)[at].as_py())
    if native.length is not None:
        lost = pc.greater(pc.utf8_length(values), native.length)
        if native.name == "bpchar":
            lost = pc.or_(lost, pc.ends_with(values, " "))
        row = pc.index(lost, True).as_py()
        return None if row < 0 else int(row)
    per = 1 if pa.types.is_date(values.type) else _UNITS[values.type.unit]
    numbers = values.view(pa.int32() if values.type.bit_width == 32 else pa.int64())
    found = None if native.digits is None else _too_fine(numbers, max(per // 10**native.digits, 1))
    first, last = _DAYS.get(native.name, (None, None))
    if found is None and first is not None and last is not None:
        found = _beyond(numbers, per if pa.types.is_date(values.type) else per * _DAY, first, last)
    return found


def _too_fine(numbers: pa.Array, step: int) -> int | None:
    """The first that is no whole number of steps."""
    rest = pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False).astype(np.int64) % step
    return int(np.argmax(rest != 0)) if rest.any() else None


def _beyond(numbers: pa.Array, per_day: int, first: int, last: int) -> int | None:
    """The first that lies on no day from the first to the last."""
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is None or (ends["min"] // per_day >= first and ends["max"] // per_day <= last):
        return None
    return next(
        at for at, one in enumerate(numbers.to_pylist()) if one is not None and not first <= one // per_day <= last
    )
