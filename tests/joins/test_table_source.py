"""A table is read in one snapshot, counted apart from its batches, whole or onwards from a cursor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from towpath import registry
from towpath.badrows import BadRow
from towpath.errors import DataError, Refused, UserError
from towpath.joins.table_source import TableSource
from towpath.nouns import Checkpoint, Want


@pytest.fixture(params=["duckdb", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return registry.make(registry.find("database", request.param), {"path": str(tmp_path / "shop.db")})


def sql(database: Any, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.execute(statement)
        session.commit()


def read(source: TableSource, since: Checkpoint | None = None, **want: Any) -> tuple[list[dict[str, Any]], Any]:
    with source.open(since, Want(**want)) as reading:
        rows = [row for batch in reading for row in batch.rows.to_pylist()]
        assert reading.given == len(rows) or "bad" in want
        return rows, reading.checkpoint()


class Kept:
    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def test_a_table_is_described_and_read_whole(database: Any) -> None:
    sql(database, "create table t (id integer, name text)", "insert into t values (1, 'a'), (2, null)")
    source = TableSource(database, table="t")
    found = source.describe(Want())
    assert found.settled
    assert found.rows == 2
    assert found.schema.names == ["id", "name"]
    assert source.shown == "shop.db#t"
    rows, checkpoint = read(source)
    assert rows == [{"id": 1, "name": "a"}, {"id": 2, "name": None}]
    assert checkpoint == found.bound is not None


def test_a_version_checkpoint_changes_with_the_rows(database: Any) -> None:
    sql(database, "create table t (id integer)", "insert into t values (1)")
    source = TableSource(database, table="t")
    before = source.describe(Want()).bound
    assert source.describe(Want()).bound == before
    sql(database, "update t set id = 2")
    assert source.describe(Want()).bound != before


def test_a_query_is_read_and_has_no_checkpoint(database: Any) -> None:
    sql(database, "create table t (id integer)", "insert into t values (3), (1), (2)")
    source = TableSource(database, query="select id + 1 as next from t order by id desc; -- all of it", shown="q")
    rows, checkpoint = read(TableSource(database, query="select id + 1 as next from t order by id desc -- all"))
    assert [row["next"] for row in rows] == [4, 3, 2]
    assert checkpoint is None
    assert source.shown == "q"


def test_a_missing_table_is_refused_with_the_nearest_name(database: Any) -> None:
    sql(database, "create table orders (id integer)")
    with pytest.raises(Refused, match="did you mean 'orders'"):
        TableSource(database, table="order").describe(Want())


def test_only_the_wanted_columns_come_in_their_order_and_a_missing_one_is_named(database: Any) -> None:
    sql(database, "create table t (id integer, name text, x integer)", "insert into t values (1, 'a', 5)")
    source = TableSource(database, table="t")
    assert read(source, columns=("x", "id"))[0] == [{"x": 5, "id": 1}]
    assert source.describe(Want(columns=("x",))).schema.names == ["x"]
    with pytest.raises(UserError, match="did you mean 'name'"):
        source.describe(Want(columns=("nam",)))


def test_pinned_types_are_converted_and_what_does_not_fit_is_set_aside(database: Any) -> None:
    sql(
        database,
        "create table t (id integer, day text)",
        "insert into t values (1, '2024-01-31'), (2, '31.1.'), (300, '2024-02-01')",
    )
    kept = Kept()
    types = {"day": pa.date32(), "id": pa.int8()}
    rows, _ = read(TableSource(database, table="t"), types=types, bad=kept)
    assert [row["id"] for row in rows] == [1]
    assert [(str(bad.place), bad.column, bad.value) for bad in kept.rows] == [
        ("shop.db#t row 2", "day", "31.1."),
        ("shop.db#t row 3", "id", "300"),
    ]
    with pytest.raises(DataError, match="shop.db#t row 2"):
        read(TableSource(database, table="t"), types=types)


def test_a_monotonic_cursor_reads_only_greater_rows(database: Any) -> None:
    sql(database, "create table t (id integer, name text)", "insert into t values (9, 'a'), (10, 'b')")
    source = TableSource(database, table="t", cursor="id", monotonic=True)
    rows, first = read(source)
    assert len(rows) == 2
    assert first == Checkpoint("cursor", {"column": "id", "value": "10", "type": first.value["type"]})
    assert read(source, first) == ([], first)
    sql(database, "insert into t values (11, 'c'), (10, 'late')")
    rows, second = read(source, first)
    assert [row["name"] for row in rows] == ["c"]
    assert source.describe(Want()).bound == second


def test_a_cursor_that_is_not_monotonic_reads_equal_rows_again(database: Any) -> None:
    sql(database, "create table t (id integer, name text)", "insert into t values (9, 'a'), (10, 'b')")
    source = TableSource(database, table="t", cursor="id")
    _, first = read(source)
    sql(database, "insert into t values (10, 'late')")
    assert sorted(row["name"] for row in read(source, first)[0]) == ["b", "late"]


@pytest.mark.parametrize(
    "type", [pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.date32(), pa.string(), pa.timestamp("ns")]
)
def test_cursors_of_times_and_text_go_on_where_they_were(database: Any, type: pa.DataType) -> None:
    schema = pa.schema({"moment": type, "n": pa.int64()})
    texts = ["1999-12-31", "2024-01-01", "2024-01-02"]
    at = (
        pa.array(texts).cast(pa.date32()).cast(type) if type != pa.string() else pa.array(["it''s", "it's b", "it's c"])
    )
    native = database.stored(type).native
    sql(database, f"create table t (moment {native}, n {database.stored(pa.int64()).native})")

    def insert(first: int, last: int) -> None:
        rows = pa.record_batch([at[first:last], pa.array(range(first, last), pa.int64())], schema=schema)
        with database.write() as session:
            session.insert("t", schema, iter([rows]))
            session.commit()

    source = TableSource(database, table="t", cursor="moment", monotonic=True)
    checkpoint = None
    for number in range(3):
        insert(number, number + 1)
        rows, checkpoint = read(source, checkpoint)
        assert [row["n"] for row in rows] == [number]


def test_a_cursor_of_text_goes_by_code_points_whatever_the_columns_collation_says(database: Any) -> None:
    sql(database, "create table t (k text collate nocase)", "insert into t values ('b'), ('A'), ('a')")
    source = TableSource(database, table="t", cursor="k", monotonic=True)
    first, checkpoint = read(source)
    assert (len(first), checkpoint.value["value"]) == (3, "b")
    sql(database, "insert into t values ('bb'), ('c')")
    later, checkpoint = read(source, checkpoint)
    assert (sorted(row["k"] for row in later), checkpoint.value["value"]) == (["bb", "c"], "c")
    sql(database, "insert into t values ('D'), ('d')")
    later, checkpoint = read(source, checkpoint)
    assert ([row["k"] for row in later], checkpoint.value["value"]) == (["d"], "d")


def test_a_cursor_keeps_its_last_nanosecond(tmp_path: Path) -> None:
    database = registry.make(registry.find("database", "duckdb"), {"path": str(tmp_path / "shop.db")})
    sql(database, "create table t (moment timestamp_ns)", "insert into t values ('2024-01-01 00:00:00.123456789')")
    source = TableSource(database, table="t", cursor="moment", monotonic=True)
    bound = source.describe(Want()).bound
    assert bound is not None
    assert bound.value["value"] == "2024-01-01 00:00:00.123456789"
    with source.open(bound, Want()) as reading:
        assert (reading.given, reading.checkpoint()) == (0, bound)


def test_null_cursors_are_an_error_that_counts_them(database: Any) -> None:
    sql(database, "create table t (id integer)", "insert into t values (1), (null), (null)")
    with pytest.raises(DataError, match="null in 2 rows"):
        read(TableSource(database, table="t", cursor="id"))


def test_a_cursor_whose_order_sql_does_not_keep_is_refused(database: Any) -> None:
    native = database.stored(pa.decimal128(12, 2)).native
    sql(database, f"create table t (amount {native}, x integer)")
    with pytest.raises(UserError, match="cannot be a cursor"):
        read(TableSource(database, table="t", cursor="amount"))
    with pytest.raises(UserError, match="no column 'nothing'"):
        read(TableSource(database, table="t", cursor="nothing"))


def test_a_checkpoint_of_another_cursor_is_refused(database: Any) -> None:
    sql(database, "create table t (id integer, other integer)", "insert into t values (1, 1)")
    _, checkpoint = read(TableSource(database, table="t", cursor="id"))
    with pytest.raises(Refused, match="not one of the cursor"):
        read(TableSource(database, table="t", cursor="other"), checkpoint)


def test_an_empty_table_with_a_cursor_is_read_from_the_start_later(database: Any) -> None:
    sql(database, "create table t (id integer)")
    source = TableSource(database, table="t", cursor="id", monotonic=True)
    rows, checkpoint = read(source)
    assert rows == []
    sql(database, "insert into t values (-5)")
    assert read(source, checkpoint)[0] == [{"id": -5}]


def test_the_database_may_be_written_to_once_the_last_row_was_read(database: Any) -> None:
    sql(database, "create table t (id integer)", "insert into t values (1)")
    with TableSource(database, table="t").open(None, Want()) as reading:
        assert sum(len(batch) for batch in reading) == 1
        sql(database, "insert into t values (2)")


def test_a_reading_that_is_left_early_closes_the_database(database: Any) -> None:
    sql(
        database,
        "create table t as with recursive n(id) as (select 1 union all select id + 1 from n where id < 5000)"
        " select id from n",
    )
    with TableSource(database, table="t").open(None, Want(batch_bytes=1)) as reading:
        next(iter(reading))
    sql(database, "drop table t")
