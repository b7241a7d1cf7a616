"""What tests of topics share: a topic for each test, and messages sent without transactions, as others send them."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from towpath.adapters.queue.kafka import Kafka
from towpath.joins.topic_destination import spool_name
from towpath.joins.topic_state import TopicStates
from towpath.lab import Server

_SESSION = secrets.token_hex(3)


def topic_of(folder: Path) -> str:
    """The topic that belongs to a test's folder, also where a server outlives the tests."""
    return f"t{_SESSION}-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


def brokers(server: Server) -> str:
    return server.address.partition("://")[2]


def kafka(server: Server) -> Kafka:
    return Kafka(brokers(server))


def produce(server: Server, topic: str, values: Iterable[bytes | None], **given: Any) -> None:
    """Sends values as anybody does."""
    producer = Producer({"bootstrap.servers": brokers(server), "linger.ms": 5})
    for value in values:
        while True:
            try:
                producer.produce(topic, value, **given)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(30) == 0


class OnKafka:
    """For suites: gives each test folder its topic on the session's server."""

    server: Server

    @pytest.fixture(autouse=True)
    def _on_kafka(self, kafka_server: Server) -> None:
        type(self).server = kafka_server

    def topic(self, folder: Path) -> str:
        return topic_of(folder)

    def place(self, folder: Path) -> str:
        """For destinations: what stands behind `kafka://` in their addresses."""
        return f"{brokers(self.server)}#{topic_of(folder)}"

    def tree(self, folder: Path) -> dict[str, bytes]:
        """The messages that readers see, states, and what waits on disk."""
        queue, topic = kafka(self.server), topic_of(folder)
        states = TopicStates(queue, topic)
        spools = Path(tempfile.gettempdir()).glob(f".{spool_name(queue.name, topic)}.*")
        found = {path.name: path.read_bytes() for path in spools}
        found |= {f"state {step}": str(states.committed(step)).encode() for step in states.steps()}
        return found | seen(self.server, topic)


def seen(server: Server, topic: str) -> dict[str, bytes]:
    """The values of a topic that a reader sees, by partition and offset."""
    queue = kafka(server)
    if queue.topic(topic) is None:
        return {}
    spans = {number: (span.first, span.end) for number, span in queue.spans(topic).items()}
    with queue.read(topic, spans, 1 << 20) as batches:
        return {
            f"[{row['partition']}]@{row['offset']}": row["value"] or b"" for rows in batches for row in rows.to_pylist()
        }
