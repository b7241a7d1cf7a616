"""A load that waits in a spool, statement by statement, over a SQLite file."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from tests.joins.tablekit import back, load, natives, rows, sql
from tests.joins.watchedkit import STATE, Counting, Watched, WatchedSession, target
from towpath.errors import BooksDoNotBalance, Conflict, DataError, Refused, TowError, Transient, UserError
from towpath.joins.table_columns import Fit
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_load import Found, alter, check_count, conflict, present
from towpath.nouns import Mode, Published
from towpath.seams.database import Outcome
from towpath.seams.destination import Load
from towpath.stream import Batch, Counted

SCHEMA = pa.schema({"id": pa.int64()})


@pytest.fixture
def shop(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "shop.db")


def begin(
    database: Watched,
    mode: Mode,
    schema: pa.Schema = SCHEMA,
    key: tuple[str, ...] = (),
    load_id: str = "load1",
) -> AbstractContextManager[Load]:
    destination = TableDestination(database, "t", shown="shop#t")
    return destination.begin(destination.offer(schema, mode, key), load_id)


def write(begun: Load, **columns: Any) -> None:
    begun.write(Batch(rows(**columns), Counted("rows")))


def ids(database: Watched) -> list[int]:
    return sorted(row["id"] for row in back(database))


def test_a_load_that_is_committed_already_adds_nothing(shop: Watched) -> None:
    assert load(shop, rows(id=[1, 2]), Mode.CREATE, state=STATE) == Published(2, 2)
    assert load(shop, rows(id=[1, 2]), state=STATE) == Published(2, 0, 0, 2)
    assert ids(shop) == [1, 2]


def test_a_load_without_a_name_is_never_taken_for_another(shop: Watched) -> None:
    load(shop, rows(id=[1]), Mode.CREATE)
    assert load(shop, rows(id=[1])) == Published(1, 1)
    assert ids(shop) == [1, 1]


def test_publishing_again_gives_the_same_answer_and_no_more_rows(shop: Watched) -> None:
    for mode, state in ((Mode.CREATE, None), (Mode.APPEND, STATE), (Mode.APPEND, STATE)):
        with begin(shop, mode) as begun:
            write(begun, id=[1, 2])
            first = begun.publish(None, state)
            assert first.accepted == 2
            said = list(shop.said)
            assert begun.publish(None, state) is first
            assert shop.said == said
    assert ids(shop) == [1, 1, 2, 2]


def test_a_state_that_another_run_moved_is_a_conflict_that_says_so(shop: Watched) -> None:
    sql(shop, "create table t (id integer)")
    with begin(shop, Mode.APPEND) as begun:
        TableDestination(shop, "t").put_state("step", None, replace(STATE, load_id="load0"))
        with pytest.raises(Conflict) as refused:
            begun.publish(None, STATE)
    assert str(refused.value) == (
        "shop#t: another run of step published meanwhile; nothing was published [conflict]\n  run it again"
    )


@pytest.mark.parametrize("served", [True, False])
def test_a_state_moves_on_from_the_one_before(tmp_path: Path, served: bool) -> None:
    shop = Watched(tmp_path / "shop.db", served=served)
    sql(shop, "create table t (id integer)")
    before = None
    for number in range(1, 4):
        new = replace(STATE, load_id=f"load{number}", rows=number)
        with begin(shop, Mode.APPEND, load_id=new.load_id) as begun:
            write(begun, id=[number])
            assert begun.publish(before, new) == Published(1, 1)
        before = TableDestination(shop, "t").state("step")
        assert before == new
    assert ids(shop) == [1, 2, 3]


@pytest.mark.parametrize(("mode", "locks"), [(Mode.APPEND, False), (Mode.REPLACE, True), (Mode.MERGE, True)])
def test_others_are_kept_out_before_the_rows_that_they_could_change_are_looked_at(
    tmp_path: Path, mode: Mode, locks: bool
) -> None:
    shop = Watched(tmp_path / "shop.db", lock="update {} set id = id where 0")
    sql(shop, "create table t (id integer)")
    shop.said.clear()
    load(shop, rows(id=[1]), mode, ("id",), state=STATE)
    assert (shop.said[0] == 'update "t" set id = id where 0') is locks
    assert sum("where 0" in statement for statement in shop.said) == locks


def test_a_table_that_is_not_there_is_not_locked(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", lock="update {} set id = id where 0")
    assert load(shop, rows(id=[1]), Mode.REPLACE) == Published(1, 1)


def test_everything_happens_in_one_transaction_in_the_order_of_the_plan(shop: Watched) -> None:
    sql(shop, "create table t (id integer)", "insert into t values (1), (2)")
    shop.said.clear()
    scripts = {"before": ("update t set id = 5",), "after": ("update t set id = 7",)}
    assert load(shop, rows(id=[3], new=["a"]), Mode.REPLACE, state=STATE, **scripts) == Published(1, 1)
    state = [statement for statement in shop.said if "_towpath_state" in statement]
    assert [statement.split("(")[0] for statement in state] == [
        'create table if not exists "_towpath_state" ',
        'insert into "_towpath_state" values ',
    ]
    assert [statement for statement in shop.said if statement not in state] == [
        "update t set id = 5",
        'alter table "t" add column "new" TEXT',
        'delete from "t"',
        "1 rows into t",
        "update t set id = 7",
        "commit",
    ]


def test_rows_make_way_for_those_that_are_appended_or_merged(shop: Watched) -> None:
    load(shop, rows(id=[1, 2, 3], f=["a", "b", "a"]), Mode.CREATE)
    assert load(shop, rows(id=[4], f=["a"]), instead=("f", ("a",))) == Published(1, 1, removed=2)
    assert load(shop, rows(id=[2, 4], f=["b", "a"]), Mode.MERGE, ("id",), instead=("f", ("a",))) == Published(
        2, 1, 0, 1, removed=1
    )
    assert ids(shop) == [2, 4]


def test_a_row_that_is_merged_again_is_unchanged_although_another_load_brings_it(shop: Watched) -> None:
    load(shop, rows(id=[1, 2], load=["one", None]), Mode.CREATE)
    destination = TableDestination(shop, "t")
    batch = rows(id=[1, 2], load=["two", "two"])
    offer = replace(destination.offer(batch.schema, Mode.MERGE, ("id",)), about_load=frozenset({"load"}))
    with destination.begin(offer, "load2") as begun:
        begun.write(Batch(batch, Counted("rows")))
        assert begun.publish(None, None) == Published(2, 0, 1, 1)
    assert back(shop) == [{"id": 1, "load": "one"}, {"id": 2, "load": "two"}]


def test_no_rows_make_way_in_a_table_that_is_new(shop: Watched) -> None:
    assert load(shop, rows(id=[4], f=["a"]), Mode.APPEND, instead=("f", ("a",))) == Published(1, 1)


def test_rows_to_make_way_are_found_by_one_column_of_the_table(shop: Watched) -> None:
    sql(shop, "create table t (id integer, f text)")
    with shop.read() as session:
        existing = session.table("t")
    assert existing is not None
    assert target(shop).clearing(existing, "F").column == "f"
    with pytest.raises(Refused, match="^shop#t: 'x' is no value of the column 'id'"):
        target(shop).clearing(existing, "id").values(["x"])
    with pytest.raises(Refused, match="^shop#t: the table has no column 'g'") as refused:
        target(shop).clearing(existing, "g")
    assert refused.value.code == "column-unknown"


@pytest.mark.parametrize("state", [None, STATE])
def test_a_table_that_another_one_made_meanwhile_is_a_conflict(shop: Watched, state: Any) -> None:
    with begin(shop, Mode.CREATE) as begun:
        write(begun, id=[1])
        sql(shop, "create table t (id integer)")
        with pytest.raises(Conflict, match="^shop#t: the table was made meanwhile; nothing was published"):
            begun.publish(None, state)


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        ("drop table t", "the table was dropped meanwhile"),
        ("alter table t rename column id to di", "the table's column id was changed meanwhile"),
        ("alter table t add column new blob", "the table's column new was changed meanwhile"),
    ],
)
def test_a_table_that_another_one_changed_meanwhile_is_a_conflict(shop: Watched, meanwhile: str, told: str) -> None:
    sql(shop, "create table t (id integer, other text)")
    with begin(shop, Mode.APPEND, pa.schema({"id": pa.int64(), "new": pa.string()})) as begun:
        write(begun, id=[1], new=["a"])
        sql(shop, meanwhile)
        with pytest.raises(Conflict, match=told):
            begun.publish(None, None)


def test_a_column_that_takes_no_rows_may_change_meanwhile(shop: Watched) -> None:
    sql(shop, "create table t (id integer, other text)")
    with begin(shop, Mode.APPEND) as begun:
        write(begun, id=[1])
        sql(shop, "alter table t rename column other to third", "alter table t add column fourth blob")
        assert begun.publish(None, None) == Published(1, 1)


def test_rows_to_replace_that_another_one_changed_are_a_conflict_unless_the_state_tells(shop: Watched) -> None:
    for mode, state, refused in (
        (Mode.REPLACE, None, True),
        (Mode.REPLACE, STATE, False),
        (Mode.APPEND, None, False),
        (Mode.MERGE, None, False),
    ):
        sql(shop, "drop table if exists t", "create table t (id integer)", "insert into t values (1)")
        with begin(shop, mode, key=("id",)) as begun:
            write(begun, id=[9])
            sql(shop, "insert into t values (2)")
            if refused:
                with pytest.raises(Conflict, match="the rows to replace were changed meanwhile"):
                    begun.publish(None, state)
            else:
                begun.publish(None, state)


def test_where_a_transaction_takes_no_ddl_back_columns_are_added_before_it(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", ddl_in_transaction=False)
    sql(shop, "create table t (id integer)", "insert into t values (1)")
    batch = rows(id=[2], new=["a"])
    with pytest.raises(TowError, match="nowhere"):
        load(shop, batch, after=("insert into nowhere values (1)",))
    assert back(shop) == [{"id": 1, "new": None}]
    assert load(shop, batch) == Published(1, 1)
    assert sum(statement.startswith("alter table") for statement in shop.said) == 1


@pytest.mark.parametrize("taken_back", [True, False])
def test_columns_that_cannot_be_added_are_told_with_the_statement(tmp_path: Path, taken_back: bool) -> None:
    shop = Watched(tmp_path / "shop.db", ddl_in_transaction=taken_back)
    sql(shop, "create virtual table t using fts5(a)")
    with pytest.raises(UserError, match='^shop#t: alter table "t" add column "b" TEXT: virtual tables') as refused:
        load(shop, rows(a=["x"], b=["y"]), shown="shop#t")
    assert refused.value.code == "ddl-failed"


@pytest.mark.parametrize("state", [None, STATE])
def test_rows_that_wait_for_columns_replace_the_rows_that_were_looked_at(tmp_path: Path, state: Any) -> None:
    shop = Watched(tmp_path / "shop.db", ddl_in_transaction=False)
    sql(shop, "create table t (id integer)", "insert into t values (1)")
    assert load(shop, rows(id=[2], new=["a"]), Mode.REPLACE, state=state) == Published(1, 1)
    assert back(shop) == [{"id": 2, "new": "a"}]


def test_a_named_load_may_replace_rows_that_were_changed_meanwhile_also_where_columns_come_first(
    tmp_path: Path,
) -> None:
    shop = Watched(tmp_path / "shop.db", ddl_in_transaction=False)
    sql(shop, "create table t (id integer)", "insert into t values (1)")
    with begin(shop, Mode.REPLACE, pa.schema({"id": pa.int64(), "new": pa.string()})) as begun:
        write(begun, id=[3], new=["a"])
        sql(shop, "insert into t values (2)")
        assert begun.publish(None, STATE) == Published(1, 1)
    assert back(shop) == [{"id": 3, "new": "a"}]


def test_columns_are_not_added_beforehand_to_a_table_that_another_one_changed(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", ddl_in_transaction=False)
    schema = pa.schema({"id": pa.int64(), "new": pa.string()})
    for state, meanwhile, told in (
        (STATE, "alter table t rename column id to di", "column id was changed"),
        (None, "insert into t values (2)", "rows to replace were changed"),
    ):
        sql(shop, "drop table if exists t", "create table t (id integer)", "insert into t values (1)")
        with begin(shop, Mode.REPLACE, schema) as begun:
            write(begun, id=[1], new=["a"])
            sql(shop, meanwhile)
            with pytest.raises(Conflict, match=told):
                begun.publish(None, state)
        assert "new" not in natives(shop)


def found(database: Watched, *ddl: str) -> Found:
    with database.read() as session:
        return Found(session.table("t"), Fit((), ddl))


def test_ddl_that_fails_is_told_with_what_can_be_done(shop: Watched) -> None:
    sql(shop, "create table u (id integer)")
    statement = "create table nowhere.t (id integer)"
    with shop.write() as session, pytest.raises(UserError) as new:
        alter(target(shop), found(shop, statement), session)
    assert str(new.value) == (
        f"shop#t: {statement}: unknown database nowhere [ddl-failed]\n"
        "  nothing was published; make what it stands on first, such as its schema (--before-sql),"
        " or choose another name"
    )
    sql(shop, "create table t (id integer)")
    with shop.write() as session, pytest.raises(UserError) as old:
        alter(target(shop), found(shop, "alter table t add column id text"), session)
    assert old.value.todo == ("nothing was published; change the table by hand, or leave it as it is (--schema freeze)")
    sql(shop, "create table v (id integer)", "insert into v values (1), (1)")
    with shop.write() as session, pytest.raises(DataError, match="create unique index i on v(.|\n)*by hand") as data:
        alter(target(shop), found(shop, "create unique index i on v (id)"), session)
    assert data.value.code == "ddl-failed"


@pytest.mark.parametrize("served", [True, False])
def test_ddl_that_fails_for_what_another_one_did_is_a_conflict_in_a_server(tmp_path: Path, served: bool) -> None:
    """An embedded database is locked from before the look at the table."""
    shop = Watched(tmp_path / "shop.db", served=served)
    sql(shop, "create table u (id integer)")
    seen = [found(shop, "create table t (id integer)")]
    sql(shop, "create table t (id integer)")
    seen.append(found(shop, "alter table t add column new text"))
    sql(shop, "alter table t add column new text")
    seen.append(found(shop, "alter table t add column new text"))
    for one, changed in zip(seen, (True, True, False), strict=True):
        with shop.write() as session, pytest.raises(TowError) as caught:
            alter(target(shop), one, session)
        assert isinstance(caught.value, Conflict) is (changed and served)
        assert caught.value.code == ("conflict" if changed and served else "ddl-failed")
        if changed and served:
            assert caught.value.what == "the table was made, changed or dropped meanwhile; nothing was published"


def test_a_table_that_the_sql_before_dropped_is_a_conflict(shop: Watched) -> None:
    sql(shop, "create table t (id integer)")
    with pytest.raises(Conflict, match="the SQL before the load dropped the table"):
        load(shop, rows(id=[1]), Mode.MERGE, ("id",), before=("drop table t",))
    with shop.read() as session:
        assert present(target(shop), session).schema.names == ["id"]


@pytest.mark.parametrize("counts", [True, False])
def test_rows_that_a_trigger_adds_upset_the_books(shop: Watched, counts: bool) -> None:
    if counts:
        shop.session = Counting
    sql(shop, "create table t (id integer)", "create table log (id integer)", "insert into t values (0)")
    assert load(shop, rows(id=[1]), before=("insert into log values (1)",)) == Published(1, 1)
    sql(
        shop,
        "create trigger more after insert on t when new.id = 2 begin insert into t values (9); end",
    )
    with pytest.raises(BooksDoNotBalance) as refused:
        load(shop, rows(id=[1, 2]), shown="shop#t")
    assert str(refused.value) == (
        "shop#t: 2 rows were inserted, and the table grew by 3 [books-unbalanced]\n"
        "  a trigger of the table may add or drop rows; nothing was published"
    )
    assert ids(shop) == [0, 1]


def test_a_row_that_a_trigger_adds_for_one_that_it_deletes_upsets_what_the_database_counts(shop: Watched) -> None:
    sql(
        shop,
        "create table t (id integer)",
        "insert into t values (0)",
        "create trigger other after insert on t when new.id = 1"
        " begin insert into t values (9); delete from t where id = 0; end",
    )
    shop.session = Counting
    with pytest.raises(BooksDoNotBalance):
        load(shop, rows(id=[1]))
    assert ids(shop) == [0]


def test_rows_that_a_trigger_drops_upset_the_books(shop: Watched) -> None:
    sql(
        shop,
        "create table t (id integer)",
        "create trigger less before insert on t when new.id = 2 begin select raise(ignore); end",
    )
    with pytest.raises(BooksDoNotBalance, match="^shop#t: the database took 1 rows of 2"):
        load(shop, rows(id=[1, 2]), shown="shop#t")
    assert ids(shop) == []


@pytest.mark.parametrize(
    ("published", "sent", "counted"),
    [
        (Published(6, 1, 2, 3), 6, None),
        (Published(6, 1, 2, 3), 7, 6),
        (Published(7, 1, 2, 3), 7, 6),
        (Published(7, 1, 2, 3), 6, 6),
        (Published(0, 0), 0, None),
    ],
)
def test_the_rows_sent_are_those_taken_and_each_of_them_has_its_fate(
    shop: Watched, published: Published, sent: int, counted: int | None
) -> None:
    if counted is None:
        check_count(target(shop), published, sent)
        return
    with pytest.raises(BooksDoNotBalance) as refused:
        check_count(target(shop), published, sent)
    assert str(refused.value) == (
        f"shop#t: the database took {counted} rows of {sent} [books-unbalanced]\n"
        "  a trigger of the table may drop rows; nothing was published"
    )


class Losing(WatchedSession):
    """Its connection is lost at its commit; another one tells what became of that."""

    outcome: ClassVar[Outcome]

    def mark(self) -> str:
        return "mine"

    def became(self, mark: str) -> Outcome:
        assert mark == "mine"
        return self.outcome

    def commit(self) -> None:
        if self.outcome is not Outcome.UNDONE:
            super().commit()
        raise Transient("the line was cut")


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("outcome", [Outcome.COMMITTED, Outcome.ENDED, Outcome.UNDONE])
def test_where_the_answer_to_a_commit_is_lost_the_server_is_asked(
    tmp_path: Path, outcome: Outcome, served: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Watched(tmp_path / "shop.db", served=served)
    sql(shop, "create table t (id integer)")
    shop.session = Losing
    monkeypatch.setattr(Losing, "outcome", outcome, raising=False)
    with begin(shop, Mode.APPEND) as begun:
        write(begun, id=[1, 2])
        if outcome is Outcome.UNDONE:
            with pytest.raises(Transient, match="^shop#t: the line was cut; nothing was published"):
                begun.publish(None, STATE)
        else:
            assert begun.publish(None, STATE) == Published(2, 2)
    assert len(ids(shop)) == (0 if outcome is Outcome.UNDONE else 2)


def test_a_conflict_says_that_nothing_was_published(shop: Watched) -> None:
    assert str(conflict(target(shop), "it snowed")) == (
        "shop#t: it snowed; nothing was published [conflict]\n  run it again"
    )
