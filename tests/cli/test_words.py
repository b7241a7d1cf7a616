from __future__ import annotations

import pytest

from towpath.cli.words import duration, short_count, size_text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (999.7, "1.0k"), (1000, "1.0k"), (41_234, "41.2k"), (410_000, "410k"), (3.4e6, "3.4M"),
     (999_900, "1.0M"), (5e12, "5.0T"), (1e18, "1000P")],
)  # fmt: skip
def test_a_count_is_short(number: float, text: str) -> None:
    assert short_count(number) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (512, "512 B"), (1500, "1.5 kB"), (34_000_000, "34 MB"), (1_234_567_890, "1.2 GB"), (9_960, "10 kB")],
)
def test_a_size_is_in_units_of_a_thousand(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (7.4, "0:07"),
        (59.6, "1:00"),
        (723, "12:03"),
        (7241, "2:00:41"),
        (86_400, "24:00:00"),
        (3e5, "3 days"),
    ],
)
def test_a_duration_is_as_a_clock_shows_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text
