"""Integers, decimals and floats as text, and back."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.values.logical import lost, with_rows, without

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_SPECIAL = r"^(NaN|-?inf)$"
# Any plain number of so few characters survives in the float's 15 (6) sure decimal digits.
_SURE = {64: r"^-?[0-9]{1,8}(\.[0-9]{1,7})?$", 32: r"^-?[0-9]{1,3}(\.[0-9]{1,3})?$"}

Read = tuple[pa.Array, np.ndarray]


def decimal_text(values: pa.Array) -> pa.Array:
    """Plain digits with the scale's: Arrow's own text turns to exponents for small values."""
    texts = pc.cast(values, pa.string())
    short = np.flatnonzero(pc.fill_null(pc.match_substring(texts, "E"), False).to_numpy(zero_copy_only=False))
    if len(short) == 0:
        return texts
    plain = [format(value, "f") for value in values.take(pa.array(short)).to_pylist()]
    return with_rows(texts, short, pa.array(plain, pa.string()))


def float_text(values: pa.Array) -> pa.Array:
    """The shortest text that gives the same float back; `NaN`, `inf`, `-inf`, `-0.0`."""
    if pa.types.is_float16(values.type):
        values = pc.cast(values, pa.float32())
    texts = pc.cast(values, pa.string())
    texts = pc.if_else(pc.equal(texts, "-0"), "-0.0", texts)
    return pc.if_else(pc.is_nan(values), "NaN", texts)


def read_integer(texts: pa.Array, type: Any) -> Read:
    """Canonical spellings only: `00501`, `+5` and `-0` are text that looks like a number."""
    formed = pc.match_substring_regex(texts, r"^(0|-?[1-9][0-9]{0,19})$")
    wide = pc.cast(pc.if_else(formed, texts, None), pa.decimal128(38, 0))
    low, high = (pa.scalar(limit, pa.decimal128(38, 0)) for limit in limits(type))
    fits = pc.and_(pc.greater_equal(wide, low), pc.less_equal(wide, high))
    values = pc.cast(pc.if_else(fits, wide, None), type)
    return values, lost(texts, values)


def limits(type: Any) -> tuple[int, int]:
    """The smallest and the largest value of an integer type."""
    bits = type.bit_width
    if pa.types.is_unsigned_integer(type):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def read_decimal(texts: pa.Array, type: Any) -> Read:
    """Plain digits whose value the precision and scale hold exactly; zeros beyond the scale do no harm."""
    before, scale = type.precision - type.scale, type.scale
    whole = f"(0|[1-9][0-9]{{0,{before - 1}}})" if before else "0"
    fraction = f"(\\.[0-9]{{1,{scale}}}0*)?" if scale else r"(\.0+)?"
    formed = pc.match_substring_regex(texts, f"^-?{whole}{fraction}$")
    cut = (f"^([^.]*\\.[0-9]{{{scale}}})0+$", r"\1") if scale else (r"\.0+$", "")
    plain = pc.replace_substring_regex(pc.if_else(formed, texts, None), *cut)
    wide = pa.decimal128 if type.precision <= 38 else pa.decimal256
    values = pc.cast(pc.cast(plain, wide(type.precision, scale)), type)
    return values, lost(texts, values)


def read_float(texts: pa.Array, type: Any) -> Read:
    """Any spelling of a number to which the float's shortest text is numerically equal."""
    if pa.types.is_float16(type):
        return _read_half(texts, type)
    number = pc.match_substring_regex(texts, _NUMBER)
    formed = pc.or_(number, pc.match_substring_regex(texts, _SPECIAL))
    values = pc.cast(pc.if_else(formed, texts, None), type)
    sure = pc.match_substring_regex(texts, _SURE[type.bit_width])
    doubt = np.flatnonzero(pc.fill_null(pc.and_not(number, sure), False).to_numpy(zero_copy_only=False))
    rows = pa.array(doubt)
    pairs = zip(texts.take(rows).to_pylist(), float_text(values.take(rows)).to_pylist(), strict=True)
    changed = np.array([not _same(text, shortest) for text, shortest in pairs], bool)
    values = without(values, doubt[changed])
    return values, lost(texts, values)


def _read_half(texts: pa.Array, type: Any) -> Read:
    """As a text of the single that is equal to it, or of the double: both are written for halves."""
    values = _halves(texts, type, pa.float32())
    rows = lost(texts, values)
    if len(rows):
        values = with_rows(values, rows, _halves(texts.take(pa.array(rows)), type, pa.float64()))
    return values, lost(texts, values)


def _halves(texts: pa.Array, type: Any, wide: pa.DataType) -> pa.Array:
    numbers, _ = read_float(texts, wide)
    values = pc.cast(numbers, type)
    changed = pc.and_not(pc.not_equal(pc.cast(values, wide), numbers), pc.is_nan(numbers))
    return without(values, np.flatnonzero(pc.fill_null(changed, False).to_numpy(zero_copy_only=False)))


def _same(text: str, shortest: str) -> bool:
    try:
        return Decimal(text) == Decimal(shortest)
    except InvalidOperation:  # an exponent beyond Decimal's, let alone a float's
        return False
