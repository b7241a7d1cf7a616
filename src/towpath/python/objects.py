"""Rows given as Python objects (dicts, dataclass instances, pydantic models) as Arrow record batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any
from uuid import UUID

import pyarrow as pa

from towpath.errors import DataError, UserError
from towpath.python.annotations import Member, is_record, members
from towpath.python.inference import Evidence, Unfit, annotated, array

FIRST_ROWS = 10_000
"""How many rows of an iterator tell the types of what the annotations leave open; of a list all rows do."""


class Objects:
    """Rows given as objects. The schema is that of the annotations, and for what they leave open (dicts, the scale of
    decimals, the zone of datetimes) that of all rows of a list, or of an iterator's first FIRST_ROWS.

    `types` are columns whose type the user gives. Raises DataError for a row that does not fit, by its number."""

    def __init__(self, rows: Iterable[Any], name: str, types: Mapping[str, pa.DataType]) -> None:
        self._name = name
        self.count = len(rows) if isinstance(rows, Sequence) else None
        self._rest = iter(rows)
        self._first = list(self._rest if self.count is not None else itertools.islice(self._rest, FIRST_ROWS))
        if not self._first and not types:
            raise UserError(
                "there is no row, and so no column is known",
                where=name,
                todo="pin the columns with types=, or give a frame",
                code="rows-missing",
            )
        kind = type(self._first[0]) if self._first else dict
        if not (is_record(kind) or issubclass(kind, Mapping)):
            raise UserError(
                f"rows are dicts, dataclass instances or pydantic models, not {kind.__name__}",
                where=name,
                todo="for a frame give anything that speaks Arrow (pandas, polars, pyarrow, a DuckDB relation)",
                code="frame-unknown",
            )
        self._kind = kind if is_record(kind) else None
        self._members = members(kind) if self._kind else []
        found = self._evidence()
        known = {one: types.get(one, evidence.type()) for one, evidence in found.items()}
        known = known if self._first else dict(types)
        self.schema = pa.schema([(one, pa.string() if pa.types.is_null(kind) else kind) for one, kind in known.items()])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, once."""
        rows = itertools.chain(self._first, self._rest)
        at = 1
        while chunk := list(itertools.islice(rows, FIRST_ROWS)):
            yield self._batch(chunk, at)
            at += len(chunk)

    def _evidence(self) -> dict[str, Evidence]:
        found = {one.name: annotated(one.annotation, (self._kind,)) for one in self._members}
        for number, row in enumerate(self._first, 1):
            for name, value in self._row(row, number).items():
                if not isinstance(name, str):
                    raise self._wrong(number, str(name), name, "is no name: columns are named by texts")
                try:
                    found.setdefault(name, Evidence()).see(value)
                except Unfit as error:
                    raise self._wrong(number, name, value, str(error)) from error
        return found

    def _batch(self, rows: list[Any], first: int) -> pa.RecordBatch:
        plain = [self._row(row, number) for number, row in enumerate(rows, first)]
        for number, row in enumerate(plain, first):
            for name in row:
                if name not in self.schema.names:
                    raise self._wrong(
                        number, name, row[name], f"the first {len(self._first):,} rows had no such column"
                    )
        columns = []
        for field in self.schema:
            values = [row.get(field.name) for row in plain]
            try:
                columns.append(array(values, field.type))
            except Unfit as error:
                at = int(error.args[1])
                raise self._wrong(first + at, field.name, values[at], error.args[0]) from error
        return pa.record_batch(columns, schema=self.schema)

    def _row(self, row: Any, number: int) -> dict[str, Any]:
        if self._kind is not None:
            if type(row) is not self._kind:
                raise self._wrong(number, "", row, f"is no {self._kind.__name__}, as the first row is")
            return self._members_of(row, number)
        if not isinstance(row, Mapping):
            raise self._wrong(number, "", row, "is no dict, as the first row is")
        return {name: _plain(value) for name, value in row.items()}

    def _members_of(self, row: Any, number: int) -> dict[str, Any]:
        out = {}
        for member in self._members:
            value = getattr(row, member.attribute)
            if value is None and not member.optional:
                raise self._wrong(number, member.name, None, f"is None, which {self._kind_name(member)} does not take")
            out[member.name] = _plain(value)
        return out

    def _kind_name(self, member: Member) -> str:
        return f"{getattr(self._kind, '__name__', '')}.{member.attribute}"

    def _wrong(self, number: int, column: str, value: Any, why: str) -> DataError:
        place = f"column {column} ({repr(value)[:80]}): " if column else f"{repr(value)[:80]}: "
        return DataError(
            f"{place}{why}",
            where=f"{self._name} row {number}",
            todo="nothing was published; correct the row, or give a list, whose types are those of all its rows"
            if self.count is None
            else "nothing was published; give every row values of one type, or pin the column with types=",
            code="object-unfit",
        )


def _plain(value: Any) -> Any:
    """A value without classes of its own: members as dicts, enumerations as their values."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if is_record(type(value)):
        return {one.name: _plain(getattr(value, one.attribute)) for one in members(type(value))}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    return value
