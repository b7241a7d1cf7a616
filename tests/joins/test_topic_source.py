"""A topic as a source: decoded values, their places, and how far it was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]

from tests.kafkakit import brokers, kafka, produce, topic_of
from towpath import assemble
from towpath.badrows import BadRow
from towpath.errors import DataError, Refused, SourceChanged, UserError
from towpath.job import InputSpec
from towpath.lab import Server
from towpath.nouns import Checkpoint, Restart, Want
from towpath.seams.queue import MESSAGE
from towpath.seams.source import Source


class Kept:
    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


class Topic:
    """One test's topic, with the source that reads it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.name = topic_of(folder)
        self.admin: Any = AdminClient({"bootstrap.servers": brokers(server)})

    def make(self, partitions: int = 1) -> None:
        kafka(self.server).create(self.name, partitions, 0, {})

    def send(self, *values: bytes | None, **given: Any) -> None:
        produce(self.server, self.name, values, **given)

    def source(self, **options: Any) -> Source:
        return assemble.source(InputSpec(f"{self.server.address}#{self.name}", options=options))

    def read(self, since: Checkpoint | None = None, want: Want | None = None, **options: Any) -> Read:
        return read(self.source(**options), since, want)

    def forget(self, partition: int, before: int) -> None:
        """What retention does: the oldest messages go."""
        self.admin.delete_records([TopicPartition(self.name, partition, before)])[
            TopicPartition(self.name, partition)
        ].result()


class Read:
    def __init__(self, rows: pa.Table, given: int, reached: Checkpoint | None, places: list[str]) -> None:
        self.rows, self.given, self.reached, self.places = rows, given, reached, places

    @property
    def dicts(self) -> list[dict[str, Any]]:
        return self.rows.to_pylist()


def read(source: Source, since: Checkpoint | None = None, want: Want | None = None) -> Read:
    """One pass, restarted once when it asks for it."""
    want = want or Want()
    for _ in range(2):
        try:
            with source.open(since, want) as reading:
                batches = list(reading)
                rows = pa.Table.from_batches([batch.rows for batch in batches], reading.schema)
                places = [str(batch.origin.place(row)) for batch in batches for row in range(len(batch))]
                return Read(rows, reading.given, reading.checkpoint(), places)
        except Restart as restart:
            want = Want(want.types, want.all_text, restart.schema, want.columns, want.bad)
    raise AssertionError("it restarted twice")


@pytest.fixture
def topic(kafka_server: Server, tmp_path: Path) -> Topic:
    return Topic(kafka_server, tmp_path)


def test_values_are_rows_and_know_their_partition_and_offset(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"id": 1, "name": "a"}', b'{"id": 2, "zip": "00501"}')
    found = topic.read()
    assert found.dicts == [{"id": 1, "name": "a", "zip": None}, {"id": 2, "name": None, "zip": "00501"}]
    assert found.places == [f"{topic.name}[0]@0", f"{topic.name}[0]@1"]
    assert found.given == 2


def test_a_tombstone_is_a_row_of_nulls_with_its_key(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"id": 1}', None, key=b"k")
    assert topic.read(envelope="key").dicts == [{"id": 1, "_key": "k"}, {"id": None, "_key": "k"}]


def test_line_breaks_between_tokens_are_white_space_and_within_a_string_are_none(topic: Topic) -> None:
    topic.make()
    topic.send(b'{\n "id":\r\n 1}\n', b'{"id": 2, "name": "a\nb"}', b'{"id": 3, "name": "a\\nb"}')
    bad = Kept()
    found = topic.read(want=Want(bad=bad))
    assert found.dicts == [{"id": 1, "name": None}, {"id": 3, "name": "a\nb"}]
    assert [(str(row.place), row.place.raw) for row in bad.rows] == [
        (f"{topic.name}[0]@1", b'{"id": 2, "name": "a\nb"}')
    ]


