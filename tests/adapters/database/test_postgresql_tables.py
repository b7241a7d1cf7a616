"""Tables as PostgreSQL has them: schemas, odd names, triggers, partitions, identities, views; and their snapshot."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.postgresqlkit import Place
from towpath import assemble, copy, plan, write
from towpath.errors import BooksDoNotBalance, DataError, Refused, TowError, UserError
from towpath.job import InputSpec
from towpath.nouns import Want

ROWS = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", "b", None]})


def test_schemas_and_mixed_case_names_are_found_as_they_are_written(postgresql: Place) -> None:
    other = f"{postgresql.schema}_Sales"
    postgresql.run(f'create schema "{other}"')
    try:
        write(ROWS, postgresql.address(f"{other}.Order Lines"))
        write(ROWS, postgresql.address(f"{other}.order lines"))
        write(ROWS, postgresql.address("Order Lines"))
        copy(postgresql.address(f"{other}.Order Lines"), postgresql.address(f"{other}.Order Lines"), mode="append")
        assert postgresql.ask(f'select count(*) from "{other}"."Order Lines"') == [(6,)]
        assert postgresql.ask(f'select count(*) from "{other}"."order lines"') == [(3,)]
        assert postgresql.ask('select count(*) from "Order Lines"') == [(3,)]
    finally:
        postgresql.run(f'drop schema "{other}" cascade')


def test_columns_that_differ_in_case_alone_are_two(postgresql: Place) -> None:
    write(pa.table({"id": [1], "Id": ["x"], 'say "ID"': [True]}), postgresql.address("t"))
    assert postgresql.ask("select * from t") == [(1, "x", True)]


def test_the_name_of_a_system_column_is_refused_by_the_plan(postgresql: Place, tmp_path: Path) -> None:
    system = postgresql.ask(
        "select attname::text from pg_attribute where attrelid = 'pg_class'::regclass and attnum < 0"
    )
    assert len(system) == 6
    postgresql.run("create table there (id bigint)")
    for (name,) in system:
        write(pa.table({"id": [1], name: ["x"]}), tmp_path / "from.arrow", mode="replace")
        for table in ("t", "there"):
            with pytest.raises(Refused, match=f"'{name}' cannot be the name of a column") as refused:
                plan(tmp_path / "from.arrow", postgresql.address(table), mode="append")
            assert refused.value.code == "name-impossible"
    write(pa.table({"CTID": [1]}), postgresql.address("ctid"))
    assert postgresql.ask('select "CTID" from ctid') == [(1,)]


def test_texts_of_numerics_without_a_number_are_kept_as_postgresql_writes_them(postgresql: Place) -> None:
    postgresql.run("create table t (n numeric)")
    texts = ["NaN", "Infinity", "-Infinity", "1.50"]
    write(pa.table({"n": texts}), postgresql.address("t"), mode="append")
    assert postgresql.ask("select n::text from t") == [(text,) for text in texts]
    for text in ("nan", "inf", "+Infinity"):
        with pytest.raises(DataError, match="column n "):
            write(pa.table({"n": [text]}), postgresql.address("t"), mode="append")
    assert postgresql.ask("select count(*) from t") == [(4,)]


def test_a_trigger_that_drops_or_adds_rows_stops_the_load(postgresql: Place) -> None:
    postgresql.run(
        "create table t (id bigint, name text)",
        "create function meddle() returns trigger language plpgsql as $$ begin"
        " if new.id = 2 then return null; end if; return new; end $$",
        "create trigger meddling before insert on t for each row execute function meddle()",
    )
    with pytest.raises(BooksDoNotBalance, match="trigger"):
        write(ROWS, postgresql.address("t"), mode="append")
    assert postgresql.ask("select count(*) from t") == [(0,)]
    postgresql.run(
        "create or replace function meddle() returns trigger language plpgsql as $$ begin"
        " if new.id < 100 then insert into t values (new.id + 100, 'more'); end if; return new; end $$"
    )
    with pytest.raises(BooksDoNotBalance, match="trigger"):
        write(ROWS, postgresql.address("t"), mode="append")
    assert postgresql.ask("select count(*) from t") == [(0,)]


def test_partitioned_tables_are_counted_by_their_parts(postgresql: Place) -> None:
    postgresql.run(
        "create table t (id bigint, name text) partition by range (id)",
        "create table t1 partition of t for values from (0) to (2)",
        "create table t2 partition of t for values from (2) to (10)",
    )
    assert write(ROWS, postgresql.address("t"), mode="append").inserted == 3
    assert write(ROWS, postgresql.address("t"), mode="replace").inserted == 3
    assert write(ROWS, postgresql.address("t"), mode="merge", key="id").unchanged == 3
    assert postgresql.ask("select count(*) from t1") == [(1,)]
    with pytest.raises(DataError, match="no partition"):
        write(pa.table({"id": pa.array([99], pa.int64()), "name": ["x"]}), postgresql.address("t"), mode="append")


def test_identities_defaults_and_generated_columns_are_filled_by_the_database(postgresql: Place) -> None:
    postgresql.run(
        "create table t (no int generated always as identity, serial serial, id bigint, name text,"
        " twice bigint generated always as (id * 2) stored, at date default '2024-01-01' not null)"
    )
    write(ROWS, postgresql.address("t"), mode="append")
    assert postgresql.ask("select no, serial, twice, at::text from t order by id")[2] == (3, 3, 6, "2024-01-01")
    with pytest.raises(Refused, match="'no'"):
        write(pa.table({"no": [7]}), postgresql.address("t"), mode="append")


def test_domains_and_enums_hold_what_they_allow(postgresql: Place) -> None:
    postgresql.run(
        "create type mood as enum ('sad', 'ok')", "create domain price as numeric(6,2) check (value > 0)",
        "create table t (id bigint, mood mood, price price not null)",
    )  # fmt: skip
    good = pa.table({"id": pa.array([1], pa.int64()), "mood": ["ok"], "price": pa.array([150], pa.int64())})
    write(good, postgresql.address("t"), mode="append")
    assert postgresql.ask("select mood::text, price::text from t") == [("ok", "150.00")]
    for column, values in (("mood", ["glad"]), ("price", pa.array([0], pa.int64())), ("price", [None])):
        bad = good.set_column(good.schema.names.index(column), column, [values] if isinstance(values, list) else values)
        with pytest.raises(TowError):
            write(bad, postgresql.address("t"), mode="append")
    assert postgresql.ask("select count(*) from t") == [(1,)]


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [("int", "bigint", 2**40), ("real", "double precision", 0.1), ("numeric(5,2)", "numeric(7,4)", "1.2345"),
     ("varchar(9)", "character varying(9)", "x")],
)  # fmt: skip
def test_a_column_is_widened_where_every_value_survives_that(
    postgresql: Place, before: str, after: str, value: object
) -> None:
    postgresql.run(f"create table t (v {before})", "insert into t values (1)")
    values = pa.array([value]) if before != "numeric(5,2)" else pa.array([value]).cast(pa.decimal128(7, 4))
    write(pa.table({"v": values}), postgresql.address("t"), mode="append")
    sql = "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 't'::regclass and attname = 'v'"
    assert postgresql.ask(sql) == [(after,)]


def test_a_column_that_a_view_rests_on_is_not_widened_and_the_plan_says_why(postgresql: Place) -> None:
    postgresql.run(
        "create table t (v int, w int generated always as (v + 1) stored)", "create view s as select v from t"
    )
    with pytest.raises(DataError, match="a view or rule rests on it"):
        write(pa.table({"v": [2**40]}), postgresql.address("t"), mode="append")
    postgresql.run("drop view s")
    with pytest.raises(DataError, match="a generated column rests on it"):
        write(pa.table({"v": [2**40]}), postgresql.address("t"), mode="append")


def test_rows_of_a_table_and_its_count_are_of_one_snapshot(postgresql: Place) -> None:
    postgresql.run("create table t as select i as id from generate_series(1, 3000) i")
    source = assemble.source(InputSpec(postgresql.address("t")))
    with source.open(None, Want(batch_bytes=1)) as reading:
        batches = iter(reading)
        met = len(next(batches))
        postgresql.run("delete from t where id > 10", "insert into t select 5 from generate_series(1, 99)")
        met += sum(len(batch) for batch in batches)
    assert met == reading.given == 3000


def test_a_query_changes_nothing(postgresql: Place, tmp_path: Path) -> None:
    postgresql.run(
        "create table t (id int)",
        "create function sneak() returns int language sql as 'insert into t values (1) returning id'",
    )
    with pytest.raises(Refused, match="read-only"):
        copy(InputSpec(postgresql.address(), query="select sneak() as id"), tmp_path / "out.csv")
    with pytest.raises(UserError):
        copy(InputSpec(postgresql.address(), query="delete from t returning id"), tmp_path / "out.csv")
    assert postgresql.ask("select count(*) from t") == [(0,)]


def test_a_query_reads_views_casts_and_names_that_it_makes(postgresql: Place, tmp_path: Path) -> None:
    postgresql.run("create table t as select i as id, 'n' || i as name from generate_series(1, 5) i")
    query = """with x as (select id, name from t where name like 'n%') -- all
        select max(id) as "The Max", 'a?b' as q from x;"""
    copy(InputSpec(postgresql.address(), query=query), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "The Max,q\n5,a?b\n"
    with pytest.raises(UserError, match="two columns named 'a'"):
        copy(InputSpec(postgresql.address(), query="select 1 as a, 2 as a"), tmp_path / "twice.csv")


def test_a_cursor_reads_onwards(postgresql: Place, tmp_path: Path) -> None:
    postgresql.run(
        "create table t (id bigint, at timestamptz, code text)",
        "insert into t values (1, '2024-01-01 00:00Z', 'b'), (2, '2024-01-02 00:00Z', 'B')",
    )
    for cursor in ("id", "at", "code"):
        spec = InputSpec(postgresql.address("t"), cursor=cursor, monotonic=True)
        source = assemble.source(spec)
        bound = source.describe(Want()).bound
        with source.open(bound, Want()) as reading:
            assert sum(len(batch) for batch in reading) == 0
        postgresql.run("insert into t values (3, '2024-01-02 00:00:00.000001Z', 'c')")
        with source.open(bound, Want()) as reading:
            assert [row["id"] for batch in reading for row in batch.rows.to_pylist()] == [3]
            assert reading.checkpoint() != bound
        postgresql.run("delete from t where id = 3")


def test_a_table_that_did_not_change_has_no_news(postgresql: Place) -> None:
    postgresql.run("create table t as select 1 as id")
    source = assemble.source(InputSpec(postgresql.address("t")))
    first = source.describe(Want()).bound
    assert source.describe(Want()).bound == first
    postgresql.run("update t set id = id")
    assert source.describe(Want()).bound != first


def test_an_update_to_another_sign_of_zero_or_case_is_an_update(postgresql: Place) -> None:
    postgresql.run("create table t (id bigint primary key, x float8, s text, j json, l float8[])")
    postgresql.run("""insert into t values (1, 0, 'a', '{"a":1}', '{0,NaN}'), (2, 'NaN', 'b', '[]', null)""")
    rows = pa.table({
        "id": pa.array([1, 2], pa.int64()), "x": [-0.0, float("nan")], "s": ["A", "b"], "j": ['{"a": 1}', "[]"],
        "l": [[-0.0, float("nan")], None],
    })  # fmt: skip
    done = write(rows, postgresql.address("t"), mode="merge", key="id")
    assert (done.inserted, done.updated, done.unchanged) == (0, 1, 1)
    assert postgresql.ask("select x::text, s, j::text, l::text from t where id = 1") == [
        ("-0", "A", '{"a": 1}', "{-0,NaN}")
    ]
