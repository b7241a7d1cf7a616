from __future__ import annotations

import contextlib
import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.arrays import arrays, same, types
from towpath.errors import DataError, Refused, UserError
from towpath.values import textform_times
from towpath.values.logical import plain, plain_type
from towpath.values.textform import parse_type, read, type_name, write

BROAD = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def texts_of(values: list[Any], type: pa.DataType) -> list[str | None]:
    return write(pa.array(values, type)).to_pylist()


def values_of(texts: list[str | None], type: pa.DataType) -> tuple[list[Any], list[int]]:
    values, bad = read(pa.array(texts, pa.string()), type)
    values.validate(full=True)
    return values.to_pylist(), bad.tolist()


@BROAD
@given(arrays())
def test_reading_what_was_written_gives_every_value_back(values: pa.Array) -> None:
    texts = write(values)
    assert texts.type == pa.string()
    back, bad = read(texts, values.type)
    back.validate(full=True)
    assert bad.tolist() == []
    assert back.type == plain_type(values.type)
    assert same(back, plain(values))


@BROAD
@given(arrays(pa.string()), types())
def test_a_text_is_read_as_a_value_or_reported_never_dropped(texts: pa.Array, type: pa.DataType) -> None:
    values, bad = read(texts, type)
    values.validate(full=True)
    missing = {row for row, text in enumerate(texts.to_pylist()) if text is not None and not values[row].is_valid}
    assert set(bad.tolist()) == missing
    assert bad.tolist() == sorted(bad.tolist())


@pytest.mark.parametrize(
    "text", ["00501", "05", "0x1A", "+5", " 5", "5 ", "-0", "1e2", "5.0", "", "1_0", "٣", "128", "-129"]
)
def test_an_integer_is_read_in_its_canonical_spelling_only(text: str) -> None:
    assert values_of(["7", text, None, "-128", "127"], pa.int8()) == ([7, None, None, -128, 127], [1])


def test_the_ends_of_every_integer_type_are_read_and_the_numbers_beyond_are_not() -> None:
    assert values_of([str(2**64 - 1), str(2**64), "-1"], pa.uint64()) == ([2**64 - 1, None, None], [1, 2])
    assert values_of([str(2**63 - 1), str(-(2**63)), str(2**63), "9" * 30], pa.int64())[1] == [2, 3]


@pytest.mark.parametrize("text", ["12.505", "12345678901.00", "1e2", "+5", ".5", "5.", "007", " 5", "", "NaN", "1_0"])
def test_a_decimal_that_would_change_or_is_oddly_spelt_is_bad(text: str) -> None:
    assert values_of(["12.50", text], pa.decimal128(12, 2))[1] == [1]


def test_a_decimal_needs_no_more_digits_than_its_value_has() -> None:
    values, bad = values_of(["12.5", "12", "-0.05", "12.5000000", "0", "-0.00"], pa.decimal128(12, 2))
    assert [str(value) for value in values] == ["12.50", "12.00", "-0.05", "12.50", "0.00", "0.00"]
    assert bad == []
    assert values_of(["5.000", "5.01"], pa.decimal128(3, 0))[1] == [1]


def test_a_small_decimal_is_written_in_plain_digits() -> None:
    from decimal import Decimal

    assert texts_of([Decimal("1E-10"), Decimal(0), None], pa.decimal128(38, 10)) == [
        "0.0000000001",
        "0.0000000000",
        None,
    ]


def test_floats_are_written_in_their_shortest_form() -> None:
    floats = [1e20, 0.1, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324, 100.0]
    assert texts_of(floats, pa.float64()) == ["1e+20", "0.1", "-0.0", "NaN", "inf", "-inf", "5e-324", "100"]
    assert texts_of([0.1], pa.float32()) == ["0.1"]


@pytest.mark.parametrize("text", ["1.50", "1E5", "+.5", "5.", "100000", "00.1", "0.1", "-0", "123456789.123456"])
def test_a_double_is_read_from_any_spelling_of_its_value(text: str) -> None:
    assert values_of([text], pa.float64()) == ([float(text)], [])


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740993",
        "0.1000000000000000055",
        "1e400",
        "1e-400",
        "0x1A",
        " 5",
        "1_0",
        "nan",
        "Infinity",
        "+inf",
        "NaN0",
        "",
        "1e",
        "12345678901234567890123",
        "1e9999999999999999999999",
        "123456789012345678",
    ],
)
def test_a_number_that_a_double_would_change_is_bad(text: str) -> None:
    assert values_of(["1.5", text], pa.float64()) == ([1.5, None], [1])
    assert values_of([text, "1.50"], pa.float64()) == ([None, 1.5], [0])


