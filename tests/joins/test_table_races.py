"""Another one makes or alters the table in the very moment before a load does."""

from __future__ import annotations

import pytest

from tests.joins.test_table_commit import passing, publish, says, to
from tests.postgresqlkit import Place, postgresql
from towpath.errors import Conflict, UserError
from towpath.lab.faults.network import Call, Fault
from towpath.lab.faults.proxy import Proxy
from towpath.nouns import Mode

__all__ = ["passing", "postgresql"]


def does(postgresql: Place, *statements: str) -> Fault:
    return Call(lambda message: postgresql.run(*statements))


def test_a_table_that_another_one_makes_first_is_a_conflict(postgresql: Place, passing: Proxy) -> None:
    destination = to(passing, postgresql.address("t"))
    passing.fault(says('create table "t"'), does(postgresql, "create table t (id bigint)"))
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
