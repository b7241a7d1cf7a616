"""Conversions between scalar types: which pairs have a way, when it is exact, and how each value is tested."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import Refused
from towpath.nouns import Way
from towpath.values.logical import Kind, kind, nulls, with_rows
from towpath.values.refusals import minus_zero
from towpath.values.textform import read, type_name, write
from towpath.values.textform_numbers import limits
from towpath.values.textform_times import DAY, PER_SECOND, days, numbers

_NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT)
_MANTISSA = {16: 11, 32: 24, 64: 53}
_MOST = 2**63 - 1
_LAST_DAY = _MOST // (DAY * 1000)  # of those that date64 holds
_OTHERWISE = "change it in a query, or send it as text"

Fits = Callable[[Any, Any], bool]


def way(source: Any, target: Any) -> tuple[Way, str]:
    """The way between two plain types of which one is a scalar. Raises Refused when there is none."""
    have, want = kind(source), kind(target)
    if source == target or have is Kind.NULL:
        return Way.EXACT, ""
    if want is Kind.TEXT:
        return Way.EXACT, "" if have is Kind.TEXT else f"{type_name(source)} written as text"
    if have is Kind.TEXT and want is not Kind.NULL:
        return Way.CHECKED, f"every text must be of the type {type_name(target)}"
    if (have, want) not in _ROUTES or not _possible(source, target):
        todo = _TODO.get((have, want), _OTHERWISE)
        raise Refused(f"{type_name(source)} does not become {type_name(target)}", todo=todo, code="type-impossible")
    fits, note, why = _ROUTES[have, want]
    return (Way.EXACT, note) if fits(source, target) else (Way.CHECKED, why)


def cast(values: pa.Array, target: Any) -> pa.Array:
    """The values as `target`, to which `way` found one; null where a value would change."""
    have, want = kind(values.type), kind(target)
    if have is Kind.NULL:
        return pa.nulls(len(values), target)
    if want is Kind.TEXT:
        return pc.cast(write(values), target)
    if have is Kind.TEXT:
        return read(values, target)[0]
    if have in _NUMBERS and want in _NUMBERS:
        return _cast_number(values, target)
    if have is Kind.BOOL:
        return pc.cast(values, target)
    if want is Kind.BOOL:
        return pc.if_else(
            pc.is_in(values, pa.array([0, 1], values.type)), pc.equal(values, pa.scalar(1, values.type)), None
        )
    if have is Kind.BYTES:
        return _cast_bytes(values, target)
    return _cast_temporal(values, target)


def nearest(values: pa.Array, done: pa.Array, bad: np.ndarray) -> pa.Array:
    """`done` with its bad rows filled by the value nearest to the source's; null where there is none."""
    if len(bad) == 0:
        return done
    have, want = kind(values.type), kind(done.type)
    source = values.take(pa.array(bad))
    if want in _NUMBERS and have in (*_NUMBERS, Kind.TEXT):
        found = [_nearest_number(value, done.type) for value in _widened(source).to_pylist()]
        return with_rows(done, bad, pa.array(found, done.type))
    if want in (Kind.TIME, Kind.LOCAL, Kind.INSTANT, Kind.DURATION, Kind.DATE) and have is not Kind.TEXT:
        return with_rows(done, bad, _nearest_temporal(source, done.type))
    return done


def _digits(type: Any) -> int:
    return max(len(str(abs(limit))) for limit in limits(type))


def _whole(type: Any) -> int:
    """How many digits a decimal has before its point."""
    return type.precision - type.scale


def _integer_in_integer(source: Any, target: Any) -> bool:
    (low, high), (least, most) = limits(source), limits(target)
    return least <= low and high <= most


def _integer_in_float(source: Any, target: Any) -> bool:
    return max(abs(limit) for limit in limits(source)) <= 2 ** _MANTISSA[target.bit_width]


def _decimal_in_decimal(source: Any, target: Any) -> bool:
    return target.scale >= source.scale and _whole(target) >= _whole(source)


def _decimal_in_integer(source: Any, target: Any) -> bool:
    low, high = limits(target)
    return source.scale == 0 and low < 0 and 10**source.precision <= high


def _decimal_in_float(source: Any, target: Any) -> bool:
    return source.scale == 0 and 10**source.precision <= 2 ** _MANTISSA[target.bit_width]


def _bytes_fit(source: Any, target: Any) -> bool:
    return not pa.types.is_fixed_size_binary(target)


