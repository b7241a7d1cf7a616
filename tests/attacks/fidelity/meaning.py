"""What a cell means, told without Towpath: cells that were read by the ends' own libraries are equal when they mean the
same.

A cell is None, a bool, an int, a Decimal, a numpy float of its width, a text, bytes, a `Moment`, a `Span`, a list, a
dict (struct) or `Pairs` (map). A destination without a type for it holds its text, as docs/reference/text-form.md says.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

Cell = Any
_DAY = 86_400 * 10**9
_PER = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True)
class Moment:
    """A date (its midnight), a time of day, a local time, an instant or a duration, in nanoseconds."""

    kind: str
    ns: int


@dataclass(frozen=True)
class Span:
    """An interval of Arrow's."""

    months: int
    days: int
    ns: int


@dataclass(frozen=True)
class Pairs:
    entries: tuple[tuple[Cell, Cell], ...]


class Numeral(str):
    """A number as its digits stand in JSON."""


def from_json(text: str) -> Cell:
    """JSON with every number as it is written."""
    return json.loads(text, parse_int=Numeral, parse_float=Numeral, parse_constant=Numeral)


def from_arrow(values: Any) -> list[Cell]:
    """An array's or a chunked array's cells."""
    return [_from_scalar(one) for one in values]


def _from_scalar(one: Any) -> Cell:
    type = one.type
    if isinstance(one, pa.ExtensionScalar):
        return _from_scalar(one.value) if one.is_valid else None
    if not one.is_valid:
        return None
    if pa.types.is_dictionary(type):
        return _from_scalar(one.dictionary[one.index.as_py()])
    if pa.types.is_run_end_encoded(type):
        return _from_scalar(one.value) if isinstance(one.value, pa.Scalar) else one.as_py()
    if pa.types.is_floating(type):
        width = {16: np.float16, 32: np.float32, 64: np.float64}[type.bit_width]
        return width(one.as_py())
    if pa.types.is_date(type):
        return Moment("date", one.value * (_DAY if pa.types.is_date32(type) else 10**6))
    if pa.types.is_time(type):
        return Moment("time", one.value * _PER[type.unit])
    if pa.types.is_timestamp(type):
        return Moment("local" if type.tz is None else "instant", one.value * _PER[type.unit])
    if pa.types.is_duration(type):
        return Moment("duration", one.value * _PER[type.unit])
    if pa.types.is_interval(type):
        return Span(*one.as_py())
    if pa.types.is_struct(type):
        return {field.name: _from_scalar(one[at]) for at, field in enumerate(type)}
    if pa.types.is_map(type):
        return Pairs(tuple((_from_scalar(pair[0]), _from_scalar(pair[1])) for pair in one.values or ()))
    if pa.types.is_union(type):
        return _from_scalar(one.value)
    return from_arrow(one.values) if pa.types.is_nested(type) else one.as_py()


def same(source: Cell, found: Cell) -> bool:
    """Whether what was found means what the source's cell does."""
    if source is None or found is None:
        return source is None and found is None
    if isinstance(source, list):
        return _same_lists(source, _parsed(found))
    if isinstance(source, dict):
        found = _parsed(found)
        return (
            isinstance(found, dict)
            and found.keys() == source.keys()
            and all(same(one, found[name]) for name, one in source.items())
        )
    if isinstance(source, Pairs):
        found = _parsed(found)
        entries = [list(pair) for pair in found.entries] if isinstance(found, Pairs) else _entries(found)
        return _same_lists([list(pair) for pair in source.entries], entries)
    if isinstance(source, str):
        return isinstance(found, str) and not isinstance(found, Numeral) and source == found
    if isinstance(source, bytes):
        return source == (base64.b64decode(found, validate=True) if isinstance(found, str) else found)
    if isinstance(source, Moment):
        return _same_moments(source, found)
    if isinstance(source, Span):
        return source == (span(found) if isinstance(found, str) else found)
    return _same_numbers(source, found)


def _parsed(found: Cell) -> Cell:
    try:
        return from_json(found) if isinstance(found, str) else found
    except ValueError:
        return found


def _entries(found: Cell) -> Cell:
    """A map kept as the list of its entries: pairs, or structs of key and value."""
    if not isinstance(found, list):
        return found
    return [[one["key"], one["value"]] if isinstance(one, dict) else one for one in found]


def _same_lists(source: Sequence[Cell], found: Cell) -> bool:
    return isinstance(found, list) and len(source) == len(found) and all(map(same, source, found))


def _same_moments(source: Moment, found: Cell) -> bool:
    if isinstance(found, str):
        found = moment(source.kind, found)
    if not isinstance(found, Moment) or source.ns != found.ns:
        return False
    return source.kind == found.kind or (source.kind, found.kind) == ("date", "local")


def _same_numbers(source: Cell, found: Cell) -> bool:
    if isinstance(source, (bool, np.bool_)) and isinstance(found, str):
        return found == ("true" if source else "false")
    if isinstance(found, str):
        return _same_digits(source, found)
    return _exactly(source) is not None and _exactly(source) == _exactly(found)


_FLOAT = re.compile(r"-?(\d+(\.\d+)?([eE][+-]?\d+)?)")
_PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


