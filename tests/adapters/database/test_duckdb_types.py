"""What DuckDB keeps and gives: types that Arrow cannot hold whole come as text, and go back only unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from towpath.adapters.database.duckdb import DuckDB
from towpath.errors import DataError, Refused, UserError


@pytest.fixture
def database(tmp_path: Path) -> DuckDB:
    return DuckDB(path=str(tmp_path / "shop.db"), busy_secs=0.3)


def sql(database: DuckDB, *statements: str) -> None:
    with duckdb.connect(str(database.path)) as connection:
        for statement in statements:
            connection.execute(statement)


def selected(database: DuckDB, query: str) -> pa.Table:
    with database.read() as session:
        schema, batches = session.select(query, 1000)
        return pa.Table.from_batches(list(batches), schema)


@pytest.mark.parametrize(
    ("value", "type", "read"),
    [
        ("340282366920938463463374607431768211455::uhugeint", pa.string(), "340282366920938463463374607431768211455"),
        ("170141183460469231731687303715884105727::hugeint", pa.string(), "170141183460469231731687303715884105727"),
        ("'0101'::bit", pa.string(), "0101"),
        ("'infinity'::date", pa.string(), "infinity"),
        ("'-infinity'::date", pa.string(), "-infinity"),
        ("'-infinity'::timestamp", pa.string(), "-infinity"),
        ("'infinity'::timestamp_s", pa.string(), "infinity"),
        ("'infinity'::timestamp_ms", pa.string(), "infinity"),
        ("'infinity'::timestamp_ns", pa.string(), "infinity"),
        ("'infinity'::timestamptz", pa.string(), "infinity"),
        ("'24:00:00'::time", pa.string(), "24:00:00"),
        ("'24:00:00'::time_ns", pa.string(), "24:00:00"),
        ("'23:59:59.999999'::time", pa.time64("us"), None),
        ("interval '3000000 hours'", pa.string(), "3000000:00:00"),
        ("[interval '-2562047:47:16.854776']", pa.string(), '["-2562047:47:16.854776"]'),
        ("{'a': null::interval, 'b': 1}", pa.string(), '{"a":null,"b":1}'),
        ("['2026-01-01'::date, null, 'infinity'::date]", pa.string(), '["2026-01-01",null,"infinity"]'),
        ("['2026-01-01'::date, null]", pa.list_(pa.date32()), None),
        ("[['-infinity'::timestamp]]", pa.string(), '[["-infinity"]]'),
        ("['24:00:00'::time]::time[1]", pa.string(), '["24:00:00"]'),
        ("{'it''s': 1, 'd': 'infinity'::date}", pa.string(), '{"it\'s":1,"d":"infinity"}'),
        ("{'a': ['infinity'::date], 'b': null::date}", pa.string(), '{"a":["infinity"],"b":null}'),
        ("map {'a': 'infinity'::date}", pa.string(), '{"a":"infinity"}'),
        ("map {'infinity'::timestamptz: 1}", pa.string(), '{"infinity":1}'),
        ("[{'a': 1::hugeint, 'b': 'infinity'::date}]", pa.string(), '[{"a":1,"b":"infinity"}]'),
        ("null::struct(d date)", pa.struct([("d", pa.date32())]), None),
        ("'b'::enum('a', 'b')", pa.string(), "b"),
        ("'{\"a\": 1}'::json", pa.string(), '{"a": 1}'),
        ("'01:02:03+05:30'::timetz", pa.string(), "01:02:03+05:30"),
        ("union_value(k := 1)", pa.string(), '{"k":1}'),
        ("interval '1 year 3 days 4.5 seconds'", pa.string(), "1 year 3 days 00:00:04.5"),
        ("'00000000-0000-0000-0000-00000000000a'::uuid", pa.string(), "00000000-0000-0000-0000-00000000000a"),
        ("12345678901234567890123456789012345678901234567890::bignum", pa.string(), "1234567890" * 5),
        ("[1, null, 3]::int[3]", pa.list_(pa.int32()), [1, None, 3]),
        ("[1::uhugeint]", pa.string(), "[1]"),
        ("{'a': 5::utinyint, 'b': [true]}", pa.struct([("a", pa.uint8()), ("b", pa.list_(pa.bool_()))]), None),
        ("map {'a': 1.5::decimal(4,2)}", pa.map_(pa.string(), pa.decimal128(4, 2)), None),
        ("timestamptz '2024-01-01 00:00:00+02'", pa.timestamp("us", "UTC"), None),
        ("timestamp_ns '2024-01-01 00:00:00.123456789'", pa.timestamp("ns"), None),
    ],
)
def test_every_type_is_read_so_that_nothing_is_lost(database: DuckDB, value: str, type: pa.DataType, read: Any) -> None:
    sql(database, f"create table t as select {value} as c")
    got = selected(database, "select * from t")
    assert got.schema.field("c").type == type
    if read is not None:
        assert got.column("c").to_pylist() == [read]
    with database.read() as session:
        existing = session.table("t")
    assert existing is not None
    assert existing.schema.field("c").type == type


def test_a_hugeint_that_fits_38_digits_is_a_decimal(database: DuckDB) -> None:
    sql(database, "create table t as select 12345678901234567890::hugeint as c")
    assert selected(database, "select sum(c) as c from t").schema.field("c").type == pa.decimal128(38, 0)


@pytest.mark.parametrize(
    ("column", "kept", "changed"),
    [
        ("uhugeint", "7", "007"),
        ("uuid", "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000A"),
        ("interval", "1 day", "24 hours 1 day"),
        ("timetz", "01:02:03+05:30", "01:02:03.0+05:30"),
        ("enum('a', 'b')", "a", "c"),
    ],
)
def test_text_that_a_column_would_change_is_an_error(database: DuckDB, column: str, kept: str, changed: str) -> None:
    sql(database, f"create table t (c {column})")
    schema = pa.schema({"c": pa.string()})

    def insert(value: str) -> None:
        with database.write() as session:
            assert session.insert("t", schema, iter([pa.record_batch([pa.array([value, None])], schema=schema)])) == 2
            session.commit()

    insert(kept)
    with pytest.raises(DataError):
        insert(changed)
    assert selected(database, "select * from t").column("c").to_pylist() == [kept, None]


def test_a_file_held_by_another_process_is_refused_as_locked_with_its_pid(database: DuckDB) -> None:
    sql(database, "create table t (id int)")
    code = f"import duckdb, time; c = duckdb.connect({str(database.path)!r}); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            for session in (database.read, database.write):
                with pytest.raises(Refused, match=f"locked by process {other.pid}") as refused, session():
                    pass
                assert str(database.path) in str(refused.value)
        finally:
            other.kill()
            other.wait()


def test_a_lock_that_goes_in_time_is_waited_for(tmp_path: Path) -> None:
    database = DuckDB(path=str(tmp_path / "shop.db"))
    sql(database, "create table t (id int)")
    code = f"import duckdb, time; c = duckdb.connect({str(database.path)!r}); print('held', flush=True); time.sleep(1)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        begun = time.monotonic()
        with database.read() as session:
            assert session.table("t") is not None
        assert time.monotonic() - begun > 0.3


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 1000])
def test_a_file_that_is_no_database_is_refused(database: DuckDB, content: bytes) -> None:
    database.path.write_bytes(content)
    for session in (database.read, database.write):
        with pytest.raises(Refused, match="not a DuckDB database"), session():
            pass


def test_two_columns_of_one_name_in_a_query_are_refused_by_name(database: DuckDB) -> None:
    sql(database, "create table t (id int)")
    with pytest.raises(UserError, match="'id' and 'ID'"):
        selected(database, 'select id, id as "ID" from t')


def test_a_version_tells_minus_zero_from_zero(database: DuckDB) -> None:
    seen = set()
    for row in ("0.0::double, [0.0::float]", "-0.0::double, [0.0::float]", "0.0::double, [-0.0::float]"):
        sql(database, "drop table if exists t", f"create table t as select * from (values ({row})) as v(x, l)")
        with database.read() as session:
            seen.add(database.version(session, "t"))
    assert len(seen) == 3


def test_tables_of_a_schema_and_views_are_found(database: DuckDB) -> None:
    sql(
        database,
        "create schema s",
        'create table s."Order Lines" (id int primary key)',
        "create view v as select 1 as one",
    )
    with database.read() as session:
        found, view = session.table("s.order lines"), session.table("V")
        assert found is not None
        assert found.key == ("id",)
        assert view is not None
        assert view.schema.names == ["one"]
        assert session.table("t.Order Lines") is None


def test_a_query_can_not_reach_python_variables(database: DuckDB) -> None:
    sql(database, "create table t (id int)")
    secret = pa.table({"a": [1]})  # noqa: F841
    with pytest.raises(UserError):
        selected(database, "select * from secret")


def test_a_new_database_leaves_nothing_beside_it(database: DuckDB) -> None:
    with database.write() as session:
        session.execute("create table t (id int)")
        session.commit()
    assert os.listdir(database.path.parent) == ["shop.db"]


def test_nothing_is_reported_at_the_end_of_a_process(database: DuckDB) -> None:
    sql(database, "create table t as select range as id from range(10000)")
    code = f"""
