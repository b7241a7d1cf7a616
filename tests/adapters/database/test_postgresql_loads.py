"""Loads into PostgreSQL: into an open transaction that nobody sees, whatever dies and whoever comes between."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from tests.postgresqlkit import Place
from towpath import assemble, copy, write
from towpath.errors import Conflict, DataError, Refused, TowError
from towpath.job import InputSpec, OutputSpec
from towpath.joins import table_waiting
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_straight import StraightLoad
from towpath.lab import Lab
from towpath.nouns import Checkpoint, Mode, Offer, State
from towpath.seams.destination import Load
from towpath.stream import Batch, Counted
from towpath.verify import verify

SCHEMA = pa.schema({"id": pa.int64(), "name": pa.string()})
OLD = [(id, "old") for id in range(200)]
STEP = "shop/orders"


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Each batch is sent at once; what waits on disk waits where a test sees it."""
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 1)
    waiting = tmp_path / "waiting"
    waiting.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(waiting))
    return


def rows(first: int, count: int, name: str = "new") -> pa.RecordBatch:
    return pa.record_batch([pa.array(range(first, first + count), pa.int64()), pa.array([name] * count)], schema=SCHEMA)


def same(a: Path, b: Path | str) -> bool:
    """Whether `tow verify` finds the same rows in both."""
    return verify(*(assemble.source(InputSpec(str(one))) for one in (a, b))).equal


def state(load_id: str, count: int, step: str = STEP) -> State:
    return State(step, load_id, Checkpoint("files", {"read": load_id}), "plan", "2026-01-01T00:00:00Z", count)


def destination(place: Place, table: str = "orders") -> TableDestination:
    made = assemble.destination(OutputSpec(place.address(table)))
    assert isinstance(made, TableDestination)
    return made


def offered(to: TableDestination, mode: Mode) -> Offer:
    return to.offer(SCHEMA, mode, ("id",) if mode is Mode.MERGE else ())


def filled(place: Place) -> None:
    place.run("create table orders (id bigint primary key, name text)")
    place.run("insert into orders select i, 'old' from generate_series(0, 199) i")


def seen(place: Place) -> list[tuple[int, str]] | None:
    try:
        return [(id, name) for id, name in place.ask("select id, name from orders order by 1")]
    except psycopg.errors.UndefinedTable:
        return None


AFTER = {
    Mode.CREATE: [(id, "new") for id in range(100, 400)],
    Mode.APPEND: [*OLD, *((id, "new") for id in range(200, 500))],
    Mode.REPLACE: [(id, "new") for id in range(100, 400)],
    Mode.MERGE: [*OLD[:100], *((id, "new") for id in range(100, 400))],
}


def batches(mode: Mode) -> list[pa.RecordBatch]:
    first = 200 if mode is Mode.APPEND else 100
    return [rows(first + part * 100, 100) for part in range(3)]


@pytest.mark.parametrize("mode", list(Mode))
def test_rows_that_were_sent_are_seen_by_nobody_before_the_commit(postgresql: Place, mode: Mode) -> None:
    before = None
    if mode is not Mode.CREATE:
        filled(postgresql)
        before = OLD
    to = destination(postgresql)
    with to.begin(offered(to, mode), "load1") as load:
        assert isinstance(load, StraightLoad) is (mode is not Mode.REPLACE)
        for batch in batches(mode):
            load.write(Batch(batch, Counted("rows")))
            assert seen(postgresql) == before
            assert "_towpath" not in str(postgresql.tables())
        load.publish(None, state("load1", 300))
    assert seen(postgresql) == AFTER[mode]
    assert postgresql.tables() == ["_towpath_state", "orders"]


