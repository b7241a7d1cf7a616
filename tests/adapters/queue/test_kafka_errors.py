"""What librdkafka's Python library raises, as our errors."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import pytest

pytest.importorskip("confluent_kafka")

from confluent_kafka import KafkaError, KafkaException

from towpath.adapters.queue.kafka import Kafka
from towpath.adapters.queue.kafka_errors import Faults, translated
from towpath.errors import Conflict
from towpath.lab import Server

FENCED = KafkaException(KafkaError(KafkaError._FENCED))


@pytest.mark.parametrize(
    ("cause", "told"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (FENCED, Conflict), (ValueError(), SystemError), (None, SystemError)],
)
def test_what_is_raised_within_the_library_is_told_as_what_it_is(
    cause: BaseException | None, told: type[BaseException]
) -> None:
    with pytest.raises(told), translated("kafka://here", Faults()):
        raise SystemError("list_offsets returned a result with an exception set") from cause


@pytest.mark.parametrize("call", ["list_topics", "describe_topics", "describe_configs", "list_offsets"])
def test_an_interrupt_within_any_question_is_one(
    kafka_server: Server, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Kafka("127.0.0.1", kafka_server.port, timeout_secs=10)
    queue.create(name := f"interrupted-{token_hex(4)}", 1, 1, {})

    class Interrupted:
        def __getattr__(self, name: str) -> Any:
            return struck if name == call else getattr(admin, name)

    def struck(*_: object, **given: object) -> None:
        raise SystemError(f"{call} returned a result with an exception set") from KeyboardInterrupt()

    admin = queue._admin
    monkeypatch.setattr(queue, "_admin", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        queue.topic(name)
        queue.spans(name)