def _finer(source: Any, target: Any) -> bool:
    """Whether the target's unit is as fine and holds the years 1 to 9999, which int64 nanoseconds do not."""
    have, want = _per_day(source), _per_day(target)
    short = want == _per_day(pa.timestamp("ns")) and not pa.types.is_time(target)
    return want >= have and not (short and want > have)


def _possible(source: Any, target: Any) -> bool:
    fixed = pa.types.is_fixed_size_binary
    return not (fixed(source) and fixed(target)) or source.byte_width == target.byte_width


def _always(source: Any, target: Any) -> bool:
    return True


def _never(source: Any, target: Any) -> bool:
    return False


_RANGE = "its range is smaller"
_FINER = "a value must fit its unit and its range"
# Which kinds have a way: when it is exact, a note on what happens then, and what is checked otherwise.
_ROUTES: dict[tuple[Kind, Kind], tuple[Fits, str, str]] = {
    (Kind.BOOL, Kind.INTEGER): (_always, "false is 0, true is 1", ""),
    (Kind.INTEGER, Kind.BOOL): (_never, "", "only 0 and 1 are bools"),
    (Kind.INTEGER, Kind.INTEGER): (_integer_in_integer, "", _RANGE),
    (Kind.INTEGER, Kind.DECIMAL): (lambda source, target: _whole(target) >= _digits(source), "", _RANGE),
    (Kind.INTEGER, Kind.FLOAT): (_integer_in_float, "", "a float holds not every large integer"),
    (Kind.DECIMAL, Kind.DECIMAL): (_decimal_in_decimal, "", "it has fewer digits"),
    (Kind.DECIMAL, Kind.INTEGER): (_decimal_in_integer, "", "only whole numbers in its range fit"),
    (Kind.DECIMAL, Kind.FLOAT): (_decimal_in_float, "", "a binary float holds few decimal fractions exactly"),
    (Kind.FLOAT, Kind.FLOAT): (lambda source, target: target.bit_width >= source.bit_width, "", "it has fewer bits"),
    (Kind.FLOAT, Kind.INTEGER): (_never, "", "only whole numbers in its range fit"),
    (Kind.FLOAT, Kind.DECIMAL): (_never, "", "the float's exact value must have so few digits"),
    (Kind.BYTES, Kind.BYTES): (_bytes_fit, "", "every value must have its length"),
    (Kind.DATE, Kind.DATE): (_always, "", ""),
    (Kind.DATE, Kind.LOCAL): (_finer, "a date becomes its midnight", "a date becomes its midnight, within its range"),
    (Kind.LOCAL, Kind.DATE): (_never, "", "only midnights are dates"),
    (Kind.TIME, Kind.TIME): (_finer, "", _FINER),
    (Kind.LOCAL, Kind.LOCAL): (_finer, "", _FINER),
    (Kind.INSTANT, Kind.INSTANT): (_finer, "", _FINER),
    (Kind.DURATION, Kind.DURATION): (_finer, "", _FINER),
}  # fmt: skip

_TODO = {
    (Kind.INSTANT, Kind.LOCAL): "the zone would be lost: say in a query in which zone to show it, or send it as text",
    (Kind.LOCAL, Kind.INSTANT): "its zone is not known: say in a query which it is, or send it as text",
}


def _cast_number(values: pa.Array, target: Any) -> pa.Array:
    values = _widened(values)
    quick = _quick_number(values, target)
    if quick is not None:
        return quick
    found = [None if value is None else _number(value, target) for value in values.to_pylist()]
    return pa.array(found, target)


def _widened(values: pa.Array) -> pa.Array:
    return pc.cast(values, pa.float32()) if pa.types.is_float16(values.type) else values


