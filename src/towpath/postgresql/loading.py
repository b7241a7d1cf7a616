"""Rows on their way into a table: what PostgreSQL would change without a word is found, and refused by name.

Most columns take their rows straight. Where a type writes text in words of its own (uuid, jsonb, numeric without digits
...), the rows are staged, and each text must come back from the type as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

STAGE = "_towpath_cast"

_AS_WRITTEN = (*WORDS, "json")
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6}


@dataclass(frozen=True, slots=True)
class Lane:
    """One column of rows and the column of the table that it goes to (None: the table has none of the name).

    `staged`: whether its texts are to be tried first."""

    name: str
    column: Column | None
    staged: bool

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


def checked(batches: Iterator[pa.RecordBatch], found: Sequence[Lane], where: str) -> Iterator[pa.RecordBatch]:
    """The batches; raises DataError for the first value that its column would cut or round."""
    cutting = [(at, lane.column) for at, lane in enumerate(found) if lane.column is not None and not lane.staged]
    cutting = [(at, column) for at, column in cutting if _cuts(column.native)]
    rows = 0
    for batch in batches:
        for at, column in cutting:
            row = _cut(batch.column(at), column.native)
            if row is not None:
                value = batch.column(at)[row].as_py()
                raise DataError(
                    f"column {column.name} ({shorten(repr(str(value)))}): {column.words} does not hold it whole",
                    where=f"{where} row {rows + row + 1} of the load",
                    todo="nothing was published; change the value, or the column's type",
                    code="value-refused",
                )
        rows += batch.num_rows
        yield batch


def _cuts(native: Native) -> bool:
    return native.length is not None or native.digits is not None


def _cut(values: pa.Array, native: Native) -> int | None:
    """The first row whose value would lose blanks at its end, or digits of its second."""
    if native.length is not None:
        lost = pc.greater(pc.utf8_length(values), native.length)
        if native.name == "bpchar":
            lost = pc.or_(lost, pc.ends_with(values, " "))
        row = pc.index(lost, True).as_py()
        return None if row < 0 else int(row)
    per, digits = _UNITS[values.type.unit], native.digits or 0
    step = max(per // 10**digits, 1)
    width = pa.int32() if values.type.bit_width == 32 else pa.int64()
    rest = pc.fill_null(values.view(width), 0).to_numpy(zero_copy_only=False).astype(np.int64) % step
    return int(np.argmax(rest != 0)) if rest.any() else None
