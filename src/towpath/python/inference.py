"""Arrow types of Python values, strictly: a value is of one kind, and no kind is quietly turned into another."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pyarrow as pa

from towpath.python.annotations import bare, is_list, is_mapping, is_record, item, members, refuse_endless

_INT64 = range(-(2**63), 2**63)
_PLAIN: dict[str, pa.DataType] = {
    "null": pa.null(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "bytes": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp with zone": pa.timestamp("us", "UTC"),
    "duration": pa.duration("us"),
}
_NUMBERS = {frozenset(("int", "float")): "float", frozenset(("int", "decimal")): "decimal"}
_ANNOTATED: dict[Any, str] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "text",
    bytes: "bytes",
    UUID: "text",
    Decimal: "decimal",
    date: "date",
    time: "time",
    timedelta: "duration",
}


class Unfit(ValueError):
    """A value that has no place in its column; the message says why."""


@dataclass(slots=True)
class Evidence:
    """What the values of one column (or element, or member) were so far. `digits`: the most before and after the point;
    `names` keeps the order in which a struct's members came; a `map` has any names, and values of one type. `otherwise`
    is the kind when there was no value."""

    kind: str = "null"
    otherwise: str = "null"
    digits: tuple[int, int] = (0, 0)
    wide: bool = False
    inner: Evidence | None = None
    names: dict[str, Evidence] = field(default_factory=dict)

    def see(self, value: Any) -> None:
        """Takes a value in. Raises Unfit when it is of another kind than those before."""
        found = kind_of(value)
        if found == "null":
            return
        found = "map" if (self.kind, found) == ("map", "struct") else found
        both = frozenset((self.kind, found))
        if self.kind == "null":
            self.kind = found
        elif len(both) > 1:
            if both not in _NUMBERS:
                raise Unfit(f"is {found}, after {self.kind}")
            self.kind = _NUMBERS[both]
        if found in ("int", "decimal"):
            self._number(value)
        elif found == "list":
            self.inner = self.inner or Evidence()
            for one in value:
                self.inner.see(one)
        elif found in ("struct", "map"):
            for name, one in value.items():
                if not isinstance(name, str):
                    raise Unfit(f"has a member named {name!r}, which is no text")
                if found == "map":
                    self.inner = self.inner or Evidence()
                member = self.inner or self.names.setdefault(name, Evidence())
                member.see(one)

    def type(self) -> pa.DataType:
        """The type that holds every value seen."""
        if self.kind == "decimal" or (self.kind == "int" and self.wide):
            whole, fraction = self.digits
            return pa.decimal128(38, fraction) if whole + fraction <= 38 else pa.decimal256(76, fraction)
        if self.kind == "list":
            return pa.list_((self.inner or Evidence()).type())
        if self.kind == "map":
            return pa.map_(pa.string(), (self.inner or Evidence()).type())
        if self.kind == "struct":
            return pa.struct([(name, one.type()) for name, one in self.names.items()])
        return _PLAIN[self.otherwise if self.kind == "null" else self.kind]

    def _number(self, value: Any) -> None:
        if isinstance(value, Decimal):
            if not value.is_finite():
                raise Unfit(f"is the decimal {value}, which has no digits")
            _, digits, exponent = value.as_tuple()
            assert isinstance(exponent, int)
            before, after = max(len(digits) + exponent, 0), max(-exponent, 0)
        else:
            self.wide = self.wide or int(value) not in _INT64
            before, after = len(str(abs(int(value)))), 0
        self.digits = (max(self.digits[0], before), max(self.digits[1], after))
        if sum(self.digits) > 76:
            raise Unfit("is a number of more than 76 digits")


def kind_of(value: Any) -> str:
    """The kind of a plain value. Raises Unfit for a class that has none."""
    if value is None:
        return "null"
    if isinstance(value, datetime):
        if getattr(value, "nanosecond", 0):
            raise Unfit("has nanoseconds, which a Python object column cannot keep; use a column of datetime64[ns]")
        return "timestamp" if value.tzinfo is None else "timestamp with zone"
    if isinstance(value, time) and value.tzinfo is not None:
        raise Unfit("is a time of day with a zone")
    for classes, name in _KINDS:
        if isinstance(value, classes):
            return name
    raise Unfit(f"is of the class {type(value).__name__}, which has no type of its own in a column")


_KINDS: tuple[tuple[Any, str], ...] = (
    ((bool, np.bool_), "bool"),
    ((int, np.integer), "int"),
    ((float, np.floating), "float"),
    (str, "text"),
    ((bytes, bytearray, memoryview), "bytes"),
    (Decimal, "decimal"),
    (date, "date"),
    (time, "time"),
    (timedelta, "duration"),
    (Mapping, "struct"),
    ((list, tuple, set, frozenset, np.ndarray), "list"),
)


def annotated(annotation: Any, around: tuple[Any, ...] = ()) -> Evidence:
    """What an annotation says of its values; "null" where it leaves that to them. `around`: the classes that it is a
    part of. Raises UserError for a class that holds itself."""
    annotation, _ = bare(annotation)
    if is_record(annotation):
        refuse_endless(annotation, around)
        inside = (*around, annotation)
        return Evidence("struct", names={one.name: annotated(one.annotation, inside) for one in members(annotation)})
    if is_list(annotation):
        return Evidence("list", inner=annotated(item(annotation), around))
    if typing.get_origin(annotation) is Literal:
        return _of_values(typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _of_values([one.value for one in annotation])
    if is_mapping(annotation):
        return Evidence("map", inner=annotated((*typing.get_args(annotation), Any, Any)[1], around))
    if annotation is datetime:
        return Evidence(otherwise="timestamp")  # its values say whether they have a zone
    return Evidence(_ANNOTATED.get(annotation, "null"))


def _of_values(values: Iterable[Any]) -> Evidence:
    found = Evidence()
    for value in values:
        found.see(value)
    return found


def array(values: Sequence[Any], type: pa.DataType) -> pa.Array:
    """Plain values as an array of a type. Raises Unfit, `args[1]` of which is the first row that does not fit."""
    for row, value in enumerate(values):
        try:
            _check(value, type)
        except Unfit as error:
            raise Unfit(str(error), row) from error
    try:
        return pa.array(values, type)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        for row, value in enumerate(values):
            try:
                pa.array([value], type)
            except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
                raise Unfit(f"does not fit the type {type}: {error}", row) from error
        raise


def _check(value: Any, type: Any) -> None:
    """Whether a value is of the kind that a type has: pyarrow would cut a timestamp to a date, or bytes to text."""
    found = kind_of(value)
    if found == "null":
        return
    if found == "struct" and pa.types.is_struct(type):
        names = [type.field(at).name for at in range(type.num_fields)]
        for name, one in value.items():
            if name not in names:
                raise Unfit(f"has the member {name!r}, which rows before had not")
            _check(one, type.field(name).type)
    elif found == "struct" and pa.types.is_map(type):
        for one in value.values():
            _check(one, type.item_type)
    elif found == "list" and pa.types.is_list(type):
        for one in value:
            _check(one, type.value_type)
    elif not any(test(type) for test in _TESTS[found]):
        raise Unfit(f"is {found}, and the column has the type {type}")


_TESTS: dict[str, tuple[Any, ...]] = {
    "bool": (pa.types.is_boolean,),
    "int": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    "float": (pa.types.is_floating,),
    "text": (pa.types.is_string, pa.types.is_large_string),
    "bytes": (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary),
    "decimal": (pa.types.is_decimal,),
    "date": (pa.types.is_date,),
    "time": (pa.types.is_time,),
    "timestamp": (lambda type: pa.types.is_timestamp(type) and type.tz is None,),
    "timestamp with zone": (lambda type: pa.types.is_timestamp(type) and type.tz is not None,),
    "duration": (pa.types.is_duration,),
    "struct": (),
    "list": (),
}