def test_a_float32_keeps_fewer_digits_than_a_double() -> None:
    assert values_of(["0.1", "0.123456789", "16777217", "16777216", "1e39", "1.50"], pa.float32())[1] == [
        1,
        2,
        4,
    ]


def test_a_half_float_is_read_only_from_what_it_holds() -> None:
    assert values_of(["0.5", "0.1", "70000", "NaN"], pa.float16())[1] == [1, 2]


def test_a_bool_is_one_of_six_words() -> None:
    words = ["true", "True", "TRUE", "false", "False", "FALSE", None, "t", "1", "yes", "tRUE", ""]
    assert values_of(words, pa.bool_()) == ([True] * 3 + [False] * 3 + [None] * 6, [7, 8, 9, 10, 11])


@pytest.mark.parametrize(
    "text", ["2024-02-30", "2023-02-29", "2024-1-02", "2024-13-01", "2024-00-10", "2024-01-00", "20240102"]
)
def test_a_day_that_the_calendar_lacks_is_bad(text: str) -> None:
    assert values_of(["2024-02-29", text], pa.date32()) == ([datetime.date(2024, 2, 29), None], [1])


def test_dates_beyond_four_digit_years_are_written_in_the_expanded_form() -> None:
    days = pa.array([2_932_897, -719_529, -719_528, 2_932_896], pa.int32()).view(pa.date32())
    assert write(days).to_pylist() == ["+10000-01-01", "-0001-12-31", "0000-01-01", "9999-12-31"]


def test_a_date64_with_a_time_of_day_is_refused_loudly() -> None:
    with pytest.raises(DataError, match="time of day"):
        write(pa.array([1], pa.int64()).view(pa.date64()))


def test_times_are_written_with_the_digits_of_their_unit() -> None:
    assert write(pa.array([0, 86_399_999], pa.time32("ms"))).to_pylist() == ["00:00:00.000", "23:59:59.999"]
    day = pa.array([None, 86_400_000_000, 0], pa.int64()).view(pa.time64("us"))
    assert write(day).to_pylist() == [None, "24:00:00.000000", "00:00:00.000000"]
    assert read(write(day), day.type)[0].equals(day)
    with pytest.raises(DataError, match="24:00:00"):
        write(pa.array([86_401], pa.int32()).view(pa.time32("s")))


def test_a_time_is_read_to_its_unit_and_no_further() -> None:
    texts = [
        "12:30",
        "12:30:15.5",
        "12:30:15.500000000",
        "12:30:15.5001",
        "24:00:00",
        "24:00:01",
        "12:60",
        "1:30",
    ]
    values, bad = read(pa.array(texts), pa.time32("ms"))
    assert values.view(pa.int32()).to_pylist()[:3] == [45_000_000, 45_015_500, 45_015_500]
    assert bad.tolist() == [3, 5, 6, 7]


def test_an_instant_is_written_in_utc_and_read_from_any_offset() -> None:
    paris = pa.timestamp("us", "Europe/Paris")
    assert write(pa.array([0], paris)).to_pylist() == ["1970-01-01 00:00:00.000000Z"]
    texts = [
        "1970-01-01T01:00:00+01:00",
        "1970-01-01 00:00:00Z",
        "1969-12-31T23:30-0030",
        "1970-01-01T00:00:00.000+00",
    ]
    values, bad = read(pa.array([*texts, "1970-01-01 00:00:00", "1970-01-01", "1970-01-01 00:00:00+24:00"]), paris)
    assert values.cast(pa.int64()).to_pylist() == [0, 0, 0, 0, None, None, None]
    assert bad.tolist() == [4, 5, 6]


def test_a_local_timestamp_has_no_zone() -> None:
    texts = [
        "2024-02-29T01:02:03",
        "2024-02-29 01:02",
        "2024-02-29",
        "2024-02-29 01:02:03Z",
        "2024-02-29 01:02:03+01:00",
    ]
    values, bad = read(pa.array(texts), pa.timestamp("s"))
    assert values.cast(pa.int64()).to_pylist()[:3] == [1_709_168_523, 1_709_168_520, 1_709_164_800]
    assert bad.tolist() == [3, 4]


