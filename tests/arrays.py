"""Random arrays of every kind for property tests, and the exact Python value of each element."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from towpath.values.logical import Kind, build_list, elements, fields, kind, nulls, plain, plain_type

SCALARS = (
    [pa.null(), pa.bool_(), pa.int8(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64()]
    + [
        pa.decimal128(5, 0),
        pa.decimal128(12, 2),
        pa.decimal128(38, 10),
        pa.decimal128(4, 4),
        pa.decimal256(60, 7),
    ]
    + [pa.decimal32(6, 2), pa.decimal64(15, 3), pa.float16(), pa.float32(), pa.float64()]
    + [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
    + [pa.binary(), pa.large_binary(), pa.binary(3), pa.binary_view(), pa.date32(), pa.date64()]
    + [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.month_day_nano_interval()]
    + [pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Europe/Paris")]
    + [pa.duration(unit) for unit in ("s", "ms", "us", "ns")]
)
DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
INT64 = st.integers(-(2**63), 2**63 - 1)
NEAR = st.integers(-(10**6), 10**6)


def types(depth: int = 2) -> st.SearchStrategy[pa.DataType]:
    """Any type; nested ones to a depth."""
    scalar = st.sampled_from(SCALARS)
    if depth == 0:
        return scalar
    inner = types(depth - 1)
    return st.one_of(
        scalar,
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(lambda type: pa.list_(plain_type(type), 2)),
        st.lists(inner, max_size=3).map(lambda found: pa.struct([(f"f {n}", t) for n, t in enumerate(found)])),
        st.tuples(st.sampled_from([pa.string(), pa.int16(), pa.date32()]), inner).map(lambda pair: pa.map_(*pair)),
    )


@st.composite
def arrays(draw: st.DrawFn, type: pa.DataType | None = None, most: int = 12) -> pa.Array:
    """An array of the type (or of any), often a slice of a longer one."""
    type = draw(types()) if type is None else type
    made = _made(draw, type, draw(st.integers(0, most)))
    if len(made) > 1 and draw(st.booleans()):
        first = draw(st.integers(0, len(made) - 1))
        return made.slice(first, draw(st.integers(0, len(made) - first)))
    return made


def _made(draw: st.DrawFn, type: Any, rows: int, null: bool = True) -> pa.Array:
    if pa.types.is_null(type):
        return pa.nulls(rows)
    missing = np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), bool) & null
    if pa.types.is_dictionary(type):
        plain_values = _made(draw, type.value_type, rows)
        return plain_values.dictionary_encode().cast(type)
    found = kind(type)
    if found is Kind.STRUCT:
        children = [_made(draw, field.type, rows) for field in fields(type)]
        if not children:
            return pa.array([None if gone else {} for gone in missing], type)
        return pa.StructArray.from_arrays(children, fields=fields(type), mask=pa.array(missing))
    if found in (Kind.LIST, Kind.MAP):
        return _lists(draw, type, rows, missing)
    stored = [draw(_stored(type)) for _ in range(rows)]
    if found in (Kind.BOOL, Kind.DECIMAL, Kind.FLOAT, Kind.TEXT, Kind.BYTES, Kind.INTERVAL, Kind.INTEGER):
        return pa.array(stored, type, mask=missing)
    width = pa.int32() if type.bit_width == 32 else pa.int64()
    return pa.array(stored, width, mask=missing).view(type)


def _lists(draw: st.DrawFn, type: Any, rows: int, missing: np.ndarray) -> pa.Array:
    fixed = pa.types.is_fixed_size_list(type)
    size = st.just(type.list_size) if fixed else st.integers(0, 3)
    lengths = np.array([0 if gone else draw(size) for gone in missing], np.int64)
    total = int(lengths.sum())
    if pa.types.is_map(type):
        parts = [_made(draw, type.key_type, total, null=False), _made(draw, type.item_type, total)]
        child = pa.StructArray.from_arrays(parts, names=["key", "value"])
    else:
        child = _made(draw, type.value_type, total)
    return build_list(type, child, lengths, missing)


def _stored(type: Any) -> st.SearchStrategy[Any]:
    found = kind(type)
    if found is Kind.BOOL:
        return st.booleans()
    if found is Kind.INTEGER:
        bits = type.bit_width
        signed = pa.types.is_signed_integer(type)
        return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)
    if found is Kind.DECIMAL:
        most = 10**type.precision - 1
        return st.one_of(st.integers(-most, most), st.integers(-min(most, 10**6), min(most, 10**6))).map(
            lambda number: _decimal(number, type.scale)
        )
    if found is Kind.FLOAT:
        width = type.bit_width
        floats = st.one_of(st.floats(width=width), st.sampled_from([0.0, -0.0, 1.5, 1e4, 100.0]))
        return floats.map(np.float16) if width == 16 else floats
    if found is Kind.TEXT:
        odd = st.sampled_from(["", "5", "00501", "1.50", "2024-01-02", "true", "a\0b", "NaN", '"', "é", "AAEC"])
        return st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), odd)
    if found is Kind.BYTES:
        size = type.byte_width if pa.types.is_fixed_size_binary(type) else None
        return st.binary(min_size=size or 0, max_size=size or 20)
    if found is Kind.INTERVAL:
        small = st.integers(-(2**31), 2**31 - 1)
        return st.tuples(small, small, INT64).map(pa.MonthDayNano)
    if found is Kind.DATE:
        whole = st.integers(-(2**31), 2**31 - 1)
        days = st.one_of(whole, NEAR)
        return days if pa.types.is_date32(type) else days.map(lambda day: day * 86_400_000)
    if found is Kind.TIME:
        return st.integers(0, DAY[type.unit] - 1)
    return st.one_of(INT64, NEAR, NEAR.map(lambda number: number * DAY[type.unit] // 86_400))


def _decimal(number: int, scale: int) -> Any:
    from decimal import Decimal

    return Decimal((int(number < 0), tuple(int(digit) for digit in str(abs(number))), -scale))


def same(left: pa.Array, right: pa.Array) -> bool:
    """Whether two arrays of one plain type hold the same values bit for bit, any NaN being equal to any other."""
    return [bits(value) for value in exact(left)] == [bits(value) for value in exact(right)]


def bits(value: Any) -> Any:
    """A value that compares equal only to itself: floats by sign and NaN, also inside lists and dicts."""
    if isinstance(value, float):
        return ("float", "nan" if value != value else value.hex())
    if isinstance(value, (list, tuple)):
        return [bits(part) for part in value]
    if isinstance(value, dict):
        return {name: bits(part) for name, part in value.items()}
    return value


def exact(values: pa.Array) -> list[Any]:
    """Exact Python values: temporal ones as the integers that are stored, lists, dicts and pairs for nested ones."""
    values = plain(values)
    found = kind(values.type)
    null = nulls(values)
    if found is Kind.STRUCT:
        names = [field.name for field in fields(values.type)]
        columns = [exact(child) for child in values.flatten()]
        rows: list[Any] = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        rows = rows if names else [{} for _ in null]
    elif found in (Kind.LIST, Kind.MAP):
        child, lengths = elements(values)
        parts = exact(child)
        ends = np.cumsum(lengths).tolist()
        rows = [parts[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]
    elif found in (Kind.DATE, Kind.TIME, Kind.LOCAL, Kind.INSTANT, Kind.DURATION):
        rows = values.view(pa.int32() if values.type.bit_width == 32 else pa.int64()).to_pylist()
    elif found is Kind.FLOAT:
        rows = [None if value is None else float(value) for value in values.to_pylist()]
    else:
        rows = values.to_pylist()
    return [None if gone else row for row, gone in zip(rows, null, strict=True)]
