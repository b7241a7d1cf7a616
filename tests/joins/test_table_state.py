"""The states of steps beside the tables of a database, over a SQLite file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.joins.tablekit import back, sql
from tests.joins.watchedkit import STATE, Watched, WatchedSession
from towpath.errors import Conflict, DataError, UserError
from towpath.joins.table_intent import Intent, TableIntents
from towpath.joins.table_state import TableStates, own
from towpath.nouns import Existing, State

NEXT = replace(STATE, load_id="load2", rows=5)


@pytest.fixture
def shop(tmp_path: Path) -> Watched:
    made = Watched(tmp_path / "shop.db")
    sql(made, "create table t (id integer)")
    made.said.clear()
    return made


def lost(what: str) -> Conflict:
    return Conflict(what, where="shop#t")


def move(database: Watched, expected: State | None, new: State | None, table: str = "t", step: str = "step") -> None:
    states = TableStates(database, table)
    states.prepare()
    with database.write() as session:
        states.move(session, step, expected, new, lost)
        session.commit()


def kept(database: Watched, step: str = "step", table: str = "t") -> State | None:
    with database.read() as session:
        return TableStates(database, table).committed(session, step)


def test_a_state_is_set_and_moved_and_forgotten(shop: Watched) -> None:
    assert kept(shop) is None
    move(shop, None, STATE)
    assert kept(shop) == STATE
    assert kept(shop, "other") is None
    move(shop, STATE, NEXT)
    assert kept(shop) == NEXT
    assert back(shop, "select step, load_id from _towpath_state") == [{"step": "step", "load_id": "load2"}]
    move(shop, NEXT, None)
    assert kept(shop) is None
    assert back(shop, "select * from _towpath_state") == []


def test_other_steps_keep_their_states(shop: Watched) -> None:
    other = replace(STATE, step="other")
    move(shop, None, other, step="other")
    move(shop, None, STATE)
    move(shop, STATE, NEXT)
    assert (kept(shop), kept(shop, "other")) == (NEXT, other)
    move(shop, NEXT, None)
    assert (kept(shop), kept(shop, "other")) == (None, other)


@pytest.mark.parametrize("new", [NEXT, None])
def test_a_state_that_is_not_the_expected_one_is_a_conflict_and_stays(shop: Watched, new: State | None) -> None:
    for expected in (STATE, replace(STATE, load_id="load9")):
        with pytest.raises(Conflict, match="^shop#t: another run of step published meanwhile"):
            move(shop, expected, new)
        assert kept(shop) is None
    move(shop, None, STATE)
    for expected in (None, replace(STATE, load_id="load9")):
        with pytest.raises(Conflict, match="^shop#t: another run of step published meanwhile"):
            move(shop, expected, new)
        assert kept(shop) == STATE


def test_forgetting_what_nobody_knows_does_nothing(shop: Watched) -> None:
    move(shop, None, None)
    assert kept(shop) is None
    assert back(shop, "select * from _towpath_state") == []


@pytest.mark.parametrize("event", ["update", "delete"])
def test_a_move_that_changed_no_row_is_a_conflict(shop: Watched, event: str) -> None:
    """As when another run moved the state between the look at it and the change."""
    move(shop, None, STATE)
    sql(shop, f"create trigger late before {event} on _towpath_state begin select raise(ignore); end")
    with pytest.raises(Conflict, match="another run of step"):
        move(shop, STATE, NEXT if event == "update" else None)
    assert kept(shop) == STATE


def test_a_first_state_that_the_table_does_not_take_is_a_conflict(shop: Watched) -> None:
    """As when another run's row was committed between the look and the insert."""
    move(shop, None, None)
    sql(shop, "create trigger late before insert on _towpath_state begin select raise(abort, 'twice'); end")
    with pytest.raises(Conflict, match="another run of step") as refused:
        move(shop, None, STATE)
    assert isinstance(refused.value.__cause__, DataError)


