"""The page on changing columns is the table that the attacks run."""

from __future__ import annotations

from tests.attacks.drift import cases


def test_the_page_is_the_table_that_is_run() -> None:
    text = cases.PAGE.read_text("utf-8")
    assert text == cases.page(text), "python -m tests.attacks.drift.cases"