from towpath.adapters.database.duckdb import DuckDB
database = DuckDB(path={str(database.path)!r})
with database.read() as session:
    session.table("t"); session.scalar("select id from t"); session.tables()
    schema, batches = session.select("select id from t", 1000)
    next(batches)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_text_goes_into_a_column_with_infinities_only_as_it_would_come_back(database: DuckDB) -> None:
    sql(database, "create table t (d date)", "insert into t values ('infinity')")
    with database.write() as session:
        schema = pa.schema({"d": pa.string()})
        session.insert(
            "t", schema, iter([pa.record_batch([pa.array(["2026-01-01", None, "-infinity"])], schema=schema)])
        )
        with pytest.raises(DataError, match="column d: DATE would change the value 2026-1-1"):
            session.insert("t", schema, iter([pa.record_batch([pa.array(["2026-1-1"])], schema=schema)]))


def test_tables_come_with_rough_counts_and_those_of_other_schemas_by_their_whole_names(database: DuckDB) -> None:
    sql(
        database,
        "create table t as select range as id from range(5000)",
        "create view v as select * from t",
        "create schema other",
        "create table other.t (id integer)",
    )
    with database.read() as session:
        assert session.tables() == {"t": 5000, "v": None, "other.t": 0}
        assert session.table("other.t") is not None
