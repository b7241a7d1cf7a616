"""A type depends on the texts of a column alone, and no value changes by it."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.text.numerals import Numerals
from towpath.text.optimistic import Convention, Pinned, TextEvidence
from towpath.values import textform

PLAIN = Convention()
UTC = pa.timestamp("us", "UTC")


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


def type_of(*values: str | None, convention: Convention = PLAIN) -> pa.DataType:
    return convention.evidence(texts(*values)).type()


@pytest.mark.parametrize(
    ("values", "type"),
    [
        ([], pa.string()),
        ([None, None], pa.string()),
        (["true", "false", None], pa.bool_()),
        (["True", "False"], pa.bool_()),
        (["TRUE"], pa.bool_()),
        (["true", "1"], pa.string()),
        (["0", "-5", "9223372036854775807", "-9223372036854775808"], pa.int64()),
        (["9223372036854775808"], pa.decimal128(38, 0)),
        (["123456789012345678901234567890"], pa.decimal128(38, 0)),
        (["9" * 38], pa.decimal128(38, 0)),
        (["9" * 39], pa.string()),
        (["0.10", "1"], pa.float64()),
        (["0.1", "9007199254740992"], pa.float64()),
        (["0.1", "9007199254740993"], pa.decimal128(38, 1)),
        (["0.1", "18446744073709551616"], pa.decimal128(38, 1)),
        (["0.1", "1" + "0" * 23], pa.decimal128(38, 1)),
        (["0.12345678901234567890", "1"], pa.decimal128(38, 20)),
        (["12345678901234567890", "0.1234567890123456789"], pa.string()),
        (["NaN", "inf", "-inf", "1"], pa.float64()),
        (["-0.0"], pa.float64()),
        (["-0.0", "0.12345678901234567890"], pa.string()),
        (["1.5e7", "1e-05", "1e+16", "5"], pa.float64()),
        (["1.5e999"], pa.string()),
        (["1.0e-400"], pa.string()),
        (["2024-02-29"], pa.date32()),
        (["0001-01-01", "9999-12-31"], pa.date32()),
        (["10:00:00", "23:59:59.5"], pa.time64("us")),
        (["10:00:00", "23:59:59.123456789"], pa.time64("ns")),
        (["2024-01-01 10:00", "2024-01-01T10:00:00.123456"], pa.timestamp("us")),
        (["2024-01-01 10:00:00.1234567"], pa.timestamp("ns")),
        (["2024-01-01 10:00:00.1234567", "1500-01-01 10:00"], pa.string()),
        (["9999-12-31T23:59:59.999999"], pa.timestamp("us")),
        (["2024-01-01T10:00Z", "2024-01-01 10:00:00.5+00:00"], UTC),
        (["2024-01-01T10:00:00.123456789Z"], pa.timestamp("ns", "UTC")),
        (["2024-01-01T10:00Z", "2024-01-01T10:00"], pa.string()),
        (["2024-01-01T10:00+02:00"], pa.string()),
        (["2024-01-01", "2024-01-01 10:00"], pa.string()),
    ],
)
def test_the_first_type_of_the_order_that_admits_all_is_taken(values: list[str | None], type: pa.DataType) -> None:
    assert type_of(*values) == type


NO_NUMBERS = [
    "00501",
    "+5",
    "-0501",
    "0x1A",
    "1_000",
    ".5",
    "5.",
    "1e5",
    "1E5",
    "nan",
    "Infinity",
    "Inf",
    "-NaN",
    "1,5",
    "1.234,50",
    "٣",
]
NO_NUMBERS += [" 5", "5 ", "", "5\n", "1\x00", "1.5 "]
NO_MOMENTS = [
    "tRUE",
    "yes",
    "01/02/2024",
    "2024-02-30",
    "2024-1-1",
    "0000-01-01",
    "12024-01-01",
    "24:00:00",
    "23:59:60",
    "10:00",
    "10:00:00.",
]
NO_MOMENTS += ["2024-01-01 10", "2024-01-01  10:00"]


@pytest.mark.parametrize(
    "text",
    [*NO_NUMBERS, *NO_MOMENTS],
)
def test_what_is_no_plain_value_stays_text(text: str) -> None:
    assert type_of(text) == pa.string()
    assert type_of("x", text) == pa.string()
    for type in (pa.int64(), pa.float64(), pa.decimal128(38, 2), pa.date32(), pa.time64("us"), pa.timestamp("us"), UTC):
        assert PLAIN.admit(texts(None, text), type)[1] is not None


def test_a_column_of_minus_zeros_keeps_its_signs() -> None:
    assert type_of("-0", "5") == pa.float64()
    assert PLAIN.admit(texts("5", "-0"), pa.decimal128(38, 1))[1] == 1


def test_a_decimal_admits_no_more_digits_than_it_holds() -> None:
    for text, scale in (("9" * 39, 0), ("9" * 37 + ".5", 2), ("0.555", 2)):
        assert PLAIN.admit(texts("1", text), pa.decimal128(38, scale))[1] == 1


def test_the_first_row_that_a_type_does_not_admit_is_found() -> None:
    values = texts(*["1"] * 700, None, "00501", *["x"] * 300)
    assert PLAIN.admit(values, pa.int64())[1] == 701
    assert PLAIN.admit(values, pa.string()) == (values, None)


DIGITS = st.text("0123456789", min_size=1, max_size=22)
VALUES = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.integers(-99, 99).map(str),
    st.floats().map(repr),
    st.floats(width=32).map(repr),
    st.builds(lambda whole, part: f"{whole}.{part}", DIGITS, DIGITS),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000).map(str),
    st.dates().map(str),
    st.times().map(str),
    st.datetimes().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.sampled_from(["true", "True", "NaN", "inf", "-0", "-0.0", "1e5", "1e+5", "00501", "", "x"]),
)
COLUMNS = st.one_of(
    st.lists(VALUES | st.none(), max_size=6),
    st.lists(st.integers(-(10**19), 10**19).map(str) | st.none(), max_size=90),
    st.lists(st.floats(-1e9, 1e9).map(str), max_size=90),
    st.lists(st.datetimes().map(str), max_size=90),
)


@settings(max_examples=600, deadline=None)
@given(COLUMNS, st.data())
def test_the_type_does_not_depend_on_how_the_column_is_split(column: list[str | None], data: st.DataObject) -> None:
    whole = type_of(*column)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(column)), max_size=4)))
    parts = [column[a:b] for a, b in zip([0, *cuts], [*cuts, len(column)], strict=True)]
    merged = TextEvidence()
    for part in data.draw(st.permutations(parts)):
        merged = PLAIN.evidence(texts(*part)).merge(merged)
    assert merged.type() == whole


@settings(max_examples=600, deadline=None)
@given(COLUMNS, st.data())
def test_a_sample_type_that_admits_all_is_the_type_of_a_whole_scan(
    column: list[str | None], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(column)))
    sample = PLAIN.evidence(texts(*column[:cut]))
    type = sample.type()
    if sample.seen and PLAIN.admit(texts(*column), type)[1] is None:
        assert type == type_of(*column)


@settings(max_examples=600, deadline=None)
@given(COLUMNS)
def test_what_a_type_admits_is_written_back_as_the_same_value(column: list[str | None]) -> None:
    type = type_of(*column)
    values, bad = PLAIN.admit(texts(*column), type)
    assert bad is None
    assert values.type == type
    for before, after in zip(column, textform.write(values).to_pylist(), strict=True):
        assert (before is None) == (after is None)
        if before is None or after is None:
            continue
        assert same(before, after, type), (before, after, type)


def same(before: str, after: str, type: pa.DataType) -> bool:
    if pa.types.is_floating(type) or pa.types.is_decimal(type) or pa.types.is_integer(type):
        one, other = Decimal(before), Decimal(after)
        if one.is_nan() or other.is_nan():
            return one.is_nan() and other.is_nan()
        return one == other and one.is_signed() == other.is_signed()
    if pa.types.is_boolean(type):
        return before.lower() == after
    if pa.types.is_temporal(type) and not pa.types.is_date(type):
        return moment(before) == moment(after)
    return before == after


def moment(text: str) -> str:
    text = text.replace("T", " ").removesuffix("Z").removesuffix("+00:00")
    text = text + ":00" if text.count(":") == 1 else text
    return text.rstrip("0").rstrip(".") if "." in text else text


def test_a_decimal_comma_makes_the_comma_the_point() -> None:
    comma = Convention(Numerals(","))
    assert type_of("12,5", "3", convention=comma) == pa.float64()
    assert comma.admit(texts("12,5", None, "3"), pa.float64())[0].to_pylist() == [12.5, None, 3.0]
    assert type_of("1.234,50", convention=comma) == pa.string()
    assert type_of("12.5", convention=comma) == pa.string()
    assert type_of("10:00:00.5", convention=comma) == pa.time64("us")
    assert comma.pinned(texts("12,50"), pa.decimal128(12, 2))[0].to_pylist() == [Decimal("12.50")]
    assert comma.pinned(texts("12,50"), pa.string())[0].to_pylist() == ["12,50"]


def test_a_decimal_comma_reads_a_slice_of_texts() -> None:
    assert Convention(Numerals(",")).admit(texts("x", None, "1,5")[1:], pa.float64())[0].to_pylist() == [None, 1.5]


def test_a_date_format_makes_dates_of_its_texts_only() -> None:
    german = Convention(date_format="%d.%m.%Y")
    assert type_of("01.02.2024", None, convention=german) == pa.date32()
    assert german.admit(texts("01.02.2024"), pa.date32())[0].to_pylist() == [datetime.date(2024, 2, 1)]
    assert type_of("01.02.2024", "2024-02-01", convention=german) == pa.string()
    assert type_of("2024-02-01", convention=german) == pa.string()
    assert german.admit(texts("01.02.2024", "x"), pa.date32())[1] == 1


def test_a_column_said_to_be_dated_is_of_dates_before_it_is_of_numbers() -> None:
    digits = Convention(date_format="%Y%m%d", dated=True)
    assert type_of("20240131", "20240201", convention=digits) == pa.date32()
    assert type_of("20240131", "20240231", convention=digits) == pa.int64()
    assert type_of("20240131", convention=Convention(date_format="%Y%m%d")) == pa.int64()


def test_a_date_format_with_a_time_makes_timestamps_and_with_a_zone_instants() -> None:
    local, zoned = Convention(date_format="%d/%m/%Y %H:%M"), Convention(date_format="%d/%m/%Y %H:%M %z")
    assert type_of("01/02/2024 10:30", convention=local) == pa.timestamp("us")
    assert type_of("01/02/2024 10:30 +0200", convention=zoned) == UTC
    instant = zoned.admit(texts("01/02/2024 10:30 +0200"), UTC)[0][0].as_py()
    assert instant == datetime.datetime(2024, 2, 1, 8, 30, tzinfo=datetime.UTC)


def test_a_date_format_reads_pinned_dates_and_timestamps() -> None:
    english = Convention(date_format="%m/%d/%Y")
    values, bad = english.pinned(texts("01/02/2024", None, "2024-01-02"), pa.timestamp("ms"))
    assert (values.to_pylist(), bad.tolist()) == ([datetime.datetime(2024, 1, 2), None, None], [2])
    timed = Convention(date_format="%m/%d/%Y %H:%M")
    assert timed.pinned(texts("01/02/2024 00:00", "01/02/2024 00:01"), pa.date32())[1].tolist() == [1]


def test_a_pinned_column_of_another_kind_than_the_formats_keeps_its_iso_form() -> None:
    timed = Convention(date_format="%d.%m.%Y %H:%M")
    values, bad = timed.pinned(texts("2024-01-02", "03.01.2024 00:00", "2024-13-01"), pa.date32())
    assert (values.to_pylist(), bad.tolist()) == ([datetime.date(2024, 1, 2), datetime.date(2024, 1, 3), None], [2])
    swapped = Convention(date_format="%Y-%d-%m")
    values, bad = swapped.pinned(texts("2024-13-01", "2024-01-13", "2024-01-13 10:00"), pa.timestamp("us"))
    assert values.to_pylist() == [datetime.datetime(2024, 1, 13), None, datetime.datetime(2024, 1, 13, 10)]
    assert swapped.pinned(texts("2024-01-13"), pa.date32())[1].tolist() == [0]


def test_words_for_true_and_false_take_the_place_of_the_usual_ones() -> None:
    german = Convention(true=("ja", "1"), false=("nein", "0"))
    assert type_of("ja", "nein", None, "0", convention=german) == pa.bool_()
    assert german.admit(texts("ja", "0", None, "1"), pa.bool_())[0].to_pylist() == [True, False, None, True]
    assert type_of("1", "0", convention=german) == pa.bool_()
    assert type_of("1", "0", "2", convention=german) == pa.int64()
    assert type_of("ja", "vielleicht", convention=german) == pa.string()
    assert german.admit(texts("ja", None, "vielleicht"), pa.bool_())[1] == 2


def test_words_for_true_and_false_are_of_one_case_and_the_usual_ones_are_text_beside_them() -> None:
    german = Convention(true=("ja",), false=("nein",))
    for values in (["Ja", "nein"], ["true", "false"], ["ja", "true"]):
        assert type_of(*values, convention=german) == pa.string()


def test_a_pinned_bool_column_takes_the_given_words_only() -> None:
    values, bad = Convention(true=("Y",), false=("N",)).pinned(texts("Y", None, "N", "true", "y"), pa.bool_())
    assert (values.to_pylist(), bad.tolist()) == ([True, None, False, None, None], [3, 4])


def test_a_pinned_column_keeps_its_type_whatever_it_is_merged_with() -> None:
    assert Pinned(pa.int32()).merge(TextEvidence()).type() == pa.int32()
