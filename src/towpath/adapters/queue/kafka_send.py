"""Sends messages in one transaction by a producer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa
from confluent_kafka import Producer

from towpath.adapters.queue.kafka_errors import QUIET, Faults, ours, translated
from towpath.errors import Conflict, Refused, TowError, Transient
from towpath.seams.queue import Span

_ROOM = 50_000
_SEEN_SECS = 10.0
_SETTINGS = {
    "partitioner": "murmur2_random",  # the one of Java's clients: the same key, the same partition
    "linger.ms": 20,
    "message.max.bytes": 1_000_000_000,  # the topic has its own limit
    "queue.buffering.max.messages": 2 * _ROOM,
    "queue.buffering.max.kbytes": 64 << 10,
    "enable.idempotence": True,
}


class KafkaTransaction:
    """One transaction, begun by the first message; see `towpath.seams.queue.Transaction`."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        where: str,
        timeout: float,
        faults: Faults,
        spans: Callable[[str], Mapping[int, Span]],
        seconds: float,
    ) -> None:
        self._sent = 0
        self._where = where
        self._timeout = timeout
        self._faults = faults
        self._spans = spans
        self._seconds = seconds
        self._since = 0.0
        self._begun = False
        self._undelivered: Any = None
        self._topics: set[str] = set()
        with translated(where, faults):
            self._producer = Producer({**_SETTINGS, **settings}, logger=QUIET)
            faults.retried(timeout, lambda: self._producer.init_transactions(timeout))

    def send(self, topic: str, rows: pa.RecordBatch) -> None:
        self._topics.add(topic)
        with self._in_time(), translated(f"{self._where}#{topic}", self._faults):
            if not self._begun:
                self._producer.begin_transaction()
                self._begun, self._since = True, time.monotonic()
            for first in range(0, rows.num_rows, _ROOM):
                self._send(topic, rows.slice(first, _ROOM))

    def _send(self, topic: str, rows: pa.RecordBatch) -> None:
        keys, values = rows.column("key").to_pylist(), rows.column("value").to_pylist()
        all_headers = rows.column("headers").to_pylist()
        for key, value, headers in zip(keys, values, all_headers, strict=True):
            pairs = None if headers is None else [(one["name"], one["value"]) for one in headers]
            while True:
                try:
                    self._producer.produce(topic, value, key, on_delivery=self._delivered, headers=pairs or [])
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.poll(0)

    def confirmed(self) -> int:
        with self._in_time(), translated(self._where, self._faults):
            before = -1
            while self._producer.flush(self._timeout) and self._undelivered is None:
                if self._sent == before:
                    raise Transient(
                        f"nothing was confirmed for {self._timeout:g} s", where=self._where, todo="run again"
                    )
                before = self._sent
            if self._undelivered is not None:
                raise ours(self._undelivered, self._where, self._faults)
        return self._sent

    def commit(self) -> None:
        if not self._begun:
            return
        self.confirmed()
        with self._in_time(), translated(self._where, self._faults):
            written = {topic: self._spans(topic) for topic in self._topics}
            self._faults.retried(self._timeout, lambda: self._producer.commit_transaction(self._timeout))
        self._begun = False
        self._wait(written)

    def close(self) -> None:
        with suppress(TowError), translated(self._where, self._faults):  # one that was fenced has nothing left to abort
            if self._begun:
                self._producer.purge()
                self._producer.abort_transaction(self._timeout)
                self._begun = False
        if (
            self._begun
        ):  # closing would abort it once more, and wait for the broker without end; the broker does, by time
            del self._producer
            return
        with suppress(TowError), translated(self._where, self._faults):
            self._producer.close()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Tells a transaction that the broker ended, because it took too long, from one that another run ended."""
        try:
            yield
        except Conflict as error:
            if not self._begun or time.monotonic() - self._since < self._seconds:
                raise
            raise Refused(
                f"the load was not sent within {self._seconds:.0f} s, and the broker ended its transaction",
                where=self._where,
                todo="allow more (transaction_secs; the broker's transaction.max.timeout.ms), or send less at once",
                code="system-refused",
            ) from error

    def _delivered(self, error: Any, message: Any) -> None:
        if error is None:
            self._sent += 1
        elif self._undelivered is None:
            self._undelivered = error

    def _wait(self, written: Mapping[str, Mapping[int, Span]]) -> None:
        """Until readers see what was committed: the broker marks it as such a little later."""
        until = time.monotonic() + _SEEN_SECS
        for topic, before in written.items():
            while time.monotonic() < until:
                try:
                    now = self._spans(topic)
                except TowError:  # it is committed, and that a look at it fails changes nothing
                    return
                if all(now[one].end >= span.written for one, span in before.items()):
                    break
                time.sleep(0.01)
