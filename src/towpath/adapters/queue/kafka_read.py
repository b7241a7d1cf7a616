"""Reads spans of offsets by a consumer, in whole batches of columns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, TopicPartition

from towpath.adapters.queue.kafka_errors import Faults, ours, translated
from towpath.errors import Transient
from towpath.seams.queue import ENVELOPE

_MOST = 20_000
_FIRST = 200
"""How many messages are taken at first, before it is known how long they are."""
_WAIT = 0.2
_HEADERS = ENVELOPE.field("headers").type


class Reader:
    """Reads the partitions of one topic, one after the other, by one consumer."""

    def __init__(self, consumer: Any, topic: str, where: str, timeout: float, batch_bytes: int, faults: Faults) -> None:
        self._consumer = consumer
        self._topic = topic
        self._where = where
        self._timeout = timeout
        self._batch_bytes = batch_bytes
        self._faults = faults

    def all(self, spans: Mapping[int, tuple[int, int]]) -> Iterator[pa.RecordBatch]:
        for partition, (first, end) in spans.items():
            if first < end:
                yield from self._one(partition, first, end)

    def _one(self, partition: int, first: int, end: int) -> Iterator[pa.RecordBatch]:
        with translated(self._where, self._faults):
            self._consumer.assign([TopicPartition(self._topic, partition, first)])
        kept: list[Any] = []
        size, position, average = 0, first, float(self._batch_bytes / _FIRST)
        while position < end:
            found = self._some(min(end - position, _MOST, int((self._batch_bytes - size) / average) + 1))
            told = [one for one in found if one.error() is not None]
            position = self._position(found, told)
            if told or position > end:
                found = [one for one in found if one.error() is None and one.offset() < end]
            kept += found
            size += sum(map(len, found))
            average = max(size / len(kept), 1.0) if kept else average
            if size >= self._batch_bytes or len(kept) >= _MOST:
                yield columns(kept, partition)
                kept, size = [], 0
        if kept:
            yield columns(kept, partition)

    def _some(self, most: int) -> list[Any]:
        """The messages that are there, no more than so many; waits for the first of them."""
        until = time.monotonic() + self._timeout
        with translated(self._where, self._faults):
            while True:
                found: list[Any] = self._consumer.consume(1, _WAIT)
                if found:
                    return found + self._consumer.consume(most - 1, 0) if most > 1 else found
                if time.monotonic() > until:
                    raise Transient(
                        f"no message came for {self._timeout:g} s",
                        where=self._where,
                        todo="run again, or give timeout_secs",
                    )

    def _position(self, found: list[Any], told: list[Any]) -> int:
        """The offset that comes next. The end of the partition tells it too, where its last offsets hold no message."""
        for one in told:
            if one.error().name() != "_PARTITION_EOF":
                raise ours(one.error(), self._where, self._faults)
        last = found[-1]
        return int(last.offset()) + (last.error() is None)


def columns(messages: list[Any], partition: int) -> pa.RecordBatch:
    """Messages of one partition as a batch of `ENVELOPE`."""
    count = len(messages)
    arrays = [
        pa.array([one.key() for one in messages], pa.binary()),
        pa.array([one.value() for one in messages], pa.binary()),
        _headers([one.headers() for one in messages]),
        pa.array(np.full(count, partition, np.int32)),
        pa.array([one.offset() for one in messages], pa.int64()),
        _times([one.timestamp() for one in messages]),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=ENVELOPE)


def _headers(found: list[list[tuple[str, bytes | None]] | None]) -> pa.Array:
    if not any(found):
        return pa.nulls(len(found), _HEADERS)
    return pa.array(
        [None if not one else [{"name": name, "value": value} for name, value in one] for one in found], _HEADERS
    )


def _times(found: list[tuple[int, int]]) -> pa.Array:
    times = [None if kind == TIMESTAMP_NOT_AVAILABLE else time for kind, time in found]
    return pa.array(times, pa.int64()).cast(ENVELOPE.field("time").type)
