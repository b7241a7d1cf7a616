"""Optimistic types: the first type of one fixed order that every text of a column fits, unchanged in value.

The order: bool, int64, double, decimal(38, scale), date, time, local timestamp, instant, text. As the candidates
stand in one order, a type taken from a sample that then admits every text is the type that a whole scan gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.text import date_formats
from towpath.text.numerals import Numerals
from towpath.values import shapes, textform
from towpath.values.logical import kind, lost, with_rows

_PLAIN = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_EXPONENT = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+[eE][-+]?|[eE][-+])[0-9]+"
_DATE = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,%d})?"
_LOCAL = _DATE + r"[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,%d})?)?"
_INSTANT = f"(?:{_LOCAL})" + r"(?:Z|\+00:00)"

# The order of the types, with the shapes of their texts; decimals stand before date.
_SHAPES = {
    pa.bool_(): "true|false|True|False|TRUE|FALSE",
    pa.int64(): "",  # told by `shapes.plain`
    pa.float64(): f"NaN|-?inf|{_PLAIN}|{_EXPONENT}",
    pa.date32(): "",  # told by `shapes.dates`
    pa.time64("us"): _TIME % 6,
    pa.time64("ns"): _TIME % 9,
    pa.timestamp("us"): _LOCAL % 6,
    pa.timestamp("ns"): _LOCAL % 9,
    pa.timestamp("us", "UTC"): _INSTANT % 6,
    pa.timestamp("ns", "UTC"): _INSTANT % 9,
}
_PRECISION = 38
_FIRST_ROWS = 64


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """Which types admit every text seen. `digits`: the most before and after the point, if all were plain numbers.
    `first`: the type that the column is said to have, which comes before all others if it admits every text."""

    admitted: frozenset[pa.DataType] = frozenset(_SHAPES)
    digits: tuple[int, int] | None = (0, 0)
    seen: bool = False
    first: pa.DataType | None = None

    def merge(self, other: TextEvidence) -> TextEvidence:
        digits = None
        if self.digits is not None and other.digits is not None:
            digits = (max(self.digits[0], other.digits[0]), max(self.digits[1], other.digits[1]))
        return TextEvidence(self.admitted & other.admitted, digits, self.seen or other.seen, self.first or other.first)

    def type(self) -> pa.DataType:
        if not self.seen:
            return pa.string()
        if self.first in self.admitted:
            return self.first
        for candidate in _SHAPES:
            if candidate == pa.date32() and self.digits is not None and sum(self.digits) <= _PRECISION:
                return pa.decimal128(_PRECISION, self.digits[1])
            if candidate in self.admitted:
                return candidate
        return pa.string()


@dataclass(frozen=True, slots=True)
class Pinned:
    """The evidence of a column whose type was given beforehand."""

    pinned: pa.DataType

    def merge(self, other: object) -> Pinned:
        return self

    def type(self) -> pa.DataType:
        return self.pinned


@dataclass(frozen=True, slots=True)
class Convention:
    """How a column writes its values. A `date_format` (as of strptime) takes the place of the ISO form for the type
    that it describes, and for pinned dates; of a `dated` column it is said by name, so that a text like 20260131 is a
    date before it is a number. The words `true` and `false` take the place of those in `_SHAPES`."""

    numerals: Numerals = field(default_factory=Numerals)
    date_format: str | None = None
    dated: bool = False
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()

    def evidence(self, texts: pa.Array) -> TextEvidence:
        """What the texts of one column say about its type; nulls say nothing."""
        texts = texts.drop_null()
        first = date_formats.type_of(self.date_format) if self.dated and self.date_format is not None else None
        found = TextEvidence(seen=len(texts) > 0, first=first)
        for part in (texts[:_FIRST_ROWS], texts[_FIRST_ROWS:]):  # a few rows rule most candidates out
            if len(part):
                admitted = frozenset(kind for kind in found.admitted if self._values(part, kind) is not None)
                digits = None if found.digits is None else _digits(self.numerals.plain(part))
                found = found.merge(TextEvidence(admitted, digits, True))
        return found

    def admit(self, texts: pa.Array, type: pa.DataType) -> tuple[pa.Array, int | None]:
        """The texts as values of one of the order's types (or null), or the first row that it does not admit."""
        values = self._values(texts, type)
        if values is not None:
            return values, None
        low, high = 0, len(texts)  # rows before `low` are admitted, some row before `high` is not
        while high - low > 1:
            middle = (low + high) // 2
            if self._values(texts[low:middle], type) is None:
                high = middle
            else:
                low = middle
        return pa.nulls(len(texts), type), low

    def pinned(self, texts: pa.Array, type: pa.DataType) -> tuple[pa.Array, np.ndarray]:
        """The texts as values of a type given beforehand, and the rows whose text is none (null there)."""
        if self.date_format is not None and (pa.types.is_date(type) or pa.types.is_timestamp(type)):
            return self._dated(texts, self.date_format, type)
        if self.true and pa.types.is_boolean(type):
            values = self._bools(texts)
            return values, lost(texts, values)
        if pa.types.is_floating(type) or pa.types.is_integer(type) or pa.types.is_decimal(type):
            texts = self.numerals.plain(texts)
        return textform.read(texts, type)

    def _dated(self, texts: pa.Array, date_format: str, type: pa.DataType) -> tuple[pa.Array, np.ndarray]:
        """Values by the format; of a kind that the format does not describe also by their ISO form, as they would be
        without a pin. A date alone is never read both ways: for a timestamp it is the format's."""
        values = date_formats.read(texts, date_format, type)
        rest = lost(texts, values)
        if not len(rest) or kind(type) is kind(date_formats.type_of(date_format)):
            return values, rest
        others = texts.take(pa.array(rest))
        if pa.types.is_timestamp(type):
            others = pc.if_else(pc.match_substring(others, ":"), others, None)
        values = with_rows(values, rest, textform.read(others, type)[0])
        return values, lost(texts, values)

    def _bools(self, texts: pa.Array) -> pa.Array:
        """Null where a text is none of the words."""
        return pc.less(pc.index_in(texts, pa.array([*self.true, *self.false], pa.string())), len(self.true))

    def _values(self, texts: pa.Array, type: pa.DataType) -> pa.Array | None:
        """The texts as values, or None when the type does not admit them all."""
        if pa.types.is_string(type):
            return texts
        if pa.types.is_null(type):
            return pa.nulls(len(texts)) if texts.null_count == len(texts) else None
        values: pa.Array | None = None
        if self.date_format is not None and type == date_formats.type_of(self.date_format):
            values = date_formats.read(texts, self.date_format, type)
        elif self.true and pa.types.is_boolean(type):
            values = self._bools(texts)
        if values is not None:
            return values if values.null_count == texts.null_count else None
        if pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type):
            texts = self.numerals.plain(texts)
        numbers = shapes.plain(texts) if pa.types.is_floating(type) else None
        if numbers is None and not _shaped(texts, type):
            return None
        try:
            values = _cast(texts, type)
        except pa.ArrowInvalid:
            return None
        if numbers is not None and numbers.longest <= shapes.SURELY_EXACT:
            return values
        return None if type == pa.float64() and not _exact(texts) else values


