"""Loads whose rows go straight into an open transaction, over a SQLite file that is taken for a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.joins.tablekit import back, load, rows, sql
from tests.joins.watchedkit import STATE, Counting, Watched, WatchedSession
from towpath.errors import BooksDoNotBalance, Conflict, DataError, TowError, UserError
from towpath.joins import table_waiting
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_straight import StraightLoad
from towpath.joins.table_waiting import Waiting
from towpath.nouns import Mode, Published
from towpath.seams.destination import Load
from towpath.stream import Batch, Counted

SCHEMA = pa.schema({"id": pa.int64()})
ASIDE = re.compile(r"_towpath_load1_[0-9a-f]{8}")


@pytest.fixture
def shop(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "shop.db", served=True)


@contextmanager
def begun(
    database: Watched, mode: Mode, key: tuple[str, ...] = (), schema: pa.Schema = SCHEMA, **options: Any
) -> Iterator[Load]:
    destination = TableDestination(database, "t", shown="shop#t", **options)
    with destination.begin(destination.offer(schema, mode, key), "load1") as load:
        yield load


def write(begun: Load, *ids: int) -> None:
    begun.write(Batch(rows(id=pa.array(ids, pa.int64())), Counted("rows")))


def ids(database: Watched) -> list[int]:
    return sorted(row["id"] for row in back(database))


def shown(database: Watched) -> list[str]:
    """What was said, the table aside by a name that is always the same."""
    return [ASIDE.sub("ASIDE", statement) for statement in database.said]


def straight(database: Watched, mode: Mode, schema: pa.Schema = SCHEMA, **options: Any) -> bool:
    instead = options.pop("instead", None)
    destination = TableDestination(database, "t", **options)
    offer = destination.offer(schema, mode, ("id",))
    if instead is not None:
        offer = destination.instead(offer, *instead)
    with destination.begin(offer, "load1") as load:
        return isinstance(load, StraightLoad)


def test_giving_up_cancels_the_statement_and_may_abandon_the_session(shop: Watched) -> None:
    class Cancelled(WatchedSession):
        abandoned = False
        cancelled = 0

        def cancel(self) -> None:
            self.cancelled += 1

    with begun(shop, Mode.APPEND) as load:
        assert isinstance(load, StraightLoad)
        load.give_up()  # nothing is under way
        session = load.session = Cancelled.__new__(Cancelled)
        load.give_up()
        assert (session.cancelled, session.abandoned) == (1, False)
        load.give_up(abandon=True)
        assert (session.cancelled, session.abandoned) == (1, True)


def test_rows_go_straight_where_they_alone_change_the_table(tmp_path: Path) -> None:
    served, embedded = Watched(tmp_path / "a.db", served=True), Watched(tmp_path / "b.db")
    for shop in (served, embedded):
        is_server = shop is served
        assert straight(shop, Mode.CREATE) is is_server
        assert straight(shop, Mode.APPEND, instead=("id", ("1",))) is False
        sql(shop, "create table t (id integer)")
        assert straight(shop, Mode.APPEND) is is_server
        assert straight(shop, Mode.MERGE) is is_server
        assert straight(shop, Mode.APPEND, after=("delete from t",)) is is_server
        assert straight(shop, Mode.REPLACE) is False
        assert straight(shop, Mode.APPEND, before=("delete from t",)) is False
        assert straight(shop, Mode.APPEND, instead=("id", ("1",))) is False
        assert straight(shop, Mode.APPEND, pa.schema({"id": pa.int64(), "new": pa.int64()})) is False


def test_where_ddl_ends_a_transaction_rows_go_straight_into_what_is_there(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", served=True, ddl_in_transaction=False)
    sql(shop, "create table t (id integer)")
    assert straight(shop, Mode.APPEND) is True
    assert load(shop, rows(id=[1]), state=STATE) == Published(1, 1)
    assert TableDestination(shop, "t").state("step") == STATE


@pytest.mark.parametrize(("more", "enough"), [(0, 3), (1, 4)])
def test_rows_wait_until_they_are_enough_to_be_sent(more: int, enough: int) -> None:
    batch = rows(id=[1, 2])
    waiting = Waiting(3 * batch.nbytes + more)
    for _ in range(2):
        assert [waiting.add(batch) for _ in range(enough)] == [False] * (enough - 1) + [True]
        assert list(waiting.taken()) == [batch] * enough
        assert list(waiting.taken()) == []


def test_a_small_load_opens_its_transaction_only_to_publish(shop: Watched) -> None:
    sql(shop, "create table t (id integer)")
    with begun(shop, Mode.APPEND) as load:
        write(load, 1)
        sql(shop, "insert into t values (7)")  # would wait for a transaction that is open
        shop.said.clear()
        assert load.publish(None, None) == Published(1, 1)
    assert shop.said == ["1 rows into t", "commit"]


def test_a_large_load_sends_its_rows_as_they_come_and_nobody_sees_them(
    shop: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 16)
    sql(shop, "create table t (id integer)")
    shop.said.clear()
    with begun(shop, Mode.APPEND) as load:
        for one in (1, 2, 3, 4, 5):
            write(load, one)
        assert shop.said == ["2 rows into t"] * 2
        assert ids(shop) == []
        assert load.publish(None, STATE) == Published(5, 5)
    assert shop.said[2] == "1 rows into t"
    assert ids(shop) == [1, 2, 3, 4, 5]


def test_a_load_that_is_not_published_leaves_nothing(shop: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 1)
    with begun(shop, Mode.CREATE) as load:
        write(load, 1)
    with shop.read() as session:
        assert session.tables() == {}


def test_publishing_again_gives_the_same_answer_and_no_more_rows(shop: Watched) -> None:
    sql(shop, "create table t (id integer)")
    for state in (None, STATE, STATE):
        with begun(shop, Mode.APPEND) as load:
            write(load, 1, 2)
            first = load.publish(None, state)
            assert load.publish(None, state) is first
    assert first == Published(2, 0, 0, 2)
    assert ids(shop) == [1, 1, 2, 2]


def test_a_load_that_is_committed_already_lets_go_of_the_database(shop: Watched) -> None:
    load(shop, rows(id=[1]), Mode.CREATE, state=STATE)
    with begun(shop, Mode.APPEND) as again:
        assert again.publish(None, STATE) == Published(0, 0)
        sql(shop, "insert into t values (2)")
    with begun(shop, Mode.APPEND) as other:
        write(other, 3)
        other.publish(None, None)
        sql(shop, "insert into t values (4)")
    assert ids(shop) == [1, 2, 3, 4]


def test_a_new_table_is_filled_aside_and_gets_its_name_at_the_end(shop: Watched) -> None:
    assert load(shop, rows(id=[1], name=["a"]), Mode.CREATE) == Published(1, 1)
    assert shown(shop) == [
        'create table "ASIDE" ("id" INTEGER, "name" TEXT)',
        "1 rows into ASIDE",
        'alter table "ASIDE" rename to "t"',
        "commit",
    ]
    assert back(shop) == [{"id": 1, "name": "a"}]


def test_a_new_table_of_a_schema_is_filled_aside_in_it(shop: Watched) -> None:
    destination = TableDestination(shop, "main.t")
    with destination.begin(destination.offer(SCHEMA, Mode.CREATE, ()), "load1") as load:
        write(load, 1)
        assert load.publish(None, None) == Published(1, 1)
    assert shown(shop)[0] == 'create table "main"."ASIDE" ("id" INTEGER)'
    assert shown(shop)[2] == 'alter table "main"."ASIDE" rename to "t"'


def test_a_table_gets_its_name_in_the_databases_own_words(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", served=True, rename="alter table {table} rename to {whole}")
    assert load(shop, rows(id=[1]), Mode.CREATE) == Published(1, 1)
    assert ids(shop) == [1]


def test_a_column_may_be_called_as_the_table(shop: Watched) -> None:
    assert load(shop, rows(t=[1]), Mode.CREATE) == Published(1, 1)
    assert back(shop) == [{"t": 1}]


def test_a_table_made_before_the_rows_came_is_a_conflict(shop: Watched) -> None:
    for state in (None, STATE):
        sql(shop, "drop table if exists t")
        with begun(shop, Mode.CREATE) as load:
            write(load, 1)
            sql(shop, "create table t (id integer)")
            with pytest.raises(Conflict, match="^shop#t: the table was made meanwhile; nothing was published"):
                load.publish(None, state)


class Racing(Watched):
    """`statement` is run in the midst of the load: when its rows are `filled` in, or before one that says `when`."""

    def __init__(self, path: Path, when: str, statement: str) -> None:
        super().__init__(path, served=True)
        outer = self

        class Session(self.session):  # type: ignore[name-defined, misc]
            def insert(self, *given: Any) -> int:
                inserted = super().insert(*given)
                if outer.home is None and when == "filled":
                    super().execute(statement)
                return inserted

            def execute(self, sql: str, values: Any = ()) -> int:
                if when in sql:
                    super().execute(statement)
                return super().execute(sql, values)

        self.session = Session


@pytest.mark.parametrize("when", ["filled", "rename to"])
def test_a_table_made_while_the_rows_came_is_a_conflict(tmp_path: Path, when: str) -> None:
    shop = Racing(tmp_path / "shop.db", when, "create table t (id integer)")
    with pytest.raises(Conflict, match="^shop#t: the table was made meanwhile; nothing was published"):
        load(shop, rows(id=[1]), Mode.CREATE, shown="shop#t")
    assert sum("rename to" in statement for statement in shop.said) == (when == "rename to")


def test_a_table_that_cannot_be_made_is_told_with_the_statement(tmp_path: Path) -> None:
    shop = Racing(tmp_path / "shop.db", "create table", "create table nowhere.u (id integer)")
    with pytest.raises(UserError, match='^shop#t: create table "_towpath_load1_.*: unknown database') as refused:
        load(shop, rows(id=[1]), Mode.CREATE, shown="shop#t")
    assert refused.value.code == "ddl-failed"


def test_the_table_must_be_as_it_was_offered(shop: Watched) -> None:
    for mode in (Mode.APPEND, Mode.MERGE):
        sql(shop, "drop table if exists t", "create table t (id integer)")
        with begun(shop, mode, ("id",)) as load:
            write(load, 1)
            sql(shop, "alter table t rename column id to di")
            with pytest.raises(Conflict, match="column id was changed"):
                load.publish(None, None)


def test_a_table_that_is_dropped_while_its_rows_are_merged_is_a_conflict(tmp_path: Path) -> None:
    shop = Racing(tmp_path / "shop.db", "filled", "drop table t")
    sql(shop, "create table t (id integer)")
    with pytest.raises(Conflict, match="dropped"):
        load(shop, rows(id=[1]), Mode.MERGE, ("id",))


def test_a_state_that_another_run_moved_is_a_conflict(shop: Watched) -> None:
    sql(shop, "create table t (id integer)")
    with begun(shop, Mode.APPEND) as load:
        write(load, 1)
        TableDestination(shop, "t").put_state("step", None, replace(STATE, load_id="load0"))
        with pytest.raises(Conflict, match="^shop#t: another run of step published meanwhile; nothing was published"):
            load.publish(None, STATE)
    assert ids(shop) == []


def test_a_merge_meets_the_table_at_the_end_under_its_lock(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", served=True, lock="update {} set id = id where 0")
    load(shop, rows(id=[1, 2], v=["a", "b"]), Mode.CREATE)
    shop.said.clear()
    batch = rows(id=[2, 3], v=["c", "d"])
    assert load(shop, batch, Mode.MERGE, ("id",), state=STATE) == Published(2, 1, 1, 0)
    words = [" ".join(statement.split()[:3]) for statement in shop.said]
    assert words == [
        "create temp table",
        "2 rows into",
        "create table if",
        "insert into \"_towpath_state\"",
        "update \"t\" set",
        "update \"t\" as",
        "insert into \"t\"",
        "drop table _towpath_stage",
        "commit",
    ]  # fmt: skip
    assert shop.said[4] == 'update "t" set id = id where 0'
    assert back(shop, "select * from t order by id") == [
        {"id": 1, "v": "a"},
        {"id": 2, "v": "c"},
        {"id": 3, "v": "d"},
    ]


def test_appended_rows_need_no_lock(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", served=True, lock="update {} set id = id where 0")
    load(shop, rows(id=[1]), Mode.CREATE)
    load(shop, rows(id=[2]))
    assert not any("where 0" in statement for statement in shop.said)


def test_rows_merged_into_a_table_that_they_make_have_keys_too(shop: Watched) -> None:
    assert load(shop, rows(id=[1, 2]), Mode.MERGE, ("id",)) == Published(2, 2)
    sql(shop, "drop table t")
    for ids, told in (([1, 1], "id = 1 comes more than once"), ([1, None], "null in 1 of the rows")):
        with pytest.raises(DataError, match=told):
            load(shop, rows(id=pa.array(ids, pa.int64())), Mode.MERGE, ("id",))
    assert load(shop, rows(id=[1, 1]), Mode.CREATE) == Published(2, 2)


@pytest.mark.parametrize("counts", [True, False])
def test_rows_that_a_trigger_adds_upset_the_books(shop: Watched, counts: bool) -> None:
    if counts:
        shop.session = Counting
    sql(
        shop,
        "create table t (id integer)",
        "create trigger more after insert on t when new.id = 2 begin insert into t values (9); end",
    )
    assert load(shop, rows(id=[1])) == Published(1, 1)
    with pytest.raises(BooksDoNotBalance, match="2 rows were inserted, and the table grew by 3"):
        load(shop, rows(id=[1, 2]))
    assert ids(shop) == [1]


class Adding(WatchedSession):
    """A row that nobody sent comes with those that were."""

    def insert(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        inserted = super().insert(table, schema, batches)
        self.execute(f"insert into {table} values (9)")
        return inserted


def test_a_row_that_nobody_sent_upsets_the_books_of_a_new_table_too(shop: Watched) -> None:
    shop.session = Adding
    with pytest.raises(BooksDoNotBalance, match="1 rows were inserted, and the table grew by 2"):
        load(shop, rows(id=[1]), Mode.CREATE)
    with shop.read() as session:
        assert session.tables() == {}


def test_rows_that_a_trigger_drops_upset_the_books(shop: Watched) -> None:
    sql(
        shop,
        "create table t (id integer)",
        "create trigger less before insert on t when new.id = 2 begin select raise(ignore); end",
    )
    with pytest.raises(BooksDoNotBalance, match="the database took 1 rows of 2"):
        load(shop, rows(id=[1, 2]))
    assert ids(shop) == []


def test_sql_after_the_rows_runs_in_their_transaction(shop: Watched) -> None:
    assert load(shop, rows(id=[1, 2]), Mode.CREATE, after=("delete from t where id = 1",), state=STATE) == Published(
        2, 2
    )
    assert ids(shop) == [2]
    with pytest.raises(TowError, match="nowhere"):
        load(shop, rows(id=[3]), after=("delete from nowhere",))
    assert ids(shop) == [2]
