from __future__ import annotations

import pytest

from towpath.badrows import BadRow
from towpath.books import Books, CountedBadRows, Edge
from towpath.errors import BooksDoNotBalance
from towpath.stream import Place


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


def test_a_stage_is_given_all_that_the_stage_before_it_passed_on() -> None:
    books = filled(given=10, accepted=10)
    write = books.edge("write")
    write.given, write.accepted = 10, 10
    books.check()
    write.given = write.accepted = 11
    with pytest.raises(BooksDoNotBalance, match="read passed 10 rows on, write was given 11"):
        books.check()


def test_an_edge_that_only_reports_owes_no_equation_and_one_that_is_row_wise_does() -> None:
    edge = Edge("sql", given=10, accepted=2, row_wise=False)
    assert edge.balanced()
    edge.row_wise = True
    assert not edge.balanced()


def test_the_books_are_printed_edge_by_edge() -> None:
    books = filled(given=12_345, accepted=12_340, filtered=3, aside=2)
    sql = books.edge("sql", row_wise=False)
    sql.given, sql.accepted = 12_340, 4
    assert books.lines() == [
        "read     12,345 given = 12,340 accepted + 3 filtered + 2 set aside",
        "sql      12,340 given -> 4 accepted",
    ]
    assert books.as_json() == [
        {"name": "read", "given": 12_345, "accepted": 12_340, "filtered": 3, "aside": 2, "row_wise": True},
        {"name": "sql", "given": 12_340, "accepted": 4, "filtered": 0, "aside": 0, "row_wise": False},
    ]


def test_the_first_edge_beside_nothing_is_a_stage_of_its_own() -> None:
    books = Books()
    books.edge("read", beside=True)
    assert [[edge.name for edge in stage] for stage in books.stages] == [["read"]]


def test_an_error_of_the_books_says_that_nothing_was_published() -> None:
    between = filled(given=10, accepted=10)
    between.edge("write")
    for books in (filled(given=1), between):
        with pytest.raises(BooksDoNotBalance) as raised:
            books.check()
        assert raised.value.todo is not None
        assert raised.value.todo.startswith("nothing was published; this is a defect")


def test_bad_rows_are_counted_by_the_edge_they_were_met_at_and_all_kept_in_one_place() -> None:
    kept: list[BadRow] = []

    class Kept:
        add = staticmethod(kept.append)

    reading = CountedBadRows(Kept(), "read")
    writing = reading.at("write")
    first, second, third = (BadRow(Place("a.csv", line=line), "odd") for line in (1, 2, 3))
    reading.add(first)
    writing.add(second)
    reading.add(third)
    assert kept == [first, second, third]
    assert (reading.count, writing.count) == (2, 1)
    assert reading.counts == {"read": 2, "write": 1}