@pytest.mark.parametrize(
    "value", [b"", b" \n\t", b"\xef\xbb\xbf{}", b"[1]", b'{"id":', b'{"id": 1} {"id": 2}', b"\xff"]
)
def test_a_value_that_is_no_object_is_a_bad_row_with_its_own_bytes(topic: Topic, value: bytes) -> None:
    topic.make()
    topic.send(value, b'{"id": 1}', value, b'{"id": 2}')
    bad = Kept()
    found = topic.read(want=Want(bad=bad), envelope="offset")
    assert found.dicts == [{"id": 1, "_offset": 1}, {"id": 2, "_offset": 3}]
    assert [(str(row.place), row.place.raw) for row in bad.rows] == [
        (f"{topic.name}[0]@{offset}", value) for offset in (0, 2)
    ]
    assert found.given == 4
    with pytest.raises(DataError, match=r"\[0\]@0"):
        topic.read()


def test_rows_between_bad_ones_keep_what_stands_beside_them(topic: Topic) -> None:
    topic.make()
    values = [
        b"x" if number % 3 == 0 else b'{"id": %d, "more": "%s"}' % (number, b"-" * 90) for number in range(30_000)
    ]
    topic.send(*values)
    bad = Kept()
    found = topic.read(want=Want(bad=bad), envelope="offset")
    assert found.rows["_offset"].to_pylist() == found.rows["id"].to_pylist()
    assert [str(row.place) for row in bad.rows] == [f"{topic.name}[0]@{number}" for number in range(0, 30_000, 3)]
    assert (found.rows.num_rows, found.given) == (20_000, 30_000)


def test_a_wider_type_far_down_asks_for_one_restart(topic: Topic) -> None:
    topic.make()
    topic.send(*(b'{"id": %d, "pad": "%s"}' % (number, b"-" * 90) for number in range(20_000)), b'{"id": "00501"}')
    with topic.source().open(None, Want()) as reading, pytest.raises(Restart, match=r"\[0\]@20000: column id"):
        list(reading)
    assert topic.read().rows.schema.field("id").type == pa.string()


def test_the_envelope_stands_beside_the_value(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"id": 1}', key=b"k", headers=[("h", b"1"), ("n", None)], timestamp=1_700_000_000_123)
    row = topic.read(envelope=True).dicts[0]
    assert row.pop("_time").isoformat() == "2023-11-14T22:13:20.123000+00:00"
    assert row == {
        "id": 1,
        "_key": "k",
        "_partition": 0,
        "_offset": 0,
        "_headers": [{"name": "h", "value": b"1"}, {"name": "n", "value": None}],
    }


def test_keys_are_text_or_json_or_bytes_and_others_are_bad(topic: Topic) -> None:
    topic.make()
    for key in (b'"a"', b'{"id": 1}', b"\xff", None):
        topic.send(b'{"id": 1}', key=key)
    bad = Kept()
    assert [row["_key"] for row in topic.read(envelope="key", key="raw").dicts] == [b'"a"', b'{"id": 1}', b"\xff", None]
    text = topic.read(want=Want(bad=bad), envelope="key")
    assert [row["_key"] for row in text.dicts] == ['"a"', '{"id": 1}', None]
    assert (str(bad.rows[0].place), bad.rows[0].column) == (f"{topic.name}[0]@2", "_key")
    json = topic.read(want=Want(bad=bad), envelope="key", key="json")
    assert [row["_key"] for row in json.dicts] == ["a", '{"id": 1}', None]


def test_raw_gives_the_messages_whole_and_pinned_types_hold(topic: Topic) -> None:
    topic.make()
    topic.send(b"\x00\xff", None)
    found = topic.read(value="raw")
    assert [row["value"] for row in found.dicts] == [b"\x00\xff", None]
    pinned = topic.read(want=Want(types={"partition": pa.int64()}), value="raw")
    assert pinned.rows.schema.field("partition").type == pa.int64()


def test_columns_are_read_in_the_asked_order_alone(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"a": 1, "b": 2}')
    assert topic.read(want=Want(columns=("_offset", "b")), envelope=True).dicts == [{"_offset": 0, "b": 2}]
    assert topic.read(want=Want(columns=("_offset",)), envelope=True).dicts == [{"_offset": 0}]
    with pytest.raises(UserError, match="no column 'c'"):
        topic.read(want=Want(columns=("c",)))


