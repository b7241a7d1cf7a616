"""Rows as instances of a class: each column's type is held against its field's before the first row is made."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from towpath.badrows import BadRows
from towpath.errors import UserError
from towpath.options import nearest
from towpath.python.annotations import Member, bare, ignores_others, is_list, is_mapping, is_record, item, members
from towpath.shaping.transform import bad_rows
from towpath.stream import Batch
from towpath.values import textform
from towpath.values.convert import cast
from towpath.values.logical import Kind, fields, kind

Make = Callable[[Any], Any]

_KINDS: dict[Any, tuple[Kind, ...]] = {
    bool: (Kind.BOOL,),
    int: (Kind.INTEGER,),
    float: (Kind.FLOAT,),
    str: (Kind.TEXT,),
    bytes: (Kind.BYTES,),
    date: (Kind.DATE,),
    datetime: (Kind.LOCAL, Kind.INSTANT),
    time: (Kind.TIME,),
    timedelta: (Kind.DURATION,),
    Decimal: (Kind.DECIMAL, Kind.INTEGER),
    UUID: (Kind.TEXT,),
}
_MADE: dict[Any, Make] = {int: int, Decimal: Decimal, UUID: UUID}
_EXACT_IN_DOUBLE = (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16(), pa.uint32())
_UNFIT = (ValueError, TypeError, AssertionError)


class _Mismatch(Exception):
    """A column's type that a field does not take."""


class _Unfit(ValueError):
    """A value that a field does not take; `column` is the top-level one."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


class Rows:
    """Makes instances of `made` (None: dicts) of rows of `schema`. `inferred`: the source is text, where a double is
    nothing but the number that the text wrote.

    Raises UserError that lists every missing, superfluous or unfit column at once."""

    def __init__(self, made: Any, schema: pa.Schema, *, inferred: bool, where: str) -> None:
        self._make: Make | None = None
        self._schema = schema
        if made is None:
            return
        if not is_record(made):
            raise UserError(f"rows_as takes a dataclass or a pydantic model, not {made!r}", code="class-unfit")
        mistakes, self._make = _record(made, list(schema), inferred)
        if mistakes:
            raise UserError(
                f"the columns do not fit {made.__name__}:\n  " + "\n  ".join(mistakes[:8]),
                where=where,
                todo=f"columns: {', '.join(schema.names)}; choose some with columns=, pin a type with types=",
                code="class-unfit",
            )

    def of(self, batch: Batch, bad: BadRows) -> Iterator[Any]:
        """The batch's rows; those that do not fit go to `bad`, in order."""
        columns, unfit = [], dict[int, tuple[str | None, str]]()
        for field in self._schema:
            values, lost = _values(batch.rows.column(field.name))
            columns.append(values)
            for row, why in lost.items():
                unfit.setdefault(row, (field.name, why))
        names = self._schema.names
        for row, cells in enumerate(zip(*columns, strict=True)):
            if row not in unfit:
                try:
                    given = dict(zip(names, cells, strict=True))
                    yield given if self._make is None else self._make(given)
                    continue
                except _UNFIT as error:
                    unfit[row] = (getattr(error, "column", None), _why(error))
            column, why = unfit[row]
            for one in bad_rows(batch, {row: (column, why)}, "rows_as"):
                bad.add(one)


def _values(column: pa.Array) -> tuple[list[Any], dict[int, str]]:
    """A column as Python's values, and why some rows have none: Python's times end at microseconds and in year 9999."""
    lost = {}
    coarse = _coarse(column.type)
    if coarse != column.type:
        done = cast(column, column.type, coarse)
        column = done.values
        lost = {int(row): "Python's times have no nanoseconds" for row in done.bad}
    try:
        return column.to_pylist(), lost
    except (OverflowError, ValueError):
        return [_value(one, row, lost) for row, one in enumerate(column)], lost


def _value(scalar: Any, row: int, lost: dict[int, str]) -> Any:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError) as error:
        lost.setdefault(row, f"Python has no such value: {error}")
        return None


def _coarse(type: Any) -> pa.DataType:
    """The type with microseconds instead of nanoseconds, also inside lists and structs."""
    if pa.types.is_timestamp(type) and type.unit == "ns":
        return pa.timestamp("us", type.tz)
    if pa.types.is_time(type) and type.unit == "ns":
        return pa.time64("us")
    if pa.types.is_duration(type) and type.unit == "ns":
        return pa.duration("us")
    if pa.types.is_struct(type):
        return pa.struct([field.with_type(_coarse(field.type)) for field in fields(type)])
    if pa.types.is_map(type):
        return pa.map_(_coarse(type.key_type), _coarse(type.item_type))
    if pa.types.is_list(type):
        return pa.list_(type.value_field.with_type(_coarse(type.value_type)))
    return type


