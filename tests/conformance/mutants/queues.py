"""Queues that break a promise each. Not collected by itself: `test_mutants.py` runs it and counts what fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tests.kafkakit import OnKafka, brokers
from towpath.adapters.queue.kafka import Kafka
from towpath.conformance import QueueSuite
from towpath.errors import Conflict
from towpath.seams.queue import Topic


class MakesWhatItLooksFor(Kafka):
    def topic(self, name: str) -> Topic | None:
        if super().topic(name) is None:
            self.create(name, 1, 0, {})
        return super().topic(name)


class TakesAnExistingTopic(Kafka):
    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        try:
            super().create(name, partitions, replication, settings)
        except Conflict:
            return


class Reads(Kafka):
    """A queue whose batches are changed on their way."""

    def changed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise NotImplementedError

    @contextmanager
    def read(
        self, topic: str, spans: Mapping[int, tuple[int, int]], batch_bytes: int
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        with super().read(topic, spans, batch_bytes) as batches:
            yield self.changed(batches)


class EmptyIsNull(Reads):
    def changed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in batches:
            values = rows.column("value")
            kept = pc.if_else(pc.equal(pc.binary_length(values), 0), pa.scalar(None, pa.binary()), values)
            yield rows.set_column(1, "value", kept)


class ForgetsHeaders(Reads):
    def changed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in batches:
            yield rows.set_column(
                2, rows.schema.field("headers"), pa.nulls(len(rows), rows.schema.field("headers").type)
            )


class LosesTheLast(Reads):
    def changed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in batches:
            yield rows.slice(0, len(rows) - 1)


class CollectsTheTopic(Reads):
    def changed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from list(batches)


class ReadsToTheEnd(Kafka):
    """Reads whatever is there by now."""

    @contextmanager
    def read(
        self, topic: str, spans: Mapping[int, tuple[int, int]], batch_bytes: int
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        now = self.spans(topic)
        wider = {number: (first, now[number].end) for number, (first, _) in spans.items()}
        with super().read(topic, wider, batch_bytes) as batches:
            yield batches


class Sends(Kafka):
    """A queue whose transactions are changed."""

    def changed(self, transaction: Any) -> Any:
        return transaction

    @contextmanager
    def transaction(self, id: str, seconds: float = 60) -> Iterator[Any]:
        with super().transaction(id, seconds) as transaction:
            yield self.changed(transaction)


class CommitsAtOnce(Sends):
    def changed(self, transaction: Any) -> Any:
        send = transaction.send

        def eager(topic: str, rows: pa.RecordBatch) -> None:
            send(topic, rows)
            transaction.commit()

        transaction.send = eager
        return transaction


class CommitsOnLeaving(Sends):
    @contextmanager
    def transaction(self, id: str, seconds: float = 60) -> Iterator[Any]:
        with super().transaction(id, seconds) as transaction:
            try:
                yield transaction
            finally:
                transaction.commit()


class NeverFences(Sends):
    """Each transaction has an id of its own."""

    count = 0

    @contextmanager
    def transaction(self, id: str, seconds: float = 60) -> Iterator[Any]:
        type(self).count += 1
        with super().transaction(f"{id}-{self.count}", seconds) as transaction:
            yield transaction


class KafkaSuite(OnKafka, QueueSuite):
    adapter = "kafka"
    mutant: type[Kafka] = Kafka

    def make(self, folder: Path) -> Kafka:
        return self.mutant(brokers(self.server))


class TestUnbroken(KafkaSuite):
    pass


class TestMakesWhatItLooksFor(KafkaSuite):
    mutant = MakesWhatItLooksFor


class TestTakesAnExistingTopic(KafkaSuite):
    mutant = TakesAnExistingTopic


class TestEmptyIsNull(KafkaSuite):
    mutant = EmptyIsNull


class TestForgetsHeaders(KafkaSuite):
    mutant = ForgetsHeaders


class TestLosesTheLast(KafkaSuite):
    mutant = LosesTheLast


class TestCollectsTheTopic(KafkaSuite):
    mutant = CollectsTheTopic


class TestReadsToTheEnd(KafkaSuite):
    mutant = ReadsToTheEnd


class TestCommitsAtOnce(KafkaSuite):
    mutant = CommitsAtOnce


class TestCommitsOnLeaving(KafkaSuite):
    mutant = CommitsOnLeaving


class TestNeverFences(KafkaSuite):
    mutant = NeverFences
