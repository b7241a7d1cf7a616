from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from towpath.errors import Refused
from towpath.nouns import ColumnPlan, Stored, Way
from towpath.values.convert import Converted, cast, convert, way
from towpath.values.logical import plain


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("target", [pa.date32(), pa.date64()])
def test_a_timestamp_that_is_no_midnight_becomes_a_whole_day_or_none(unit: str, target: pa.DataType) -> None:
    moments = [
        datetime.datetime(1970, 1, 1, 0, 0, 1),
        datetime.datetime(1969, 12, 31, 23),
        datetime.datetime(2024, 1, 2),
    ]
    values = pa.array(moments, pa.timestamp(unit))
    done = cast(values, values.type, target)
    assert (done.values.to_pylist(), done.bad.tolist()) == ([None, None, datetime.date(2024, 1, 2)], [0, 1])
    lossy = convert(values, ColumnPlan("c", values.type, "c", Stored(target), Way.LOSSY)).values
    lossy.validate(full=True)
    assert lossy.to_pylist() == [datetime.date(1970, 1, 1), datetime.date(1970, 1, 1), datetime.date(2024, 1, 2)]
    if target == pa.date64():
        assert all(stored % 86_400_000 == 0 for stored in lossy.view(pa.int64()).to_pylist())


def test_a_day_beyond_date64_is_bad() -> None:
    values = pa.array([2**62], pa.int64()).view(pa.timestamp("s"))
    day = (2**62 // 86_400) * 86_400
    whole = pa.array([day, -day, 0], pa.int64()).view(pa.timestamp("s"))
    assert cast(whole, whole.type, pa.date64()).bad.tolist() == [0, 1]
    assert convert(values, ColumnPlan("c", values.type, "c", Stored(pa.date64()), Way.LOSSY)).values.null_count == 1


E, C = Way.EXACT, Way.CHECKED


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (pa.int32(), pa.int64(), E),
        (pa.int64(), pa.decimal128(38, 0), E),
        (pa.int64(), pa.decimal128(19, 0), E),
        (pa.int64(), pa.decimal128(18, 0), C),
        (pa.uint64(), pa.int64(), C),
        (pa.uint32(), pa.int64(), E),
        (pa.int32(), pa.uint32(), C),
        (pa.int32(), pa.float64(), E),
        (pa.int64(), pa.float64(), C),
        (pa.int16(), pa.float32(), E),
        (pa.int32(), pa.float32(), C),
        (pa.float32(), pa.float64(), E),
        (pa.float64(), pa.float32(), C),
        (pa.float64(), pa.int64(), C),
        (pa.float64(), pa.decimal128(38, 10), C),
        (pa.decimal128(12, 2), pa.decimal128(38, 2), E),
        (pa.decimal128(12, 2), pa.decimal128(12, 3), C),
        (pa.decimal128(12, 2), pa.float64(), C),
        (pa.decimal128(9, 0), pa.int32(), E),
        (pa.decimal128(10, 0), pa.int32(), C),
        (pa.bool_(), pa.int8(), E),
        (pa.int8(), pa.bool_(), C),
        (pa.string(), pa.large_string(), E),
        (pa.string(), pa.int64(), C),
        (pa.string(), pa.binary(), C),
        (pa.binary(), pa.string(), E),
        (pa.binary(), pa.binary(4), C),
        (pa.dictionary(pa.int8(), pa.string()), pa.string(), E),
        (pa.date32(), pa.timestamp("us"), E),
        (pa.date32(), pa.timestamp("ns"), C),
        (pa.date64(), pa.timestamp("s"), E),
        (pa.timestamp("us"), pa.date32(), C),
        (pa.timestamp("s"), pa.timestamp("us"), E),
        (pa.timestamp("s"), pa.timestamp("ns"), C),
        (pa.timestamp("us"), pa.timestamp("ns"), C),
        (pa.timestamp("ns"), pa.timestamp("us"), C),
        (pa.timestamp("us", "UTC"), pa.timestamp("us", "Europe/Paris"), E),
        (pa.time32("s"), pa.time64("ns"), E),
        (pa.time64("ns"), pa.time64("us"), C),
        (pa.duration("s"), pa.duration("ns"), C),
        (pa.null(), pa.struct([("a", pa.int8())]), E),
        (pa.list_(pa.int32()), pa.large_list(pa.int64()), E),
        (pa.list_(pa.int64()), pa.list_(pa.int32()), C),
        (pa.list_(pa.int64()), pa.string(), E),
        (pa.struct([("a", pa.int8()), ("b", pa.string())]), pa.struct([("b", pa.string()), ("a", pa.int16())]), E),
        (pa.map_(pa.string(), pa.int64()), pa.map_(pa.string(), pa.int8()), C),
    ],
)  # fmt: skip
def test_the_way_follows_from_the_types(source: pa.DataType, target: pa.DataType, expected: Way) -> None:
    found, why = way(source, Stored(target))
    assert found is expected
    assert why or found is Way.EXACT


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (pa.timestamp("us", "UTC"), pa.timestamp("us"), "zone would be lost"),
        (pa.timestamp("us"), pa.timestamp("us", "UTC"), "zone is not known"),
        (pa.struct([("a", pa.int8())]), pa.date32(), "struct<a: int8> does not become date"),
        (pa.struct([("a", pa.int8())]), pa.struct([("b", pa.int8())]), "only one of them has a, b"),
        (pa.int64(), pa.date32(), "int64 does not become date"),
        (pa.date32(), pa.timestamp("us", "UTC"), "does not become"),
        (pa.bool_(), pa.float64(), "bool does not become float64"),
        (pa.binary(3), pa.binary(4), "does not become"),
        (pa.list_(pa.int8()), pa.int8(), "list<int8> does not become int8"),
    ],
)
def test_a_change_of_meaning_is_refused_by_name_with_the_way_out(
    source: pa.DataType, target: pa.DataType, words: str
) -> None:
    with pytest.raises(Refused, match=words) as error:
        way(source, Stored(target))
    assert error.value.todo
    with pytest.raises(Refused):
        cast(pa.nulls(1, source), source, target)


