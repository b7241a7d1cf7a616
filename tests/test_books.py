from __future__ import annotations

import pytest

from towpath.books import Books
from towpath.errors import BooksDoNotBalance


def filled(**counts: int) -> Books:
    books = Books()
    edge = books.edge("read")
    for name, value in counts.items():
        setattr(edge, name, value)
    return books


def test_given_equals_accepted_plus_filtered_plus_aside() -> None:
    filled(given=10, accepted=6, filtered=3, aside=1).check()


@pytest.mark.parametrize("lost", [{"accepted": 5}, {"aside": 0}, {"filtered": 2}, {"given": 11}])
def test_a_row_missing_anywhere_is_named(lost: dict[str, int]) -> None:
    with pytest.raises(BooksDoNotBalance, match="read"):
        filled(**({"given": 10, "accepted": 6, "filtered": 3, "aside": 1} | lost)).check()


def test_rows_lost_between_two_balanced_edges_are_found() -> None:
    books = filled(given=10, accepted=10)
    after = books.edge("write")
    after.given = after.accepted = 9
    with pytest.raises(BooksDoNotBalance, match="read passed 10 rows on, write was given 9"):
        books.check()


def test_sql_may_take_less_than_it_was_offered_but_never_more() -> None:
    books = filled(given=10, accepted=10)
    sql = books.edge("sql", row_wise=False)
    sql.given, sql.accepted = 4, 2
    books.check()
    sql.given = 11
    with pytest.raises(BooksDoNotBalance, match="sql was given 11"):
        books.check()


def test_inputs_beside_each_other_are_added_up() -> None:
    books = filled(given=10, accepted=10)
    other = books.edge("read b", beside=True)
    other.given = other.accepted = 5
    sql = books.edge("sql", row_wise=False)
    sql.given = 15
    books.check()
    assert [edge.name for edge in books.edges()] == ["read", "read b", "sql"]
