"""What librdkafka's Python library raises, as our errors."""

from __future__ import annotations

import pytest

pytest.importorskip("confluent_kafka")

from towpath.adapters.queue.kafka_errors import Faults, translated


@pytest.mark.parametrize(
    ("cause", "told"), [(KeyboardInterrupt(), KeyboardInterrupt), (ValueError(), SystemError), (None, SystemError)]
)
def test_an_interrupt_within_the_library_is_an_interrupt(
    cause: BaseException | None, told: type[BaseException]
) -> None:
    with pytest.raises(told), translated("kafka://here", Faults()):
        raise SystemError("list_offsets returned a result with an exception set") from cause