def bad_of(values: list[Any], source: pa.DataType, target: pa.DataType) -> list[int]:
    return cast(pa.array(values, source), source, target).bad.tolist()


def test_a_negative_zero_or_nan_does_not_become_an_integer_or_a_decimal() -> None:
    floats = [1.0, -0.0, float("nan"), float("inf"), 0.0, None, 1.5]
    assert bad_of(floats, pa.float64(), pa.int64()) == [1, 2, 3, 6]
    assert bad_of(floats, pa.float64(), pa.decimal128(5, 1)) == [1, 2, 3]
    assert bad_of([1.0, -0.0], pa.float64(), pa.int64()) == [1]
    assert bad_of([1.0, -0.0], pa.float16(), pa.int8()) == [1]


def test_an_integer_that_no_double_holds_is_bad_and_a_large_one_that_it_holds_is_not() -> None:
    assert bad_of([2**53, 2**53 + 1, 2**60], pa.int64(), pa.float64()) == [1]


def test_a_decimal_is_exact_as_a_double_only_when_numerically_equal() -> None:
    assert bad_of([Decimal("0.50"), Decimal("0.10")], pa.decimal128(5, 2), pa.float64()) == [1]
    assert bad_of([0.5, 0.1, 1e300], pa.float64(), pa.decimal128(5, 2)) == [1, 2]


def test_a_timestamp_with_a_time_of_day_is_not_a_date() -> None:
    assert bad_of([0, 1, 86_400], pa.timestamp("s"), pa.date32()) == [1]


