"""Dates, times, timestamps, durations and intervals as text, and back: proleptic Gregorian calendar."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import DataError
from towpath.values.logical import lost, nulls, with_rows, without
from towpath.values.textform_numbers import decimal_text, read_decimal

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
DAY = 86_400
_CLOCK_PARTS = (("hour", 3600), ("minute", 60), ("second", 1))
_FIRST_DAY, _LAST_DAY = -719_528, 2_932_896  # 0000-01-01 and 9999-12-31, the years written with four digits
_DATE = r"(?P<year>\d{4}|\+\d{5,12}|-\d{4,12})-(?P<month>\d\d)-(?P<day>\d\d)"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
_OFFSET = r"(?P<sign>[+-])(?P<zone_hour>[01]\d|2[0-3])(?::?(?P<zone_minute>[0-5]\d)(?::(?P<zone_second>[0-5]\d))?)?"
_ZONE = f"(?:Z|{_OFFSET})"
# What Arrow's parser reads right in every unit if it reads it at all: far from the ends of int64 nanoseconds.
SURE = r"^(1[7-9]|2[01])\d\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?$"
_INTERVAL = re.compile(r"P(-?\d{1,10})M(-?\d{1,10})DT(-?)(\d{1,10})(?:\.(\d{1,9}))?S", re.ASCII)

Read = tuple[pa.Array, np.ndarray]


def numbers(values: pa.Array) -> np.ndarray:
    """The integers that a temporal array stores, as int64 (0 for null)."""
    width = pa.int32() if values.type.bit_width == 32 else pa.int64()
    stored = values.view(width)
    if values.null_count:
        stored = pc.fill_null(stored, 0)
    return stored.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)


def days(values: pa.Array) -> np.ndarray:
    """Days since 1970-01-01 of an array of dates. Raises DataError for a date64 that is not a whole day."""
    stored = numbers(values)
    if pa.types.is_date32(values.type):
        return stored
    if (stored % (DAY * 1000)).any():
        raise DataError(
            "a date64 value has a time of day in it", todo="cast the column to a timestamp before", code="value-refused"
        )
    return stored // (DAY * 1000)


def write_date(values: pa.Array) -> pa.Array:
    day = days(values)
    far = np.flatnonzero((day < _FIRST_DAY) | (day > _LAST_DAY))
    near = without(pa.array(np.clip(day, _FIRST_DAY, _LAST_DAY), pa.int32(), mask=nulls(values)), far)
    texts = [_far_date(int(day[row])) for row in far]
    return with_rows(pc.cast(near.view(pa.date32()), pa.string()), far, pa.array(texts, pa.string()))


def write_time(values: pa.Array) -> pa.Array:
    per, stored = PER_SECOND[values.type.unit], numbers(values)
    odd = np.flatnonzero((stored < 0) | (stored >= DAY * per))
    if len(odd) == 0:
        return pc.cast(values, pa.string())
    if (stored[odd] != DAY * per).any():
        raise DataError(
            f"a time of day is outside 00:00:00 to 24:00:00 ({int(stored[odd][0])} {values.type.unit})",
            code="value-refused",
        )
    midnight = "24:00:00" + _fraction(0, values.type.unit)
    return with_rows(pc.cast(without(values, odd), pa.string()), odd, pa.array([midnight] * len(odd)))


def write_timestamp(values: pa.Array) -> pa.Array:
    """Local timestamps, and instants in UTC with `Z`."""
    unit, stored = values.type.unit, numbers(values)
    seconds = stored // PER_SECOND[unit]
    far = np.flatnonzero((seconds < _FIRST_DAY * DAY) | (seconds >= (_LAST_DAY + 1) * DAY))
    near = without(values.view(pa.int64()), far).view(pa.timestamp(unit))
    texts = [_far_timestamp(int(stored[row]), unit) for row in far]
    local = with_rows(pc.cast(near, pa.string()), far, pa.array(texts, pa.string()))
    # Arrow prints a zoned timestamp too, twenty times as slowly.
    return local if values.type.tz is None else pc.binary_join_element_wise(local, "Z", "")


def write_duration(values: pa.Array) -> pa.Array:
    """`PT1.500000S`, `-PT1.500000S`: seconds with the unit's digits."""
    count = pc.cast(values.view(pa.int64()), pa.decimal128(19, 0))
    seconds = pc.cast(count, pa.decimal128(38, 0)).view(pa.decimal128(38, DIGITS[values.type.unit]))
    signed = pc.binary_join_element_wise("PT", decimal_text(seconds), "S", "")
    return pc.replace_substring_regex(signed, r"^PT-", "-PT")


