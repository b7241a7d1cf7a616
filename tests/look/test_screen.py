from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.look import screen
from towpath.look.screen import cut, cut_middle, pad, table, visible, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\u200bzero\xa0width\ufeff", r"\u200bzero\xa0width\ufeff"),
        ("  two ", "␠␠two␠"),
        ("   ", "␠␠␠"),
        ("in side", "in side"),
        (r"a\n", r"a\\n"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("naïve ∅ 日本", "naïve ∅ 日本"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("∅", 1), ("", 0)])
def test_a_width_is_that_of_the_screen(text: str, columns: int) -> None:
    assert width(text) == columns


@given(st.text(max_size=40), st.integers(1, 50))
def test_a_cut_text_fits_and_one_that_fits_is_not_cut(text: str, most: int) -> None:
    for done in (cut(text, most), cut_middle(text, most)):
        assert width(done) <= most
        assert (done == text) == (width(text) <= most) or text.endswith("…") or "…" in text


def test_an_address_keeps_both_of_its_ends() -> None:
    assert cut_middle("postgresql://host/shop#public.orders", 21) == "postgresql…lic.orders"
    assert cut("postgresql://host", 5) == "post…"


def test_cells_stand_under_each_other() -> None:
    assert table([("a", "1"), ("日本", "100"), ("x", "")], right=(1,)) == ["a       1", "日本  100", "x"]
    assert pad("日", 4) == "日  "
    assert pad("日", 4, right=True) == "  日"


def test_what_is_no_terminal_has_no_columns() -> None:
    assert screen.columns(io.StringIO()) is None
    assert screen.columns_or_80(io.StringIO()) == 80
