"""`tow copy --follow`: epochs that are loads, processes killed at random moments, a broker that dies and comes back."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.kafkakit import brokers, kafka, produce, seen, topic_of
from towpath.errors import UserError
from towpath.follow import follow, following
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.lab import Lab, Server
from towpath.nouns import Mode

KILLS = 10
TOW = Path(sys.executable).parent / "tow"


def orders(first: int, end: int) -> list[bytes]:
    return [json.dumps({"id": number, "name": f"name {number}"}).encode() for number in range(first, end)]


def spec(source: str, destination: str, **given: object) -> JobSpec:
    return JobSpec({"input": InputSpec(source)}, OutputSpec(destination)).with_(**given)


def ids(database: Path) -> list[int]:
    """The ids in the table, sorted; none when there is no table yet."""
    if not database.exists():
        return []
    if database.suffix == ".sqlite":
        with sqlite3.connect(database) as connection:
            return [row[0] for row in connection.execute("select id from orders order by id")]
    with duckdb.connect(str(database), read_only=True) as opened:
        return [row[0] for row in opened.execute("select id from orders order by id").fetchall()]


@contextmanager
def following_process(source: str, destination: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    command = [str(TOW), "copy", source, destination, "--follow", "--every", "50ms", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(database: Path, count: int, seconds: float = 60) -> list[int]:
    """The ids once there are so many."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            found = ids(database)
        except (duckdb.Error, sqlite3.Error):  # held by the writer for a moment, or not made yet
            found = []
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{len(ids(database))} of {count} rows came")


def test_each_look_loads_what_is_new_as_a_load_of_its_own(kafka_server: Server, tmp_path: Path) -> None:
    topic = topic_of(tmp_path)
    kafka(kafka_server).create(topic, 2, 0, {})
    job = following(spec(f"{kafka_server.address}#{topic}", f"sqlite:///{tmp_path}/shop.sqlite#orders"))
    stop, loads = threading.Event(), []

    def ended(receipt: object) -> None:
        loads.append(receipt.rows)  # type: ignore[attr-defined]
        if sum(loads) < 5:
            produce(kafka_server, topic, orders(3, 5))
        else:
            stop.set()

    produce(kafka_server, topic, orders(0, 3))
    total = follow(job, 0.05, stop, ended=ended)
    assert loads == [3, 2]
    assert (total.epochs, total.rows) == (2, 5)
    assert ids(tmp_path / "shop.sqlite") == list(range(5))