def _shaped(texts: pa.Array, type: pa.DataType) -> bool:
    """Whether each text is written as values of the type are."""
    if pa.types.is_integer(type) or pa.types.is_decimal(type):
        digits = _digits(texts)
        if digits is None:
            return False
        if pa.types.is_integer(type):
            return digits[1] == 0  # one that is too large is refused by the cast
        return digits[1] <= type.scale and digits[0] + type.scale <= _PRECISION
    if pa.types.is_date(type):
        return shapes.dates(texts)
    if pa.types.is_timestamp(type) and type.tz is None and shapes.moments(texts):
        return True
    return _all_match(texts, _SHAPES[type])


def _all_match(texts: pa.Array, shape: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, f"^(?:{shape})$"), min_count=0).as_py())


def _cast(texts: pa.Array, type: pa.DataType) -> pa.Array:
    if not pa.types.is_time(type):
        return pc.cast(texts, type)
    moments = pc.cast(pc.binary_join_element_wise("1970-01-01T", texts, ""), pa.timestamp(type.unit))
    return moments.view(pa.int64()).view(type)


def _digits(numbers: pa.Array) -> tuple[int, int] | None:
    """The most digits before and after the point; None when a text is no plain number, or a zero with a sign."""
    found = shapes.plain(numbers)
    return None if found is None or found.minus_zero else (found.whole, found.scale)


def _exact(numbers: pa.Array) -> bool:
    """Whether each number's shortest form as a double equals its text in value, and each integer is itself."""
    exponents = pc.match_substring_regex(numbers, "[eE]")
    doubtful = numbers.filter(pc.or_(pc.greater(pc.binary_length(numbers), shapes.SURELY_EXACT), exponents))
    again = pc.cast(pc.cast(doubtful, pa.float64()), pa.string())
    unlike = pc.or_(pc.not_equal(again, doubtful), pc.invert(pc.match_substring(doubtful, ".")))
    return all(_exact_number(text) for text in doubtful.filter(unlike).to_pylist())


def _exact_number(text: str) -> bool:
    value, meant = float(text), Decimal(text)
    if not Decimal(value).is_finite() or Decimal(repr(value)) != meant:
        return False
    return not text.lstrip("-").isdigit() or Decimal(value) == meant