def _record(made: Any, columns: list[pa.Field], inferred: bool) -> tuple[list[str], Make]:
    """What does not fit between a class and columns, and what makes an instance of a dict of their values."""
    there = {field.name: field for field in columns}
    wanted = [one for one in members(made) if one.given]
    mistakes, makes = [], dict[str, tuple[Member, Make]]()
    for member in wanted:
        if member.name not in there:
            if member.required:
                mistakes.append(f"there is no column {member.name!r}{nearest(member.name, there)}")
            continue
        try:
            makes[member.name] = (member, _maker(member.annotation, there[member.name].type, inferred))
        except _Mismatch as error:
            mistakes.append(f"column {member.name} is {error}")
    names = [one.name for one in wanted]
    if not ignores_others(made):
        mistakes += [
            f"{made.__name__} has no field {name!r}{nearest(name, names)}" for name in there if name not in names
        ]
    return mistakes, _instance(made, makes)


def _instance(made: Any, makes: dict[str, tuple[Member, Make]]) -> Make:
    model = issubclass(made, BaseModel)

    def make(row: dict[str, Any]) -> Any:
        given = dict(row) if model else {}
        for name, (member, inner) in makes.items():
            value = row[name]
            if value is None and not member.optional:
                raise _Unfit(name, f"is null, which {made.__name__}.{member.attribute} does not take")
            try:
                given[name] = value if value is None else inner(value)
            except _UNFIT as error:
                raise _Unfit(name, _why(error)) from error
        try:
            return made.model_validate(given) if model else made(**given)
        except ValidationError as error:
            column, *within = error.errors()[0]["loc"] or (None,)
            if column not in row:  # the model's own check of its fields together
                raise
            raise _Unfit(str(column), _located(within, error)) from error

    return make


def _maker(annotation: Any, type: pa.DataType, inferred: bool) -> Make:
    """What turns a value of an Arrow type into one that the annotation means. Raises _Mismatch."""
    annotation, _ = bare(annotation)
    found = kind(type)
    if annotation is Any or found is Kind.NULL:
        return _same
    if is_record(annotation) and found is Kind.STRUCT:
        mistakes, make = _record(annotation, fields(type), inferred)
        if mistakes:
            raise _Mismatch(f"a struct that does not fit {annotation.__name__}: {mistakes[0]}")
        return make
    if typing.get_origin(annotation) is typing.Union:
        return _either(annotation, type, inferred)
    if is_list(annotation) and found is Kind.LIST:
        return _many(annotation, type, inferred)
    if is_mapping(annotation) and found in (Kind.STRUCT, Kind.MAP):
        return _mapping
    if typing.get_origin(annotation) is Literal and found in (Kind.TEXT, Kind.INTEGER, Kind.BOOL):
        return _one_of(typing.get_args(annotation))
    if isinstance(annotation, _type) and issubclass(annotation, Enum) and found in (Kind.TEXT, Kind.INTEGER):
        return annotation
    if found in _KINDS.get(annotation, ()):
        return _MADE.get(annotation, _same)
    if annotation is int and pa.types.is_decimal(type) and type.scale == 0:
        return int
    if annotation is float and type in _EXACT_IN_DOUBLE:
        return float
    if annotation is Decimal and found is Kind.FLOAT and inferred:
        return lambda value: Decimal(repr(value))
    raise _Mismatch(f"{textform.type_name(type)}, and the field takes {_shown(annotation)}")


_type = type


def _either(annotation: Any, type: pa.DataType, inferred: bool) -> Make:
    """The first member of a union that takes the type."""
    for one in typing.get_args(annotation):
        try:
            return _maker(one, type, inferred)
        except _Mismatch:
            continue
    raise _Mismatch(f"{textform.type_name(type)}, and the field takes {_shown(annotation)}")


def _many(annotation: Any, type: Any, inferred: bool) -> Make:
    inner, optional = bare(item(annotation))
    make = _maker(inner, type.value_type, inferred)
    origin = typing.get_origin(annotation) or annotation
    gather = origin if origin in (tuple, set, frozenset) else list

    def made(values: Any) -> Any:
        if not optional and None in values:
            raise ValueError("holds null, which the field does not take")
        return gather(None if value is None else make(value) for value in values)

    return made


def _mapping(value: Any) -> dict[Any, Any]:
    found = dict(value)
    if len(found) < len(value):
        raise ValueError("holds a key twice, which a dict cannot")
    return found


def _one_of(values: tuple[Any, ...]) -> Make:
    def made(value: Any) -> Any:
        if value not in values:
            raise ValueError(f"is none of {', '.join(map(repr, values))}")
        return value

    return made


def _same(value: Any) -> Any:
    return value


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return _located(error.errors()[0]["loc"], error)
    return str(error) or type(error).__name__


def _located(place: Sequence[int | str], error: ValidationError) -> str:
    """The first thing that pydantic found wrong, after the place of it within the value."""
    return ": ".join(filter(None, (".".join(map(str, place)), error.errors()[0]["msg"])))


def _shown(annotation: Any) -> str:
    return getattr(annotation, "__name__", None) or str(annotation).replace("typing.", "")
