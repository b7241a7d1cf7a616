"""Which rows a cursor lets pass: windows in the cursor's own type, look-backs, and what is no value of it."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import Refused, UserError
from towpath.joins.cursor import Cursor, back, before, value
from towpath.nouns import Checkpoint
from towpath.values import textform


@pytest.mark.parametrize(
    ("type", "text", "lookback", "earlier"),
    [
        (pa.int64(), "100", "7", "93"),
        (pa.int8(), "-120", "20", "-140"),
        (pa.uint64(), "18446744073709551615", "15", "18446744073709551600"),
        (pa.date32(), "2024-03-01", "1d", "2024-02-29"),
        (pa.date32(), "2024-03-01", "1h", "2024-02-29"),
        (pa.date32(), "2024-03-08", "1w", "2024-03-01"),
        (pa.timestamp("s"), "2024-01-01 00:00:00", "90s", "2023-12-31 23:58:30"),
        (pa.timestamp("ms"), "2024-01-01 00:00:00.005", "30m", "2023-12-31 23:30:00.005"),
        (pa.timestamp("us", "UTC"), "2024-01-01 00:00:00.000001Z", "1h", "2023-12-31 23:00:00.000001Z"),
        (pa.timestamp("ns"), "2024-01-03 00:00:00.123456789", "2d", "2024-01-01 00:00:00.123456789"),
        (pa.string(), "2024-03-01 00:10:00", "1h", "2024-02-29 23:10:00"),
        (pa.string(), "2024-03-01T00:10:00.5Z", "90s", "2024-03-01T00:08:30.5Z"),
        (pa.string(), "2024-03-01 00:10+02:00", "1d", "2024-02-29 00:10+02:00"),
        (pa.string(), "2024-03-01", "25h", "2024-02-28"),
    ],
)
def test_a_lookback_goes_back_in_the_unit_of_the_cursor(
    type: pa.DataType, text: str, lookback: str, earlier: str
) -> None:
    assert back(text, type, lookback, "c") == earlier


@pytest.mark.parametrize("type", [pa.date32(), pa.timestamp("us"), pa.timestamp("ns")])
def test_a_lookback_beyond_the_first_year_lets_everything_pass(type: pa.DataType) -> None:
    text = "1700-01-01" if type == pa.date32() else f"1700-01-01 00:00:00.{'0' * (9 if type.unit == 'ns' else 6)}"
    assert back(text, type, "200000w", "c") is None
    cursor = Cursor("c", lookback="200000w")
    checkpoint = Checkpoint("cursor", {"column": "c", "value": text, "type": textform.type_name(type)})
    assert cursor.lower(checkpoint, type, "t") is None


@pytest.mark.parametrize("lookback", ["-1h", "1 hour", "h", "1y", "1.5d", "", "P1D"])
def test_a_lookback_that_is_no_span_is_refused_at_once(lookback: str) -> None:
    with pytest.raises(UserError, match="look-back"):
        Cursor("c", lookback=lookback)


@pytest.mark.parametrize(
    ("type", "lookback"), [(pa.int64(), "1h"), (pa.timestamp("us"), "5"), (pa.string(), "5"), (pa.bool_(), "1h")]
)
def test_a_lookback_that_does_not_fit_the_cursors_type_is_refused_with_the_type(
    type: pa.DataType, lookback: str
) -> None:
    with pytest.raises(UserError) as caught:
        back("2024-01-01 00:00:00.000000" if type == pa.timestamp("us") else "5", type, lookback, "c")
    assert textform.type_name(type) in str(caught.value)


@given(st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2200, 1, 1)), st.integers(0, 10**9), st.sampled_from("smhdw"))
def test_a_lookback_is_what_python_subtracts(moment: dt.datetime, number: int, unit: str) -> None:
    names = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    text = textform.write(pa.array([moment], pa.timestamp("us")))[0].as_py()
    found = back(text, pa.timestamp("us"), f"{number}{unit}", "c")
    try:
        expected = moment - dt.timedelta(**{names[unit]: number})
    except OverflowError:
        assert found is None
        return
    assert found == textform.write(pa.array([expected], pa.timestamp("us")))[0].as_py()


@pytest.mark.parametrize(
    ("type", "text", "written"),
    [
        (pa.int32(), "7", "7"),
        (pa.date32(), "2024-01-31", "2024-01-31"),
        (pa.timestamp("us"), "2024-01-31", "2024-01-31 00:00:00.000000"),
        (pa.timestamp("s"), "2024-01-31T10:00", "2024-01-31 10:00:00"),
        (pa.timestamp("us", "UTC"), "2024-01-31", "2024-01-31 00:00:00.000000Z"),
        (pa.timestamp("us", "UTC"), "2024-01-31 10:00", "2024-01-31 10:00:00.000000Z"),
        (pa.timestamp("us", "UTC"), "2024-01-31 10:00+02:00", "2024-01-31 08:00:00.000000Z"),
        (pa.string(), "it's", "it's"),
    ],
)
def test_a_bound_is_read_in_the_type_of_the_cursor(type: pa.DataType, text: str, written: str) -> None:
    assert value(text, type, "--since", "c") == written


@pytest.mark.parametrize(
    ("type", "text"), [(pa.int64(), "abc"), (pa.int8(), "300"), (pa.date32(), "31.1.2024"), (pa.timestamp("s"), "soon")]
)
def test_a_bound_of_another_type_is_an_error_that_names_the_type(type: pa.DataType, text: str) -> None:
    with pytest.raises(UserError) as caught:
        Cursor("c", since=text).window(type, "t")
    for word in (textform.type_name(type), text, "--since", "'c'"):
        assert word in str(caught.value)


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    for since, until in (("10", "9"), ("9", "9")):
        with pytest.raises(UserError, match="no row can lie between"):
            Cursor("c", since=since, until=until).window(pa.int64(), "t")
    assert Cursor("c", since="9", until="10").window(pa.int64(), "t") == [(">=", "9"), ("<", "10")]


def test_values_are_compared_as_what_they_are() -> None:
    assert before("9", "10", pa.int64())
    assert before("-0001-01-01", "2024-01-01", pa.date32())
    assert before("10", "9", pa.string())


def test_a_checkpoint_of_another_type_is_refused() -> None:
    with pytest.raises(Refused, match="not one of the cursor"):
        Cursor("c").lower(Checkpoint("cursor", {"column": "c", "value": "5", "type": "int32"}), pa.int64(), "t")


def test_a_lookback_that_does_not_fit_is_refused_before_there_is_a_checkpoint() -> None:
    with pytest.raises(UserError, match=r"the look-back '1d' does not fit the cursor 'c' \(int64\)"):
        Cursor("c", lookback="1d").lower(None, pa.int64(), "t")


@pytest.mark.parametrize("text", ["b", "2024-13-01", "01.03.2024", "2024-03-01 25:00:00"])
def test_nothing_looks_back_from_text_that_is_no_time(text: str) -> None:
    with pytest.raises(UserError, match="no date or time") as caught:
        back(text, pa.string(), "1h", "c")
    assert repr(text) in str(caught.value)
    assert back("0001-01-01 00:00:00", pa.string(), "1h", "c") is None
