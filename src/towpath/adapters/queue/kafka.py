"""Kafka: topics read by offsets and written in transactions, by confluent-kafka (librdkafka)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, ClassVar

import pyarrow as pa
from confluent_kafka import Consumer, IsolationLevel, KafkaException, TopicCollection, TopicPartition, admin

from towpath.adapters.queue.kafka_errors import LOST, QUIET, Faults, code_of, translated
from towpath.adapters.queue.kafka_read import Reader
from towpath.adapters.queue.kafka_send import KafkaTransaction
from towpath.errors import Conflict, UserError
from towpath.seams.queue import Span, Topic
from towpath.secrets.secret import Secret

_ADMIN: Any = admin  # its annotations are not whole
_PORT = 9092
_GROUP = "towpath"


class Kafka:
    """A Kafka cluster of version 2.5 or later. `host` may name several brokers, parted by commas.

    `tls` encrypts the connection, `tls_ca` names a file of certificates to trust instead of the system's. With a user
    the mechanism is `sasl`: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. A broker that says nothing for `timeout_secs` is
    taken to be gone. `transaction_secs` is how long sending one load may take at most, no more than the broker's own
    transaction.max.timeout.ms; `batch_bytes` how much is sent at once, less than a topic's max.message.bytes."""

    GAPS: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        user: str | None = None,
        password: Secret | None = None,
        tls: bool = False,
        tls_ca: str | None = None,
        sasl: str = "PLAIN",
        timeout_secs: float = 30.0,
        transaction_secs: int = 900,
        batch_bytes: int = 900_000,
    ) -> None:
        if not host:
            raise UserError("the address names no broker", todo="write kafka://host:9092#topic", code="address-wrong")
        brokers = [one if ":" in one.rpartition("]")[2] else f"{one}:{port or _PORT}" for one in host.split(",")]
        self.name = f"kafka://{','.join(brokers)}"
        self._timeout = timeout_secs
        self.transaction_secs = transaction_secs
        self._batch_bytes = batch_bytes
        self._settings: dict[str, Any] = {
            "bootstrap.servers": ",".join(brokers),
            "client.id": "towpath",
            "socket.timeout.ms": int(timeout_secs * 1000),
            "security.protocol": f"{'SASL_' if user else ''}{'SSL' if tls else 'PLAINTEXT'}",
            **({"ssl.ca.location": tls_ca} if tls_ca else {}),
        }
        if user:
            self._settings |= {"sasl.mechanism": sasl, "sasl.username": user}
        self._password = password

    def topics(self) -> Mapping[str, int]:
        found = self._metadata().topics.values()
        return {one.topic: len(one.partitions) for one in found if not one.topic.startswith("__")}

    def topic(self, name: str) -> Topic | None:
        self._metadata()
        with self._translated(name):
            try:
                found = self._admin.describe_topics(TopicCollection([name]), request_timeout=self._timeout)
                one = found[name].result()
            except KafkaException as error:
                if code_of(error) == "UNKNOWN_TOPIC_OR_PART":
                    return None
                raise
        partitions = tuple(sorted(part.id for part in one.partitions))
        settings = self._config(name)
        most = settings.get("max.message.bytes")
        return Topic(name, str(one.topic_id), partitions, None if most is None else int(most), settings)

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        made = _ADMIN.NewTopic(name, partitions or -1, replication or -1, config=dict(settings))
        asked = 0

        def ask() -> None:
            nonlocal asked
            asked += 1
            self._admin.create_topics([made], request_timeout=self._timeout)[name].result()

        with self._translated(name):
            try:
                self._faults.retried(self._timeout, ask, LOST)
            except KafkaException as error:
                if code_of(error) != "TOPIC_ALREADY_EXISTS":
                    raise
                if asked == 1:  # else by the request whose answer was lost
                    raise Conflict(
                        "the topic was made by somebody else meanwhile", where=self._at(name), todo="run again"
                    ) from error
        self._wait_for(name)

    def spans(self, topic: str) -> Mapping[int, Span]:
        found = self._metadata().topics.get(topic)
        numbers = sorted(found.partitions) if found is not None else []
        first = self._offsets(topic, numbers, _ADMIN.OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED)
        end = self._offsets(topic, numbers, _ADMIN.OffsetSpec.latest(), IsolationLevel.READ_COMMITTED)
        written = self._offsets(topic, numbers, _ADMIN.OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)
        return {number: Span(first[number], end[number], written[number]) for number in numbers}

    @contextmanager
    def read(
        self, topic: str, spans: Mapping[int, tuple[int, int]], batch_bytes: int
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        with self._consumer() as consumer:
            reader = Reader(consumer, topic, self._at(topic), self._timeout, batch_bytes, self._faults)
            yield reader.all(spans)

    @contextmanager
    def transaction(self, id: str, seconds: float = 60) -> Iterator[KafkaTransaction]:
        self._metadata()
        seconds = min(seconds, self.transaction_secs)
        settings = self._client_settings() | {
            "transactional.id": id,
            "transaction.timeout.ms": int(seconds * 1000),
            "socket.timeout.ms": int(min(seconds, self._timeout) * 1000),
            "batch.size": self._batch_bytes,
        }
        made = KafkaTransaction(settings, self.name, self._timeout, self._faults, self.spans, seconds)
        try:
            yield made
        finally:
            made.close()

    @cached_property
    def _faults(self) -> Faults:
        return Faults()

    @cached_property
    def _admin(self) -> Any:
        return _ADMIN.AdminClient(self._client_settings(), logger=QUIET)

    def _client_settings(self) -> dict[str, Any]:
        login = {} if self._password is None else {"sasl.password": self._password.reveal()}
        return self._settings | login | {"error_cb": self._faults.note}

    @contextmanager
    def _consumer(self) -> Iterator[Any]:
        """A consumer that belongs to no group: it is told its offsets and commits none."""
        settings = self._client_settings() | {
            "group.id": _GROUP,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 5,
            "fetch.message.max.bytes": 4 << 20,
            "queued.max.messages.kbytes": 16 << 10,
        }
        with self._translated(""):
            consumer = Consumer(settings, logger=QUIET)
        try:
            yield consumer
        finally:
            with suppress(KafkaException):
                consumer.close()

    def _offsets(self, topic: str, numbers: list[int], which: Any, level: Any) -> dict[int, int]:
        asked = {TopicPartition(topic, number): which for number in numbers}
        if not asked:
            return {}

        def ask() -> dict[int, int]:
            found = self._admin.list_offsets(asked, isolation_level=level, request_timeout=self._timeout)
            return {at.partition: int(offset.result().offset) for at, offset in found.items()}

        with self._translated(topic):
            return dict(self._faults.retried(self._timeout, ask))

    def _metadata(self) -> Any:
        """All topics. Asking for one by name might make it."""
        with self._translated(""):
            return self._faults.patiently(self._timeout, self._admin.poll, self._admin.list_topics)

    def _config(self, topic: str) -> dict[str, str]:
        resource = _ADMIN.ConfigResource(_ADMIN.ResourceType.TOPIC, topic)
        with self._translated(topic):
            try:
                found = self._admin.describe_configs([resource], request_timeout=self._timeout)[resource].result()
            except KafkaException:
                return {}  # it may be forbidden to ask
        return {name: str(one.value) for name, one in found.items() if one.value is not None}

    def _wait_for(self, topic: str) -> None:
        """Until every partition of a topic just made has a leader."""

        def led(timeout: float) -> Any:
            found = self._admin.list_topics(timeout=timeout).topics.get(topic)
            return found if found and all(part.leader >= 0 for part in found.partitions.values()) else None

        with self._translated(topic):
            self._faults.patiently(self._timeout, self._admin.poll, led)

    def _at(self, topic: str) -> str:
        return f"{self.name}#{topic}" if topic else self.name

    def _translated(self, topic: str) -> Any:
        return translated(self._at(topic), self._faults)