def test_a_destination_that_others_made_is_not_appended_to_unasked(kafka_server: Server, tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text('{"id": 1}\n')
    job = spec(f"{kafka_server.address}#x", f"{tmp_path}/orders.jsonl")
    with pytest.raises(UserError, match="exists already"):
        following(job)
    assert following(job.with_(mode=Mode.APPEND)).mode is Mode.APPEND


@pytest.mark.parametrize("change", [{"mode": Mode.REPLACE}, {"limit": 3}, {"sql": "select 1"}])
def test_what_is_about_all_rows_cannot_be_followed(change: dict[str, object]) -> None:
    with pytest.raises(UserError, match="about all rows"):
        following(spec("a.csv", "b.csv", **change))


@pytest.mark.server("kafka")
def test_a_signal_ends_it_after_the_epoch_with_exit_0(kafka_server: Server, tmp_path: Path) -> None:
    topic = topic_of(tmp_path)
    produce(kafka_server, topic, orders(0, 100))
    database = tmp_path / "shop.sqlite"
    with following_process(f"{kafka_server.address}#{topic}", f"sqlite:///{database}#orders") as process:
        assert wait_for(database, 100) == list(range(100))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "1 load, 100 rows" in said.splitlines()[-1]


def hears(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process is looked into by /proc")
@pytest.mark.parametrize("command", ["copy", "run"])
@pytest.mark.parametrize("later", [0.0, 0.1, 0.3])
def test_a_signal_ends_it_with_exit_0_however_early_it_comes(tmp_path: Path, command: str, later: float) -> None:
    (tmp_path / "orders.csv").write_text("id\n1\n2\n")
    (tmp_path / "tow.yaml").write_text(
        "pipeline: shop\nsteps:\n  orders: {from: orders.csv, to: 'sqlite:///shop.sqlite#orders', mode: append}\n"
    )
    ways = ("orders.csv", "sqlite:///shop.sqlite#orders") if command == "copy" else ()
    words = [str(TOW), command, *ways, "--follow"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while not hears(process.pid, signal.SIGTERM):  # Python itself has come up by then, and tow has only begun
            time.sleep(0.001)
        time.sleep(later)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert re.findall(r"\b(\d+) rows?\b", said.splitlines()[-1])[-1] in ("0", "2"), said


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_killed_at_random_moments_every_message_arrives_exactly_once(
    kafka_server: Server, tmp_path: Path, engine: str
) -> None:
    topic, database = topic_of(tmp_path), tmp_path / f"shop.{engine}"
    kafka(kafka_server).create(topic, 2, 0, {})
    ways = (f"{kafka_server.address}#{topic}", f"{engine}:///{database}#orders")
    random.seed(7)
    sent = 0
    for _ in range(KILLS):
        produce(kafka_server, topic, orders(sent, sent + 200))
        sent += 200
        with following_process(*ways) as process:
            until = time.monotonic() + random.uniform(0.4, 2.0)
            while time.monotonic() < until:
                produce(kafka_server, topic, orders(sent, sent + 20))
                sent += 20
                time.sleep(0.02)
            process.kill()
    with following_process(*ways) as process:
        produce(kafka_server, topic, orders(sent, sent + 1))  # once it is there, the process is well under way
        sent += 1
        assert wait_for(database, sent) == list(range(sent))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert ids(database) == list(range(sent))


def test_of_two_that_follow_at_once_no_message_comes_twice(kafka_server: Server, tmp_path: Path) -> None:
    topic, database = topic_of(tmp_path), tmp_path / "shop.sqlite"
    produce(kafka_server, topic, orders(0, 50))
    ways = (f"{kafka_server.address}#{topic}", f"sqlite:///{database}#orders")
    with following_process(*ways) as one, following_process(*ways) as other:
        for number in range(50, 300, 50):
            produce(kafka_server, topic, orders(number, number + 50))
            time.sleep(0.4)
        assert wait_for(database, 300) == list(range(300))
        one.kill()
        other.kill()
    assert ids(database) == list(range(300))


@pytest.mark.server("kafka")
def test_a_broker_that_dies_and_comes_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    if os.environ.get("TOWPATH_LAB_KAFKA"):
        pytest.skip("the server is not ours to kill")
    topic, database = topic_of(tmp_path), tmp_path / "shop.sqlite"
    with Lab() as lab:
        server = lab.up("kafka", durable=True)
        produce(server, topic, orders(0, 1_000))
        with following_process(
            f"kafka://{brokers(server)}?timeout_secs=5#{topic}", f"sqlite:///{database}#orders"
        ) as process:
            wait_for(database, 1_000)
            server.kill()
            time.sleep(6)
            server.start()
            produce(server, topic, orders(1_000, 2_000))
            assert wait_for(database, 2_000) == list(range(2_000))
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "tries again" in said
    assert ids(database) == list(range(2_000))


def test_a_pipeline_goes_on_with_what_is_new(kafka_server: Server, tmp_path: Path) -> None:
    topic = topic_of(tmp_path)
    produce(kafka_server, topic, orders(0, 10))
    (tmp_path / "tow.yaml").write_text(
        f"pipeline: shop\nsteps:\n  orders:\n    from: '{kafka_server.address}#{topic}'\n"
        "    to: sqlite:///shop.sqlite#orders\n    mode: append\n"
    )
    command = [str(TOW), "run", "--follow", "--every", "100ms"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert wait_for(tmp_path / "shop.sqlite", 10) == list(range(10))
        produce(kafka_server, topic, orders(10, 30))
        assert wait_for(tmp_path / "shop.sqlite", 30) == list(range(30))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said.splitlines()[-1].startswith("2 steps: 2 done; 30 rows")
    assert len(said.splitlines()) == 3


def test_from_topic_to_topic_killed_at_random_moments_every_message_arrives_exactly_once(
    kafka_server: Server, tmp_path: Path
) -> None:
    topic = topic_of(tmp_path)
    queue = kafka(kafka_server)
    for name in (topic, f"{topic}-to"):
        queue.create(name, 2, 0, {})
    ways = (f"{kafka_server.address}#{topic}", f"{kafka_server.address}#{topic}-to")
    random.seed(5)
    sent = 0
    for _ in range(5):
        produce(kafka_server, topic, orders(sent, sent + 100))
        sent += 100
        with following_process(*ways) as process:
            time.sleep(random.uniform(0.5, 2.0))
            process.kill()
    with following_process(*ways) as process:
        produce(kafka_server, topic, orders(sent, sent + 1))  # once it is there, the process is well under way
        sent += 1
        until = time.monotonic() + 60
        while len(seen(kafka_server, f"{topic}-to")) < sent and time.monotonic() < until:
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    found = sorted(json.loads(value)["id"] for value in seen(kafka_server, f"{topic}-to").values())
    assert found == list(range(sent))
