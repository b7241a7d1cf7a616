"""Scalars become other scalars: every pair of kinds at the very edge of what fits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from towpath.errors import Refused
from towpath.nouns import ColumnPlan, Stored, Way
from towpath.values.convert import cast, convert, way

E, C = Way.EXACT, Way.CHECKED
NAN, INF = float("nan"), float("inf")
INTERVAL = pa.month_day_nano_interval()


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (pa.uint8(), pa.uint16(), E),
        (pa.uint8(), pa.int8(), C),
        (pa.uint8(), pa.int16(), E),
        (pa.int8(), pa.uint16(), C),
        (pa.int16(), pa.int8(), C),
        (pa.int64(), pa.decimal128(21, 2), E),
        (pa.int64(), pa.decimal128(20, 2), C),
        (pa.uint8(), pa.decimal128(3, 0), E),
        (pa.uint8(), pa.decimal128(2, 0), C),
        (pa.int8(), pa.float16(), E),
        (pa.int16(), pa.float16(), C),
        (pa.uint16(), pa.float32(), E),
        (pa.uint32(), pa.float32(), C),
        (pa.uint32(), pa.float64(), E),
        (pa.uint64(), pa.float64(), C),
        (pa.decimal128(12, 2), pa.decimal128(13, 3), E),
        (pa.decimal128(12, 2), pa.decimal128(12, 1), C),
        (pa.decimal128(12, 2), pa.decimal128(13, 1), C),
        (pa.decimal128(12, 2), pa.decimal128(13, 4), C),
        (pa.decimal128(2, 0), pa.int8(), E),
        (pa.decimal128(3, 0), pa.int8(), C),
        (pa.decimal128(2, 1), pa.int8(), C),
        (pa.decimal128(2, 0), pa.uint8(), C),
        (pa.decimal128(3, 0), pa.float16(), E),
        (pa.decimal128(4, 0), pa.float16(), C),
        (pa.decimal128(7, 0), pa.float32(), E),
        (pa.decimal128(8, 0), pa.float32(), C),
        (pa.decimal128(15, 0), pa.float64(), E),
        (pa.decimal128(16, 0), pa.float64(), C),
        (pa.decimal128(3, 1), pa.float64(), C),
        (pa.float16(), pa.float32(), E),
        (pa.float32(), pa.float16(), C),
        (pa.binary(), pa.large_binary(), E),
        (pa.binary(4), pa.binary(), E),
        (pa.date32(), pa.date64(), E),
        (pa.date64(), pa.timestamp("ms"), E),
        (pa.time32("ms"), pa.time32("s"), C),
        (pa.time32("s"), pa.time32("ms"), E),
        (pa.timestamp("ns"), pa.timestamp("s"), C),
        (pa.timestamp("ms"), pa.timestamp("us"), E),
        (pa.timestamp("us"), pa.timestamp("ms"), C),
        (pa.timestamp("ns", "UTC"), pa.timestamp("ns", "Europe/Paris"), E),
        (pa.duration("s"), pa.duration("ms"), E),
        (pa.duration("ns"), pa.duration("us"), C),
    ],
)
def test_the_way_is_exact_where_the_whole_range_fits(source: pa.DataType, target: pa.DataType, expected: Way) -> None:
    assert way(source, Stored(target))[0] is expected


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (pa.int8(), pa.string(), "int8 written as text"),
        (pa.string(), pa.large_string(), ""),
        (pa.string(), pa.int8(), "every text must be of the type int8"),
        (pa.string(), pa.null(), "only null fits"),
        (pa.null(), pa.int8(), ""),
        (pa.null(), pa.null(), ""),
        (INTERVAL, INTERVAL, ""),
        (pa.bool_(), pa.int8(), "false is 0, true is 1"),
        (pa.int8(), pa.bool_(), "only 0 and 1 are bools"),
        (pa.date32(), pa.timestamp("us"), "a date becomes its midnight"),
    ],
)
def test_the_way_says_why(source: pa.DataType, target: pa.DataType, words: str) -> None:
    assert way(source, Stored(target))[1] == words


@pytest.mark.parametrize(
    ("source", "target", "todo"),
    [
        (pa.binary(3), pa.binary(4), "change it in a query, or send it as text"),
        (pa.int8(), pa.date32(), "change it in a query, or send it as text"),
        (pa.timestamp("us"), pa.timestamp("us", "UTC"), "its zone is not known: say in a query which it is"),
    ],
)
def test_what_has_no_way_has_a_way_out(source: pa.DataType, target: pa.DataType, todo: str) -> None:
    with pytest.raises(Refused) as caught:
        way(source, Stored(target))
    assert caught.value.todo.startswith(todo)


def ticks(type: Any, counts: list[int | None]) -> pa.Array:
    return pa.array(counts, pa.int32() if type.bit_width == 32 else pa.int64()).view(type)


def held(values: Any) -> list[Any]:
    """The values as they are stored: times as their counts, floats with their sign."""
    if pa.types.is_temporal(values.type) and not pa.types.is_interval(values.type):
        values = values.view(pa.int32() if values.type.bit_width == 32 else pa.int64())
    return [repr(float(one)) if isinstance(one, (float, np.float16)) else one for one in values.to_pylist()]


X = None
FLOATS = [0.0, -0.0, 1.0, 1.5, -2.0, NAN, INF, -INF, X]
BIG = 2**62


@pytest.mark.parametrize(
    ("values", "source", "target", "expected"),
    [
        ([X, X], pa.null(), pa.int8(), [X, X]),
        ([7, X, -1], pa.int8(), pa.string(), ["7", X, "-1"]),
        ([7, X, -1], pa.int8(), pa.large_string(), ["7", X, "-1"]),
        (["7", X, "x", "128", "007"], pa.string(), pa.int8(), [7, X, X, X, X]),
        ([0, 127, 128, -1, X], pa.int16(), pa.int8(), [0, 127, X, -1, X]),
        ([0, 127, -1], pa.int16(), pa.uint64(), [0, 127, X]),
        ([2**64 - 1, 0], pa.uint64(), pa.decimal128(20, 0), [Decimal(2**64 - 1), Decimal(0)]),
        ([99, 100, -99, -100, X], pa.int8(), pa.decimal128(4, 2), [Decimal(99), X, Decimal(-99), X, X]),
        ([99, 100, X], pa.int8(), pa.decimal32(2, 0), [Decimal(99), X, X]),
        ([2048, 2049, 65504, X], pa.int32(), pa.float16(), ["2048.0", X, "65504.0", X]),
        ([2**24, 2**24 + 1, 0], pa.int64(), pa.float32(), ["16777216.0", X, "0.0"]),
        ([Decimal("1.00"), Decimal("-1.50"), X], pa.decimal128(5, 2), pa.int8(), [1, X, X]),
        ([Decimal("128.00"), Decimal("-128.00")], pa.decimal128(5, 2), pa.int8(), [X, -128]),
        ([Decimal("1.50"), Decimal("1.25"), X], pa.decimal128(5, 2), pa.decimal128(5, 1), [Decimal("1.5"), X, X]),
        ([Decimal("99.9"), Decimal("-9.9")], pa.decimal128(3, 1), pa.decimal64(3, 2), [X, Decimal("-9.90")]),
        # Values whose product with a power of ten, cut to the bits of a decimal, looks like one that fits.
        ([65535, 0], pa.uint16(), pa.decimal128(38, 38), [X, Decimal(0)]),
        ([2**63 - 1, -1], pa.int64(), pa.decimal128(38, 28), [X, Decimal(-1)]),
        ([7, 2**128 // 10**20 + 5], pa.int64(), pa.decimal128(38, 20), [Decimal(7), X]),  # 39 digits of 38
        ([Decimal(7)], pa.decimal128(38, 0), pa.decimal256(76, 39), [Decimal(7)]),  # 77 digits of 76
        ([311_900_269, 1], pa.int64(), pa.decimal32(9, 4), [X, Decimal(1)]),
        ([Decimal(18_446_744 * 10**12), X], pa.decimal128(38, 0), pa.decimal128(38, 22), [X, X]),
        ([Decimal(-70), Decimal(0)], pa.decimal128(2, 0), pa.decimal256(76, 76), [X, Decimal(0)]),
        ([Decimal(-(10**48)), Decimal("0.5")], pa.decimal256(76, 4), pa.decimal256(76, 71), [X, Decimal("0.5")]),
        ([Decimal(10**50), Decimal(7)], pa.decimal256(60, 0), pa.decimal32(9, 2), [X, Decimal(7)]),
        ([Decimal("0.5"), Decimal("0.1"), X], pa.decimal128(2, 1), pa.float64(), ["0.5", X, X]),
        ([Decimal(2**53), Decimal(2**53 + 1)], pa.decimal128(20, 0), pa.float64(), [repr(2.0**53), X]),
        (FLOATS, pa.float64(), pa.int8(), [0, X, 1, X, -2, X, X, X, X]),
        (FLOATS, pa.float16(), pa.int64(), [0, X, 1, X, -2, X, X, X, X]),
        ([127.0, 128.0, 1e300], pa.float64(), pa.int8(), [127, X, X]),
        (FLOATS, pa.float64(), pa.decimal128(2, 1),
         [Decimal("0.0"), X, Decimal("1.0"), Decimal("1.5"), Decimal("-2.0"), X, X, X, X]),
        (FLOATS, pa.float32(), pa.decimal32(2, 1),
         [Decimal("0.0"), X, Decimal("1.0"), Decimal("1.5"), Decimal("-2.0"), X, X, X, X]),
        ([0.1, 0.5, 99.5, 9.75], pa.float64(), pa.decimal128(2, 1), [X, Decimal("0.5"), X, X]),
        (FLOATS, pa.float64(), pa.float32(), ["0.0", "-0.0", "1.0", "1.5", "-2.0", "nan", "inf", "-inf", X]),
        (FLOATS, pa.float64(), pa.float16(), ["0.0", "-0.0", "1.0", "1.5", "-2.0", "nan", "inf", "-inf", X]),
        (FLOATS, pa.float16(), pa.float64(), ["0.0", "-0.0", "1.0", "1.5", "-2.0", "nan", "inf", "-inf", X]),
        ([0.1, 1e39, 1e-50, 0.5], pa.float64(), pa.float32(), [X, X, X, "0.5"]),
        ([65504.0, 65520.0, 0.1], pa.float32(), pa.float16(), ["65504.0", X, X]),
        ([True, False, X], pa.bool_(), pa.int8(), [1, 0, X]),
        ([1, 0, X, 2, -1], pa.int8(), pa.bool_(), [True, False, X, X, X]),
        ([b"abc", b"abcd", b"", X], pa.binary(), pa.binary(3), [b"abc", X, X, X]),
        ([b"abc", X], pa.large_binary(), pa.binary(3), [b"abc", X]),
        ([b"abc", X], pa.binary(3), pa.binary(), [b"abc", X]),
        ([b"abc", X], pa.binary(), pa.large_binary(), [b"abc", X]),
    ],
)  # fmt: skip
def test_a_value_fits_whole_or_not_at_all(
    values: list[Any], source: pa.DataType, target: pa.DataType, expected: list[Any]
) -> None:
    done = cast(pa.array(values, source), source, target)
    done.values.validate(full=True)
    assert done.values.type == target
    assert held(done.values) == expected
    assert done.bad.tolist() == [row for row, one in enumerate(expected) if one is None and values[row] is not None]
    # Each value alone too: what decides on one must not hang on its neighbours.
    alone = [cast(pa.array([value], source), source, target).values for value in values]
    assert [held(one)[0] for one in alone] == expected


@pytest.mark.parametrize(
    ("source", "target", "counts", "expected"),
    [
        (pa.date32(), pa.date64(), [1, -1, X], [86_400_000, -86_400_000, X]),
        (pa.date32(), pa.timestamp("s"), [1, -1, X, 2**31 - 1], [86_400, -86_400, X, (2**31 - 1) * 86_400]),
        (pa.date32(), pa.timestamp("ns"), [106_751, 106_752, -106_751, -106_752],
         [106_751 * 86_400 * 10**9, X, -106_751 * 86_400 * 10**9, X]),
        (pa.date64(), pa.date32(), [86_400_000, X], [1, X]),
        (pa.date64(), pa.timestamp("us"), [86_400_000, X], [86_400 * 10**6, X]),
        (pa.timestamp("s"), pa.date32(), [0, 86_400, 86_401, -86_400, 2**31 * 86_400, -(2**31) * 86_400, X],
         [0, 1, X, -1, X, -(2**31), X]),
        (pa.timestamp("s"), pa.date32(), [(2**31 - 1) * 86_400, -(2**31 + 1) * 86_400], [2**31 - 1, X]),
        (pa.timestamp("s"), pa.date64(), [86_400, X], [86_400_000, X]),
        (pa.timestamp("s"), pa.date64(),
         [106_751_991_167 * 86_400, 106_751_991_168 * 86_400, -106_751_991_167 * 86_400, -106_751_991_168 * 86_400],
         [106_751_991_167 * 86_400_000, X, -106_751_991_167 * 86_400_000, X]),
        (pa.timestamp("s"), pa.timestamp("ms"), [1, -1, X], [1000, -1000, X]),
        (pa.timestamp("s"), pa.timestamp("us"), [9_223_372_036_854, 9_223_372_036_855, -9_223_372_036_855],
         [9_223_372_036_854 * 10**6, X, X]),
        (pa.timestamp("s"), pa.timestamp("ms"),
         [9_223_372_036_854_775, 9_223_372_036_854_776, -9_223_372_036_854_775, -9_223_372_036_854_776],
         [9_223_372_036_854_775_000, X, -9_223_372_036_854_775_000, X]),
        (pa.timestamp("ns"), pa.timestamp("us"), [9_007_199_254_740_993_000, 4_611_686_018_427_264_001],
         [9_007_199_254_740_993, X]),
        (pa.timestamp("us"), pa.timestamp("s"), [10**6, 10**6 + 1, -(10**6), -1, X], [1, X, -1, X, X]),
        (pa.timestamp("ns"), pa.timestamp("ns"), [1, X], [1, X]),
        (pa.timestamp("s", "UTC"), pa.timestamp("ms", "Europe/Paris"), [1, X], [1000, X]),
        (pa.timestamp("us", "UTC"), pa.timestamp("us", "Europe/Paris"), [-(2**63), 2**63 - 1, X],
         [-(2**63), 2**63 - 1, X]),
        (pa.time64("us"), pa.time32("s"), [86_399 * 10**6, 1, X], [86_399, X, X]),
        (pa.time32("s"), pa.time64("ns"), [86_399, X], [86_399 * 10**9, X]),
        (pa.time32("ms"), pa.time32("s"), [2000, 2001], [2, X]),
        (pa.duration("s"), pa.duration("ns"), [9_223_372_036, 9_223_372_037, -9_223_372_037, X],
         [9_223_372_036 * 10**9, X, X, X]),
        (pa.duration("ns"), pa.duration("ms"), [10**6, 1, -(10**6)], [1, X, -1]),
    ],
)  # fmt: skip
def test_a_time_fits_its_unit_and_range_or_not_at_all(
    source: pa.DataType, target: pa.DataType, counts: list[int | None], expected: list[int | None]
) -> None:
    done = cast(ticks(source, counts), source, target)
    done.values.validate(full=True)
    assert done.values.type == target
    assert held(done.values) == expected


def nearest(values: pa.Array, target: pa.DataType) -> list[Any]:
    done = convert(values, ColumnPlan("c", values.type, "c", Stored(target), Way.LOSSY))
    done.values.validate(full=True)
    assert (done.values.type, done.bad.tolist()) == (target, [])
    return held(done.values)


@pytest.mark.parametrize(
    ("values", "source", "target", "expected"),
    [
        ([1.5, -2.5, 127.4, 127.6, -128.4, -129.0, NAN, INF, -0.0, X], pa.float64(), pa.int8(),
         [2, -2, 127, X, -128, X, X, X, 0, X]),
        ([0.6, 1.0], pa.float16(), pa.int8(), [1, 1]),
        ([1.26, 1.25, 9.94, 9.96, NAN], pa.float64(), pa.decimal128(2, 1),
         [Decimal("1.3"), Decimal("1.2"), Decimal("9.9"), X, X]),
        ([Decimal("-1.55"), Decimal("127.50")], pa.decimal128(5, 2), pa.int8(), [-2, X]),
        ([Decimal("-1.55"), Decimal("-9.95")], pa.decimal128(5, 2), pa.decimal128(2, 1), [Decimal("-1.6"), X]),
        ([0.1, 1e39, -1e39, INF, 1e-50], pa.float64(), pa.float32(),
         [repr(float(np.float32(0.1))), X, X, "inf", "0.0"]),
        ([0.1, 65504.0, 65520.0], pa.float64(), pa.float16(), [repr(float(np.float16(0.1))), "65504.0", X]),
        ([Decimal("0.1"), X], pa.decimal128(2, 1), pa.float64(), ["0.1", X]),
        ([Decimal(10**60)], pa.decimal256(61, 0), pa.float32(), [X]),
        ([2**24 + 1, 2**24 + 3], pa.int64(), pa.float32(), ["16777216.0", "16777220.0"]),
        (["1.5", "2.5", "x", "sNaN", "inf", "1e3", "-3", ""], pa.string(), pa.int8(), [2, 2, X, X, X, X, -3, X]),
        (["1e1000", "1e99999999", "1e-5"], pa.string(), pa.int8(), [X, X, 0]),
        (["0.1", "nan", "sNaN", "1e400", "+5"], pa.string(), pa.float64(), ["0.1", "nan", "nan", X, "5.0"]),
        (["2024-01-01", "x"], pa.string(), pa.date32(), [19_723, X]),
        ([2, 1, X], pa.int8(), pa.bool_(), [X, True, X]),
        ([b"abcd", b"abc"], pa.binary(), pa.binary(3), [X, b"abc"]),
    ],
)  # fmt: skip
def test_a_column_that_may_lose_takes_the_nearest_value_in_range(
    values: list[Any], source: pa.DataType, target: pa.DataType, expected: list[Any]
) -> None:
    assert nearest(pa.array(values, source), target) == expected


@pytest.mark.parametrize(
    ("source", "target", "counts", "expected"),
    [
        (pa.timestamp("us"), pa.timestamp("s"), [1_500_000, 2_500_000, -500_000, 499_999, X], [2, 2, 0, 0, X]),
        (pa.timestamp("s"), pa.timestamp("ns"), [9_223_372_037, -9_223_372_037, 1], [X, X, 10**9]),
        (pa.timestamp("ns"), pa.timestamp("us"), [9_007_199_254_740_993_001, X], [9_007_199_254_740_993, X]),
        (pa.timestamp("s"), pa.date32(), [43_199, 43_201, 2**40, (2**31 - 1) * 86_400 + 1],
         [0, 1, 12_725_829, 2**31 - 1]),
        (pa.timestamp("s"), pa.date32(), [(2**31) * 86_400 - 1, -(2**31) * 86_400 - 1, 1], [X, -(2**31), 0]),
        (pa.timestamp("s"), pa.date64(), [43_201, 1], [86_400_000, 0]),
        (pa.timestamp("us", "UTC"), pa.timestamp("s", "UTC"), [600_000], [1]),
        (pa.time64("ns"), pa.time32("s"), [600_000_000, 10**9, X], [1, 1, X]),
        (pa.duration("us"), pa.duration("s"), [-600_000], [-1]),
    ],
)  # fmt: skip
def test_a_time_that_may_lose_is_rounded_to_the_nearest_in_range(
    source: pa.DataType, target: pa.DataType, counts: list[int | None], expected: list[int | None]
) -> None:
    assert nearest(ticks(source, counts), target) == expected


def test_a_program_that_has_numpy_raise_gets_the_nearest_float_all_the_same() -> None:
    with np.errstate(all="raise"):
        assert nearest(pa.array([1e-50, 1e50, 0.5]), pa.float32()) == ["0.0", X, "0.5"]
