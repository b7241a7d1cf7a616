"""Rows that make way for a load's rows, found by the values of a column."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.joins.tablekit import NAMES, back, load, made, rows, sql
from towpath.errors import DataError, Refused
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Mode, Published


@pytest.fixture(params=NAMES)
def database(request: pytest.FixtureRequest, tmp_path: Path, waiting: int) -> Any:
    return made(request.param, tmp_path)


def files(database: Any) -> list[tuple[int, str | None]]:
    return [(row["id"], row["file"]) for row in back(database, "select * from t order by id")]


@pytest.fixture
def filled(database: Any) -> Any:
    load(database, rows(id=[1, 2, 3, 4, 5], file=["a.csv", "A.csv", "b.csv", None, "it's %.csv"]), Mode.CREATE)
    return database


def test_rows_with_one_of_the_values_make_way_in_the_same_act(filled: Any) -> None:
    published = load(filled, rows(id=[9], file=["a.csv"]), instead=("file", ("a.csv", "it's %.csv", "never.csv")))
    assert published == Published(1, 1, removed=2)
    assert files(filled) == [(2, "A.csv"), (3, "b.csv"), (4, None), (9, "a.csv")]


def test_a_merge_may_make_room_too(filled: Any) -> None:
    batch = rows(id=[1, 3], file=["a.csv", "b.csv"])
    assert load(filled, batch, Mode.MERGE, ("id",), instead=("file", ("a.csv",))) == Published(2, 1, 0, 1, removed=1)


def test_nothing_makes_way_when_the_load_fails(filled: Any) -> None:
    with pytest.raises(DataError):
        load(filled, rows(id=[9, 9], file=["a.csv", "a.csv"]), Mode.MERGE, ("id",), instead=("file", ("a.csv",)))
    assert len(files(filled)) == 5


def test_the_offer_says_whose_rows_make_way(filled: Any) -> None:
    destination = TableDestination(filled, "t")
    offer = destination.offer(pa.schema({"id": pa.int64(), "file": pa.string()}), Mode.APPEND, ())
    one = destination.instead(offer, "FILE", ("a.csv",))
    assert one.effect.endswith("rows whose FILE is 'a.csv' make way for them")
    assert one.instead_of == ("FILE", ("a.csv",))
    assert "one of 2 values" in destination.instead(offer, "file", ("a.csv", "b.csv")).effect
    assert len(files(filled)) == 5


def test_many_values_are_bound_and_not_pasted(database: Any) -> None:
    many = 20_000
    load(database, rows(id=list(range(many)), file=[f"'{n}" for n in range(many)]), Mode.CREATE)
    values = tuple(f"'{n}" for n in range(0, many, 2))
    assert load(database, rows(id=[1], file=["x"]), instead=("file", values)).removed == many // 2


def test_values_are_those_of_the_columns_type(database: Any) -> None:
    load(database, rows(id=[1, 2], day=[date(2026, 1, 1), date(2026, 1, 2)]), Mode.CREATE)
    assert load(database, rows(id=[3]), instead=("day", ("2026-01-02",))).removed == 1
    assert load(database, rows(id=[4]), instead=("id", ("1", "3", "99"))).removed == 2
    with pytest.raises(Refused, match="'01/02/2026' is no value of the column 'day'"):
        load(database, rows(id=[3]), instead=("day", ("01/02/2026",)))


def test_a_collation_does_not_widen_what_makes_way(database: Any) -> None:
    sql(database, "create table t (id integer, file text collate nocase)", "insert into t values (1, 'a'), (2, 'A')")
    assert load(database, rows(id=[3], file=["a"]), instead=("file", ("a",))).removed == 1
    assert files(database) == [(2, "A"), (3, "a")]


def test_a_table_without_the_column_is_refused_even_when_the_rows_have_it(database: Any) -> None:
    load(database, rows(id=[1]), Mode.CREATE)
    with pytest.raises(Refused, match="no column 'file'"):
        load(database, rows(id=[1], file=["a"]), instead=("file", ("a",)))


def test_a_table_that_is_new_has_nothing_to_make_way(database: Any) -> None:
    assert load(database, rows(id=[1], file=["a"]), Mode.CREATE, instead=("file", ("a",))) == Published(1, 1)
