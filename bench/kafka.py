"""Kafka, in and out: `towpath.copy`, with every check, beside confluent-kafka's bare loops.

    python bench/kafka.py [--rows 100000] [--rounds 3]

Out: a topic of JSON messages to Parquet, beside consuming the same messages and doing nothing with them. In: Parquet to
a topic of one partition, beside producing the same bytes in one transaction. All in turn, towpath in this process.
Prints the median seconds of each, and of the ratios round by round. The broker is the lab's, on this machine.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from towpath import copy
from towpath.lab import Lab

_FRESH = itertools.count()


def data(folder: Path, rows: int) -> tuple[Path, list[bytes]]:
    """Rows as of an order system, and the JSON of each."""
    import duckdb

    parquet, lines = folder / "orders.parquet", folder / "orders.jsonl"
    duckdb.sql(
        f"copy (select i as id, i % 10007 as customer, round(random() * 10000, 2) as amount,"
        f" ['new', 'paid', 'sent', 'returned'][1 + i % 4] as status, 'order number ' || i as comment"
        f" from range({rows}) as t(i)) to '{parquet}' (format parquet)"
    )
    copy(str(parquet), str(lines))
    return parquet, lines.read_bytes().splitlines()


def consume(broker: str, topic: str, rows: int) -> None:
    consumer = Consumer(
        {"bootstrap.servers": broker, "group.id": "bench", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    seen = 0
    while seen < rows:
        seen += len(consumer.consume(10_000, 0.1))
    consumer.close()


def produce(broker: str, topic: str, values: list[bytes]) -> None:
    producer: Any = Producer({"bootstrap.servers": broker, "transactional.id": topic, "linger.ms": 20})
    producer.init_transactions()
    producer.begin_transaction()
    for value in values:
        while True:
            try:
                producer.produce(topic, value)
                break
            except BufferError:
                producer.poll(0.1)
    producer.commit_transaction()


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Lab() as lab:
        folder, server = Path(name), lab.up("kafka")
        os.environ["TOWPATH_STATE"] = name
        broker = f"{server.host}:{server.port}"
        parquet, values = data(folder, chosen.rows)
        options = {"partitions": 1}
        copy(str(parquet), f"{server.address}#orders", to_options=options)

        def load() -> None:
            copy(str(parquet), f"{server.address}#orders{next(_FRESH)}", to_options=options)

        works: dict[str, tuple[str, Callable[[], object]]] = {
            "consume": ("", partial(consume, broker, "orders", chosen.rows)),
            "tow topic -> parquet": (
                "consume",
                partial(copy, f"{server.address}#orders", str(folder / "out.parquet"), mode="replace"),
            ),
            "produce": ("", lambda: produce(broker, f"plain{next(_FRESH)}", values)),
            "tow parquet -> topic": ("produce", load),
        }
        times: dict[str, list[float]] = {what: [] for what in works}
        for _ in range(chosen.rounds):
            for what, (_, work) in works.items():
                times[what].append(timed(work))
        for what, (beside, _) in works.items():
            median = statistics.median(times[what])
            ratios = [one / other for one, other in zip(times[what], times[beside], strict=True)] if beside else []
            ratio = f"  {statistics.median(ratios):.2f} x {beside}" if ratios else ""
            print(f"{what:<22} {median:7.2f} s  {chosen.rows / median:>10,.0f} rows/s{ratio}", flush=True)


if __name__ == "__main__":
    main()