@pytest.mark.parametrize("text", ["3000-01-01 00:00:00", "1600-01-01T00:00:00", "2262-04-11 23:47:16.854775808"])
def test_an_instant_beyond_int64_nanoseconds_is_bad_and_does_not_wrap(text: str) -> None:
    assert read(pa.array([text, "2262-04-11T23:47:16.854775807"]), pa.timestamp("ns"))[1].tolist() == [0]


def test_a_fraction_finer_than_the_unit_is_bad_unless_zeros() -> None:
    texts = [
        "2024-01-01 00:00:00.1234567",
        "2024-01-01 00:00:00.1234560",
        "2024-01-01 00:00:00.12345600000000001",
    ]
    assert read(pa.array(texts), pa.timestamp("us"))[1].tolist() == [0, 2]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_arrows_parser_and_ours_read_the_same_instants(unit: str) -> None:
    offsets = ["Z", "+00", "+0530", "-11:45", "+23:59"]
    days = ["1700-02-28", "1969-12-31", "2000-02-29", "2199-12-31"]
    clocks = [" 00:00", "T23:59:59", " 12:30:15.5", "T01:02:03.123456789"]
    texts = pa.array(
        [
            f"{day}{' ' if clock[0] != 'T' else ''}{clock}{offset}"
            for day in days
            for clock in clocks
            for offset in offsets
        ]
    )
    type = pa.timestamp(unit, "UTC")
    expected, bad = textform_times.read_timestamp(texts, type)
    for row, text in enumerate(texts.to_pylist()):
        alone, unfit = read(pa.array([text]), type)
        assert alone[0].equals(expected[row])
        assert unfit.tolist() == ([0] if row in bad else [])


@pytest.mark.parametrize("text", ["2016-12-31 24:00:00", "2016-12-31T10:60:00", "2016-02-30T10:00:00", "2016-12-31T10"])
def test_a_moment_that_no_clock_shows_is_bad(text: str) -> None:
    assert read(pa.array([text]), pa.timestamp("us"))[1].tolist() == [0]
    assert read(pa.array([text + "Z"]), pa.timestamp("us", "UTC"))[1].tolist() == [0]


def test_a_leap_second_is_bad() -> None:
    assert read(pa.array(["2016-12-31T23:59:60Z"]), pa.timestamp("us", "UTC"))[1].tolist() == [0]


def test_durations_and_intervals_are_iso_8601() -> None:
    assert write(pa.array([-1_500, 61_000], pa.duration("ms"))).to_pylist() == ["-PT1.500S", "PT61.000S"]
    interval = pa.MonthDayNano([1, -2, -3_000_000_004])
    assert write(pa.array([interval])).to_pylist() == ["P1M-2DT-3.000000004S"]
    texts = pa.array(["PT1M", "PT1.5S", "1.5", "PT9223372036854775.807S", "PT9223372036854775.808S"])
    assert read(texts, pa.duration("ms"))[1].tolist() == [0, 2, 4]
    assert read(texts, pa.duration("us"))[1].tolist() == [0, 2, 3, 4]


def test_bytes_are_base64_in_its_one_canonical_spelling() -> None:
    assert texts_of([b"\x00\x01\x02", b""], pa.binary()) == ["AAEC", ""]
    assert values_of(["AAEC", "AAE", "AA==", "AB==", "A\nAEC", "é"], pa.binary())[1] == [1, 3, 4, 5]
    assert values_of(["AAEC", "AA=="], pa.binary(3))[1] == [1]


def test_nested_values_are_compact_json_with_exact_numbers() -> None:
    from decimal import Decimal

    type = pa.struct([("d", pa.decimal128(20, 2)), ("f", pa.list_(pa.float64())), ("t", pa.timestamp("s", "UTC"))])
    row = {"d": Decimal("123456789012345678.10"), "f": [float("nan"), -0.0, None], "t": 0}
    assert texts_of([row, None], type) == [
        '{"d":123456789012345678.10,"f":["NaN",-0.0,null],"t":"1970-01-01 00:00:00Z"}',
        None,
    ]
    assert texts_of([[("é", b"a")]], pa.map_(pa.string(), pa.binary())) == ['[["é","YQ=="]]']


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"b":2}',
        '{"a":1,"a":1}',
        '{"a":"1"}',
        '{"a":1.0}',
        '{"a":300}',
        "[1]",
        "{",
        "null",
        '{"a":true}',
        "NaN",
        "5",
    ],
)
def test_json_that_does_not_fit_the_type_exactly_is_bad(text: str) -> None:
    assert values_of(['{"a":1}', text, "{}", None], pa.struct([("a", pa.int8())])) == (
        [{"a": 1}, None, {"a": None}, None],
        [1],
    )


