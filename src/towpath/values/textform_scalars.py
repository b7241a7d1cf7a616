"""Scalars as text, and back: Arrow's kernels on the whole array, then care for the rows in doubt."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.values import shapes
from towpath.values import textform_numbers as number
from towpath.values import textform_times as time
from towpath.values.logical import Kind, kind, lost, nulls, with_rows

Read = tuple[pa.Array, np.ndarray]

_TRUE, _FALSE = pa.array(["true", "True", "TRUE"]), pa.array(["false", "False", "FALSE"])


def _by_arrow(values: pa.Array) -> pa.Array:
    return pc.cast(values, pa.string())


def _write_bytes(values: pa.Array) -> pa.Array:
    texts = [None if value is None else base64.b64encode(value).decode() for value in values.to_pylist()]
    return pa.array(texts, pa.string())


def _read_text(texts: pa.Array, type: Any) -> Read:
    return pc.cast(texts, type), np.empty(0, np.int64)


def _read_bool(texts: pa.Array, type: Any) -> Read:
    true, false = pc.is_in(texts, _TRUE), pc.is_in(texts, _FALSE)
    return pc.if_else(pc.or_(true, false), true, None), np.flatnonzero(~nulls(texts) & ~np.asarray(pc.or_(true, false)))


def _read_bytes(texts: pa.Array, type: Any) -> Read:
    width = type.byte_width if pa.types.is_fixed_size_binary(type) else None
    values = [None if text is None else _bytes(text, width) for text in texts.to_pylist()]
    made = pa.array(values, type)
    return made, lost(texts, made)


def _bytes(text: str, width: int | None) -> bytes | None:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    canonical = base64.b64encode(value).decode() == text
    return value if canonical and width in (None, len(value)) else None


def _read_null(texts: pa.Array, type: Any) -> Read:
    return pa.nulls(len(texts)), np.flatnonzero(~nulls(texts))


_WRITE: dict[Kind, Callable[[pa.Array], pa.Array]] = {
    Kind.NULL: _by_arrow,
    Kind.BOOL: _by_arrow,
    Kind.INTEGER: _by_arrow,
    Kind.DECIMAL: number.decimal_text,
    Kind.FLOAT: number.float_text,
    Kind.TEXT: _by_arrow,
    Kind.BYTES: _write_bytes,
    Kind.DATE: time.write_date,
    Kind.TIME: time.write_time,
    Kind.LOCAL: time.write_timestamp,
    Kind.INSTANT: time.write_timestamp,
    Kind.DURATION: time.write_duration,
    Kind.INTERVAL: time.write_interval,
}

_READ: dict[Kind, Callable[[pa.Array, Any], Read]] = {
    Kind.NULL: _read_null,
    Kind.BOOL: _read_bool,
    Kind.INTEGER: number.read_integer,
    Kind.DECIMAL: number.read_decimal,
    Kind.FLOAT: number.read_float,
    Kind.TEXT: _read_text,
    Kind.BYTES: _read_bytes,
    Kind.DATE: time.read_date,
    Kind.TIME: time.read_time,
    Kind.LOCAL: time.read_timestamp,
    Kind.INSTANT: time.read_timestamp,
    Kind.DURATION: time.read_duration,
    Kind.INTERVAL: time.read_interval,
}

_QUICK = {Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.DATE, Kind.LOCAL, Kind.INSTANT}


def write(values: pa.Array) -> pa.Array:
    """A plain scalar array as text."""
    return _WRITE[kind(values.type)](values)


def read(texts: pa.Array, type: pa.DataType) -> Read:
    """Texts as scalars of a plain type. What Arrow parses and would print the same needs no further care."""
    found = kind(type)
    if found not in _QUICK:
        return _READ[found](texts, type)
    quick = _quick(texts, type)
    if quick is None:
        return _READ[found](texts, type)
    if _is_sure(texts, type):
        return quick, np.empty(0, np.int64)
    same = pc.fill_null(pc.equal(write(quick), texts), True)
    doubt = np.flatnonzero(~np.asarray(same))
    if found in (Kind.LOCAL, Kind.INSTANT):
        doubt = doubt[~np.asarray(pc.match_substring_regex(texts.take(pa.array(doubt)), time.SURE))]
    if len(doubt) == 0:
        return quick, doubt
    values, bad = _READ[found](texts.take(pa.array(doubt)), type)
    return with_rows(quick, doubt, values), doubt[bad]


def _is_sure(texts: pa.Array, type: Any) -> bool:
    """Whether what Arrow parses is what the texts say, for they all are of a shape of which it can be no other."""
    if pa.types.is_date(type):
        return shapes.dates(texts)
    if pa.types.is_integer(type) or pa.types.is_decimal(type) or type == pa.float64():
        found = shapes.plain(texts)
        if found is None or found.minus_zero:
            return False
        if pa.types.is_floating(type):
            return found.longest <= shapes.SURELY_EXACT
        if pa.types.is_integer(type):
            return found.scale == 0
        return found.scale <= type.scale and found.whole + type.scale <= type.precision
    return False


def _quick(texts: pa.Array, type: pa.DataType) -> pa.Array | None:
    try:
        return pc.cast(texts, type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
