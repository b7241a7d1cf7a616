"""Every queue of the registry, held to the suite."""

from __future__ import annotations

from pathlib import Path

from tests.kafkakit import OnKafka, kafka
from towpath.adapters.queue.kafka import Kafka
from towpath.conformance import QueueSuite


class TestKafka(OnKafka, QueueSuite):
    adapter = "kafka"

    def make(self, folder: Path) -> Kafka:
        return kafka(self.server)