def _quick_number(values: pa.Array, target: Any) -> pa.Array | None:
    """The cast by Arrow's kernels, where these notice each value that they would change and there is none."""
    have, want = kind(values.type), kind(target)
    if pa.types.is_float16(target) or (have, want) in (
        (Kind.DECIMAL, Kind.FLOAT),
        (Kind.FLOAT, Kind.DECIMAL),
    ):
        return None
    if have is Kind.FLOAT and want is Kind.FLOAT:
        done = pc.cast(values, target)
        same = pc.or_(pc.equal(pc.cast(done, values.type), values), pc.is_nan(values))
        return done if pc.all(same, min_count=0).as_py() else None
    if have is Kind.FLOAT and _negative_zeros(values):
        return None
    try:
        return _quick_decimal(values, target) if want is Kind.DECIMAL else pc.cast(values, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _quick_decimal(values: pa.Array, target: Any) -> pa.Array | None:
    """Integers or decimals as decimals, with room for every product: Arrow drops its upper bits without a word."""
    whole = kind(values.type) is Kind.INTEGER
    scale, digits = (0, _digits(values.type)) if whole else (values.type.scale, values.type.precision)
    digits += max(0, target.scale - scale)
    if digits > 76:
        return None
    wide: Any = pa.decimal128 if max(digits, target.precision) <= 38 else pa.decimal256
    same = pc.cast(pc.cast(values, wide(digits, scale)), wide(target.precision, target.scale))
    return pc.cast(same, target)


def _negative_zeros(values: pa.Array) -> bool:
    return bool(minus_zero(np.asarray(values)).any())


def _number(value: int | float | Decimal, type: Any) -> int | float | Decimal | None:
    """The value as the type holds it if that is numerically equal, and no zero's sign is lost; otherwise None."""
    if kind(type) is Kind.FLOAT:
        close = _nearest_float(value, type)
        return close if close is not None and (close == value or value != value) else None
    if isinstance(value, float) and (not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0)):
        return None
    scale = type.scale if kind(type) is Kind.DECIMAL else 0
    scaled = Fraction(value) * 10**scale
    return _from_scaled(scaled.numerator, type) if scaled.denominator == 1 else None


def _nearest_number(value: Any, type: Any) -> int | float | Decimal | None:
    if isinstance(value, str):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        value = math.nan if number.is_nan() else number
    if kind(type) is Kind.FLOAT:
        return _nearest_float(value, type)
    if not math.isfinite(value) or (isinstance(value, Decimal) and abs(value.adjusted()) > 1000):
        return None
    scale = type.scale if kind(type) is Kind.DECIMAL else 0
    return _from_scaled(round(Fraction(value) * 10**scale), type)


def _from_scaled(scaled: int, type: Any) -> int | Decimal | None:
    """An integer, or a decimal by its unscaled integer, if it is within the type's range."""
    if kind(type) is Kind.INTEGER:
        low, high = limits(type)
        return scaled if low <= scaled <= high else None
    if abs(scaled) >= 10**type.precision:
        return None
    return Decimal(f"{scaled}e-{type.scale}")


def _nearest_float(value: int | float | Decimal, type: Any) -> float | None:
    """The nearest float of the type; None for a finite value beyond its range."""
    narrow: Any = {16: np.float16, 32: np.float32, 64: np.float64}[type.bit_width]
    with np.errstate(over="ignore"):
        close = float(narrow(float(value)))  # numpy's own floats compare to large integers inexactly
    return None if math.isinf(close) and close != value else close


def _cast_bytes(values: pa.Array, target: Any) -> pa.Array:
    if pa.types.is_fixed_size_binary(target):
        fits = pc.equal(pc.binary_length(values), target.byte_width)
        values = pc.if_else(fits, pc.cast(values, pa.binary()), None)
    return pc.cast(values, target)


def _per_day(type: Any) -> int:
    """How many of its unit a temporal type counts in a day; a date counts days, whatever it stores."""
    if pa.types.is_date(type):
        return 1
    return DAY * PER_SECOND[type.unit]


def _cast_temporal(values: pa.Array, target: Any) -> pa.Array:
    stored, have, want = _ticks(values), _per_day(values.type), _per_day(target)
    if want > have:
        most = _MOST // (want // have)
        good = (stored >= -most) & (stored <= most)
        moved = stored * (want // have)
    else:
        good = stored % (have // want) == 0
        moved = stored // (have // want)
    return _temporal(moved, good & ~nulls(values), target)


def _nearest_temporal(values: pa.Array, target: Any) -> pa.Array:
    ratio = Fraction(_per_day(target), _per_day(values.type))
    moved = np.array([round(tick * ratio) for tick in _ticks(values).tolist()], object)
    good = np.abs(moved) <= _MOST
    return _temporal(np.where(good, moved, 0).astype(np.int64), good & ~nulls(values), target)


def _ticks(values: pa.Array) -> np.ndarray:
    return days(values) if pa.types.is_date(values.type) else numbers(values)


def _temporal(stored: np.ndarray, good: np.ndarray, target: Any) -> pa.Array:
    """An array of counts (days, of a date), null where they are not good or beyond the type."""
    if pa.types.is_date64(target):
        good = good & (np.abs(stored) <= _LAST_DAY)
        stored = stored * (DAY * 1000)
    if target.bit_width == 32:
        good = good & (stored >= -(2**31)) & (stored < 2**31)
        stored = stored.astype(np.int32)
    return pa.array(stored, mask=~good).view(target)
