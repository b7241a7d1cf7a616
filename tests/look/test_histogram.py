from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.look import histogram
from towpath.look.histogram import MOST_BARS, Bars, spread


def of(values: Iterable[Any], type: pa.DataType | None = None, parts: int = 3) -> Bars:
    whole = pa.array(values, type)
    size = max(1, -(-len(whole) // parts))
    return spread(whole.type, lambda: (whole.slice(at, size) for at in range(0, len(whole), size)))


@given(st.lists(st.one_of(st.none(), st.floats(width=64)), max_size=60))
def test_every_value_is_in_one_bar(values: list[float | None]) -> None:
    bars = of(values, pa.float64()).bars
    assert sum(number for _, number in bars) == len(values)
    assert len(bars) <= MOST_BARS + 4


@given(st.lists(st.one_of(st.none(), st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))), max_size=40))
def test_every_moment_is_in_one_bar(values: list[datetime | None]) -> None:
    bars = of(values, pa.timestamp("us")).bars
    assert sum(number for _, number in bars) == len(values)
    assert len(bars) <= MOST_BARS + 1


def test_a_bar_holds_what_lies_from_its_lower_to_below_its_upper_limit() -> None:
    bars = dict(of([0, 9, 10, 11, 19, 20, 159, 160]).bars)
    assert bars["0 to 10"] == 2
    assert bars["10 to 20"] == 3
    assert (bars["20 to 30"], bars["30 to 40"]) == (1, 0)


def test_small_whole_numbers_have_a_bar_each() -> None:
    assert of([1, 2, 2, 4]).bars == [("1", 1), ("2", 2), ("3", 0), ("4", 1)]


def test_a_few_far_values_do_not_squeeze_all_others_into_one_bar() -> None:
    values = [*np.random.default_rng(1).integers(0, 100, 10_000).tolist(), 1_000_000, -1_000_000]
    bars = of(values).bars
    assert bars[0] == ("under 0", 1)
    assert bars[-1] == ("100 and over", 1)
    assert max(number for _, number in bars) < 3_000


def test_nulls_and_what_is_not_finite_have_bars_of_their_own() -> None:
    assert of([1.0, math.nan, math.inf, None]).bars[-2:] == [("NaN or beyond 1e300", 2), ("∅", 1)]
    assert of([math.nan]).bars == [("NaN or beyond 1e300", 1)]
    assert of([None], pa.int64()).bars == [("∅", 1)]
    assert of([], pa.date32()).bars == []


@pytest.mark.parametrize(
    ("values", "first", "count"),
    [
        ([date(2024, 1, day) for day in range(1, 11)], "2024-01-01", 10),
        ([date(2024, 1, 3), date(2024, 3, 1)], "2024-01-01", 9),  # weeks, from a Monday
        ([date(2024, 1, 3), date(2024, 12, 31)], "2024-01", 12),
        ([date(1990, 5, 1), date(2024, 1, 1)], "1990", 7),
        ([datetime(2024, 1, 1, 10, 7), datetime(2024, 1, 1, 22, 59)], "2024-01-01 10", 13),
        ([datetime(2024, 1, 1, 10, 7, tzinfo=UTC), datetime(2024, 1, 1, 10, 9, tzinfo=UTC)], "2024-01-01 10:07:00", 9),
    ],
)
def test_times_are_barred_by_the_calendar(values: list[Any], first: str, count: int) -> None:
    bars = of(values).bars
    assert (bars[0][0], len(bars)) == (first, count)
    assert date.fromisoformat("2024-01-01").weekday() == 0


def test_text_shows_its_commonest_values_and_how_many_others() -> None:
    values = [f"v{number}" for number in range(40) for _ in range(number + 1)]
    bars = of([*values, None]).bars
    assert bars[0] == ("v39", 40)
    assert bars[-2:] == [("(25 others)", sum(range(1, 26))), ("∅", 1)]


def test_very_many_values_are_counted_in_bounded_memory_and_said_to_be_about_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(histogram, "_REMEMBERED", 100)
    found = of(["often"] * 500 + [f"rare {number}" for number in range(300)], parts=5)
    assert found.about
    assert found.bars[0] == ("often", 500)
    assert not of(["a", "b"]).about


def test_the_limits_of_many_values_come_from_an_even_sample() -> None:
    values = np.sort(np.random.default_rng(2).normal(0, 1, 100_000))
    values[-1] = 1e9
    bars = of(values, parts=40).bars
    assert bars[0][0].startswith("under -")
    assert bars[-1][1] < 1_500
    assert sum(number for _, number in bars) == 100_000


def test_times_of_all_units_agree() -> None:
    start = datetime(2024, 5, 1)
    values = [start + timedelta(hours=hour) for hour in range(12)]
    bars = {unit: of(values, pa.timestamp(unit)).bars for unit in ("s", "ms", "us", "ns")}
    assert len({str(one) for one in bars.values()}) == 1
