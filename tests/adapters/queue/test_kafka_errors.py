"""What librdkafka's Python library raises, as our errors."""

from __future__ import annotations

import pytest

pytest.importorskip("confluent_kafka")

from confluent_kafka import KafkaError, KafkaException

from towpath.adapters.queue.kafka_errors import Faults, translated
from towpath.errors import Conflict

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
