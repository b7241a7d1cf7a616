"""Loading into tables that exist: columns by name, defaults, generated and required ones, tables that evolve or not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.joins.tablekit import NAMES, back, existing, load, made, natives, rows, sql
from tests.movekit import write
from towpath import move
from towpath.adapters.database.sqlite import SQLite
from towpath.errors import Conflict, DataError, Refused, UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Mode, Offer, Published, Way


@pytest.fixture(params=NAMES)
def database(request: pytest.FixtureRequest, tmp_path: Path, waiting: int) -> Any:
    return made(request.param, tmp_path)


@pytest.fixture
def duckdb(tmp_path: Path, waiting: int) -> Any:
    return made("duckdb", tmp_path)


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    return made("sqlite", tmp_path)


def offered(database: Any, columns: dict[str, pa.DataType], mode: Mode = Mode.APPEND, **options: Any) -> Offer:
    return TableDestination(database, "t", **options).offer(pa.schema(columns), mode, ("id",))


def test_missing_columns_get_their_defaults_or_null(database: Any) -> None:
    sql(database, "create table t (id integer, n integer not null default 7, s varchar default 'x', z varchar)")
    load(database, rows(id=[1]))
    assert back(database) == [{"id": 1, "n": 7, "s": "x", "z": None}]


def test_a_required_column_that_the_rows_lack_is_refused_before_any_row(database: Any) -> None:
    sql(database, "create table t (id integer, name varchar not null, n varchar not null default null)")
    assert existing(database).required == {"name", "n"}
    with pytest.raises(Refused, match=r"columns 'name', 'n' are not null without a default") as refused:
        offered(database, {"id": pa.int64()})
    assert refused.value.code == "column-required"
    offered(database, {"id": pa.int64(), "NAME": pa.string(), "n": pa.string()})


def test_a_merge_that_only_updates_needs_no_required_column(database: Any) -> None:
    sql(database, "create table t (id integer primary key, name varchar not null, n integer)")
    sql(database, "insert into t values (1, 'a', 1)")
    batch = rows(id=pa.array([1], pa.int32()), n=pa.array([5], pa.int32()))
    assert load(database, batch, Mode.MERGE, ("id",)).updated == 1
    with pytest.raises(DataError):
        load(database, rows(id=pa.array([2], pa.int32())), Mode.MERGE, ("id",))
    assert back(database) == [{"id": 1, "name": "a", "n": 5}]


def test_a_generated_column_in_the_rows_is_refused_and_named(database: Any) -> None:
    sql(database, "create table t (id integer, d integer generated always as (id * 2) virtual)")
    assert existing(database).generated == {"d"}
    with pytest.raises(Refused, match="column 'd' is computed by the database(.|\n)*--select id") as refused:
        offered(database, {"id": pa.int64(), "D": pa.int64()})
    assert refused.value.code == "column-generated"
    for mode in (Mode.APPEND, Mode.MERGE, Mode.REPLACE):
        load(database, rows(id=pa.array([4], pa.int32())), mode, ("id",))
    assert back(database) == [{"id": 4, "d": 8}]


def test_stored_generated_columns_are_known_too(sqlite: Any) -> None:
    sql(sqlite, "create table t (id integer, d text generated always as (id || 'x') stored not null)")
    assert (existing(sqlite).generated, existing(sqlite).required) == ({"d"}, set())
    load(sqlite, rows(id=[4]))
    assert back(sqlite) == [{"id": 4, "d": "4x"}]


@pytest.mark.parametrize(
    ("name", "ddl"),
    [
        ("sqlite", ["create table t (id integer primary key, v text)"]),
        ("sqlite", ["create table t (id integer primary key autoincrement not null, v text)"]),
        ("duckdb", ["create sequence s", "create table t (id bigint primary key default nextval('s'), v varchar)"]),
    ],
)
def test_a_numbered_key_may_be_left_to_the_database_or_given(tmp_path: Path, name: str, ddl: list[str]) -> None:
    database = made(name, tmp_path)
    sql(database, *ddl)
    assert existing(database).required == set()
    load(database, rows(v=["a", "b"]))
    load(database, rows(v=["c"], id=[9]))
    assert back(database) == [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 9, "v": "c"}]


@pytest.mark.parametrize(
    "ddl",
    [
        "create table t (id integer primary key, v text) without rowid",
        "create table t (id text primary key not null, v text)",
        "create table t (id integer not null, v text, primary key (id, v))",
    ],
)
def test_a_key_that_sqlite_does_not_number_is_required(sqlite: Any, ddl: str) -> None:
    sql(sqlite, ddl)
    assert "id" in existing(sqlite).required
    with pytest.raises(Refused, match="'id' is"):
        offered(sqlite, {"v": pa.string()})


def test_duckdb_constraints_hold_for_loaded_rows(duckdb: Any) -> None:
    sql(duckdb, "create table t (id bigint primary key, n bigint check (n > 0), u varchar unique)")
    load(duckdb, rows(id=[1], n=[1], u=["a"]))
    for bad in (rows(id=[2], n=[0], u=["b"]), rows(id=[2], n=[1], u=["a"]), rows(id=[1], n=[1], u=["c"])):
        with pytest.raises(DataError):
            load(duckdb, bad)
    assert len(back(duckdb)) == 1


def test_columns_are_added_and_old_rows_are_null_there(database: Any) -> None:
    sql(database, "create table t (id bigint)", "insert into t values (1)")
    batch = rows(id=[2], name=["a"], **{"odd name": pa.array([Decimal("1.50")], pa.decimal128(10, 2))})
    offer = offered(database, {field.name: field.type for field in batch.schema})
    quoted = database.quote("t")
    assert offer.ddl[0] == f'alter table {quoted} add column "name" {database.stored(pa.string()).native}'
    assert len(offer.ddl) == 2
    assert natives(database).keys() == {"id"}
    load(database, batch)
    assert back(database) == [
        {"id": 1, "name": None, "odd name": None},
        {"id": 2, "name": "a", "odd name": Decimal("1.50")},
    ]


def test_the_table_is_unchanged_when_the_load_fails(database: Any) -> None:
    sql(database, "create table t (id integer not null, n integer)", "insert into t values (1, 1)")
    before = natives(database)
    batch = rows(id=pa.array([2, None], pa.int32()), n=pa.array([1, 2**40]), new=["a", "b"])
    with pytest.raises(DataError):
        load(database, batch)
    assert natives(database) == before
    assert back(database) == [{"id": 1, "n": 1}]


def test_a_frozen_table_gets_no_column(database: Any) -> None:
    sql(database, "create table t (id integer, name varchar)")
    for mode in (Mode.APPEND, Mode.REPLACE):
        with pytest.raises(Refused, match=r"no column 'nam' \(text\); did you mean 'name'(.|\n)*--schema evolve") as no:
            offered(database, {"id": pa.int32(), "nam": pa.string()}, mode, schema="freeze")
        assert no.value.code == "schema-frozen"
    assert offered(database, {"name": pa.string(), "id": pa.int32()}, schema="freeze").ddl == ()


def test_replacing_adds_columns_and_keeps_those_that_the_rows_lack(database: Any) -> None:
    sql(database, "create table t (id bigint, kept varchar default 'd')", "insert into t values (1, 'old')")
    assert load(database, rows(id=[2], new=[0.5]), Mode.REPLACE) == Published(1, 1)
    assert back(database) == [{"id": 2, "kept": "d", "new": 0.5}]


def test_merging_a_new_column_counts_the_rows_that_get_a_value(database: Any) -> None:
    sql(database, "create table t (id bigint, v varchar)", "insert into t values (1, 'a'), (2, 'b'), (3, 'c')")
    batch = rows(id=[1, 2, 4], v=["a", "b", "d"], new=["x", None, "y"])
    assert load(database, batch, Mode.MERGE, ("id",)) == Published(3, 1, 1, 1)
    assert back(database, "select id, new from t order by id") == [
        {"id": 1, "new": "x"},
        {"id": 2, "new": None},
        {"id": 3, "new": None},
        {"id": 4, "new": "y"},
    ]


WIDENED = [
    ("INTEGER", pa.int64(), "BIGINT", 2**40),
    ("UTINYINT", pa.int32(), "INTEGER", -5),
    ("BIGINT", pa.uint64(), "HUGEINT", 2**63),
    ("INTEGER", pa.decimal128(30, 0), "HUGEINT", Decimal(10**29)),
    ("FLOAT", pa.float64(), "DOUBLE", 0.1),
    ("FLOAT", pa.int32(), "DOUBLE", 2**31 - 1),
    ("DECIMAL(10,2)", pa.decimal128(12, 2), "DECIMAL(12,2)", Decimal("9999999999.99")),
    ("DECIMAL(10,2)", pa.decimal128(9, 4), "DECIMAL(12,4)", Decimal("1.0001")),
    ("DECIMAL(4,2)", pa.int64(), "DECIMAL(21,2)", 2**62),
    ("TIMESTAMP_S", pa.timestamp("us"), "TIMESTAMP", datetime(2026, 1, 1, 1, 1, 1, 1)),
]


@pytest.mark.parametrize(("old", "type", "new", "value"), WIDENED)
def test_a_column_is_widened_where_every_value_survives(
    duckdb: Any, old: str, type: pa.DataType, new: str, value: Any
) -> None:
    one = "timestamp '2026-01-01'" if "TIME" in old else "1"
    sql(duckdb, f"create table t (id integer, v {old})", f"insert into t values (1, {one})")
    batch = rows(id=pa.array([2], pa.int32()), v=pa.array([value], type))
    with pytest.raises(Refused) as frozen:
        offered(duckdb, {"id": pa.int32(), "v": type}, schema="freeze")
    assert frozen.value.code == "schema-frozen"
    assert f"'v' is {old}, and the rows bring" in frozen.value.what
    assert f"let it become {new} (--schema evolve)" in frozen.value.todo
    offer = offered(duckdb, {"id": pa.int32(), "v": type})
    assert offer.ddl == (f'alter table "t" alter column "v" type {new}',)
    assert offer.columns[1].way is Way.EXACT
    assert offer.columns[1].why == f"{old} is widened to {new}"
    load(duckdb, batch)
    assert natives(duckdb)["v"] == new
    assert back(duckdb, "select v from t where id = 2") == [{"v": value}]
    assert load(duckdb, batch, Mode.MERGE, ("id",)) == Published(1, 0, 0, 1)


@pytest.mark.parametrize(
    ("old", "type"),
    [
        ("INTEGER", pa.float64()), ("INTEGER", pa.string()), ("FLOAT", pa.int64()), ("DATE", pa.timestamp("us")),
        ("DECIMAL(38,2)", pa.decimal128(38, 10)), ("BOOLEAN", pa.int64()), ("TIMESTAMP", pa.timestamp("ns")),
    ],
)  # fmt: skip
def test_a_column_is_not_widened_into_another_kind_nor_where_values_would_change(
    duckdb: Any, old: str, type: pa.DataType
) -> None:
    sql(duckdb, f"create table t (v {old})")
    offer = offered(duckdb, {"v": type})
    assert (offer.ddl, offer.columns[0].way) == ((), Way.CHECKED)
    assert offered(duckdb, {"v": type}, schema="freeze").columns == offer.columns


@pytest.mark.parametrize(
    ("ddl", "why"),
    [
        (["create table t (v integer primary key)"], "PRIMARY KEY"),
        (["create table t (v integer unique)"], "UNIQUE"),
        (["create table t (v integer check (v > 0))"], "CHECK"),
        (["create table t (v integer, w integer)", "create index i on t (w)"], "index"),
        (["create table t (v integer, g integer generated always as (v + 1))"], "generated"),
        (
            ["create table t (k integer primary key, v integer)", "create table o (k integer references t (k))"],
            "refers",
        ),
    ],
)
def test_what_duckdb_cannot_alter_is_checked_and_says_why(duckdb: Any, ddl: list[str], why: str) -> None:
    sql(duckdb, *ddl)
    batch = rows(v=[5], **({"k": pa.array([1], pa.int32())} if "k integer" in ddl[0] else {}))
    offer = offered(duckdb, {field.name: field.type for field in batch.schema})
    assert (offer.ddl, offer.columns[0].way) == ((), Way.CHECKED)
    assert why in offer.columns[0].why
    assert load(duckdb, batch).inserted == 1
    with pytest.raises(DataError):
        load(duckdb, batch.set_column(batch.schema.names.index("v"), "v", pa.array([2**40])))


def test_sqlite_widens_nothing_and_says_so(sqlite: Any) -> None:
    load(sqlite, rows(v=pa.array([Decimal("1.5")], pa.decimal128(4, 2))), Mode.CREATE)
    (plan,) = offered(sqlite, {"v": pa.decimal128(6, 2)}).columns
    assert plan.way is Way.CHECKED
    assert "does not alter a column's type" in plan.why


@pytest.mark.parametrize("type", [pa.bool_(), pa.decimal128(6, 2), pa.int64(), pa.date32(), pa.binary()])
def test_a_strict_table_gets_columns_of_its_own_types(sqlite: Any, type: pa.DataType) -> None:
    sql(sqlite, "create table t (id integer) strict")
    load(sqlite, rows(id=[1], v=pa.nulls(1, type)))
    assert natives(sqlite)["v"] in ("INTEGER", "TEXT", "BLOB")


def test_a_view_follows_a_table_that_evolves(duckdb: Any) -> None:
    sql(duckdb, "create table t (id integer)", "create view v as select * from t")
    load(duckdb, rows(id=[2**40], new=["a"]))
    assert back(duckdb, "select * from v") == [{"id": 2**40, "new": "a"}]


def test_many_rows_go_into_a_table_that_evolves(duckdb: Any) -> None:
    many = 150_000
    sql(duckdb, "create table t (id integer, v float)", f"insert into t select range, range from range({many})")
    batch = rows(id=list(range(many, 2 * many)), v=[0.1] * many, new=["a"] * many)
    assert load(duckdb, batch).inserted == many
    assert back(duckdb, "select count(distinct id) as n, count(new) as new, sum(v) > 1 as v from t") == [
        {"n": 2 * many, "new": many, "v": True}
    ]


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        ("alter table t add column new integer", "column new was changed"),
        ("alter table t rename column v to w", "column v was changed"),
        ("drop table t", "dropped"),
    ],
)
def test_a_table_that_others_changed_since_is_a_conflict(database: Any, meanwhile: str, told: str) -> None:
    sql(database, "create table t (id bigint, v integer)")
    destination = TableDestination(database, "t")
    offer = destination.offer(pa.schema({"id": pa.int64(), "v": pa.int64(), "new": pa.string()}), Mode.APPEND, ())
    with destination.begin(offer, "load1") as begun:
        sql(database, meanwhile)
        with pytest.raises(Conflict, match=told):
            begun.publish(None, None)


def test_a_column_that_was_widened_meanwhile_is_a_conflict(duckdb: Any) -> None:
    sql(duckdb, "create table t (v integer)")
    destination = TableDestination(duckdb, "t")
    with destination.begin(destination.offer(pa.schema({"v": pa.int64()}), Mode.APPEND, ()), "load1") as begun:
        sql(duckdb, "alter table t alter column v type bigint")
        with pytest.raises(Conflict, match="column v was changed"):
            begun.publish(None, None)


def test_a_column_meets_the_one_that_differs_in_case_alone(database: Any) -> None:
    sql(database, 'create table t (id bigint, "Name" varchar)')
    offer = offered(database, {"ID": pa.int64(), "name": pa.string()})
    assert ([plan.to for plan in offer.columns], offer.ddl) == (["id", "Name"], ())


def test_two_columns_never_go_into_one(database: Any) -> None:
    sql(database, "create table t (id bigint)")
    with pytest.raises(Refused, match="'id' and 'ID' are one name"):
        offered(database, {"id": pa.int64(), "ID": pa.int64()})


class Terse(SQLite):
    """A database whose names are short."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.name_bytes = 8


