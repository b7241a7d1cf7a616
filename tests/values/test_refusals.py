"""The values that a destination refuses although their type fits: to the very first and last of each type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from towpath.values.refusals import refused_rows, refusing, too_long

NAN, INF = float("nan"), float("inf")
ALL = frozenset({"nan", "inf", "minus-zero", "nul", "twins", "endless", "nanoseconds", "midnight"})
POINTS = pa.struct([("x", pa.float32()), ("name", pa.string())])
TURNED = pa.struct([("name", pa.string()), ("x", pa.float64())])
FLOATS = "NaN or infinity or -0.0"


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (pa.float32(), pa.float64(), FLOATS),
        (pa.int64(), pa.float64(), ""),
        (pa.int64(), pa.int64(), ""),
        (pa.string(), pa.string(), "text with U+0000"),
        (pa.binary(), pa.string(), ""),
        (pa.month_day_nano_interval(), pa.month_day_nano_interval(), "nanoseconds in an interval"),
        (pa.list_(pa.float32()), pa.large_list(pa.float64()), FLOATS),
        (pa.list_(pa.int8()), pa.list_(pa.float64()), ""),
        (POINTS, TURNED, f"{FLOATS} or text with U+0000"),
        (pa.struct([]), pa.struct([]), ""),
        (pa.map_(pa.int8(), pa.int8()), pa.map_(pa.int8(), pa.int8()), "a map with a key twice"),
        (
            pa.map_(pa.string(), pa.int8()),
            pa.map_(pa.string(), pa.int8()),
            "text with U+0000 or a map with a key twice",
        ),
        (pa.map_(pa.int8(), pa.float32()), pa.map_(pa.int8(), pa.float32()), f"{FLOATS} or a map with a key twice"),
        (pa.timestamp("us"), pa.timestamp("us"), ""),
        (pa.timestamp("ns"), pa.timestamp("us"), "the first and last values of its type"),
        (pa.timestamp("ns", "UTC"), pa.timestamp("us", "UTC"), "the first and last values of its type"),
        (pa.duration("s"), pa.duration("us"), "the first and last values of its type"),
        (pa.date32(), pa.date32(), ""),
        (pa.time64("ns"), pa.time64("us"), ""),
    ],
)
def test_what_could_be_refused_follows_from_the_types(source: pa.DataType, target: pa.DataType, words: str) -> None:
    assert refusing(source, target, ALL) == words
    assert refusing(source, target, frozenset()) == ""


def test_only_what_the_destination_refuses_is_named() -> None:
    assert refusing(pa.float64(), pa.float64(), {"inf", "nul"}) == "infinity"


def stored(type: pa.DataType, counts: list[int | None]) -> pa.Array:
    return pa.array(counts, pa.int32() if type.bit_width == 32 else pa.int64()).view(type)


HALF = 2**63
EDGES: list[tuple[pa.DataType, int, int]] = [
    (pa.date32(), -(2**31) + 2, 2**31 - 2),
    (pa.timestamp("s"), -9_223_372_022_400, 9_223_372_036_854),
    (pa.timestamp("ms"), -9_223_372_022_400_000, 9_223_372_036_854_775),
    (pa.timestamp("us"), -9_223_372_022_400_000_000, HALF - 2),
    (pa.timestamp("us", "UTC"), -9_223_372_022_400_000_000, HALF - 2),
    (pa.timestamp("ns"), -HALF + 2, HALF - 2),
    (pa.duration("s"), -9_223_372_036, 9_223_372_036),
    (pa.duration("ms"), -9_223_372_036_854, 9_223_372_036_854),
    (pa.duration("us"), -9_223_372_036_854_775, 9_223_372_036_854_775),
]


@pytest.mark.parametrize(("type", "first", "last"), EDGES)
def test_times_are_refused_from_beyond_the_first_and_last_that_a_system_of_microseconds_has(
    type: pa.DataType, first: int, last: int
) -> None:
    values = stored(type, [first - 1, first, None, 0, last, last + 1])
    assert refused_rows(values, {"endless"}).tolist() == [0, 5]
    assert refused_rows(values, {"nan"}).tolist() == []


def test_a_day_in_milliseconds_is_refused_likewise() -> None:
    day = 86_400_000
    values = stored(pa.date64(), [-106_751_992 * day, -106_751_991 * day, 0, 106_751_991 * day, 106_751_992 * day])
    assert refused_rows(values, {"endless"}).tolist() == [0, 4]


def test_a_duration_in_nanoseconds_has_only_one_value_too_many() -> None:
    values = stored(pa.duration("ns"), [-HALF, -HALF + 1, HALF - 1, None])
    assert refused_rows(values, {"endless"}).tolist() == [0]


@pytest.mark.parametrize("type", [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")])
def test_the_midnight_at_the_end_of_a_day_is_refused(type: Any) -> None:
    last = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[type.unit]
    values = stored(type, [0, last - 1, last, None])
    assert refused_rows(values, {"midnight"}).tolist() == [2]
    assert refused_rows(values, {"endless"}).tolist() == []


@pytest.mark.parametrize(
    ("values", "refuses", "rows"),
    [
        (pa.array([1.0, NAN, INF, -INF, -0.0, 0.0, None]), {"nan"}, [1]),
        (pa.array([1.0, NAN, INF, -INF, -0.0, 0.0, None]), {"inf"}, [2, 3]),
        (pa.array([1.0, NAN, INF, -INF, -0.0, 0.0, None, -1.0]), {"minus-zero"}, [4]),
        (pa.array([1.0, NAN, INF, -INF, -0.0, 0.0, None]), {"nan", "inf", "minus-zero"}, [1, 2, 3, 4]),
        (pa.array([1.0, NAN, INF, -0.0, None], pa.float16()), {"nan", "minus-zero"}, [1, 3]),
        (pa.array(["a", "a\0b", None, "\0", ""]), {"nul"}, [1, 3]),
        (pa.array(["a", "a\0b"]), {"nan"}, []),
        (pa.array([b"\0"]), ALL, []),
        (pa.array([0, None], pa.int64()), ALL, []),
        (pa.array([[1.0, NAN], [], None, [2.0], [NAN, NAN]])[1:], {"nan"}, [3]),
        (pa.array([[["\0"]], [["a"]], [None, []], [[None]], [[None, "\0"]]]), {"nul"}, [0, 4]),
        (pa.array([{"x": NAN, "name": ""}, None, {"x": 1.0, "name": "\0"}, {"x": None, "name": None}], POINTS),
         {"nan", "nul"}, [0, 2]),
        (pa.array([{}, None], pa.struct([])), {"nan"}, []),
        (pa.array([pa.MonthDayNano([1, 2, 3000]), pa.MonthDayNano([1, 2, 3001]), None]), {"nanoseconds"}, [1]),
        (pa.array([pa.MonthDayNano([1, 2, 3001])]), {"nan"}, []),
        (pa.array([[], None], pa.list_(pa.month_day_nano_interval())), {"nanoseconds"}, []),
        (pa.array([[1], [2, None]], pa.list_(pa.int8())), ALL, []),
        (pa.array([], pa.float64()), ALL, []),
    ],
)  # fmt: skip
def test_each_refused_value_is_found_and_no_other(values: pa.Array, refuses: set[str], rows: list[int]) -> None:
    assert refused_rows(values, refuses).tolist() == rows
    assert refused_rows(values, frozenset()).tolist() == []


def test_a_key_that_comes_twice_is_found_in_its_own_map_only() -> None:
    type = pa.map_(pa.float64(), pa.string())
    rows = [[(9.0, ""), (9.0, "")], [(1.0, "a"), (2.0, "b")], [(1.0, "a")], None, [(2.0, ""), (1.0, ""), (2.0, "\0")]]
    values = pa.array(rows, type)[1:]
    assert refused_rows(values, {"twins"}).tolist() == [3]
    assert refused_rows(values, {"nul"}).tolist() == [3]
    assert refused_rows(values, {"nan"}).tolist() == []
    assert refused_rows(pa.array([[(NAN, ""), (NAN, "")], [(0.0, ""), (-0.0, "")]], type), {"twins"}).tolist() == [0]
    deep = pa.array([[[(1.0, "")]], [[], [(1.0, ""), (1.0, "")]]], pa.list_(type))
    assert refused_rows(deep, {"twins"}).tolist() == [1]


def test_texts_are_measured_in_characters() -> None:
    texts = pa.array(["abc", "äöü", None, "abcd", "e\u0301e\u0301"])
    assert too_long(texts, 3).tolist() == [3, 4]
    assert too_long(texts, 4).dtype == np.int64