def test_a_lone_surrogate_and_a_bottomless_json_are_bad_rows_not_crashes() -> None:
    assert values_of(['["\\ud800"]', "[" * 100_000], pa.list_(pa.string()))[1] == [0, 1]


def test_a_null_map_key_and_a_list_of_the_wrong_size_are_bad() -> None:
    assert values_of(["[[null,1]]", '[["a",1]]', '[["a"]]'], pa.map_(pa.string(), pa.int8()))[1] == [0, 2]
    assert values_of(["[1]", "[1,2]"], pa.list_(pa.int8(), 2))[1] == [0]


def test_a_union_is_refused() -> None:
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises(Refused, match="union"):
        write(union)


@BROAD
@given(types())
def test_the_name_of_a_type_is_read_as_a_type_of_the_same_name(type: pa.DataType) -> None:
    assert type_name(parse_type(type_name(type))) == type_name(type)


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("text", pa.string()),
        ("VARCHAR", pa.string()),
        ("bigint", pa.int64()),
        ("real", pa.float32()),
        ("decimal(12,2)", pa.decimal128(12, 2)),
        ("decimal( 40 , 2 )", pa.decimal256(40, 2)),
        ("numeric(5)", pa.decimal128(5, 0)),
        ("time", pa.time64("us")),
        ("time(ms)", pa.time32("ms")),
        ("timestamp", pa.timestamp("us")),
        ("timestamp(ns)", pa.timestamp("ns")),
        ("timestamptz", pa.timestamp("us", "UTC")),
        ("instant(ns)", pa.timestamp("ns", "UTC")),
        (
            "timestamp(us, America/Argentina/Buenos_Aires)",
            pa.timestamp("us", "America/Argentina/Buenos_Aires"),
        ),
        ("timestamp(s, +02:00)", pa.timestamp("s", "+02:00")),
        ("duration(ms)", pa.duration("ms")),
        ("binary(16)", pa.binary(16)),
        (
            "list<struct<a: text, b c: date>>".replace("b c", '"b c"'),
            pa.list_(pa.struct([("a", pa.string()), ("b c", pa.date32())])),
        ),
        ("struct<>", pa.struct([])),
        ("map<text, list<int8>>", pa.map_(pa.string(), pa.list_(pa.int8()))),
    ],
)
def test_a_type_is_read_from_the_name_that_people_write(name: str, type: pa.DataType) -> None:
    assert parse_type(name) == type


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("txt", "did you mean 'text'"),
        ("int65", "did you mean 'int64'"),
        ("decimal", "how many digits"),
        ("decimal(80,2)", "1 to 76"),
        ("decimal(2,4)", "1 to 76"),
        ("timestamp(xs)", "not a unit"),
        ("list<int32", "ends too soon"),
        ("int32 int32", "nothing follows"),
        ("varchar(10)", "nothing follows"),
        ("int32;", "character"),
        ("struct<a: int8, a: int8>", "twice"),
        ("binary(x)", "not a number"),
        ("", "ends too soon"),
    ],
)
def test_an_unknown_type_is_an_error_that_helps(name: str, hint: str) -> None:
    with pytest.raises(UserError, match=hint):
        parse_type(name)


@given(st.text(max_size=30))
def test_any_other_text_is_a_users_mistake_and_nothing_worse(name: str) -> None:
    with contextlib.suppress(UserError):
        parse_type(name)


@pytest.mark.parametrize(
    "text", ["0.099975586", "0.0999755859375", "5.9604645e-8", "5.960464477539063e-8", "NaN", "1.5"]
)
def test_a_half_is_read_from_the_text_of_the_single_and_of_the_double_that_is_equal(text: str) -> None:
    values, bad = read(pa.array([text, None]), pa.float16())
    assert len(bad) == 0
    assert float(values[0].as_py()) == pytest.approx(float(text), rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("text", ["0.1", "65520", "5.96e-8", "1e400"])
def test_a_text_that_no_half_is_equal_to_is_none(text: str) -> None:
    assert read(pa.array([text]), pa.float16())[1].tolist() == [0]
