from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from towpath.cli.charts import bars
from towpath.look.screen import width


def test_a_bar_is_as_long_as_its_number_is_large() -> None:
    rows = [("a", 8.0, "8"), ("b", 4.0, "4"), ("c", 1.0, "1"), ("d", 0.0, "0")]
    assert bars(rows, 14, blocks=True) == ["a  ████████  8", "b  ████      4", "c  █         1", "d            0"]
    assert bars(rows, 14, blocks=False) == ["a  ########  8", "b  ####      4", "c  #         1", "d            0"]


def test_what_is_small_but_not_nothing_has_a_mark() -> None:
    assert bars([("a", 1e9, ""), ("b", 1.0, "")], 20, blocks=True)[1].strip("b ") == "▏"
    assert bars([("a", 1e9, ""), ("b", 1.0, "")], 20, blocks=False)[1].strip("b ") == "#"


def test_nothing_and_zeros_can_be_drawn() -> None:
    assert bars([], 80, blocks=True) == []
    assert bars([("a", 0, "0")], 10, blocks=True) == ["a        0"]


@given(
    st.lists(st.tuples(st.text(max_size=60), st.floats(0, 1e12), st.text(max_size=9)), min_size=1, max_size=9),
    st.integers(20, 130),
    st.booleans(),
)
def test_a_chart_fits(rows: list[tuple[str, float, str]], most: int, blocks: bool) -> None:
    assert max(map(width, bars(rows, most, blocks=blocks))) <= most
