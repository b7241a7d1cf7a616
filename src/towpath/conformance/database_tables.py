"""The part of the database's suite that is about tables: what a session tells of them, and how they are altered."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from towpath.conformance.databasekit import ID, WITH_NAME, create, fill, ids, native, needs_ddl, selected
from towpath.conformance.suite import Suite, promise
from towpath.seams.database import Database, ListsTables, WidensColumns

KEYED = {"a": pa.int64(), "b": pa.int32(), "c": pa.string()}


class TablesSuite(Suite):
    """Tables as `towpath.seams.database.Session` tells of them; a subclass gives the fixture `database`."""

    generated: ClassVar[str] = "generated always as ({})"
    """How the database declares a column that it computes."""

    @promise("table/none")
    def test_a_table_that_is_not_there_is_none(self, database: Database) -> None:
        create(database, "t", ID)
        with database.read() as session:
            assert session.table("other") is None

    @promise("table/key")
    def test_a_table_tells_its_columns_native_types_and_key(self, database: Database) -> None:
        with database.write() as session:
            columns = [f"{name} {native(database, type)}" for name, type in KEYED.items()]
            session.execute(f"create table t ({', '.join(columns)}, primary key (b, a))")
            session.commit()
        with database.read() as session:
            existing = session.table("t")
        assert existing is not None
        assert existing.schema.names == ["a", "b", "c"]
        assert existing.key == ("b", "a")
        assert {name: stored.native.lower() for name, stored in existing.stored.items()} == {
            name: native(database, type).lower() for name, type in KEYED.items()
        }

    @promise("table/filled")
    def test_a_table_tells_which_columns_need_a_value_and_which_take_none(self, database: Database) -> None:
        whole = native(database, pa.int64())
        columns = (
            f"id {whole} not null", f"n {whole} default 7 not null", f"free {whole}", f"given {whole} default 3",
            f"twice {whole} {self.generated.format('id * 2')}",
        )  # fmt: skip
        with database.write() as session:
            session.execute(f"create table t ({', '.join(columns)})")
            assert session.insert("t", ID, iter([ids(2)])) == 1
            session.commit()
        with database.read() as session:
            existing = session.table("t")
            assert existing is not None
            assert existing.required == {"id"}
            assert existing.generated == {"twice"}
            assert selected(session, "select * from t").to_pylist() == [
                {"id": 2, "n": 7, "free": None, "given": 3, "twice": 4}
            ]

    @promise("table/list")
    def test_a_session_that_lists_tables_lists_them_all(self, database: Database) -> None:
        fill(database, 1, 2)
        create(database, "Order Lines", ID)
        with database.write() as session:
            session.execute("create view seen as select id from t")
            session.commit()
        with database.read() as session:
            if isinstance(session, ListsTables):
                found = session.tables()
                # A server has other schemas too, whose tables are `schema.table`.
                assert {name for name in found if "." not in name} == {"t", "Order Lines", "seen"}
                assert all(rows is None or rows >= 0 for rows in found.values())

    @promise("table/alter")
    def test_a_column_that_was_added_goes_with_the_transaction(self, database: Database) -> None:
        needs_ddl(database)
        fill(database, 1)
        kept = []
        added = pa.record_batch([pa.array([2]), pa.array(["b"])], schema=WITH_NAME)
        for committed in (False, True):
            with database.write() as session:
                session.execute(f"alter table t add column name {native(database, pa.string())}")
                session.insert("t", WITH_NAME, iter([added]))
                if committed:
                    session.commit()
            with database.read() as session:
                kept.append(selected(session, "select * from t order by id").to_pylist())
        assert kept == [[{"id": 1}], [{"id": 1, "name": None}, {"id": 2, "name": "b"}]]

    @promise("table/widen")
    def test_a_session_that_widens_columns_says_to_what(self, database: Database) -> None:
        narrow = database.stored(pa.int32())
        with database.write() as session:
            session.execute(f"create table t (id {narrow.native})")
            session.commit()
        with database.read() as session:
            if not isinstance(session, WidensColumns):
                return
            wide = session.widened("t", "id", pa.int64())
        with database.write() as session:
            session.execute(database.dialect.widen_column.format("t", "id", wide.native))
            existing = session.table("t")
            session.insert("t", ID, iter([ids(2**62)]))
            assert session.scalar("select id from t") == 2**62
        assert existing is not None
        assert existing.stored["id"] == wide
        if not database.dialect.ddl_in_transaction:
            return
        with database.read() as session:
            found = session.table("t")
        assert found is not None
        assert found.stored["id"] == narrow

    @promise("table/uncommitted")
    def test_a_session_sees_its_own_table_before_commit(self, database: Database) -> None:
        with database.write() as session:
            session.execute(f"create table t (id {native(database, pa.int64())})")
            assert session.table("t") is not None
            session.insert("t", ID, iter([ids(1, 2)]))
            assert session.scalar("select count(*) from t") == 2
