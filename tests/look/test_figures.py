from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.look.figures import Figures


def of(*batches: Any) -> Figures:
    found = Figures()
    for batch in batches:
        found.update(batch if isinstance(batch, pa.Array) else pa.array(batch))
    return found


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(-(2**62), 2**62))), max_size=4))
def test_figures_are_those_of_all_batches_together(batches: list[list[int | None]]) -> None:
    found = of(*(pa.array(batch, pa.int64()) for batch in batches))
    values = [one for batch in batches for one in batch]
    known = [one for one in values if one is not None]
    assert (found.rows, found.nulls) == (len(values), values.count(None))
    assert (found.distinct.count, found.distinct.exact) == (len(set(known)), True)
    assert (found.low, found.high) == ((str(min(known)), str(max(known))) if known else (None, None))


@pytest.mark.parametrize(
    ("values", "low", "high", "unit"),
    [
        (pa.array(["", "ab", "日本語", None]), "0", "3", "letter"),
        (pa.array([b"", b"1234"]), "0", "4", "byte"),
        (pa.array([1.5, math.nan, -math.inf]), "-inf", "1.5", ""),
        (pa.array([math.nan]), None, None, ""),
        (pa.array([Decimal("1.50"), Decimal("-2.25")]), "-2.25", "1.50", ""),
        (pa.array([date(2024, 2, 29), date(1999, 1, 1)]), "1999-01-01", "2024-02-29", ""),
        (pa.array([True, False, None]), "false", "true", ""),
        (pa.array([1.5, -2.0], pa.float16()), "-2", "1.5", ""),
        (pa.array([[1], [2, 3]]), None, None, ""),
        (pa.array([None, None]), None, None, ""),
        (pa.array(["a", "bc"]).dictionary_encode(), "1", "2", "letter"),
    ],
)
def test_a_range_is_of_values_or_of_lengths(values: pa.Array, low: str | None, high: str | None, unit: str) -> None:
    found = of(values)
    assert (found.low, found.high, found.unit) == (low, high, unit)


def test_a_duration_has_its_range_in_its_own_form() -> None:
    found = of(pa.array([timedelta(days=2), timedelta(seconds=1)]), pa.array([timedelta(0)]))
    ends = pa.array([timedelta(0), timedelta(days=2)])
    from towpath.values import textform

    assert [found.low, found.high] == textform.write(ends).to_pylist()


@pytest.mark.parametrize("different", [16_383, 100_000, 1_000_000])
def test_distinct_values_are_counted_in_bounded_memory_to_about_one_percent(different: int) -> None:
    found = Figures()
    for first in range(0, different, 50_000):
        part = pa.array(np.arange(first, min(first + 50_000, different)))
        found.update(part)
        found.update(part)
        assert len(found.distinct.hashes) <= 1 << 14
    assert found.distinct.count == pytest.approx(different, rel=0.03)
    assert found.distinct.exact == (different < 1 << 14)
    assert not found.distinct.exact or found.distinct.count == different


def test_equal_values_are_one_whatever_the_batch() -> None:
    assert of(["a", "b"], ["b", "c"], ["a"]).distinct.count == 3