def test_where_a_table_gets_its_name_later_the_state_before_it_is_the_committed_one(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", served=True, ddl_in_transaction=False)
    intents = TableIntents(shop, "t")
    intents.prepare()
    move(shop, None, NEXT)
    with shop.write() as session:
        intents.begin(session, "aside")
        intents.say(session, Intent("aside", after=NEXT, before=STATE))
        session.commit()
    sql(shop, "create table aside (id integer)")
    assert kept(shop) == STATE
    sql(shop, "drop table aside")
    assert kept(shop) == NEXT


def test_steps_are_those_whose_rows_are_in_this_table(shop: Watched) -> None:
    with shop.read() as session:
        assert TableStates(shop, "t").steps(session) == []
    for step, table in (("c", "t"), ("a", "T"), ("b", "u"), ("d", "main.t"), ("e", "MAIN.t")):
        move(shop, None, replace(STATE, step=step), table, step)
    with shop.read() as session:
        assert TableStates(shop, "t").steps(session) == ["a", "c", "d", "e"]
        assert TableStates(shop, "main.T").steps(session) == ["a", "c", "d", "e"]
        assert TableStates(shop, "u").steps(session) == ["b"]


def test_a_state_tells_the_table_that_its_rows_are_in(tmp_path: Path) -> None:
    for folds, table, unit in (
        (True, "Orders", "orders"),
        (True, "Main.Orders", "orders"),
        (True, "Temp.Orders", "temp.orders"),
        (False, "Orders", "Orders"),
        (False, "temp.Orders", "temp.Orders"),
        (False, "main.Orders", "Orders"),
    ):
        shop = Watched(tmp_path / f"{table}{folds}.db", folds_case=folds)
        states = TableStates(shop, table)
        with shop.write() as session:
            states.move(session, "step", None, STATE, lost)
            found = states.committed(session, "step")
        assert found is not None
        assert found.unit == unit


def test_the_table_of_states_is_made_in_the_schema_of_the_table_when_it_is_needed(shop: Watched) -> None:
    TableStates(shop, "main.t").prepare()
    assert shop.said == []
    move(shop, None, STATE, "main.t")
    made = (
        'create table if not exists "main"."_towpath_state" (step varchar primary key, load_id varchar, state varchar)'
    )
    assert shop.said[0] == made
    move(shop, STATE, NEXT, "main.t")
    assert shop.said.count(made) == 1


def test_where_ddl_ends_a_transaction_the_table_of_states_is_made_before_it(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", ddl_in_transaction=False, key_type="text", long_type="clob")
    states = TableStates(shop, "t")
    states.prepare()
    made = 'create table if not exists "_towpath_state" (step text primary key, load_id text, state clob)'
    assert shop.said == [made, "commit"]
    states.prepare()
    assert shop.said == [made, "commit"]
    move(shop, None, STATE)
    assert made not in shop.said[2:]
    assert kept(shop) == STATE


def test_a_table_of_states_that_cannot_be_made_says_what_to_make_first(shop: Watched) -> None:
    sql(shop, "create index _towpath_state on t (id)")
    with pytest.raises(UserError) as refused:
        move(shop, None, STATE)
    assert str(refused.value) == (
        'shop#t: create table if not exists "_towpath_state"'
        " (step varchar primary key, load_id varchar, state varchar):"
        " there is already an index named _towpath_state [ddl-failed]\n"
        "  nothing was published; make what the table of states stands on first, such as its schema"
    )


class Late(WatchedSession):
    """It does not see the tables that were committed after it began, and so cannot make one of them."""

    unseen: ClassVar[bool] = True

    def table(self, name: str) -> Existing | None:
        return None if self.unseen else super().table(name)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        if sql.startswith("create table"):
            type(self).unseen = False  # to those that begin from now on
            raise UserError("it exists")
        return super().execute(sql, values)


@pytest.mark.parametrize(("served", "made"), [(True, True), (True, False), (False, True)])
def test_a_table_of_states_that_another_run_made_meanwhile_is_a_conflict_in_a_server(
    tmp_path: Path, served: bool, made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An embedded database is locked from before the look at it."""
    monkeypatch.setattr(Late, "unseen", True)
    shop = Watched(tmp_path / "shop.db", served=served)
    sql(shop, f"create table {'_towpath_state' if made else 'u'} (step text)")
    shop.session = Late
    with pytest.raises(Conflict if served and made else UserError) as refused:
        move(shop, None, STATE)
    assert refused.value.code == ("conflict" if served and made else "ddl-failed")


@pytest.mark.parametrize(("name", "is_own"), [("_towpath_state", True), ("_towpath_x", True), ("towpath_x", False)])
def test_tables_of_loads_are_known_by_their_names(name: str, is_own: bool) -> None:
    assert own(name) is is_own
