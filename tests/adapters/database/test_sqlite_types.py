"""What SQLite keeps and gives: declarations are promises that reading checks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from towpath.adapters.database import sqlite_columns
from towpath.adapters.database.sqlite import SQLite
from towpath.errors import DataError, Refused, UserError
from towpath.joins.table_source import TableSource
from towpath.nouns import Restart, Want


@pytest.fixture
def database(tmp_path: Path) -> SQLite:
    return SQLite(path=str(tmp_path / "shop.db"), busy_secs=0.2)


def sql(database: SQLite, *statements: str) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def selected(database: SQLite, query: str) -> pa.Table:
    with database.read() as session:
        schema, batches = session.select(query, 2)
        return pa.Table.from_batches(list(batches), schema)


@pytest.mark.parametrize(
    ("declared", "values", "type", "read"),
    [
        ("INT", "(1), (null)", pa.int64(), [1, None]),
        ("BIGINT UNSIGNED", "(9223372036854775807)", pa.int64(), [2**63 - 1]),
        ("VARCHAR(3)", "('longer'), ('')", pa.string(), ["longer", ""]),
        ("DOUBLE PRECISION", "(1), (0.1)", pa.float64(), [1.0, 0.1]),
        ("BLOB", "(x'00ff')", pa.binary(), [b"\x00\xff"]),
        ("BOOLEAN", "(1), (0), (null)", pa.bool_(), [True, False, None]),
        ("DECIMAL(10,2)", "(1), (1.5)", pa.float64(), [1.0, 1.5]),
        ("DECIMAL(10,2)", "(1), (2)", pa.float64(), [1.0, 2.0]),
        ("NUMERIC", "(9007199254740993), (1.5)", pa.string(), ["9007199254740993", "1.5"]),
        ("DATE", "('2024-01-01'), ('unknown')", pa.string(), ["2024-01-01", "unknown"]),
        ("DATETIME", "(1704067200)", pa.int64(), [1704067200]),
        ("", "(1), (2)", pa.int64(), [1, 2]),
        ("", "(1), ('a'), (1e20)", pa.string(), ["1", "a", "1e+20"]),
        ("", "(x'01')", pa.binary(), [b"\x01"]),
        ("", "(null)", pa.string(), [None]),
    ],
)
def test_foreign_columns_are_read_by_declaration_or_else_by_their_values(
    database: SQLite, declared: str, values: str, type: pa.DataType, read: list[Any]
) -> None:
    sql(database, f"create table t (c {declared})", f"insert into t values {values}")
    got = selected(database, "select * from t")
    assert got.schema.field("c").type == type
    assert got.column("c").to_pylist() == read


@pytest.mark.parametrize(
    ("declared", "bad"),
    [
        ("INTEGER", "'abc'"),
        ("REAL", "'abc'"),
        ("TEXT", "x'00'"),
        ("BLOB", "'text'"),
        ("BOOLEAN", "2"),
        ("BOOLEAN", "'yes'"),
        ('"TEXT date"', "'2024-13-01'"),
        ('"TEXT decimal(5,2)"', "'1.234'"),
        ("", "x'00'"),
    ],
)
def test_a_value_of_another_type_is_named_with_table_rowid_column_and_value(
    database: SQLite, declared: str, bad: str
) -> None:
    good = {"": "'text'", "BOOLEAN": "1"}.get(declared, "null")
    sql(database, f'create table "my t" ("the c" {declared}, other int)')
    sql(database, f'insert into "my t"(rowid, "the c") values (5, {good}), (70, {bad})')
    with pytest.raises(DataError) as raised:
        selected(database, 'select "the c" from "my t"')
    told = str(raised.value)
    assert 'table "my t" rowid 70' in told
    assert "column the c" in told
    assert bad.strip("'x")[:2] in told or "\\x00" in told


def test_text_that_is_no_unicode_is_an_error(database: SQLite) -> None:
    sql(database, "create table t (c TEXT)", "insert into t values (cast(x'ff' as text))")
    with pytest.raises(DataError, match="column 'c'"):
        selected(database, "select c from t")


def test_strict_and_rowless_tables_generated_columns_and_views_are_read(database: SQLite) -> None:
    sql(
        database,
        "create table s (id INT primary key, name TEXT, twice INT as (id * 2)) strict, without rowid",
        "insert into s(id, name) values (1, 'a')",
        "create view v as select name as n, id + 1 as next from s",
    )
    assert selected(database, "select * from s").to_pylist() == [{"id": 1, "name": "a", "twice": 2}]
    assert selected(database, "select * from v").to_pylist() == [{"n": "a", "next": 2}]
    with database.read() as session:
        found = session.table("main.S")
        assert found is not None
        assert found.key == ("id",)
        assert set(session.tables()) == {"s", "v"}


@pytest.mark.parametrize("query", ["delete from t", "insert into t values (9) returning c", "select 1; delete from t"])
def test_only_a_query_can_be_selected(database: SQLite, query: str) -> None:
    sql(database, "create table t (c INTEGER)", "insert into t values (1)")
    with pytest.raises(UserError):
        selected(database, query)
    assert selected(database, "select * from t").num_rows == 1


def test_two_columns_of_one_name_in_a_query_are_refused_by_name(database: SQLite) -> None:
    sql(database, "create table t (id INTEGER)")
    with pytest.raises(UserError, match="'id' and 'ID'"):
        selected(database, 'select id, id as "ID" from t')


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("REAL", pa.array([0.5, -0.0])),
        ("REAL", pa.array([float("nan")])),
        ("", pa.array([float("nan")])),
        ("NUMERIC", pa.array(["x", "007"])),
        ("DATE", pa.array(["2024-01-01", "1e5"])),
        ("INTEGER", pa.array(["12"])),
        ("REAL", pa.array([2**53 + 1])),
        ("INTEGER PRIMARY KEY", pa.array([1, None], pa.int64())),
    ],
)
def test_a_value_that_a_column_would_change_is_an_error(database: SQLite, declared: str, values: pa.Array) -> None:
    sql(database, f"create table t (c {declared})")
    rows = pa.record_batch([values], names=["c"])
    with pytest.raises(DataError, match="SQLite would keep another value"), database.write() as session:
        session.insert("t", rows.schema, iter([rows]))


@pytest.mark.parametrize(
    ("declared", "values"),
    [("", [-0.0, 1.5, None]), ("DATE", ["2024-01-01", "", None]), ("NUMERIC", ["abc", "12 34", "0x1A"])],
)
def test_a_value_that_a_column_keeps_comes_back(database: SQLite, declared: str, values: list[Any]) -> None:
    sql(database, f"create table t (c {declared})")
    rows = pa.record_batch([pa.array(values)], names=["c"])
    with database.write() as session:
        session.insert("t", rows.schema, iter([rows]))
        session.commit()
    assert str(selected(database, "select * from t").column("c").to_pylist()) == str(values)


def test_a_constraint_that_would_drop_or_replace_rows_quietly_stops_the_load(database: SQLite) -> None:
    rows = pa.record_batch({"id": pa.array([1, 1], pa.int64())})
    for way in ("ignore", "replace"):
        sql(database, f"create table {way}_ (id INTEGER unique on conflict {way})")
        with pytest.raises(DataError, match="UNIQUE constraint failed"), database.write() as session:
            session.insert(f"{way}_", rows.schema, iter([rows]))


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_locked_database_is_refused_and_a_version_follows_every_commit(database: SQLite, journal: str) -> None:
    sql(database, f"pragma journal_mode = {journal}", "create table t (id INTEGER)")
    versions = set()
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        for number in range(30):
            other.execute("insert into t values (?)", (number,))
            with database.read() as session:
                versions.add(database.version(session, "t"))
        assert len(versions) == 30
        other.execute("begin immediate")
        with pytest.raises(Refused, match="locked"), database.write():
            pass
        with database.read() as session:
            assert session.scalar("select count(*) from t") == 30


def test_a_file_that_is_no_database_is_refused(database: SQLite) -> None:
    database.path.write_bytes(b"not a database at all" * 1000)
    for session in (database.read, database.write):
        with pytest.raises(Refused, match="not a SQLite database"), session():
            pass


@pytest.mark.parametrize("value", ["00501", "1e5", "5"])
def test_text_that_a_column_of_any_type_takes_for_a_number_is_refused_but_in_strict_tables(
    database: SQLite, value: str
) -> None:
    sql(database, "create table t (c ANY)", "create table s (c ANY) strict")
    schema = pa.schema({"c": pa.string()})
    rows = pa.record_batch([pa.array([value, "x"])], schema=schema)
    with database.write() as session, pytest.raises(DataError, match=f"column c .'{value}'"):
        session.insert("t", schema, iter([rows]))
    with database.write() as session:
        session.insert("s", schema, iter([rows]))
        session.commit()
    assert selected(database, "select * from s").column("c").to_pylist() == [value, "x"]


def test_a_column_of_any_type_is_read_by_its_values(database: SQLite) -> None:
    sql(database, "create table s (c ANY) strict", "insert into s values (1), ('00501')")
    assert selected(database, "select * from s").column("c").to_pylist() == ["1", "00501"]


def test_minus_zero_is_refused_where_its_sign_would_be_lost(database: SQLite) -> None:
    sql(database, "create table t (r REAL, n NUMERIC, bare)", "insert into t values (0.5, 0.5, 0.5)")
    assert "minus-zero" in database.stored(pa.float64()).refuses
    with database.read() as session:
        found = session.table("t")
    assert found is not None
    lost = {name for name, stored in found.stored.items() if "minus-zero" in stored.refuses}
    assert lost == {"r", "n"}


def test_tables_come_with_their_counts_when_they_are_small(database: SQLite) -> None:
    sql(
        database,
        "create table few (id integer primary key autoincrement)",
        "insert into few values (1), (2)",
        "create table sqliteish (id)",
        "create table many (id)",
        "insert into many with recursive n(x) as (select 1 union all select x + 1 from n limit 100001) select x from n",
        "create view v as select * from few",
    )
    with database.read() as session:
        assert session.tables() == {"few": 2, "sqliteish": 0, "many": None, "v": None}


BEGINS = {
    "integer": "(1), (2)",
    "real": "(1.5), (2)",
    "text": "('a'), ('b')",
    "bytes": "(x'00')",
    "nothing": "(null)",
    "mixed": "('a'), (5)",
}
TURNS = {
    "integer": "(7)",
    "huge": f"({2**53 + 1})",
    "real": "(0.25)",
    "text": "('later')",
    "bytes": "(x'ff')",
    "nothing": "(null)",
    "several": f"(7), ('later'), (0.5), ({2**60})",
}


@pytest.mark.parametrize("later", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize("begin", BEGINS.values(), ids=BEGINS)
@pytest.mark.parametrize("declared", ["", "DATE", "DECIMAL(5,2)"])
def test_the_types_are_those_of_all_values_however_they_are_found(
    database: SQLite, monkeypatch: pytest.MonkeyPatch, declared: str, begin: str, later: str
) -> None:
    """From a sample, whole, and by beginning again: the same rows or the same error."""
    sql(database, f"create table t (c {declared}, other int)")
    sql(database, f"insert into t(c) values {begin}", f"insert into t(c) values {later}")
    outcomes = []
    for sample in (10_000, len(begin.split("), ("))):
        monkeypatch.setattr(sqlite_columns, "_SAMPLE_ROWS", sample)
        reads = TableSource(database, table="t", shown="shop.db#t")
        try:
            try:
                with reads.open(None, Want()) as reading:
                    rows = pa.Table.from_batches([batch.rows for batch in reading], reading.schema)
            except Restart as restart:
                with reads.open(None, Want(schema=restart.schema)) as reading:
                    rows = pa.Table.from_batches([batch.rows for batch in reading], reading.schema)
            outcomes.append((rows.schema.types, rows.to_pylist()))
        except DataError as error:
            outcomes.append((str(error), []))
    try:
        whole = selected(database, "select c, other from t")
        expected: Any = (whole.schema.types, whole.to_pylist())
    except DataError as error:
        expected = (str(error), [])
    assert outcomes == [expected, expected]


def test_a_column_without_a_value_in_the_sample_is_looked_at_whole(
    database: SQLite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_columns, "_SAMPLE_ROWS", 2)
    sql(database, "create table t (a, b, c)", "insert into t values (null, 1, 1), (null, 2, 'x'), (5, 3, 4)")
    with database.read() as session:
        schema, presumed = session.columns("select * from t", ("b",))
        assert (schema.types, presumed) == ([pa.int64(), pa.int64(), pa.string()], frozenset("c"))
        schema, presumed = session.columns("select * from t", ())
        assert presumed == frozenset("bc")
        assert session.columns("select * from t")[1] == frozenset()
        assert (session.has("t"), session.has("T"), session.has("u")) == (True, True, False)


def test_reading_looks_at_the_rows_of_a_table_once(database: SQLite, monkeypatch: pytest.MonkeyPatch) -> None:
    """And at the first ones for their types, but not at all of them."""
    sql(database, "create table t (c date)", "insert into t values ('2024-01-01')")
    seen: list[str] = []
    whole = sqlite_columns.Columns._by_values

    def watched(session: Any, relation: str, declared: Any) -> Any:
        seen.extend([relation] if declared else [])
        return whole(session, relation, declared)

    monkeypatch.setattr(sqlite_columns.Columns, "_by_values", watched)
    reads = TableSource(database, table="t", shown="shop.db#t")
    reads.describe(Want())
    with reads.open(None, Want()) as reading:
        list(reading)
    assert len(seen) == 2
    assert all("limit" in relation for relation in seen)
