"""Another one makes or alters the table in the very moment before a load does."""

from __future__ import annotations

import pytest

from tests.joins.test_table_commit import passing, publish, says, to
from tests.postgresqlkit import Place, postgresql
from towpath.conformance.destination import STEP, state
from towpath.errors import Conflict, UserError
from towpath.joins.table_state import STATE
from towpath.lab.faults.network import Call, Fault
from towpath.lab.faults.proxy import Proxy
from towpath.nouns import Mode

__all__ = ["passing", "postgresql"]


def test_of_two_runs_that_saw_one_state_the_second_publishes_nothing(postgresql: Place, passing: Proxy) -> None:
    """The other one publishes behind our look at the state, which is then the same load's: both have one load id."""
    postgresql.run("create table t (id bigint, name text)")
    late, other, before = to(passing, postgresql.address("t")), to(passing, postgresql.address("t")), state("load0", 0)
    other.put_state(STEP, None, before)
    passing.fault(
        lambda message: f'update "{STATE}"' in message.text,
        Call(lambda message: publish(other, Mode.APPEND, expected=before)),
    )
    with pytest.raises(Conflict, match="another run of"):
        publish(late, Mode.APPEND, expected=before)
    assert len(passing.struck) == 1
    assert postgresql.ask("select * from t order by id") == [(1, "one"), (2, "two")]


def does(postgresql: Place, *statements: str) -> Fault:
    return Call(lambda message: postgresql.run(*statements))


@pytest.mark.parametrize(("moment", "before"), [("alter table", ()), ('create table "t"', ("select 1",))])
def test_a_table_that_another_one_makes_first_is_a_conflict(
    postgresql: Place, passing: Proxy, moment: str, before: tuple[str, ...]
) -> None:
    """Before the table that was filled aside gets its name; with statements of the user's, before it is made."""
    destination = to(passing, postgresql.address("t"), before=before)
    passing.fault(says(moment), does(postgresql, "create table t (id bigint)"))
    with pytest.raises(Conflict, match="nothing was published"):
        publish(destination, Mode.REPLACE)
    assert len(passing.struck) == 1
    assert postgresql.tables() == ["t"]


def test_a_column_that_another_one_adds_first_is_a_conflict(postgresql: Place, passing: Proxy) -> None:
    postgresql.run("create table t (id bigint)")
    destination = to(passing, postgresql.address("t"))
    passing.fault(says("alter table"), does(postgresql, "alter table t add column name text"))
    with pytest.raises(Conflict, match="nothing was published"):
        publish(destination, Mode.APPEND)
    assert postgresql.ask("select * from t") == []


def test_ddl_that_fails_for_another_reason_is_told_as_that(postgresql: Place, passing: Proxy) -> None:
    destination = to(passing, postgresql.address(f"nowhere_{postgresql.schema}.t"))
    with pytest.raises(UserError) as caught:
        publish(destination, Mode.REPLACE)
    assert caught.value.code == "ddl-failed"