def test_it_goes_on_where_it_ended_and_reads_no_further_than_it_looked(topic: Topic) -> None:
    topic.make(2)
    topic.send(b'{"id": 1}', partition=0)
    source = topic.source()
    bound = source.describe(Want()).bound
    topic.send(b'{"id": 2}', partition=1)
    first = read(source)
    assert [row["id"] for row in first.dicts] == [1]
    assert first.reached == bound
    second = topic.read(first.reached)
    assert [row["id"] for row in second.dicts] == [2]
    assert topic.source().describe(Want()).bound == second.reached


def test_a_later_run_knows_the_columns_of_earlier_messages(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"id": 1, "status": "new"}')
    reached = topic.read().reached
    topic.send(b'{"id": 2}')
    assert topic.read(reached).dicts == [{"id": 2, "status": None}]


def test_partitions_added_later_are_read_from_their_beginning(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"id": 1}')
    reached = topic.read().reached
    topic.admin.create_partitions([NewPartitions(topic.name, 2)])[topic.name].result()
    until = [number for number in range(100) if len(kafka(topic.server).topic(topic.name).partitions) == 2]  # type: ignore[union-attr]
    assert until
    topic.send(b'{"id": 2}', partition=1)
    assert [row["id"] for row in topic.read(reached).dicts] == [2]


def test_offsets_deleted_before_they_were_read_are_told_and_never_skipped_unasked(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"id": 1}')
    reached = topic.read().reached
    topic.send(*(b'{"id": %d}' % number for number in range(2, 9)))
    topic.forget(0, 5)
    with pytest.raises(Refused, match="partition 0: the offsets 1 to 4 were deleted") as refused:
        topic.read(reached)
    assert refused.value.code == "source-changed"
    assert [row["id"] for row in topic.read(reached, deleted="skip").dicts] == [6, 7, 8]
    assert [row["id"] for row in topic.read().dicts] == [6, 7, 8]


def test_a_topic_that_was_made_again_is_not_taken_for_the_old_one(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"id": 1}')
    source = topic.source()
    reached = read(source).reached
    topic.admin.delete_topics([topic.name])[topic.name].result()
    while kafka(topic.server).topic(topic.name) is not None:
        pass
    with pytest.raises(Refused, match="no such topic"):
        topic.read()
    topic.make()
    topic.send(b'{"id": 2}', b'{"id": 3}')
    with pytest.raises(Refused, match="made again"):
        topic.read(reached)
    with pytest.raises(SourceChanged):
        read(source)


def test_messages_that_were_taken_back_leave_holes_that_nobody_counts(topic: Topic) -> None:
    topic.make()
    queue = kafka(topic.server)

    def rows(number: int) -> pa.RecordBatch:
        return pa.record_batch([[None], [b'{"id": %d}' % number], [None]], schema=MESSAGE)

    for number, commits in enumerate((True, False, True, False)):
        with queue.transaction(f"{topic.name}/t") as transaction:
            transaction.send(topic.name, rows(number))
            transaction._producer.flush()  # type: ignore[attr-defined]
            if commits:
                transaction.commit()
    found = topic.read()
    assert ([row["id"] for row in found.dicts], found.given) == ([0, 2], 2)
    assert found.reached is not None
    assert topic.read(found.reached).given == 0


def test_a_checkpoint_of_another_kind_is_refused(topic: Topic) -> None:
    topic.make()
    topic.send(b'{"id": 1}')
    with pytest.raises(Refused) as refused:
        topic.read(Checkpoint("cursor", {}))
    assert refused.value.code == "checkpoint-foreign"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"value": "jsn"}, "did you mean 'json'"),
        ({"key": "int"}, "key=int"),
        ({"envelope": "ofset"}, "did you mean 'offset'"),
        ({"value": "raw", "envelope": "true"}, "whole envelope"),
        ({"value": "avro"}, "needs the schema"),
        ({"framing": "confluent"}, "about value=avro"),
        ({"valu": "raw"}, "did you mean 'value'"),
        ({"deleted": "ignore"}, "none of stop, skip"),
    ],
)
def test_wrong_options_are_the_users_error(options: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        assemble.source(InputSpec("kafka://127.0.0.1:9#orders", options=options))
