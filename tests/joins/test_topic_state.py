"""States in the compacted topic: the latest of each step, also while other transactions are under way."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType  # type: ignore[attr-defined]

from tests.kafkakit import brokers, kafka, topic_of
from towpath.errors import Conflict, Refused
from towpath.joins.topic_state import STATE, TopicStates
from towpath.lab import Server
from towpath.nouns import Checkpoint, State
from towpath.seams.queue import MESSAGE


def state(step: str, load_id: str) -> State:
    return State(step, load_id, Checkpoint("files", {}), "plan", "2026-01-01T00:00:00Z", 1)


def put(states: TopicStates, step: str, new: State | None) -> None:
    with states.queue.transaction(f"{states.topic}/{step}") as transaction:
        states.send(transaction, step, new)
        transaction.commit()


@pytest.fixture
def states(kafka_server: Server, tmp_path: Path) -> TopicStates:
    found = TopicStates(kafka(kafka_server), topic_of(tmp_path))
    found.prepare()
    return found


def test_the_latest_state_of_a_step_counts_and_other_topics_have_their_own(states: TopicStates) -> None:
    put(states, "shop/a", state("shop/a", "one"))
    put(states, "shop/a", state("shop/a", "two"))
    put(states, "shop/b", state("shop/b", "one"))
    assert states.committed("shop/a") == state("shop/a", "two")
    assert states.steps() == ["shop/a", "shop/b"]
    assert TopicStates(states.queue, f"{states.topic}-other").committed("shop/a") is None
    put(states, "shop/a", None)
    assert states.committed("shop/a") is None
    assert states.steps() == ["shop/b"]


def test_a_state_other_than_the_expected_one_is_a_conflict(states: TopicStates) -> None:
    put(states, "shop/a", state("shop/a", "one"))
    assert states.check("shop/a", state("shop/a", "one")) == state("shop/a", "one")
    for stale in (None, state("shop/a", "zero")):
        with pytest.raises(Conflict):
            states.check("shop/a", stale)


def test_a_state_behind_an_open_transaction_is_waited_for_and_no_older_one_taken(states: TopicStates) -> None:
    put(states, "shop/a", state("shop/a", "one"))
    rows = pa.record_batch([[b"other"], [b"x"], [None]], schema=MESSAGE)
    found: list[State | None] = []
    asking = threading.Thread(target=lambda: found.append(states.committed("shop/a")))
    with states.queue.transaction(f"{states.topic}/open") as transaction:
        transaction.send(STATE, rows)
        transaction._producer.flush()  # type: ignore[attr-defined]
        begun = threading.Thread(target=put, args=(states, "shop/a", state("shop/a", "two")))
        begun.start()
        time.sleep(1)
        asking.start()
        time.sleep(0.5)
        assert found == []
    asking.join(30)
    begun.join(30)
    assert found == [state("shop/a", "two")]


def test_a_topic_of_states_that_forgets_is_refused(kafka_server: Server, states: TopicStates) -> None:
    admin = AdminClient({"bootstrap.servers": brokers(kafka_server)})

    def policy(value: str) -> None:
        entry = ConfigEntry("cleanup.policy", value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, STATE, incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result()
        until = time.monotonic() + 10
        while time.monotonic() < until and states.queue.topic(STATE).settings["cleanup.policy"] != value:
            time.sleep(0.1)

    policy("delete")
    try:
        with pytest.raises(Refused, match="not compacted"):
            states.committed("shop/a")
    finally:
        policy("compact")
