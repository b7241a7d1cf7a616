"""Values in statements, and how batches stream."""

from __future__ import annotations

import pytest

from tests.postgresqlkit import Place
from towpath.errors import SourceChanged
from towpath.postgresql.session import placed


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("select ? , ?", "select $1 , $2"),
        ("select '?' where \"a?\" = ?", "select '?' where \"a?\" = $1"),
        ('select \'it\'\'s ?\', "say ""?""", ?', 'select \'it\'\'s ?\', "say ""?""", $1'),
    ],
)
def test_a_place_for_a_value_is_one_outside_of_quotes(sql: str, shown: str) -> None:
    assert placed(sql, lambda number: f"${number}") == shown


def test_wide_rows_come_in_small_batches(postgresql: Place) -> None:
    with postgresql.database().read() as session:
        _, batches = session.select("select i, repeat('x', 100000) as wide from generate_series(1, 600) i", 65_536)
        sizes = [batch.nbytes for batch in batches]
    assert max(sizes) < 40_000_000


def test_a_session_goes_on_after_a_query_that_was_left_half_way(postgresql: Place) -> None:
    with postgresql.database().read() as session:
        for _ in range(3):
            _, batches = session.select("select i from generate_series(1, 100000) i", 100)
            assert len(next(batches)) == 100
            batches.close()  # type: ignore[attr-defined]
            assert session.scalar("select 1") == 1


def test_a_query_that_gives_other_values_the_second_time_is_told(postgresql: Place) -> None:
    postgresql.run("create sequence s")
    query = "select case when nextval('s') > 1 then 1e37 + 0.5 else 1.0 end as n"
    with postgresql.database().write() as session, pytest.raises(SourceChanged, match="other values"):
        _, batches = session.select(query, 100)
        list(batches)
