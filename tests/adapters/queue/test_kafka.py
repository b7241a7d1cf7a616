"""Kafka: what is its own, and whole ways through the command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from tests.kafkakit import brokers, kafka, produce, seen, topic_of
from towpath import assemble, move
from towpath.adapters.queue.kafka import Kafka
from towpath.conformance.carry import assert_same
from towpath.conformance.cases import CASES, Case
from towpath.errors import Refused, SourceChanged, TowError, Transient, UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.lab import Server
from towpath.nouns import Checkpoint, Description, Want
from towpath.seams.queue import MESSAGE
from towpath.secrets.secret import Secret
from towpath.stream import Batch, Counted
from towpath.text import json_write

TOW = Path(sys.executable).parent / "tow"


def tow(*words: object, code: int = 0) -> str:
    done = subprocess.run([str(TOW), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.server("kafka")
def test_csv_to_a_topic_to_parquet_holds_the_same_rows(kafka_server: Server, tmp_path: Path) -> None:
    topic = f"{kafka_server.address}#{topic_of(tmp_path)}"
    source, target = tmp_path / "orders.csv", tmp_path / "orders.parquet"
    source.write_text("id,name,zip,amount\n" + "".join(f"{n},Zoë {n},{n:05},{n}.50\n" for n in range(2_000)))
    plan = tow("plan", source, topic, "--to-opt", "key=id", "--to-opt", "partitions=3")
    assert "guarantee: atomic" in plan
    assert "(3 partitions" in plan
    tow("copy", source, topic, "--to-opt", "key=id", "--to-opt", "partitions=3")
    assert "hold the same 2000 rows" in tow("verify", source, topic)
    tow("copy", topic, target)
    assert "hold the same 2000 rows" in tow("verify", source, target)
    assert pq.read_table(target).schema.field("zip").type == pa.string()
    assert "it exists already" in tow("copy", source, topic, code=2)
    values = {json.loads(value)["id"] for value in seen(kafka_server, topic_of(tmp_path)).values()}
    assert values == set(range(2_000))


@pytest.mark.parametrize("case", [one for one in CASES if one.rows().num_rows], ids=lambda case: case.id)
def test_values_of_every_type_come_back_through_a_topic(kafka_server: Server, tmp_path: Path, case: Case) -> None:
    rows = case.rows()
    topic = f"{kafka_server.address}#{topic_of(tmp_path)}"
    job = JobSpec({"input": InputSpec("rows")}, OutputSpec(topic))
    if case.id in json_write.GAPS:
        with pytest.raises(TowError):
            move.run(job, sources={"input": Rows(rows)})
        return
    move.run(job, sources={"input": Rows(rows)})
    types = {one.name: json_write.stored(one.type).type for one in rows.schema}
    with assemble.source(InputSpec(topic)).open(None, Want(types=types)) as reading:
        assert_same(rows, pa.Table.from_batches([batch.rows for batch in reading], reading.schema))


class Rows:
    """Some rows as a source."""

    shown = "rows"

    def __init__(self, rows: pa.RecordBatch) -> None:
        self.rows = rows
        self.schema, self.given, self.settled = rows.schema, rows.num_rows, True

    def describe(self, want: Want) -> Description:
        return Description(self.schema)

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[Rows]:
        yield self

    def __iter__(self) -> Iterator[Batch]:
        yield Batch(self.rows, Counted("rows"))

    def checkpoint(self) -> None:
        return None


def test_a_topic_is_copied_whole_with_keys_headers_and_tombstones(kafka_server: Server, tmp_path: Path) -> None:
    name = topic_of(tmp_path)
    produce(kafka_server, name, [b"\x00\xff", None, b""], key=b"\xfe", headers=[("h", b"1")])
    words = ("--from-opt", "value=raw", "--to-opt", "value=raw", "--select", "key,value,headers")
    tow("copy", f"{kafka_server.address}#{name}", f"{kafka_server.address}#{name}-copy", *words)
    queue, copy = kafka(kafka_server), f"{name}-copy"
    with queue.read(copy, {one: (0, span.end) for one, span in queue.spans(copy).items()}, 1 << 20) as batches:
        found = pa.Table.from_batches(batches).to_pylist()
    assert [row["value"] for row in found] == [b"\x00\xff", None, b""]
    assert {row["key"] for row in found} == {b"\xfe"}
    assert [row["headers"] for row in found] == [[{"name": "h", "value": b"1"}]] * 3
    missing = tow("copy", f"{kafka_server.address}#{name}", f"{kafka_server.address}#x", *words[:4], code=2)
    assert "value=raw takes the columns key, value, headers" in missing


def test_keys_and_values_that_are_no_bytes_go_out_raw_as_their_text(kafka_server: Server, tmp_path: Path) -> None:
    name = topic_of(tmp_path)
    (tmp_path / "in.csv").write_text("key,value\n7,kö\n8,\n")
    words = ("--to-opt", "value=raw", "--types", "key=int64", "--from-opt", "null=")
    planned = tow("plan", tmp_path / "in.csv", f"{kafka_server.address}#{name}", *words)
    assert "bytes (UTF-8)" in planned
    tow("copy", tmp_path / "in.csv", f"{kafka_server.address}#{name}", *words)
    queue = kafka(kafka_server)
    spans = {number: (span.first, span.end) for number, span in queue.spans(name).items()}
    with queue.read(name, spans, 1 << 20) as batches:
        sent = [(row["key"], row["value"]) for rows in batches for row in rows.to_pylist()]
    assert sorted(sent) == [(b"7", "kö".encode()), (b"8", None)]


def test_bad_rows_go_to_a_topic_once_for_each_load_and_place(kafka_server: Server, tmp_path: Path) -> None:
    name = topic_of(tmp_path)
    produce(kafka_server, name, [b'{"id": 1}', b'{"id":', b'{"id": 3}'])
    dead = f"{kafka_server.address}#{name}.dead"
    said = tow("copy", f"{kafka_server.address}#{name}", tmp_path / "orders.parquet", "--bad-rows", dead)
    assert "3 given = 2 accepted + 1 set aside" in said
    queue = kafka(kafka_server)
    with queue.read(f"{name}.dead", {0: (0, queue.spans(f"{name}.dead")[0].end)}, 1 << 20) as batches:
        (row,) = pa.Table.from_batches(batches).to_pylist()
    headers = {one["name"]: one["value"].decode() for one in row["headers"]}
    assert row["value"] == b'{"id":'
    assert headers["place"] == f"{name}[0]@1"
    assert headers["reason"].startswith("not JSON")
    assert row["key"].decode() == f"{headers['load']} {headers['place']}"
    assert "tow copy" in tow("replay", dead, code=2)


def test_a_load_that_is_refused_before_it_is_whole_sends_no_bad_rows(kafka_server: Server, tmp_path: Path) -> None:
    name = topic_of(tmp_path)
    (tmp_path / "a.csv").write_text("id\n1\nx\n")
    (tmp_path / "a.parquet").write_text("")
    dead = f"{kafka_server.address}#{name}"
    tow("copy", tmp_path / "a.csv", tmp_path / "a.parquet", "--types", "id=int64", "--bad-rows", dead, code=2)
    assert seen(kafka_server, name) == {}


def test_bad_rows_go_to_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    said = tow("copy", tmp_path / "a.csv", tmp_path / "b.csv", "--bad-rows", "duckdb:///x.db#bad", code=2)
    assert "neither" in said


def test_a_message_longer_than_the_topic_takes_is_refused_by_its_place(kafka_server: Server, tmp_path: Path) -> None:
    name = topic_of(tmp_path)
    admin = AdminClient({"bootstrap.servers": brokers(kafka_server)})
    admin.create_topics([NewTopic(name, 1, 1, config={"max.message.bytes": "5000"})])[name].result()
    (tmp_path / "a.csv").write_text(f"id,text\n1,a\n2,{'x' * 6_000}\n")
    said = tow("copy", tmp_path / "a.csv", f"{kafka_server.address}#{name}", "--to-opt", "batch_bytes=4000", code=1)
    assert "a.csv:3: as a message the row has 6,0" in said
    assert seen(kafka_server, name) == {}


def test_messages_deleted_while_they_are_read_are_told(kafka_server: Server, tmp_path: Path) -> None:
    name = topic_of(tmp_path)
    produce(kafka_server, name, [b"x"] * 10)
    admin = AdminClient({"bootstrap.servers": brokers(kafka_server)})
    admin.delete_records([TopicPartition(name, 0, 5)])[TopicPartition(name, 0)].result()
    with (
        pytest.raises(SourceChanged, match="deleted"),
        kafka(kafka_server).read(name, {0: (0, 10)}, 1 << 20) as batches,
    ):
        list(batches)


def test_what_does_not_answer_is_told_with_its_address_and_never_with_a_password(kafka_server: Server) -> None:
    with pytest.raises(Transient, match=r"kafka://127\.0\.0\.1:9: the broker cannot be reached.*refused"):
        Kafka("127.0.0.1", 9).topics()
    with pytest.raises(Refused, match="not found"):
        Kafka("nowhere.invalid").topics()
    with pytest.raises(Refused, match="does not let us in") as refused:
        Kafka(brokers(kafka_server), user="ann", password=Secret("geheim123", "p"), timeout_secs=3).topics()
    assert "geheim123" not in str(refused.value)
    with pytest.raises(UserError, match="names no broker"):
        Kafka()


def test_several_brokers_may_be_named_and_one_may_be_down(kafka_server: Server, tmp_path: Path) -> None:
    queue = Kafka(f"127.0.0.1:9,{brokers(kafka_server)}")
    assert queue.topic(topic_of(tmp_path)) is None
    assert queue.name == f"kafka://127.0.0.1:9,{brokers(kafka_server)}"


def test_a_transaction_that_takes_too_long_is_told_as_such_and_publishes_nothing(
    kafka_server: Server, tmp_path: Path
) -> None:
    queue, name = kafka(kafka_server), topic_of(tmp_path)
    queue.create(name, 1, 0, {})
    rows = pa.record_batch([[None], [b"x"], [None]], schema=MESSAGE)
    with queue.transaction(f"{name}/t", 1) as transaction:
        transaction.send(name, rows)
        transaction._producer.flush()
        time.sleep(1.1)
        with queue.transaction(f"{name}/t"):  # what the broker does by itself, some seconds later
            pass
        with pytest.raises(Refused, match="not sent within 1 s"):
            transaction.commit()
    with pytest.raises(UserError, match="refuses"), queue.transaction(f"{name}/t", 0.0001):
        pass
    assert seen(kafka_server, name) == {}


def test_topics_are_listed_and_looked_into(kafka_server: Server, tmp_path: Path) -> None:
    name = topic_of(tmp_path)
    kafka(kafka_server).create(name, 2, 0, {})
    produce(kafka_server, name, [b'{"id": 1}'] * 3)
    assert f"{name}  2 partitions  at most 3 messages" in tow(
        "connections", "discover", f"{kafka_server.address}#{name}"
    )
    assert name in tow("connections", "discover", kafka_server.address)
    assert "no such topic" in tow("connections", "discover", f"{kafka_server.address}#{name}x", code=1)
    said = tow("peek", f"{kafka_server.address}#{name}", "--from-opt", "envelope=partition,offset")
    assert "_offset" in said
