"""SQL before and after a load: in the transaction that publishes it, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.joins.tablekit import NAMES, back, load, made, rows, sql
from towpath import assemble
from towpath.errors import TowError, UserError
from towpath.job import OutputSpec
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_scripts import Script
from towpath.nouns import Checkpoint, Mode, Published, State

STATE = State("step", "load1", Checkpoint("files", 2), "plan", "now", 1)


@pytest.fixture(params=NAMES)
def database(request: pytest.FixtureRequest, tmp_path: Path, waiting: int) -> Any:
    return made(request.param, tmp_path)


def test_statements_run_before_and_after_the_rows_and_the_state(database: Any) -> None:
    sql(database, "create table t (id bigint)", "create table log (what varchar, n bigint)", "insert into t values (1)")
    published = load(
        database,
        rows(id=[2, 3]),
        before=("insert into log select 'before', count(*) from t",),
        after=(
            "insert into log select 'after', count(*) from t",
            "insert into log select step, 0 from _towpath_state",
        ),
        state=STATE,
    )
    assert published == Published(2, 2)
    assert [tuple(row.values()) for row in back(database, "select * from log")] == [
        ("before", 1),
        ("after", 3),
        ("step", 0),
    ]


def test_rows_that_the_first_sql_deletes_do_not_upset_the_books(database: Any) -> None:
    sql(database, "create table t (id bigint, v varchar)", "insert into t values (1, 'a'), (2, 'b')")
    assert load(database, rows(id=[3], v=["c"]), before=("delete from t where id = 1",)) == Published(1, 1)
    batch = rows(id=[2, 3], v=["b", "c"])
    assert load(database, batch, Mode.MERGE, ("id",), before=("delete from t where id = 2;",)) == Published(2, 1, 0, 1)
    assert load(database, batch, after=("delete from t where id = 3",)) == Published(2, 2)
    assert [row["id"] for row in back(database, "select id from t order by id")] == [2, 2]


@pytest.mark.parametrize(("before", "after", "told"), [(2, 0, "before-sql 2"), (1, 2, "after-sql 2")])
def test_an_error_rolls_everything_back_and_names_the_statement(
    database: Any, before: int, after: int, told: str
) -> None:
    sql(database, "create table t (id bigint)", "insert into t values (1)")
    good, bad = "delete from t where id = 1", "insert into nowhere values (1)"
    with pytest.raises(TowError, match=told) as stopped:
        load(
            database,
            rows(id=[2], new=["a"]),
            before=(good, bad)[:before],
            after=(good, bad)[:after],
            state=STATE,
        )
    assert stopped.value.code == "sql-failed"
    assert "nowhere" in stopped.value.what
    assert "\n" not in stopped.value.what
    assert "pg_" not in stopped.value.what  # DuckDB guesses at its own tables too
    assert back(database) == [{"id": 1}]
    assert TableDestination(database, "t").state("step") is None


def test_the_plan_shows_the_statements_around_the_ddl(database: Any) -> None:
    sql(database, "create table t (id bigint)")
    destination = TableDestination(database, "t", before=("delete from t",), after=("select 1", "select 2"))
    ddl = destination.offer(pa.schema({"id": pa.int64(), "new": pa.int64()}), Mode.APPEND, ()).ddl
    assert [ddl[0], *ddl[2:]] == [
        "delete from t  -- before-sql 1",
        "select 1  -- after-sql 1",
        "select 2  -- after-sql 2",
    ]
    assert ddl[1].startswith("alter table")


@pytest.mark.parametrize(
    "statement",
    [
        "commit", "ROLLBACK", " end", "begin", "start transaction", "savepoint a", "release a", "attach 'x' as y",
        "detach y", "pragma user_version = 3", "vacuum", "set threads = 1", "use other", "copy t to 'x.csv'",
        "-- delete\ncommit", "/* delete */ commit", "install httpfs", "checkpoint", "load 'x'", "export database 'x'",
    ],
)  # fmt: skip
def test_a_statement_that_would_leave_the_transaction_is_refused_beforehand(statement: str) -> None:
    word = statement.split("\n")[-1].removeprefix("/* delete */").split()[0].upper()
    with pytest.raises(UserError, match=rf"shop before-sql 2: {word} does not belong"):
        Script("before-sql", ("delete from t", statement), "shop")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("delete from t; commit", 2),
        ("delete from t where a = 'it''s'; commit --'", 2),
        (r"select E'\''; commit; --'", 2),
        ("select 'a' /* ; */ ; -- ;\n commit", 2),
        ('delete from "a""b"; commit', 2),
        ("select $$ ; $$; commit", 2),
        ("select $a$ $$ ; $a$; commit; commit", 3),
    ],
)
def test_several_statements_in_one_are_refused(text: str, count: int) -> None:
    with pytest.raises(UserError, match=f"after-sql 1: it holds {count} statements"):
        Script("after-sql", (text,), "shop")


@pytest.mark.parametrize("text", ["", " ; ", "-- nothing", "/* nothing */;"])
def test_an_empty_statement_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="no statement"):
        Script("after-sql", (text,), "shop")


@pytest.mark.parametrize(
    "text",
    [
        "delete from t where a = ';'", "  update t set a = 'commit; rollback'; ",
        "/* why; */ insert into t values (1) -- ;",
        "WITH x AS (select 1) delete from t", 'create table "a;b" (id int)', "select `a;b` from t",
        "select $$ a;b $$", r"select E'a\';b'", "truncate t",
    ],
)  # fmt: skip
def test_what_a_transaction_can_take_back_is_taken(text: str) -> None:
    assert Script("before-sql", (text,), "shop").lines() == (f"{text.strip()}  -- before-sql 1",)


@pytest.mark.parametrize("address", ["{}/out.csv", "{}/out/"])
def test_a_file_takes_no_sql(tmp_path: Path, address: str) -> None:
    for spec in ({"before": ("select 1",)}, {"after": ("select 1",)}):
        with pytest.raises(UserError, match="no database table"):
            assemble.destination(OutputSpec(address.format(tmp_path), "parquet", **spec))
