"""Queries of PostgreSQL that end in the middle of their rows."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import towpath as tow
from tests.postgresqlkit import LIBRARIES, Place
from towpath import assemble
from towpath.errors import DataError, TowError, Transient
from towpath.job import InputSpec
from towpath.joins import table_waiting
from towpath.lab import Server
from towpath.lab.faults.framing import Chunks, Way
from towpath.lab.faults.network import Cut
from towpath.lab.faults.proxy import Proxy
from towpath.nouns import Want


@pytest.fixture(params=LIBRARIES)
def place(postgresql_server: Server, request: pytest.FixtureRequest) -> Iterator[Place]:
    made = Place(postgresql_server, request.param)
    yield made
    made.run(f"drop schema {made.schema} cascade")
    made.leave()


def drained(address: str, query: str) -> int:
    with assemble.source(InputSpec(address, query=query)).open(None, Want()) as reading:
        return sum(len(batch) for batch in reading)


def test_what_the_server_says_in_the_middle_of_a_query_is_told_as_it_says_it(place: Place) -> None:
    query = "select g, 1 / (50000 - g) as x from generate_series(1, 60000) as g"
    with pytest.raises(DataError, match="division by zero"):
        drained(place.address(), query)


def test_a_connection_that_ends_in_the_middle_of_a_query_is_a_fault_that_passes(place: Place) -> None:
    with Proxy(place.server.host, place.server.port, Chunks) as proxy:
        through, sent = proxy.through(place.address()), 0

        def late(message: object) -> bool:
            nonlocal sent
            sent += message.length if message.way is Way.SERVER else 0  # type: ignore[attr-defined]
            return sent > 1_000_000

        proxy.fault(late, Cut(100))
        with pytest.raises(Transient):
            drained(through, "select g, repeat('x', 50) as x from generate_series(1, 60000) as g")
        assert proxy.struck


def test_an_interrupt_of_a_query_under_way_is_an_interrupt(place: Place) -> None:
    pressing = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT))
    pressing.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        drained(place.address(), "select 1 as id from pg_sleep(6)")
    assert time.monotonic() - begun < 5
    pressing.join()


def test_a_query_that_somebody_cancels_on_the_server_is_no_interrupt(place: Place) -> None:
    running = "query like '%pg_sleep(7)%' and pid <> pg_backend_pid()"
    cancel = f"select pg_cancel_backend(pid) from pg_stat_activity where {running}"
    somebody = threading.Timer(0.7, place.run, (cancel,))
    somebody.start()
    with pytest.raises(TowError, match="canceling statement due to user request"):
        drained(place.address(), "select 1 as id from pg_sleep(7)")
    somebody.join()


def test_an_interrupt_of_a_load_whose_rows_wait_is_heard_at_once(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 1)
    place.run("create table t (id bigint, text text)")
    rows = pa.table({"id": range(100_000), "text": ["x" * 50] * 100_000})
    pq.write_table(rows, tmp_path / "t.parquet")
    with place.connect() as other, other.transaction():
        other.execute("lock table t in access exclusive mode")
        pressing = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
        pressing.start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            tow.copy(str(tmp_path / "t.parquet"), place.address("t"), mode="append")
        assert 1 <= time.monotonic() - begun < 5
        pressing.join()
    assert place.ask("select count(*) from t") == [(0,)]
