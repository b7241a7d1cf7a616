"""A broker whose answers are lost or late, seen through a proxy that knows Kafka's requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafkakit import kafka, seen, topic_of
from towpath import move
from towpath.errors import Transient
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.lab import Server
from towpath.lab.faults.framing import KafkaFraming, Way
from towpath.lab.faults.network import Call, Cut, LoseAnswer, Stall
from towpath.lab.faults.proxy import Proxy
from towpath.nouns import Mode


@pytest.fixture
def proxy(kafka_server: Server) -> Iterator[Proxy]:
    with Proxy(kafka_server.host, kafka_server.port, KafkaFraming) as opened:
        yield opened


@pytest.fixture
def job(kafka_server: Server, proxy: Proxy, tmp_path: Path) -> JobSpec:
    """A step that appends three rows to a topic by way of the proxy."""
    (tmp_path / "a.csv").write_text("id\n1\n2\n3\n")
    with kafka(kafka_server).transaction("towpath/warm"):
        pass  # a broker just started takes a while until it keeps transactions
    to = f"{proxy.through(kafka_server.address)}?timeout_secs=3#{topic_of(tmp_path)}"
    return JobSpec({"input": InputSpec(str(tmp_path / "a.csv"))}, OutputSpec(to), mode=Mode.APPEND, step="shop/a")


def test_whoever_comes_through_the_proxy_stays_behind_it(
    job: JobSpec, proxy: Proxy, kafka_server: Server, tmp_path: Path
) -> None:
    move.run(job)
    kinds = {message.kind for message in proxy.messages if message.way is Way.CLIENT}
    assert kinds >= {"InitProducerId", "Produce", "EndTxn", "ListOffsets"}
    assert len(seen(kafka_server, topic_of(tmp_path))) == 3


@pytest.mark.parametrize("fault", [Stall(5), LoseAnswer(20)], ids=["late", "lost"])
def test_a_commit_whose_answer_does_not_come_is_made_once(
    job: JobSpec, proxy: Proxy, kafka_server: Server, tmp_path: Path, fault: Stall | LoseAnswer
) -> None:
    proxy.fault(lambda message: message.kind == "EndTxn", fault)
    try:
        assert move.run(job).status == "done"
    except Transient:
        assert isinstance(fault, Stall)
    assert len(proxy.struck) == 1
    assert move.run(job).status in ("done", "unchanged")
    assert len(seen(kafka_server, topic_of(tmp_path))) == 3


def test_a_broker_that_goes_once_it_has_committed_makes_no_error_of_the_load(
    job: JobSpec, proxy: Proxy, kafka_server: Server, tmp_path: Path
) -> None:
    committed: list[object] = []
    proxy.fault(lambda message: message.kind == "EndTxn" and message.way is Way.SERVER, Call(committed.append))
    proxy.fault(
        lambda message: bool(committed) and message.kind in ("ListOffsets", "Metadata"), Call(lambda _: proxy.down())
    )
    assert move.run(job).status == "done"
    assert len(proxy.struck) == 2
    assert len(seen(kafka_server, topic_of(tmp_path))) == 3


@pytest.mark.parametrize("fault", [Cut(0), LoseAnswer(20)], ids=["cut", "lost"])
def test_a_topic_whose_making_found_no_answer_is_there_in_the_end(
    job: JobSpec, proxy: Proxy, kafka_server: Server, tmp_path: Path, fault: Cut | LoseAnswer
) -> None:
    proxy.fault(lambda message: message.kind == "CreateTopics", fault)
    assert move.run(job).status == "done"
    assert len(proxy.struck) == 1
    assert len(seen(kafka_server, topic_of(tmp_path))) == 3


@pytest.mark.parametrize("kind", ["AddPartitionsToTxn", "Produce", "EndTxn"])
def test_a_broker_that_goes_in_the_middle_is_told_in_time(
    job: JobSpec, proxy: Proxy, kafka_server: Server, tmp_path: Path, kind: str
) -> None:
    proxy.fault(lambda message: message.kind == kind, Call(lambda _: proxy.down()))
    begun = time.monotonic()
    with pytest.raises(Transient):
        move.run(job)
    assert time.monotonic() - begun < 30  # a few times the timeout, on a machine that has other work too
    proxy.up()
    assert move.run(job).status == "done"
    assert len(seen(kafka_server, topic_of(tmp_path))) == 3