def test_a_date_beyond_the_range_of_its_timestamp_is_reported_even_on_an_exact_way() -> None:
    days = pa.array([0, 2**31 - 1], pa.int32()).view(pa.date32())
    assert cast(days, days.type, pa.timestamp("us")).bad.tolist() == [1]
    assert cast(days, days.type, pa.timestamp("ns")).bad.tolist() == [1]


def test_an_instant_keeps_its_moment_whatever_zone_shows_it() -> None:
    instants = pa.array([0, 10**15], pa.timestamp("us", "Europe/Paris"))
    done = cast(instants, instants.type, pa.timestamp("us", "America/New_York"))
    assert done.values.cast(pa.int64()).to_pylist() == [0, 10**15]


@pytest.mark.parametrize("target", [pa.decimal32(6, 2), pa.decimal64(12, 2)])
def test_a_narrow_decimal_loses_no_upper_bits(target: pa.DataType) -> None:
    values = pa.array([2**32 - 10_000 + 1, 2**62 + 1, 7], pa.int64())
    done = cast(values, values.type, target)
    assert done.values.to_pylist() == [
        Decimal(value) if abs(value) < 10 ** (target.precision - 2) else None for value in values.to_pylist()
    ]
    wide = pa.array([Decimal(2**64 + 5)], pa.decimal128(30, 0))
    assert cast(wide, wide.type, target).bad.tolist() == [0]


def test_one_bad_element_makes_its_whole_list_bad_and_no_other() -> None:
    values = pa.array([[1, 2], [300], None, [], [3, None]], pa.list_(pa.int64()))
    done = cast(values, values.type, pa.list_(pa.int8()))
    assert done.bad.tolist() == [1]
    assert done.values.to_pylist() == [[1, 2], None, None, [], [3, None]]


def test_a_slice_of_a_list_view_loses_no_elements() -> None:
    views = pa.array([[1, 2], None, [3, 4]], pa.list_view(pa.int64()))[1:]
    assert cast(views, views.type, pa.list_(pa.int64())).values.to_pylist() == [None, [3, 4]]


def test_a_map_of_lists_of_nulls_keeps_its_lists() -> None:
    maps = pa.array([None, [("", [None, None])]], pa.map_(pa.string(), pa.list_(pa.null())))[1:]
    done = cast(maps, maps.type, pa.map_(pa.string(), pa.list_(pa.int8())))
    assert done.values.to_pylist() == [[("", [None, None])]]


def test_refused_values_turn_an_exact_way_into_a_checked_one_only_where_they_can_occur() -> None:
    nan = frozenset({"nan", "inf"})
    assert way(pa.float64(), Stored(pa.float64(), "real", nan)) == (C, "real cannot hold NaN or infinity")
    assert way(pa.int32(), Stored(pa.float64(), "real", nan))[0] is E
    assert way(pa.list_(pa.string()), Stored(pa.list_(pa.string()), "", frozenset({"nul"})))[0] is C
    assert way(pa.binary(), Stored(pa.string(), "", frozenset({"nul"})))[0] is E


def test_a_sign_that_would_be_lost_is_refused_and_goes_alone_where_loss_is_allowed() -> None:
    real = Stored(pa.float64(), "REAL", frozenset({"nan", "minus-zero"}))
    assert way(pa.float32(), real) == (C, "REAL cannot hold NaN or -0.0")
    values = pa.array([0.0, -0.0, None, -1.5, float("nan")])
    assert convert(values, ColumnPlan("x", pa.float64(), "x", real, C)).bad.tolist() == [1, 4]
    assert str(convert(values, ColumnPlan("x", pa.float64(), "x", real, Way.LOSSY)).values.to_pylist()) == str(
        [0.0, 0.0, None, -1.5, None]
    )


