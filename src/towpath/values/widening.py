"""Wider types: what a column must become to hold also the values of another type, each exactly as it is."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from towpath.values.logical import Kind, kind, plain_type

BEYOND_INT64 = pa.decimal128(38, 0)
"""Integers that no type of 64 bits holds."""

_SIGNED = (pa.int8(), pa.int16(), pa.int32(), pa.int64())
_UNSIGNED = (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
_UNITS = ("s", "ms", "us", "ns")


def wider(kept: pa.DataType, type: pa.DataType) -> pa.DataType | None:
    """The narrowest type of `kept`'s kind that holds all values of both; None when there is none.

    Integers may become `BEYOND_INT64`. Whether a unit of time reaches as many years is for `convert.way` to say."""
    have, want = plain_type(kept), plain_type(type)
    of = kind(have), kind(want)
    if of[0] is Kind.INTEGER:
        return _integer(have, want)
    if of[0] is Kind.FLOAT and of[1] in (Kind.FLOAT, Kind.INTEGER):
        return pa.float64()
    if of[0] is Kind.DECIMAL:
        return _decimal(have, want)
    if of[0] is of[1] and of[0] in (Kind.LOCAL, Kind.INSTANT, Kind.TIME):
        return _finer(have, want)
    return None


def _integer(have: pa.DataType, want: Any) -> pa.DataType | None:
    ranges = _range(have), _range(want)
    if ranges[0] is None or ranges[1] is None:
        return None
    low, high = min(ranges[0][0], ranges[1][0]), max(ranges[0][1], ranges[1][1])
    for type in (*(_UNSIGNED if have in _UNSIGNED else ()), *_SIGNED):
        found = _range(type)
        if found is not None and found[0] <= low and high <= found[1]:
            return type
    return BEYOND_INT64


def _range(type: Any) -> tuple[int, int] | None:
    """The least and the greatest whole number of a type; None for one that has fractions."""
    if pa.types.is_decimal(type) and type.scale == 0 and type.precision <= BEYOND_INT64.precision:
        most = 10**type.precision - 1
        return -most, most
    if not pa.types.is_integer(type):
        return None
    if type in _UNSIGNED:
        return 0, 2**type.bit_width - 1
    return -(2 ** (type.bit_width - 1)), 2 ** (type.bit_width - 1) - 1


def _decimal(have: Any, want: Any) -> pa.DataType | None:
    digits = _digits(want)
    if digits is None:
        return None
    whole, scale = max(have.precision - have.scale, digits[0]), max(have.scale, digits[1])
    return pa.decimal128(whole + scale, scale) if whole + scale <= 38 else None


def _digits(type: Any) -> tuple[int, int] | None:
    """How many digits a number has before and after its point."""
    if pa.types.is_decimal(type):
        return type.precision - type.scale, type.scale
    found = _range(type)
    return None if found is None else (len(str(found[1])), 0)


def _finer(have: Any, want: Any) -> pa.DataType:
    unit = max(have.unit, want.unit, key=_UNITS.index)
    if pa.types.is_time(have):
        return pa.time64(unit) if unit in ("us", "ns") else pa.time32(unit)
    return pa.timestamp(unit, have.tz)