def _same_digits(source: Cell, text: str) -> bool:
    """Text of a number: all digits of an exact one, the shortest that gives the same float."""
    if isinstance(source, float):
        source = np.float64(source)
    if isinstance(source, np.floating):
        if text in ("NaN", "inf", "-inf"):
            return _exactly(source) == _exactly(np.float64(text))
        return _FLOAT.fullmatch(text) is not None and _exactly(source) == _exactly(type(source)(text))
    if isinstance(source, Decimal) and not source.is_finite():
        return text == str(source)  # `NaN` and `Infinity`, as PostgreSQL writes a numeric too
    if isinstance(text, Numeral):
        return Fraction(str(text)) == Fraction(source)
    return _PLAIN.fullmatch(text) is not None and Fraction(text) == Fraction(source)


def _exactly(number: Cell) -> Any:
    """A number by its value; floats that have none by a name. None for what is no number."""
    if isinstance(number, Numeral):
        return _exactly(Decimal(str(number)))
    if isinstance(number, Decimal):
        if not number.is_finite():
            return "nan" if number.is_nan() else f"inf{number < 0}"
        return "minus-zero" if number == 0 and number.is_signed() else Fraction(number)
    if isinstance(number, (float, np.floating)):
        if np.isnan(number):
            return "nan"
        if np.isinf(number):
            return f"inf{bool(number < 0)}"
        return "minus-zero" if number == 0 and np.signbit(number) else Fraction(float(number))
    return Fraction(int(number)) if isinstance(number, (int, np.integer, np.bool_)) else None


_DATE = r"(?P<year>[+-]?\d{4,})-(?P<month>\d\d)-(?P<day>\d\d)"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<part>\d{1,9}))?"
_ERA = r"(?P<era> BC| \(BC\))?"
_LATE = r"(?P<late> BC)?"
_FORMS = {
    "date": re.compile(_DATE + _ERA),
    "time": re.compile(_TIME),
    "local": re.compile(f"{_DATE}{_ERA}[ T]{_TIME}{_LATE}"),
    "instant": re.compile(f"{_DATE}{_ERA}[ T]{_TIME}(Z|\\+00(:?00)?){_LATE}"),
    "duration": re.compile(r"(?P<sign>-?)PT(?P<second>\d+)(?:\.(?P<part>\d{1,9}))?S"),
}


def moment(kind: str, text: str) -> Moment | None:
    """A moment from its text: Towpath's form, or that of a database in its own words."""
    found = _FORMS[kind].fullmatch(text)
    if found is None:
        return None
    has = found.groupdict()
    ns = int((has.get("part") or "").ljust(9, "0"))
    ns += 10**9 * (int(has.get("hour") or 0) * 3600 + int(has.get("minute") or 0) * 60 + int(has.get("second") or 0))
    if has.get("year") is not None:
        year = int(has["year"])
        ns += _DAY * _days(1 - year if has.get("era") or has.get("late") else year, int(has["month"]), int(has["day"]))
    return Moment(kind, -ns if has.get("sign") else ns)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar carried back (H. Hinnant, `days_from_civil`)."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def span(text: str) -> Span | None:
    found = re.fullmatch(r"P(-?\d+)M(-?\d+)DT(-?)(\d+)(?:\.(\d{1,9}))?S", text)
    if found is None:
        return None
    ns = int(found[4]) * 10**9 + int((found[5] or "").ljust(9, "0"))
    return Span(int(found[1]), int(found[2]), -ns if found[3] else ns)


def worded(words: Cell, type: Any) -> Cell:
    """What a database's own words for a value mean, its column being read as `type`. Raises ValueError for words that
    are no such value: then the type was a wrong one."""
    if words is None or type is None or isinstance(words, bytes):
        return words
    if pa.types.is_list(type):
        return [worded(one, type.value_type) for one in (words if isinstance(words, list) else postgresql_array(words))]
    if not isinstance(words, str):
        return words
    if pa.types.is_boolean(type):
        return {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}[words]
    if pa.types.is_integer(type):
        return int(words)
    if pa.types.is_decimal(type):
        return Decimal(words)
    if pa.types.is_floating(type):
        return (np.float32 if pa.types.is_float32(type) else np.float64)(words)
    kind = next((kind for kind, test in _KINDS if test(type)), None)
    if kind is None:
        return words
    found = moment(kind, words)
    if found is None:
        raise ValueError(f"{words!r} is no {type}")
    return found


_KINDS = (
    ("date", pa.types.is_date), ("time", pa.types.is_time), ("duration", pa.types.is_duration),
    ("local", lambda type: pa.types.is_timestamp(type) and type.tz is None), ("instant", pa.types.is_timestamp),
)  # fmt: skip


def postgresql_array(text: str) -> list[Cell]:
    r"""The elements of `{a,NULL,"b \" c"}`, as words."""
    found, at = [], 1
    if not text.startswith("{") or text == "{}":
        if text != "{}":
            raise ValueError(text)
        return []
    pattern = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)')
    while at < len(text):
        one = pattern.match(text, at)
        if one is None or text[one.end()] not in ",}":
            raise ValueError(text)
        plain = None if one[2] == "NULL" else one[2]
        found.append(re.sub(r"\\(.)", r"\1", one[1], flags=re.DOTALL) if one[1] is not None else plain)
        at = one.end() + 1
    return found