def test_a_refused_value_is_found_however_deep() -> None:
    type = pa.struct([("a", pa.list_(pa.float32())), ("m", pa.map_(pa.string(), pa.string()))])
    rows = [{"a": [1.0, float("nan")], "m": []}, {"a": [], "m": [("k", "x\0")]}, {"a": [1.0], "m": []}, None]
    plan = ColumnPlan("c", type, "c", Stored(type, "", frozenset({"nan", "nul"})), C)
    assert convert(pa.array(rows, type), plan).bad.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("values", "source", "target", "nearest"),
    [
        ([1.5, 2.5, 1e30, float("nan")], pa.float64(), pa.int64(), [2, 2, None, None]),
        ([0.1], pa.float64(), pa.decimal128(5, 2), [Decimal("0.10")]),
        ([Decimal("0.125"), Decimal("99.999")], pa.decimal128(5, 3), pa.decimal128(4, 2), [Decimal("0.12"), None]),
        ([2**53 + 1], pa.int64(), pa.float64(), [2.0**53]),
        ([0.1, 1e300], pa.float64(), pa.float32(), [float(np.float32(0.1)), None]),
        (["12.505", "x", "9" * 400], pa.string(), pa.decimal128(5, 2), [Decimal("12.50"), None, None]),
        (["1e99999999999999999999"], pa.string(), pa.float64(), [None]),
        ([300, None], pa.int64(), pa.int8(), [None, None]),
    ],
)  # fmt: skip
def test_a_lossy_column_takes_the_nearest_value_or_null(
    values: list[Any], source: pa.DataType, target: pa.DataType, nearest: list[Any]
) -> None:
    plan = ColumnPlan("c", source, "c", Stored(target), Way.LOSSY)
    assert convert(pa.array(values, source), plan).values.to_pylist() == nearest


def test_a_lossy_timestamp_is_rounded_to_its_unit() -> None:
    stamps = pa.array([1_499, 1_500, 1_501], pa.timestamp("ns"))
    plan = ColumnPlan("c", stamps.type, "c", Stored(pa.timestamp("us")), Way.LOSSY)
    assert convert(stamps, plan).values.cast(pa.int64()).to_pylist() == [1, 2, 2]


def test_a_lossy_column_still_brings_no_value_that_the_destination_refuses() -> None:
    plan = ColumnPlan("c", pa.float64(), "c", Stored(pa.float64(), "", frozenset({"nan"})), Way.LOSSY)
    done: Converted = convert(pa.array([1.0, float("nan")]), plan)
    assert done.values.to_pylist() == [1.0, None]
    assert done.bad.tolist() == []


def test_a_dictionary_is_decoded_and_can_be_asked_for() -> None:
    words = pa.array(["a", None, "a"]).dictionary_encode()
    assert cast(words, words.type, pa.string()).values.to_pylist() == ["a", None, "a"]
    back = cast(plain(words), pa.string(), words.type)
    assert back.values.type == words.type
    assert back.values.to_pylist() == ["a", None, "a"]


def test_an_unsigned_integer_beyond_int64_is_no_bool_and_stops_nothing_else() -> None:
    values = pa.array([2**63, 0, 1, None], pa.uint64())
    done = cast(values, values.type, pa.bool_())
    assert (done.values.to_pylist(), done.bad.tolist()) == ([None, False, True, None], [0])


@pytest.mark.parametrize("type", [pa.string(), pa.large_string(), pa.string_view()])
def test_a_text_that_is_longer_than_its_column_is_told_and_only_allowed_to_lose_its_end(type: pa.DataType) -> None:
    kept = Stored(pa.string(), "character varying(3)", longest=3)
    found = way(type, kept)
    assert found == (Way.CHECKED, "it has room for 3 characters")
    values = pa.array(["abc", "Zoëé", None, "", "e\u0301e\u0301"], type)
    done = convert(values, ColumnPlan("t", type, "t", kept, *found))
    assert done.bad.tolist() == [1, 4]
    lossy = convert(values, ColumnPlan("t", type, "t", kept, Way.LOSSY))
    assert (lossy.values.to_pylist(), lossy.bad.tolist()) == (["abc", "Zoë", None, "", "e\u0301e"], [])
