"""Numbers in a file's own way of writing become plain ones, exactly those that are."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import UserError
from towpath.text.numerals import GROUPING, Numerals
from towpath.text.optimistic import Convention

GERMAN = Convention(Numerals(",", "."))
ENGLISH = Convention(Numerals(".", ","))


def type_of(convention: Convention, *values: str | None) -> pa.DataType:
    return convention.evidence(pa.array(values, pa.string())).type()


def test_a_grouped_number_is_text_until_thousands_are_named() -> None:
    assert type_of(Convention(Numerals(",")), "1.234,5") == pa.string()
    assert type_of(GERMAN, "1.234,5") == pa.float64()
    assert GERMAN.admit(pa.array(["1.234,5", None, "-12.345.678"]), pa.float64())[0].to_pylist() == [
        1234.5,
        None,
        -12345678.0,
    ]


@pytest.mark.parametrize(
    "value",
    [
        "12.34",
        "1.2345",
        "1.23.456",
        ".123",
        "1.",
        "0.123",
        "00.123",
        "01.234",
        "1.234.56",
        "1234.567",
        "1.234,567.890",
        "+1.234",
        "1.234e5",
        "1..234",
        "1.234.",
        "-.234",
        "1 234",
    ],
)
def test_grouping_that_is_not_in_threes_is_no_number(value: str) -> None:
    assert type_of(GERMAN, value) == pa.string()
    assert GERMAN.pinned(pa.array([value]), pa.float64())[1].tolist() == [0]


@pytest.mark.parametrize(
    ("values", "type"),
    [
        (["1,234", "5"], pa.int64()),
        (["1,234.5", "-7"], pa.float64()),
        (["9,223,372,036,854,775,808"], pa.decimal128(38, 0)),
        (["1234", "1,234"], pa.int64()),
        (["1,234", "x"], pa.string()),
        (["1,234", "true"], pa.string()),
    ],
)
def test_grouped_numbers_have_the_types_of_plain_ones(values: list[str], type: pa.DataType) -> None:
    assert type_of(ENGLISH, *values) == type


def test_pinned_numbers_may_be_grouped_and_pinned_text_stays_as_it_is() -> None:
    assert ENGLISH.pinned(pa.array(["1,234.50"]), pa.decimal128(12, 2))[0].to_pylist() == [Decimal("1234.50")]
    assert ENGLISH.pinned(pa.array(["1,234"]), pa.int16())[0].to_pylist() == [1234]
    assert ENGLISH.pinned(pa.array(["1,234.50"]), pa.string())[0].to_pylist() == ["1,234.50"]


@pytest.mark.parametrize(
    ("decimal", "thousands", "said"),
    [
        (";", None, "decimal sign"),
        (".", ".", "both"),
        (",", ",", "both"),
        (".", ";", "between thousands"),
        (".", "", "between thousands"),
        (".", "..", "between thousands"),
    ],
)
def test_signs_that_no_number_has_are_refused(decimal: str, thousands: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Numerals(decimal, thousands)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12), st.data())
def test_every_number_comes_back_from_its_grouped_form(value: Decimal, data: st.DataObject) -> None:
    decimal = data.draw(st.sampled_from(".,"))
    sign = data.draw(st.sampled_from([sign for sign in GROUPING if sign != decimal]))
    text = f"{value:,.3f}".translate({ord(","): sign, ord("."): decimal})
    found, bad = Convention(Numerals(decimal, sign)).pinned(pa.array([text]), pa.decimal128(38, 3))
    assert (found.to_pylist(), bad.tolist()) == ([value], [])
