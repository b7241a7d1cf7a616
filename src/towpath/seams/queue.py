"""Queue: messages in topics.

The topic join builds Source and Destination from these few methods: it decodes and encodes the messages, and keeps
states as messages of a topic of their own. All messages have one shape, `ENVELOPE`.

What only some queues can do is a Protocol of its own. A log (`KeepsOffsets`) keeps its messages, so that offsets say
how far it was read. A broker that forgets a message once it was acknowledged has no offsets; it would give bounded
batches that are acknowledged after the load was published, and its guarantee would be at-least-once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa

MESSAGE = pa.schema(
    [
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("headers", pa.list_(pa.struct([("name", pa.string()), ("value", pa.binary())]))),
    ]
)
"""What a sender gives. A null value is a tombstone; null headers are none."""

ENVELOPE = pa.schema(
    [*MESSAGE, ("partition", pa.int32()), ("offset", pa.int64()), ("time", pa.timestamp("ms", tz="UTC"))]
)
"""What a reader gets. `time` is null where the broker knows none."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is now. `id` is another one when the topic is deleted and made again; `settings` are the broker's
    words for how it is kept (empty: they may not be looked at), `message_bytes` how long a message may be."""

    name: str
    id: str
    partitions: tuple[int, ...]
    message_bytes: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets of one partition: `first` is the oldest that is kept, `end` lies behind the last that readers may
    see, `written` behind the last of all. Where `end` is less than `written`, a transaction is under way."""

    first: int
    end: int
    written: int


class Transaction(Protocol):
    """Messages that readers see all at once, or never. Leaving its context without `commit` aborts it."""

    def send(self, topic: str, rows: pa.RecordBatch) -> None:
        """Sends messages of the schema `MESSAGE`, in order; each key's go to one partition. Raises DataError for a
        message that the broker does not take, Refused, Transient, Conflict."""
        ...

    def confirmed(self) -> int:
        """Waits until the broker has all that was sent; how many messages it has confirmed. Raises as `send`."""
        ...

    def commit(self) -> None:
        """The visible act; returns when readers see the messages. Raises Conflict when another transaction of the same
        id was begun since, and nothing was committed; Transient when it cannot be known whether it was."""
        ...


@runtime_checkable
class KeepsOffsets(Protocol):
    """A queue whose messages stay when they are read, each at its offset in its partition."""

    def spans(self, topic: str) -> Mapping[int, Span]:
        """The offsets of each partition, now. No side effects."""
        ...

    def read(
        self, topic: str, spans: Mapping[int, tuple[int, int]], batch_bytes: int
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """The messages of these partitions from one offset up to, not with, another, partition after partition, in
        batches of `ENVELOPE` of one partition each and of about so many bytes. Offsets without a message (compacted,
        aborted) are passed over. Raises SourceChanged when offsets are deleted by then, Transient."""
        ...


@runtime_checkable
class Transacts(Protocol):
    """A queue with transactions over several topics."""

    transaction_secs: int
    """How long one may take at most."""

    def transaction(self, id: str, seconds: float = 60) -> AbstractContextManager[Transaction]:
        """Begins one, after it has aborted whatever a sender of the same id, dead or alive, left open: of those with
        one id only the last can commit. The broker aborts it after so many seconds, or after as many as it allows."""
        ...


class Queue(Protocol):
    """One broker or cluster. Errors of its library are translated at this boundary: Refused (unknown topic, no
    permission, wrong password), Transient (connection), UserError (option).

    Nothing is connected to before the first call."""

    name: str

    def topics(self) -> Mapping[str, int]:
        """The topics and their numbers of partitions, without those that the system keeps for itself."""
        ...

    def topic(self, name: str) -> Topic | None:
        """One topic, or None; looking for it does not make it."""
        ...

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        """Makes a topic (0: as many as the broker likes). Raises Conflict when there is one of this name by now."""
        ...
