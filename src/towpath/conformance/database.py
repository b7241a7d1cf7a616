"""The suite of the database seam: transactions, counts, identifiers, types and translated errors."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from towpath.conformance.carry import assert_same, offered
from towpath.conformance.cases import CASES, Case
from towpath.conformance.database_tables import TablesSuite
from towpath.conformance.databasekit import ID, create, fill, ids, native, needs_ddl, seen, selected, version
from towpath.conformance.suite import promise
from towpath.errors import DataError, Refused, TowError, UserError
from towpath.seams.database import Database

IDENTIFIERS = (
    "orders", "Order Lines", 'say "so"', "it's", "select", "äöü", "日本", "a;b--c", "100%", "a`b", "[a]", "_x", "1st",
    "a?b",
)  # fmt: skip


class DatabaseSuite(TablesSuite):
    """Holds a database to `towpath.seams.database`. `make` must give the same database for the same folder; what a
    server has for a folder belongs to it alone."""

    seam: ClassVar[str] = "database"

    def make(self, folder: Path) -> Database:
        made: Database = self.kind()(path=str(folder / "shop.db"))
        return made

    def missing(self, folder: Path) -> Database:
        """A database that is not there."""
        return self.make(folder)

    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return self.make(tmp_path)

    @promise()
    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
    def test_values_come_back_as_they_were(self, database: Database, case: Case) -> None:
        sent = case.rows()
        rows = offered(sent, database.stored)
        create(database, "t", sent.schema)
        with database.write() as session:
            session.insert("t", rows.schema, iter([rows]))
            session.commit()
        with database.read() as session:
            existing = session.table("t")
            assert existing is not None
            assert existing.schema.names == sent.schema.names
            for field in sent.schema:
                assert existing.schema.field(field.name).type == database.stored(field.type).type
            assert_same(sent, selected(session, f"select * from {database.quote('t')}"))

    @promise("name/any")
    @pytest.mark.parametrize("name", IDENTIFIERS)
    def test_quoted_identifiers_keep_every_character(self, database: Database, name: str) -> None:
        schema = pa.schema({name: pa.int64(), "plain": pa.string()})
        rows = pa.record_batch([pa.array([1, 2]), pa.array(["a", "b"])], schema=schema)
        create(database, name, schema)
        with database.write() as session:
            assert session.insert(name, schema, iter([rows])) == 2
            session.commit()
        with database.read() as session:
            existing = session.table(name)
            assert existing is not None
            assert existing.schema.names == [name, "plain"]
            quoted = database.quote(name)
            got = selected(session, f"select {quoted}, plain from {quoted} order by {quoted}")
        assert got.column(name).to_pylist() == [1, 2]
        assert got.schema.names == [name, "plain"]

    @promise("transaction/invisible")
    def test_nothing_is_visible_to_others_before_commit(self, database: Database, tmp_path: Path) -> None:
        fill(database, 1, 2)
        with database.write() as session:
            session.insert("t", ID, iter([ids(3)]))
            session.execute("delete from t where id = 1")
            assert seen(self.make(tmp_path)) in ([1, 2], None)
            session.commit()
        assert seen(database) == [2, 3]

    @promise("transaction/rollback")
    def test_leaving_without_commit_rolls_back(self, database: Database) -> None:
        fill(database, 1, 2)
        with database.write() as session:
            session.insert("t", ID, iter([ids(3)]))
            session.execute("delete from t where id = 1")
        assert seen(database) == [1, 2]
        with pytest.raises(KeyError), database.write() as session:
            session.insert("t", ID, iter([ids(3)]))
            raise KeyError
        assert seen(database) == [1, 2]

    @promise("transaction/table")
    def test_leaving_without_commit_takes_a_new_table_back(self, database: Database) -> None:
        needs_ddl(database)
        fill(database, 1)
        with database.write() as session:
            session.execute(f"create table other (id {native(database, pa.int64())})")
        with database.read() as session:
            assert session.table("other") is None

    @promise("transaction/snapshot")
    def test_a_reading_session_keeps_its_snapshot(self, database: Database, tmp_path: Path) -> None:
        fill(database, 1, 2)
        with database.read() as session:
            before = session.scalar("select count(*) from t")
            # A database that admits no writer beside a reader keeps the promise too.
            with contextlib.suppress(TowError), self.make(tmp_path).write() as other:
                other.insert("t", ID, iter([ids(3)]))
                other.commit()
            assert session.scalar("select count(*) from t") == before == 2

    @promise("transaction/read")
    def test_a_reading_session_changes_nothing(self, database: Database) -> None:
        fill(database, 1, 2)
        with contextlib.suppress(TowError), database.read() as session:
            session.execute("delete from t")
            session.execute("commit")
        assert seen(database) == [1, 2]

    @promise("transaction/failed-insert")
    def test_a_stream_that_fails_half_way_inserts_nothing(self, database: Database) -> None:
        fill(database, 1)

        def failing() -> Iterator[pa.RecordBatch]:
            yield ids(2)
            raise DataError("the source broke", where="orders.csv:2")

        with pytest.raises(DataError, match="the source broke"), database.write() as session:
            session.insert("t", ID, failing())
            session.commit()
        assert seen(database) == [1]

    @promise("insert/count")
    def test_an_insert_counts_its_rows(self, database: Database) -> None:
        create(database, "t", ID)
        with database.write() as session:
            assert session.insert("t", ID, iter([])) == 0
            assert session.insert("t", ID, iter([ids(1, 2), ids(), ids(3)])) == 3
            assert session.scalar("select count(*) from t") == 3

    @promise("insert/by-name")
    def test_an_insert_goes_by_column_name(self, database: Database) -> None:
        create(database, "t", pa.schema({"a": pa.int64(), "b": pa.string(), "c": pa.int64()}))
        rows = pa.record_batch([pa.array(["x"]), pa.array([1], pa.int64())], names=["b", "a"])
        with database.write() as session:
            session.insert("t", rows.schema, iter([rows]))
            got = selected(session, "select a, b, c from t")
        assert got.to_pylist() == [{"a": 1, "b": "x", "c": None}]

    @promise("execute/count")
    def test_a_statement_counts_the_rows_that_it_changed(self, database: Database) -> None:
        fill(database, 1, 2, 3)
        with database.write() as session:
            for sql, changed in (
                ("update t set id = id + 10 where id < 3", 2),
                ("insert into t select id + 100 from t", 3),
                ("delete from t where id = 999", 0),
                ("delete from t", 6),
            ):
                assert session.execute(sql) in (changed, -1)

    @promise("execute/count")
    def test_a_statement_with_values_counts_the_rows_that_it_changed(self, database: Database) -> None:
        """What two runs at once rest on: the one that changed no row of the states knows that it came second."""
        fill(database, 1, 2, 3)
        with database.write() as session:
            assert session.execute("update t set id = ? where id = ?", [10, 1]) == 1
            assert session.execute("update t set id = ? where id = ?", [10, 1]) == 0
            assert session.execute("delete from t where id > ?", [1]) == 3
            assert session.execute("delete from t where id > ?", [1]) == 0

    @promise("execute/values")
    def test_values_are_bound_and_never_pasted(self, database: Database) -> None:
        create(database, "t", pa.schema({"id": pa.int64(), "name": pa.string()}))
        name = "it's; drop table t --?"
        with database.write() as session:
            session.execute("insert into t values (?, ?)", (1, name))
            session.execute("insert into t values (?, ?)", [2, None])
            assert session.scalar("select name from t where id = ?", [1]) == name
            assert session.scalar("select name from t where id = ?", (2,)) is None
            assert session.scalar("select id from t where name = ?", (name,)) == 1

    @promise("scalar")
    def test_a_scalar_is_the_first_value_or_none(self, database: Database) -> None:
        fill(database, 1, 2)
        with database.read() as session:
            assert session.scalar("select id, id + 1 from t order by id") == 1
            assert session.scalar("select id from t where id = 99") is None
            assert session.scalar("select max(id) from t where id = 99") is None

    @promise("select/stream")
    def test_a_query_streams_in_batches_of_the_asked_size(self, database: Database) -> None:
        create(database, "t", ID)
        with database.write() as session:
            session.insert("t", ID, iter([ids(*range(first, first + 5_000)) for first in range(0, 50_000, 5_000)]))
            session.commit()
        with database.read() as session:
            schema, batches = session.select("select id from t order by id", 2_000)
            alive: list[weakref.ref[pa.RecordBatch]] = []
            values: list[int] = []
            for rows in batches:
                assert rows.schema.equals(schema)
                assert rows.num_rows <= 4_096
                values += rows.column(0).to_pylist()
                alive.append(weakref.ref(rows))
                del rows
                assert sum(ref() is not None for ref in alive) <= 4
        assert values == list(range(50_000))

    @promise("select/empty")
    def test_a_query_without_rows_has_its_schema(self, database: Database) -> None:
        create(database, "t", pa.schema({"id": pa.int64(), "name": pa.string()}))
        with database.read() as session:
            got = selected(session, "select * from t")
        assert got.schema.names == ["id", "name"]
        assert got.schema.types == [database.stored(type).type for type in (pa.int64(), pa.string())]

    @promise("read/missing")
    def test_reading_a_database_that_is_not_there_is_refused_and_makes_none(self, tmp_path: Path) -> None:
        database = self.missing(tmp_path)
        with pytest.raises(Refused), database.read():
            pass
        if database.home is not None:
            assert not database.exists()
            assert list(tmp_path.iterdir()) == []
            create(database, "t", ID)
            assert database.exists()

    @promise("version/changes")
    @pytest.mark.parametrize(
        "change",
        ["insert into t values (9)", "update t set id = 5 where id = 1", "delete from t where id = 1",
         "update t set id = 3 - id"],
    )  # fmt: skip
    def test_a_version_changes_whenever_rows_change(self, database: Database, change: str) -> None:
        fill(database, 1, 2)
        before = version(database)
        with database.write() as session:
            session.execute(change)
            session.commit()
        if before is not None and change != "update t set id = 3 - id":
            assert version(database) != before

    @promise("version/stays")
    def test_a_version_stays_while_no_row_changes(self, database: Database) -> None:
        fill(database, 1, 2)
        before = version(database)
        assert version(database) == before
        with database.write() as session:
            session.execute("delete from t")
        assert version(database) == before

    @promise("error/sql")
    @pytest.mark.parametrize("sql", ["selec 1", "select nothing from t", "select * from missing", "select ("])
    def test_wrong_sql_is_the_users_error(self, database: Database, sql: str) -> None:
        fill(database, 1)
        with database.read() as session:
            with pytest.raises(UserError):
                selected(session, sql)
            with pytest.raises(UserError):
                session.scalar(sql)
        with database.write() as session, pytest.raises(UserError):
            session.execute(sql)

    @promise("error/constraint")
    def test_a_broken_constraint_is_the_datas_error(self, database: Database) -> None:
        with database.write() as session:
            session.execute(f"create table t (id {native(database, pa.int64())} not null, primary key (id))")
            session.insert("t", ID, iter([ids(1, 2)]))
            session.commit()
        for rows in (ids(3, 3), ids(1), pa.record_batch([pa.array([None], pa.int64())], names=["id"])):
            with pytest.raises(DataError), database.write() as session:
                session.insert("t", ID, iter([rows]))
                session.commit()
        assert seen(database) == [1, 2]