def test_views_and_open_snapshots_stay_right_while_a_table_is_replaced(default_place: Place) -> None:
    filled(default_place)
    default_place.run("create view told as select count(*) as n, min(name) as name from orders")
    with default_place.connect() as reader:
        reader.execute("begin transaction isolation level repeatable read")
        before = reader.execute("select * from told").fetchone()
        write(rows(0, 50), default_place.address("orders"), mode="replace")
        assert reader.execute("select * from told").fetchone() == before == (200, "old")
        assert reader.execute("select count(*) from orders").fetchone() == (200,)
    assert default_place.ask("select * from told") == [(50, "new")]


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.APPEND, Mode.REPLACE, Mode.MERGE])
def test_a_copy_that_breaks_a_constraint_half_way_leaves_nothing(postgresql: Place, mode: Mode) -> None:
    if mode is not Mode.CREATE:
        filled(postgresql)
    to = destination(postgresql)
    broken = "alter table orders add check (id < 350)" if mode is not Mode.CREATE else ""
    if broken:
        postgresql.run(broken)
    parts = batches(mode) if mode is not Mode.CREATE else [*batches(mode), rows(0, 1, "\0")]
    before = seen(postgresql)
    with pytest.raises(DataError), to.begin(offered(to, mode), "load1") as load:
        for batch in parts:
            load.write(Batch(batch, Counted("rows")))
        load.publish(None, state("load1", 300))
    assert seen(postgresql) == before
    assert postgresql.tables() == ([] if before is None else ["orders"])
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.APPEND, Mode.MERGE, Mode.REPLACE])
def test_of_two_runs_at_once_one_publishes_and_the_other_is_a_conflict(postgresql: Place, mode: Mode) -> None:
    if mode is not Mode.CREATE:
        filled(postgresql)
    met, done, failed = threading.Barrier(2), list[int](), list[BaseException]()

    def run(load_id: str) -> None:
        to = destination(postgresql)
        before = to.recover(STEP)
        with to.begin(offered(to, mode), load_id) as load:
            for batch in batches(mode):
                load.write(Batch(batch, Counted("rows")))
            met.wait(20)
            try:
                load.publish(before, state(load_id, 300))
                done.append(1)
            except Exception as error:
                failed.append(error)

    if mode is Mode.APPEND:
        postgresql.run("alter table orders drop constraint orders_pkey")  # else the rows themselves would meet
    threads = [threading.Thread(target=run, args=[f"load{number}"]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 1
    assert [type(error) for error in failed] == [Conflict]
    assert seen(postgresql) == AFTER[mode]
    assert postgresql.tables() == ["_towpath_state", "orders"]


def test_a_lock_that_does_not_end_is_told_after_busy_secs(postgresql: Place) -> None:
    filled(postgresql)
    with postgresql.connect() as other:
        other.execute("begin")
        other.execute("lock table orders in access exclusive mode")
        began = time.monotonic()
        with pytest.raises(Refused) as refused:
            write(rows(0, 1), postgresql.address("orders", busy_secs="0.3"), mode="append")
        assert refused.value.code == "database-locked"
        assert time.monotonic() - began < 10
    assert seen(postgresql) == OLD


def dying(work: Callable[[], object], seconds: float) -> int:
    """Does `work` in a child process that is killed after a while; returns how it ended."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            os.write(2, f"in the child: {error!r}\n".encode())
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def publishing(place: Place, mode: Mode) -> None:
    """A whole load of some thousand rows in many pieces, which takes a while."""
    to = destination(place)
    before = to.recover(STEP)
    with to.begin(offered(to, mode), f"load-{mode}") as load:
        for batch in batches(mode):
            for row in range(0, 100, 10):
                load.write(Batch(batch.slice(row, 10), Counted("rows")))
        load.publish(before, state(f"load-{mode}", 300))


class Polling(threading.Thread):
    """A reader that keeps everything that it saw."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place, self.over, self.found = place, threading.Event(), list[object]()

    def run(self) -> None:
        with self.place.connect() as connection:
            while not self.over.is_set():
                try:
                    found = connection.execute("select id, name from orders order by 1").fetchall()
                except psycopg.errors.UndefinedTable:
                    found = None
                if found not in self.found:
                    self.found.append(found)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(Mode))
def test_a_run_that_is_killed_at_any_moment_leaves_the_old_or_the_new(
    postgresql: Place, mode: Mode, tmp_path: Path
) -> None:
    kills = 8 if not postgresql.library else 3
    moments = random.Random(f"{mode}{postgresql.library}")
    publishing_once(postgresql, mode)
    began = time.monotonic()
    publishing(postgresql, mode)  # as long as the moments reach
    whole = time.monotonic() - began
    for _ in range(kills):
        publishing_once(postgresql, mode)
        old = seen(postgresql)
        reader = Polling(postgresql)
        reader.start()
        ended = dying(lambda: publishing(postgresql, mode), moments.uniform(0, whole * 1.2))
        assert ended in (0, -signal.SIGKILL)
        reader.over.set()
        reader.join()
        assert all(found in (old, AFTER[mode]) for found in reader.found)
        settle(postgresql)
        now, kept = seen(postgresql), destination(postgresql).recover(STEP)
        assert now == (AFTER[mode] if kept is not None else old)
        assert [name for name in postgresql.tables() if name.startswith("_towpath_")] in ([], ["_towpath_state"])
        assert list(Path(tempfile.gettempdir()).iterdir()) == []
        if kept is None:
            publishing(postgresql, mode)
        assert seen(postgresql) == AFTER[mode]
    expected = pa.table({"id": [id for id, _ in AFTER[mode]], "name": [name for _, name in AFTER[mode]]})
    write(expected, tmp_path / "after.parquet")
    assert same(tmp_path / "after.parquet", postgresql.address("orders"))


def publishing_once(place: Place, mode: Mode) -> None:
    """The ground of one load: no state, and the old rows or no table."""
    place.run("drop table if exists orders, _towpath_state cascade")
    if mode is not Mode.CREATE:
        filled(place)


def settle(place: Place) -> None:
    """Waits until the server has noticed that a client is gone."""
    until = time.monotonic() + 20
    while place.ask("select 1 from pg_stat_activity where application_name = 'towpath' and state <> 'idle'"):
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_is_told_and_nothing_is_published(
    postgresql: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)  # the server runs as a user who may not pass through the test's
    monkeypatch.delenv("TOWPATH_LAB_POSTGRESQL", raising=False)  # nobody else's server is killed
    with Lab() as lab:
        server = lab.up("postgresql", durable=True)
        place = Place(server, postgresql.library)
        for mode in {"": (Mode.MERGE, Mode.CREATE)}.get(place.library, (Mode.APPEND,)):
            publishing_once(place, mode)
            before = seen(place)
            to = destination(place)
            state_before = to.recover(STEP)
            with pytest.raises(TowError) as refused, to.begin(offered(to, mode), "load1") as load:
                load.write(Batch(batches(mode)[0], Counted("rows")))
                server.kill()
                publish(load, mode, state_before)
            assert refused.value.code == "transient", refused.value
            assert server.password is not None
            assert server.password.reveal() not in str(refused.value)
            server.start()
            place.leave()
            assert seen(place) == before
            assert destination(place).state(STEP) is None
            publishing(place, mode)
            assert seen(place) == AFTER[mode]
        place.leave()


def publish(load: Load, mode: Mode, before: State | None) -> None:
    for batch in batches(mode)[1:]:
        load.write(Batch(batch, Counted("rows")))
    load.publish(before, state("load1", 300))


def test_a_csv_goes_in_and_comes_out_as_parquet_verified(postgresql: Place, tmp_path: Path) -> None:
    source = tmp_path / "orders.csv"
    lines = [f'{id},n{id % 7},{id}.50,2024-02-{1 + id % 28:02d},"a,{id}"' for id in range(5_000)]
    source.write_text("id,name,amount,day,note\n" + "\n".join(lines) + "\n")
    for mode in ("create", "replace"):
        copy(source, postgresql.address("orders"), mode=mode)
        assert same(source, postgresql.address("orders"))
    merged = copy(source, postgresql.address("orders"), mode="merge", key="id")
    assert (merged.inserted, merged.updated, merged.unchanged) == (0, 0, 5_000)
    copy(postgresql.address("orders"), tmp_path / "out.parquet")
    assert same(source, tmp_path / "out.parquet")
    assert postgresql.tables() == ["orders"]


def test_who_is_read_only_by_default_stays_so(postgresql: Place, tmp_path: Path) -> None:
    filled(postgresql)
    (tmp_path / "new.csv").write_text("id,name\n1000,new\n")
    settings = f"-csearch_path={postgresql.schema} -cdefault_transaction_read_only=on"
    with pytest.raises(Refused, match="read-only transaction") as refused:
        copy(tmp_path / "new.csv", postgresql.address("orders", options=settings), mode="append")
    assert refused.value.code == "permission-denied"
    assert postgresql.ask("select count(*) from orders") == [(200,)]


def test_a_few_rows_are_merged_by_the_tables_own_key(postgresql: Place) -> None:
    postgresql.run(
        'create table "Many ""rows" (id int8 primary key, name text)',
        'insert into "Many ""rows" select i, \'old\' from generate_series(1, 20000) i',
        'analyze "Many ""rows"',
        "create table orders (id int8 primary key, name text)",
        "insert into orders select i, 'old' from generate_series(1, 20000) i",
        "analyze orders",
    )
    for rows_, setting in ((2_000, "off"), (2_001, "on")):
        with postgresql.database().write() as session:
            session.join_by_key('"Many ""rows"', rows_)  # type: ignore[attr-defined]
            assert [session.scalar(f"show enable_{kind}") for kind in ("hashjoin", "mergejoin")] == [setting] * 2
        with postgresql.database().write() as session:
            assert session.scalar("show enable_hashjoin") == "on"
    done = write(rows(19_950, 100), postgresql.address("orders"), mode="merge", key="id")
    assert (done.inserted, done.updated, done.unchanged) == (49, 51, 0)
    assert postgresql.ask("select count(*), count(*) filter (where name = 'new') from orders") == [(20_049, 100)]