def write_interval(values: pa.Array) -> pa.Array:
    """`P1M2DT3.000000004S`: months, days and seconds with nine digits, each with its own sign."""

    def text(months: int, count: int, nanoseconds: int) -> str:
        second, rest = divmod(abs(nanoseconds), 10**9)
        return f"P{months}M{count}DT{'-' if nanoseconds < 0 else ''}{second}.{rest:09d}S"

    return pa.array([None if value is None else text(*value) for value in values.to_pylist()], pa.string())


def read_date(texts: pa.Array, type: Any) -> Read:
    part = pc.extract_regex(texts, f"^{_DATE}$")
    day, good = _days(part)
    if pa.types.is_date32(type):
        values = _made(day, good & (day >= -(2**31)) & (day < 2**31), type)
    else:
        values = _made(day * DAY * 1000, good & (np.abs(day) < 2**63 // (DAY * 1000)), type)
    return values, lost(texts, values)


def read_time(texts: pa.Array, type: Any) -> Read:
    part = pc.extract_regex(texts, f"^{_CLOCK}$")
    second, nanosecond, good = _clock(part)
    good &= (second < DAY) | ((second == DAY) & (nanosecond == 0))
    values = _scaled(second, nanosecond, good, type)
    return values, lost(texts, values)


def read_timestamp(texts: pa.Array, type: Any) -> Read:
    """Local timestamps have no zone, and a date alone is its midnight; instants have `Z` or an offset."""
    clock = f"(?:[ T]{_CLOCK})?" if type.tz is None else f"[ T]{_CLOCK}{_ZONE}"
    part = pc.extract_regex(texts, f"^{_DATE}{clock}$")
    day, good = _days(part)
    second, nanosecond, fits = _clock(part)
    good &= fits & (second < DAY)
    second = day * DAY + second
    if type.tz is not None:
        away = sum(_number(part, f"zone_{name}") * size for name, size in _CLOCK_PARTS)
        second = second - np.where(_text(part, "sign") == "-", -away, away)
    values = _scaled(second, nanosecond, good, type)
    return values, lost(texts, values)


def read_duration(texts: pa.Array, type: Any) -> Read:
    formed = pc.match_substring_regex(texts, r"^-?PT\d+(\.\d+)?S$")
    plain = pc.replace_substring_regex(pc.if_else(formed, texts, None), r"^(-?)PT(.*)S$", r"\1\2")
    seconds, _ = read_decimal(plain, pa.decimal128(38, DIGITS[type.unit]))
    count = seconds.view(pa.decimal128(38, 0))
    low, high = (pa.scalar(limit, pa.decimal128(38, 0)) for limit in (-(2**63), 2**63 - 1))
    fits = pc.and_(pc.greater_equal(count, low), pc.less_equal(count, high))
    values = pc.cast(pc.if_else(fits, count, None), pa.int64()).view(type)
    return values, lost(texts, values)


def read_interval(texts: pa.Array, type: Any) -> Read:
    values = [None if text is None else _interval(text) for text in texts.to_pylist()]
    made = pa.array(values, type)
    return made, lost(texts, made)


def _interval(text: str) -> pa.MonthDayNano | None:
    found = _INTERVAL.fullmatch(text)
    if found is None:
        return None
    months, count = int(found[1]), int(found[2])
    nanoseconds = int(found[4]) * 10**9 + int((found[5] or "").ljust(9, "0"))
    nanoseconds = -nanoseconds if found[3] else nanoseconds
    if max(abs(months + 0.5), abs(count + 0.5)) > 2**31 or not -(2**63) <= nanoseconds < 2**63:
        return None
    return pa.MonthDayNano([months, count, nanoseconds])


def _days(part: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970-01-01, and whether there is such a day (Howard Hinnant's days_from_civil)."""
    year, month, day = (_number(part, name) for name in ("year", "month", "day"))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    length = lengths[np.where(month <= 12, month, 0)] + (leap & (month == 2))
    shifted = np.where(month <= 2, year - 1, year)
    century, within = shifted // 400, shifted % 400
    ordinal = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    count = century * 146_097 + within * 365 + within // 4 - within // 100 + ordinal - 719_468
    return count, (day >= 1) & (day <= length)


def _clock(part: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds since midnight, nanoseconds, and whether it is a time (24:59 counts, 25:00 does not)."""
    hour, minute, second = (_number(part, name) for name in ("hour", "minute", "second"))
    fraction = _column(part, "fraction")
    nanosecond = pc.utf8_rpad(pc.utf8_slice_codeunits(fraction, 0, 9), 9, "0")
    finer = pc.match_substring_regex(fraction, r"^\d{9}\d*[1-9]").to_numpy(zero_copy_only=False)
    good = (minute < 60) & (second < 60) & (hour <= 24) & ~finer.astype(bool)
    clock = sum(_number(part, name) * size for name, size in _CLOCK_PARTS)
    return np.asarray(clock), _integers(nanosecond), good & ~nulls(part)


def _scaled(second: np.ndarray, nanosecond: np.ndarray, good: np.ndarray, type: Any) -> pa.Array:
    """Seconds and nanoseconds in the type's unit. Near the ends of int64 each value is tried in Python's
    integers; the wrapped sum is right whenever the true sum fits."""
    per = PER_SECOND[type.unit]
    step = 10**9 // per
    good = good & (nanosecond % step == 0)
    for row in np.flatnonzero(good & (np.abs(second) >= 2**63 // per - 1)):
        good[row] = -(2**63) <= int(second[row]) * per + int(nanosecond[row]) // step < 2**63
    with np.errstate(over="ignore"):
        return _made(second * per + nanosecond // step, good, type)


def _made(stored: np.ndarray, good: np.ndarray, type: Any) -> pa.Array:
    width = pa.int32() if type.bit_width == 32 else pa.int64()
    return pa.array(np.where(good, stored, 0), width, mask=~good).view(type)


def _column(part: pa.Array, name: str) -> pa.Array:
    number = part.type.get_field_index(name)
    return pc.fill_null(part.field(number), "") if number >= 0 else pa.array([""] * len(part), pa.string())


def _text(part: pa.Array, name: str) -> np.ndarray:
    return np.asarray(_column(part, name).to_numpy(zero_copy_only=False))


def _number(part: pa.Array, name: str) -> np.ndarray:
    return _integers(_column(part, name))


def _integers(texts: pa.Array) -> np.ndarray:
    known = pc.if_else(pc.equal(texts, ""), "0", texts)
    return np.asarray(pc.cast(pc.replace_substring_regex(known, r"^\+", ""), pa.int64()))


def _far_date(day: int) -> str:
    """A date outside the years 0 to 9999 in ISO 8601's expanded form (Howard Hinnant's civil_from_days)."""
    century, within = divmod(day + 719_468, 146_097)
    year = (within - within // 1460 + within // 36_524 - within // 146_096) // 365
    ordinal = within - (365 * year + year // 4 - year // 100)
    shifted = (5 * ordinal + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year += century * 400 + (month <= 2)
    shown = f"+{year}" if year > 9999 else f"-{-year:04d}"
    return f"{shown}-{month:02d}-{ordinal - (153 * shifted + 2) // 5 + 1:02d}"


def _far_timestamp(stored: int, unit: str) -> str:
    second, rest = divmod(stored, PER_SECOND[unit])
    day, clock = divmod(second, DAY)
    shown = f"{clock // 3600:02d}:{clock // 60 % 60:02d}:{clock % 60:02d}"
    return f"{_far_date(day)} {shown}{_fraction(rest, unit)}"


def _fraction(rest: int, unit: str) -> str:
    return f".{rest:0{DIGITS[unit]}d}" if DIGITS[unit] else ""
