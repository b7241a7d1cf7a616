"""A date format is checked before it reads, and loses no part of a text."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import UserError
from towpath.text import date_formats


def read(text: str, date_format: str, type: pa.DataType) -> object:
    return date_formats.read(pa.array([text]), date_format, type)[0].as_py()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("%d.%m.%Q", "there is no directive %Q"),
        ("%-d.%m.%Y", "there is no directive %-"),
        ("%Y-%m-%d%", "ends in a single %"),
        ("%d/%m", "a year, month or day is missing"),
        ("%H:%M", "a year, month or day is missing"),
        ("%%Y-%m-%d", "a year, month or day is missing"),
        ("%Y-%m-%d %H:%M %Z", "forget"),
        ("%Y-%m-%d %I:%M", "AM, PM"),
        ("%Y%Y%j", "twice"),
        ("%c %Y", "twice"),
    ],
)
def test_a_wrong_format_is_refused_in_words_that_name_the_fault(wrong: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        date_formats.parse([wrong])
    assert (wrong in str(caught.value), caught.value.code) == (True, "option-wrong")


@pytest.mark.parametrize(
    "right", ["%d/%m/%Y", "%Y%j", "%c", "%x", "%G-%V-%u", "%d %b %y", "%m/%d/%Y %I:%M %p", "%%%Y%m%d"]
)
def test_a_format_that_gives_a_whole_date_is_taken(right: str) -> None:
    assert date_formats.parse([right]).general == right


def test_a_percent_sign_is_no_directive() -> None:
    assert date_formats.type_of("%Y-%m-%d %%H") == pa.date32()
    assert date_formats.type_of("%Y-%m-%d %%z %H") == pa.timestamp("us")


def test_a_column_may_have_a_format_of_its_own() -> None:
    found = date_formats.parse(["%d/%m/%Y", "born=%Y.%m.%d", "paid at=%b %d, %Y"])
    assert (found.of("born"), found.of("paid at"), found.of("x")) == ("%Y.%m.%d", "%b %d, %Y", "%d/%m/%Y")
    assert date_formats.parse(["born=%Y=%m=%d"]).named == {"born": "%Y=%m=%d"}
    assert date_formats.parse(["%Y=%m=%d"]).general == "%Y=%m=%d"


@pytest.mark.parametrize(("texts", "said"), [(["%x", "%c"], "both for all"), (["a=%x", "a=%c"], "two formats")])
def test_two_formats_for_one_column_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        date_formats.parse(texts)


@pytest.mark.parametrize("type", [pa.timestamp("s"), pa.timestamp("ms"), pa.date32(), pa.date64()])
def test_a_text_finer_than_a_pinned_type_is_no_value_of_it(type: pa.DataType) -> None:
    assert read("2024-01-02 00:00:00.000001", "%Y-%m-%d %H:%M:%S.%f", type) is None
    assert read("2024-01-02 00:00:00.000000", "%Y-%m-%d %H:%M:%S.%f", type) is not None


def test_a_text_beyond_the_range_of_a_pinned_type_is_no_value_of_it() -> None:
    assert read("9999-01-01", "%Y-%m-%d", pa.timestamp("ns")) is None


@given(st.datetimes())
def test_every_timestamp_comes_back_from_a_format_that_says_it_all(value: datetime.datetime) -> None:
    date_format = "%d|%m|%Y|%H|%M|%S|%f"
    text = f"{value:%d|%m|}{value.year:04d}{value:|%H|%M|%S|%f}"
    assert read(text, date_format, pa.timestamp("us")) == value