@pytest.mark.parametrize("name", ["abcdefghi", "aääää"])
def test_a_name_longer_than_the_database_takes_is_refused(tmp_path: Path, name: str) -> None:
    database = Terse(str(tmp_path / "shop.db"))
    load(database, rows(abcdefgh=[1], ääää=[1]), Mode.CREATE)
    with pytest.raises(Refused, match=f"'{name}' has 9 bytes, and .* at most 8(.|\n)*--rename") as refused:
        offered(database, {name: pa.int64()})
    assert refused.value.code == "name-impossible"
    with pytest.raises(Refused, match="at most 8"):
        TableDestination(database, name).offer(pa.schema({"id": pa.int64()}), Mode.CREATE, ())


class Picky(SQLite):
    """A database with columns of its own, whose names end with no dot."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        misnamed = (*self.dialect.misnamed, (r"\.\Z", "it ends with a dot"))
        self.dialect = replace(self.dialect, misnamed=misnamed, own_columns=frozenset({"place"}))


@pytest.mark.parametrize(
    ("name", "why"), [("", "empty"), ("a\0", "no U\\+0000"), ("a.", "ends with a dot"), ("place", "has one of its own")]
)
def test_a_name_that_the_database_does_not_take_is_refused_by_the_offer(tmp_path: Path, name: str, why: str) -> None:
    database = Picky(str(tmp_path / "shop.db"))
    said = f"{re.escape(repr(name))} cannot be the name of a column: .*{why}"
    for mode in (Mode.CREATE, Mode.APPEND):
        with pytest.raises(Refused, match=said) as refused:
            offered(database, {"id": pa.int64(), name: pa.int64()}, mode)
        assert (refused.value.code, refused.value.todo) == ("name-impossible", "rename it (--rename)")
        load(database, rows(id=[1]), mode)
    offered(database, {"id": pa.int64(), "Place": pa.int64(), ".a": pa.int64()})


def test_the_name_of_a_table_is_looked_at_too(tmp_path: Path) -> None:
    database = Picky(str(tmp_path / "shop.db"))
    with pytest.raises(Refused, match=r"'t\.' cannot be the name of a table: it ends with a dot"):
        TableDestination(database, "main.t.").offer(pa.schema({"id": pa.int64()}), Mode.CREATE, ())
    TableDestination(database, "place").offer(pa.schema({"id": pa.int64()}), Mode.CREATE, ())


def test_the_schema_is_evolve_or_freeze(database: Any) -> None:
    with pytest.raises(UserError, match="evolve or freeze, not 'thaw'"):
        TableDestination(database, "t", schema="thaw")


def test_a_table_that_cannot_be_altered_says_what_was_tried(sqlite: Any) -> None:
    sql(sqlite, "create virtual table t using fts5(a)")
    with pytest.raises(UserError, match='alter table "t" add column "b" TEXT: virtual tables may not be altered') as no:
        load(sqlite, rows(a=["x"], b=["y"]))
    assert no.value.code == "ddl-failed"
    assert load(sqlite, rows(a=["x"])).inserted == 1


def test_the_effect_says_whether_the_table_is_altered(database: Any) -> None:
    sql(database, "create table t (id bigint)")
    assert "stays as it is" in offered(database, {"id": pa.int64()}, Mode.REPLACE).effect
    assert "is altered" in offered(database, {"id": pa.int64(), "b": pa.string()}, Mode.REPLACE).effect


def test_a_table_in_a_schema_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    to = OutputSpec(f"duckdb:///{tmp_path}/d.db#sales.t")
    source = {"input": InputSpec(str(write(tmp_path / "a.csv", "id\n1\n")))}
    with pytest.raises(UserError, match="its schema") as no:
        move.run(JobSpec(source, to))
    assert (no.value.code, "--before-sql" in no.value.todo) == ("ddl-failed", True)
    assert move.run(JobSpec(source, replace(to, before=("create schema sales",)))).rows == 1
