"""The connection is lost at the very commit that publishes: the server is asked, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from tests.adapters.database.mariadbkit import Shop, shop
from tests.postgresqlkit import Place, postgresql
from towpath import assemble
from towpath.conformance.destination import STEP, state
from towpath.errors import Transient
from towpath.job import OutputSpec
from towpath.joins import table_commit
from towpath.lab.faults.framing import MySQLFraming, PostgreSQLFraming, Way
from towpath.lab.faults.network import Call, Cut, LoseAnswer, Message
from towpath.lab.faults.proxy import Proxy
from towpath.nouns import Mode, State
from towpath.seams.destination import Destination
from towpath.stream import Batch, Counted

__all__ = ["postgresql", "shop"]
ROWS = pa.record_batch({"id": pa.array([1, 2]), "name": pa.array(["one", "two"])})
NEW = state("load1", 2)


@pytest.fixture
def passing(postgresql: Place) -> Iterator[Proxy]:
    with Proxy(postgresql.server.host, postgresql.server.port, PostgreSQLFraming) as proxy:
        yield proxy


@pytest.fixture
def on_mariadb(shop: Shop) -> Iterator[Proxy]:
    with Proxy(shop.server.host, shop.server.port, MySQLFraming) as proxy:
        yield proxy


def says(*words: str) -> Callable[[Message], bool]:
    return lambda message: message.way is Way.CLIENT and message.text.lower().startswith(words)


def runs_commit(last: str = "Execute") -> Callable[[Message], bool]:
    """The message by which a commit is run, in one or (ADBC) prepared before it is; `last` of several."""
    kinds: list[str] = []

    def holds(message: Message) -> bool:
        if message.way is Way.CLIENT and (kinds or says("commit")(message)):
            kinds.append(message.kind)
        return kinds == ["Query"] or (kinds[-1:] == [last] and "Execute" in kinds)

    return holds


def to(proxy: Proxy, address: str, before: tuple[str, ...] = ()) -> Destination:
    return assemble.destination(OutputSpec(proxy.through(address), before=before))


def publish(destination: Destination, mode: Mode, new: State | None = NEW, expected: State | None = None) -> int:
    offer = destination.offer(ROWS.schema, mode, ("id",))
    with destination.begin(offer, "load1") as load:
        load.write(Batch(ROWS.cast(offer.schema), Counted("rows")))
        return load.publish(expected, new).accepted


@pytest.mark.parametrize("new", [NEW, None], ids=["step", "copy"])
@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.APPEND, Mode.REPLACE, Mode.MERGE])
def test_a_commit_whose_answer_is_lost_is_found_to_have_published(
    postgresql: Place, passing: Proxy, mode: Mode, new: State | None
) -> None:
    if mode is not Mode.CREATE:
        postgresql.run("create table t (id bigint, name text)")
    passing.fault(runs_commit("Sync"), LoseAnswer())
    destination = to(passing, postgresql.address("t"))
    assert publish(destination, mode, new) == 2
    assert postgresql.ask("select * from t order by id") == [(1, "one"), (2, "two")]
    assert destination.state(STEP) == new


@pytest.mark.parametrize("new", [NEW, None], ids=["step", "copy"])
def test_a_commit_that_never_arrived_is_known_to_have_published_nothing(
    postgresql: Place, passing: Proxy, new: State | None
) -> None:
    postgresql.run("create table t (id bigint, name text)")
    passing.fault(runs_commit(), Cut())
    with pytest.raises(Transient, match="nothing was published"):
        publish(to(passing, postgresql.address("t")), Mode.APPEND, new)
    assert postgresql.ask("select * from t") == []


def test_a_session_whose_client_is_lost_without_a_word_is_ended(postgresql: Place, passing: Proxy) -> None:
    """The server still waits for the client: its locks would keep others out."""
    postgresql.run("create table t (id bigint, name text)")
    database = assemble.database(passing.through(postgresql.address()))
    with database.write() as session:
        session.execute("insert into t values (1, 'one')")
        mark = session.mark()  # type: ignore[attr-defined]
        outcomes: list[Any] = []
        while not outcomes or outcomes[-1] == "under way":
            with database.read() as other:
                outcomes.append(other.became(mark))  # type: ignore[attr-defined]
        with pytest.raises(Transient):
            session.commit()
    assert outcomes[0] == "under way"
    assert outcomes[-1] == "undone"


def test_a_server_that_stays_away_leaves_the_outcome_unknown_and_says_so(
    postgresql: Place, passing: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_commit, "PATIENCE_SECS", 0.5)
    postgresql.run("create table t (id bigint, name text)")
    passing.fault(runs_commit(), Call(lambda message: passing.down()))
    with pytest.raises(Transient, match="whether the load was published is not known"):
        publish(to(passing, postgresql.address("t")), Mode.APPEND)


@pytest.mark.server("mariadb")
@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.REPLACE, Mode.MERGE])
def test_on_mariadb_the_state_of_a_step_tells_it(shop: Shop, on_mariadb: Proxy, mode: Mode) -> None:
    shop.run("create table t (id bigint, name longtext)")
    at = to(on_mariadb, shop.address("t"))
    at.put_state("other", None, State(**{**_fields(NEW), "step": "other"}))  # the table of states is there
    on_mariadb.fault(says("commit"), LoseAnswer())
    assert publish(at, mode) == 2
    assert shop.run("select * from t order by id") == [(1, "one"), (2, "two")]
    assert at.state(STEP) == NEW


@pytest.mark.server("mariadb")
def test_on_mariadb_a_commit_that_never_arrived_published_nothing_and_a_copy_says_that_it_is_not_known(
    shop: Shop, on_mariadb: Proxy
) -> None:
    shop.run("create table t (id bigint, name longtext)")
    at = to(on_mariadb, shop.address("t"))
    at.put_state("other", None, State(**{**_fields(NEW), "step": "other"}))
    on_mariadb.fault(says("commit"), Cut())
    with pytest.raises(Transient, match="nothing was published"):
        publish(at, Mode.APPEND)
    assert shop.run("select * from t") == []
    on_mariadb.fault(says("commit"), LoseAnswer())
    with pytest.raises(Transient, match="whether the load was published is not known"):
        publish(at, Mode.APPEND, None)


@pytest.mark.server("mariadb")
@pytest.mark.parametrize("new", [NEW, None], ids=["step", "copy"])
@pytest.mark.parametrize("fault", [Cut(), LoseAnswer()], ids=["cut", "lost"])
def test_on_mariadb_a_renaming_whose_answer_is_lost_is_finished_or_taken_back_at_once(
    shop: Shop, on_mariadb: Proxy, fault: Cut | LoseAnswer, new: State | None
) -> None:
    at = to(on_mariadb, shop.address("t"))
    on_mariadb.fault(says("rename"), fault)
    if isinstance(fault, LoseAnswer):
        assert publish(at, Mode.CREATE, new) == 2
        assert shop.run("select * from t order by id") == [(1, "one"), (2, "two")]
        assert at.state(STEP) == new
    else:
        with pytest.raises(Transient, match="nothing was published"):
            publish(at, Mode.CREATE, new)
        assert at.state(STEP) is None
    tables = [name for (name,) in shop.run("show tables") if not name.startswith("_towpath_")]
    assert tables == (["t"] if isinstance(fault, LoseAnswer) else [])
    assert shop.run("select * from _towpath_intent") == []


def _fields(one: State) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("step", "load_id", "checkpoint", "plan", "at", "rows")}
