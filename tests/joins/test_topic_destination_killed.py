"""Loads into a topic killed at random moments, with a reader that never stops looking; two at once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kafkakit import kafka, seen, topic_of
from towpath.joins.topic_state import TopicStates
from towpath.lab import Lab, Server

KILLS = 10
ROWS = 8_000
TOW = Path(sys.executable).parent / "tow"


@contextmanager
def polled(server: Server, topic: str) -> Iterator[set[int]]:
    """The numbers of messages that a reader of committed ones has seen, collected while the context lasts."""
    found: set[int] = set()
    stop = threading.Event()

    def poll() -> None:
        queue = kafka(server)
        while not stop.is_set():
            if queue.topic(topic) is not None:
                spans = {number: (span.first, span.end) for number, span in queue.spans(topic).items()}
                with queue.read(topic, spans, 1 << 20) as batches:
                    found.add(sum(rows.num_rows for rows in batches))
            time.sleep(0.02)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def command(source: Path, server: Server, topic: str, *more: str) -> list[str]:
    copy = [str(TOW), "copy", str(source), f"{server.address}#{topic}", "--to-opt", "partitions=1"]
    return [*copy, "--mode", "append", "--step", "shop/orders", *more]


def written(folder: Path, rows: int) -> Path:
    file = folder / "orders.csv"
    file.write_text("id,name\n" + "".join(f"{number},name {number}\n" for number in range(rows)))
    return file


def ids(server: Server, topic: str) -> list[int]:
    return sorted(json.loads(value)["id"] for value in seen(server, topic).values())


def test_killed_at_random_moments_a_load_is_out_whole_and_once(kafka_server: Server, tmp_path: Path) -> None:
    source = written(tmp_path, ROWS)
    random.seed(11)
    begun = time.monotonic()
    subprocess.run(command(source, kafka_server, topic_of(tmp_path / "whole")), check=True, capture_output=True)
    whole = time.monotonic() - begun
    for number in range(KILLS):
        topic = topic_of(tmp_path / str(number))
        with polled(kafka_server, topic) as found:
            with subprocess.Popen(command(source, kafka_server, topic), stderr=subprocess.DEVNULL) as process:
                time.sleep(random.uniform(0.3, 1.0) * whole)
                process.kill()
            again = subprocess.run(command(source, kafka_server, topic), capture_output=True, text=True, check=False)
            assert again.returncode == 0, again.stderr
        assert found <= {0, ROWS}
        assert ids(kafka_server, topic) == list(range(ROWS))


def test_of_two_runs_of_one_step_at_once_only_one_sends(kafka_server: Server, tmp_path: Path) -> None:
    source, topic = written(tmp_path, 5_000), topic_of(tmp_path)
    kafka(kafka_server).create(topic, 1, 0, {})
    runs = [subprocess.Popen(command(source, kafka_server, topic), stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate(timeout=60)[1] for run in runs]
    assert 0 in [run.returncode for run in runs]
    for run, words in zip(runs, said, strict=True):
        assert run.returncode == 0 or "[conflict]" in words
    assert ids(kafka_server, topic) == list(range(5_000))


def test_two_steps_append_to_one_topic_side_by_side(kafka_server: Server, tmp_path: Path) -> None:
    source, topic = written(tmp_path, 5_000), topic_of(tmp_path)
    kafka(kafka_server).create(topic, 1, 0, {})
    runs = [
        subprocess.Popen(command(source, kafka_server, topic, "--step", f"shop/{name}"), stderr=subprocess.PIPE)
        for name in ("one", "two")
    ]
    for run in runs:
        _, words = run.communicate(timeout=60)
        assert run.returncode == 0, words
    assert ids(kafka_server, topic) == sorted([*range(5_000)] * 2)
    assert TopicStates(kafka(kafka_server), topic).steps() == ["shop/one", "shop/two"]


@pytest.mark.server("kafka")
def test_a_broker_that_dies_during_a_load_leaves_all_or_nothing(tmp_path: Path) -> None:
    if os.environ.get("TOWPATH_LAB_KAFKA"):
        pytest.skip("the server is not ours to kill")
    source = written(tmp_path, ROWS)
    random.seed(3)
    with Lab() as lab:
        server = lab.up("kafka", durable=True)
        for number in range(3):
            topic = topic_of(tmp_path / str(number))
            load = command(source, server, topic, "--to-opt", "timeout_secs=5")
            with subprocess.Popen(load, stderr=subprocess.PIPE, text=True) as process:
                time.sleep(random.uniform(0.5, 1.5))
                server.kill()
                _, said = process.communicate(timeout=120)
            assert process.returncode in (0, 1), said
            assert "Traceback" not in said
            server.start()
            again = subprocess.run(load, capture_output=True, text=True, check=False, timeout=120)
            assert again.returncode == 0, again.stderr
            assert ids(server, topic) == list(range(ROWS))
