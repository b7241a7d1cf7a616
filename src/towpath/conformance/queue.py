"""The suite of the queue seam: messages come back as they were sent, offsets hold, transactions are all or nothing."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from towpath.conformance.suite import Suite, promise
from towpath.errors import Conflict
from towpath.seams.queue import ENVELOPE, MESSAGE

Message = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]] | None]
MANY = 5_000


class QueueSuite(Suite):
    """Holds a queue that keeps offsets and has transactions to `towpath.seams.queue`. A subclass says how to `make` it,
    and which topic belongs to a test's folder."""

    seam: ClassVar[str] = "queue"

    def topic(self, folder: Path) -> str:
        """The name of a topic that no other test has."""
        raise NotImplementedError

    @pytest.fixture
    def queue(self, tmp_path: Path) -> Any:
        return self.make(tmp_path)

    @pytest.fixture
    def topic_name(self, tmp_path: Path) -> str:
        return self.topic(tmp_path)

    @pytest.fixture
    def topic_there(self, queue: Any, topic_name: str) -> str:
        """A topic of two partitions."""
        queue.create(topic_name, 2, 0, {})
        return topic_name

    @promise("topic/quiet")
    def test_looking_for_a_topic_does_not_make_it(self, queue: Any, topic_name: str) -> None:
        assert queue.topic(topic_name) is None
        assert queue.topic(topic_name) is None
        assert topic_name not in queue.topics()

    @promise("topic/create")
    def test_a_topic_that_was_made_has_its_partitions_and_no_messages(self, queue: Any, topic_name: str) -> None:
        queue.create(topic_name, 3, 0, {})
        found = queue.topic(topic_name)
        assert (found.name, found.partitions) == (topic_name, (0, 1, 2))
        assert found.id
        assert queue.topics()[topic_name] == 3
        assert {number: (one.first, one.end) for number, one in queue.spans(topic_name).items()} == dict.fromkeys(
            range(3), (0, 0)
        )

    @promise("topic/exists")
    def test_making_a_topic_that_is_there_is_a_conflict(self, queue: Any, topic_there: str) -> None:
        with pytest.raises(Conflict):
            queue.create(topic_there, 1, 0, {})

    @promise("message/whole")
    def test_messages_come_back_as_they_were_sent(self, queue: Any, topic_there: str) -> None:
        sent: list[Message] = [
            (b"key", b"value", None),
            (None, b"no key", None),
            (b"", b"", None),
            (b"tombstone", None, None),
            (
                b"\x00\xff",
                b"\xfe\x00\n",
                [("h", b"1"), ("h", b"2"), ("empty", b""), ("null", None), ("\u00e4", b"\xff")],
            ),
        ]
        send(queue, "t1", topic_there, sent)
        assert sorted(messages(read(queue, topic_there)), key=repr) == sorted(sent, key=repr)

    @promise("message/envelope")
    def test_each_message_knows_its_partition_offset_and_time(self, queue: Any, topic_there: str) -> None:
        send(queue, "t1", topic_there, [(b"%d" % number, b"v", None) for number in range(20)])
        rows = read(queue, topic_there)
        assert rows.schema == ENVELOPE
        spans = queue.spans(topic_there)
        for number in (0, 1):
            offsets = rows.filter(pa.compute.equal(rows["partition"], number))["offset"].to_pylist()
            assert offsets == sorted(set(offsets))
            assert all(spans[number].first <= offset < spans[number].end for offset in offsets)
        assert rows["time"].null_count == 0

    @promise("message/order")
    def test_a_key_stays_in_one_partition_and_in_order(self, queue: Any, topic_there: str) -> None:
        sent = [(b"%d" % (number % 7), b"%d" % number, None) for number in range(200)]
        send(queue, "t1", topic_there, sent)
        rows = read(queue, topic_there)
        for key in range(7):
            mine = rows.filter(pa.compute.equal(rows["key"], b"%d" % key))
            assert len(set(mine["partition"].to_pylist())) == 1
            assert mine["value"].to_pylist() == [value for found, value, _ in sent if found == b"%d" % key]

    @promise("read/bounded")
    def test_reading_ends_where_it_was_to_end(self, queue: Any, topic_there: str) -> None:
        send(queue, "t1", topic_there, [(b"%d" % number, b"old", None) for number in range(50)])
        spans = bounds(queue, topic_there)
        send(queue, "t2", topic_there, [(b"%d" % number, b"new", None) for number in range(50)])
        assert set(read(queue, topic_there, spans)["value"].to_pylist()) == {b"old"}
        later = {number: (spans[number][1], end) for number, (_, end) in bounds(queue, topic_there).items()}
        rows = read(queue, topic_there, later)
        assert (rows.num_rows, set(rows["value"].to_pylist())) == (50, {b"new"})

    @promise("read/middle")
    def test_a_span_in_the_middle_is_read_alone(self, queue: Any, topic_name: str) -> None:
        queue.create(topic_name, 1, 0, {})
        send(queue, "t1", topic_name, [(None, b"%d" % number, None) for number in range(10)])
        assert read(queue, topic_name, {0: (3, 6)})["value"].to_pylist() == [b"3", b"4", b"5"]
        assert read(queue, topic_name, {0: (4, 4)}).num_rows == 0

    @promise("read/memory")
    def test_only_a_few_batches_are_alive_at_once(self, queue: Any, topic_name: str) -> None:
        queue.create(topic_name, 1, 0, {})
        send(queue, "t1", topic_name, [(None, b"x" * 1_000, None)] * MANY)
        alive: list[weakref.ref[pa.RecordBatch]] = []
        most = count = 0
        with queue.read(topic_name, bounds(queue, topic_name), 100_000) as batches:
            for rows in batches:
                assert rows.nbytes < 2_000_000
                alive.append(weakref.ref(rows))
                most = max(most, sum(one() is not None for one in alive))
                count += rows.num_rows
                del rows
        assert count == MANY
        assert len(alive) > 5
        assert most <= 3

    @promise("transaction/invisible")
    def test_messages_are_invisible_until_the_commit_and_then_all_there(self, queue: Any, topic_there: str) -> None:
        other = f"{topic_there}-other"
        queue.create(other, 1, 0, {})
        with queue.transaction(f"{topic_there}/t1") as transaction:
            transaction.send(topic_there, rows_of([(b"%d" % number, b"v", None) for number in range(50)]))
            transaction.send(other, rows_of([(None, b"state", None)]))
            assert (read(queue, topic_there).num_rows, read(queue, other).num_rows) == (0, 0)
            assert transaction.confirmed() == 51
            assert (read(queue, topic_there).num_rows, read(queue, other).num_rows) == (0, 0)
            transaction.commit()
        assert (read(queue, topic_there).num_rows, read(queue, other).num_rows) == (50, 1)
        assert all(span.end == span.written for span in queue.spans(topic_there).values())

    @promise("transaction/abort")
    def test_leaving_without_commit_aborts(self, queue: Any, topic_there: str) -> None:
        send(queue, "t1", topic_there, [(b"a", b"1", None)])
        with pytest.raises(KeyError), queue.transaction(f"{topic_there}/t1") as transaction:
            transaction.send(topic_there, rows_of([(b"a", b"never", None)] * 10))
            raise KeyError
        send(queue, "t1", topic_there, [(b"a", b"2", None)])
        assert read(queue, topic_there)["value"].to_pylist() == [b"1", b"2"]

    @promise("transaction/empty")
    def test_a_transaction_without_messages_may_be_committed(self, queue: Any, topic_there: str) -> None:
        send(queue, "t1", topic_there, [])
        assert read(queue, topic_there).num_rows == 0

    @promise("transaction/fenced")
    def test_of_two_transactions_with_one_id_only_the_later_can_commit(self, queue: Any, topic_there: str) -> None:
        with queue.transaction(f"{topic_there}/t1") as first:
            first.send(topic_there, rows_of([(b"a", b"first", None)]))
            send(queue, "t1", topic_there, [(b"a", b"second", None)])
            with pytest.raises(Conflict):
                first.commit()
        assert read(queue, topic_there)["value"].to_pylist() == [b"second"]

    @promise("transaction/recover")
    def test_a_transaction_that_is_begun_aborts_what_the_id_left_open(self, queue: Any, topic_there: str) -> None:
        with queue.transaction(f"{topic_there}/t1") as first:
            first.send(topic_there, rows_of([(b"a", b"first", None)] * 2_000))
            with queue.transaction(f"{topic_there}/t1"):
                assert all(span.end == span.written for span in queue.spans(topic_there).values())
        assert read(queue, topic_there).num_rows == 0


