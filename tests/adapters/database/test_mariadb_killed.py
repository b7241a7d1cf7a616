"""Runs that are killed at random moments while a reader looks on, and runs at once, into a table that is there."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import towpath as tow
from tests.adapters.database.mariadbkit import Shop, shop
from towpath import assemble
from towpath.conformance.destination import STEP, state
from towpath.errors import Conflict
from towpath.job import OutputSpec
from towpath.joins import table_waiting
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Mode, State
from towpath.stream import Batch, Counted

__all__ = ["shop"]
OLD = {1: "one", 2: "two"}
SENT = {number: f"new {number}" for number in range(2, 2_002)}
NEW = {
    Mode.APPEND: sorted([*OLD.items(), *SENT.items()]),
    Mode.REPLACE: sorted(SENT.items()),
    Mode.MERGE: sorted({**OLD, **SENT}.items()),
}


def destination(shop: Shop) -> TableDestination:
    made = assemble.destination(OutputSpec(shop.address("t")))
    assert isinstance(made, TableDestination)
    return made


def publish(shop: Shop, mode: Mode, load_id: str = "load1", chunk_bytes: int = 4_000) -> None:
    """One load of a step as the mover does it, in many small pieces."""
    to = destination(shop)
    before = to.recover(STEP)
    rows = pa.record_batch({"id": pa.array(list(SENT)), "name": pa.array(list(SENT.values()))})
    with to.begin(to.offer(rows.schema, mode, ("id",)), load_id) as load:
        waiting: Any = getattr(load, "waiting", None)
        if waiting is not None:
            waiting.chunk_bytes = chunk_bytes
        for first in range(0, len(rows), 100):
            load.write(Batch(rows.slice(first, 100), Counted("rows", first + 1)))
        load.publish(before, state(load_id, len(rows)))


def seen(shop: Shop) -> list[tuple[Any, ...]]:
    return sorted((int(row[0]), str(row[1])) for row in shop.run("select id, name from t"))


def fresh(shop: Shop) -> None:
    shop.run("drop table if exists t, _towpath_state", "create table t (id bigint, name longtext)")
    shop.run(f"insert into t values {', '.join(repr(row) for row in OLD.items())}")


@pytest.mark.parametrize("mode", list(NEW))
def test_a_reader_sees_the_old_rows_or_the_new_and_the_run_again_brings_the_new(shop: Shop, mode: Mode) -> None:
    moments, old, new = random.Random(str(mode)), sorted(OLD.items()), NEW[mode]
    for _ in range(10):
        fresh(shop)
        child = os.fork()
        if child == 0:
            try:
                publish(shop, mode)
            finally:
                os._exit(0)
        until = time.monotonic() + moments.uniform(0.02, 0.8)
        while time.monotonic() < until:
            assert seen(shop) in (old, new)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found: State | None = destination(shop).recover(STEP)
        assert (seen(shop), found) in ((old, None), (new, state("load1", 2_000)))
        if found is None:
            publish(shop, mode)
        assert (seen(shop), destination(shop).state(STEP)) == (new, state("load1", 2_000))


@pytest.mark.parametrize("mode", list(NEW))
def test_of_runs_at_once_one_publishes_and_the_others_are_told(shop: Shop, mode: Mode) -> None:
    fresh(shop)
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            try:
                publish(shop, mode, f"load{number}")
                os._exit(0)
            except Conflict:
                os._exit(1)
            except BaseException as error:
                os.write(2, f"in the child: {error!r}\n".encode())
            os._exit(2)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert 2 not in codes
    # A run that began after another had published loads on top of it, as a second run does.
    times = codes.count(0)
    assert times >= 1
    expected = {
        Mode.APPEND: sorted([*OLD.items(), *(list(SENT.items()) * times)]),
        Mode.REPLACE: NEW[Mode.REPLACE],
        Mode.MERGE: NEW[Mode.MERGE],
    }
    assert seen(shop) == expected[mode]


def test_an_interrupt_of_a_load_whose_rows_wait_is_heard_at_once(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 1)
    shop.run("create table t (id bigint, text text)")
    pq.write_table(pa.table({"id": range(100_000), "text": ["x" * 50] * 100_000}), tmp_path / "t.parquet")
    held, let_go = threading.Event(), threading.Event()

    def holding() -> None:
        with shop.database().write() as other:
            other.execute("lock tables t write")
            held.set()
            let_go.wait(30)

    holder = threading.Thread(target=holding)
    holder.start()
    held.wait(10)
    pressing = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    pressing.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        tow.copy(str(tmp_path / "t.parquet"), shop.address("t"), mode="append")
    assert 1 <= time.monotonic() - begun < 5
    pressing.join()
    let_go.set()
    holder.join()
    assert shop.run("select count(*) from t") == [(0,)]