def rows_of(sent: Sequence[Message]) -> pa.RecordBatch:
    keys, values = [key for key, _, _ in sent], [value for _, value, _ in sent]
    headers = [None if found is None else [{"name": n, "value": v} for n, v in found] for _, _, found in sent]
    return pa.record_batch([keys, values, headers], schema=MESSAGE)


def send(queue: Any, id: str, topic: str, sent: Sequence[Message]) -> None:
    """Sends messages in a transaction; the id belongs to the topic."""
    with queue.transaction(f"{topic}/{id}") as transaction:
        if sent:
            transaction.send(topic, rows_of(sent))
        assert transaction.confirmed() == len(sent)
        transaction.commit()


def bounds(queue: Any, topic: str) -> dict[int, tuple[int, int]]:
    return {number: (span.first, span.end) for number, span in queue.spans(topic).items()}


def read(queue: Any, topic: str, spans: dict[int, tuple[int, int]] | None = None) -> pa.Table:
    """All messages between the offsets (default: all that there are), each batch being of one partition."""
    with queue.read(topic, bounds(queue, topic) if spans is None else spans, 1 << 20) as batches:
        found = list(batches)
    assert all(len(set(rows.column("partition").to_pylist())) == 1 for rows in found)
    return pa.Table.from_batches(found, ENVELOPE)


def messages(rows: pa.Table) -> list[Message]:
    return [
        (row["key"], row["value"], row["headers"] and [(one["name"], one["value"]) for one in row["headers"]])
        for row in rows.to_pylist()
    ]
