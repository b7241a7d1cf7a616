"""A topic as a destination: rows wait on disk, then one transaction sends them and the step's state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from towpath.disk import leftovers, temporary
from towpath.disk.rowspool import RowSpool
from towpath.errors import BooksDoNotBalance, Conflict, DataError, UserError
from towpath.joins.topic_encoding import Encoding, Unfit
from towpath.joins.topic_source import TopicSource
from towpath.joins.topic_state import STATE, TopicStates
from towpath.nouns import Existing, Guarantee, Mode, Offer, Published, State, Stored, Want
from towpath.seams.destination import Load
from towpath.seams.queue import Topic
from towpath.stream import Batch

_WHY = (
    "the rows wait on this machine's disk, then one transaction sends them and the step's state (a copy without a step "
    "keeps none); it has to end within {seconds} s; consumers with isolation.level=read_uncommitted see them before"
)
_OVERHEAD = 128
"""Bytes that a message has beside its key, value and headers, at most."""
_SECS, _BYTES_PER_SEC = 60, 2 << 20
_LOOK = 1 << 16


class TopicDestination:
    """Sends rows to a topic of a queue that keeps offsets and has transactions. A topic that is not there is made, with
    so many `partitions` and copies (`replication`; 0: the broker's own number). `source` reads the same topic.

    A topic that holds no message counts as absent: it may have been made beforehand, or by a run that died."""

    def __init__(
        self,
        queue: Any,
        topic: str,
        encoding: Encoding,
        source: TopicSource,
        *,
        partitions: int = 0,
        replication: int = 0,
        shown: str = "",
    ) -> None:
        self.shown = shown or f"{queue.name}#{topic}"
        self.queue = queue
        self.topic = topic
        self.encoding = encoding
        self.states = TopicStates(queue, topic)
        self._source = source
        self._spool = spool_name(queue.name, topic)
        self._partitions = partitions
        self._replication = replication

    def describe(self) -> Existing | None:
        """Columns are those of the first messages; only text among them binds new rows, whose values then stay text."""
        if not self._holds_messages():
            return None
        schema = self._source.describe(Want()).schema
        stored = {one.name: Stored(one.type) for one in schema if pa.types.is_string(one.type)}
        return Existing(schema, stored)

    def state(self, step: str) -> State | None:
        return self.states.committed(step)

    def steps(self) -> list[str]:
        return self.states.steps()

    def put_state(self, step: str, expected: State | None, new: State | None) -> None:
        self.states.prepare()
        with self.queue.transaction(self._id(step, "")) as transaction:
            self.states.check(step, expected)
            self.states.send(transaction, step, new)
            transaction.commit()

    def offer(self, schema: pa.Schema, mode: Mode, key: tuple[str, ...]) -> Offer:
        self._refuse_mode(mode)
        there = self.queue.topic(self.topic)
        if mode is Mode.CREATE and self._holds_messages():
            raise UserError(
                "it exists already",
                where=self.shown,
                todo="choose --mode append, or another topic",
                code="destination-exists",
            )
        columns = self.encoding.plan(schema, self.shown)
        made = f"{self._partitions or 'default'} partitions, {self._replication or 'default'} replication"
        return Offer(
            source=schema,
            schema=pa.schema([pa.field(plan.to, plan.stored.type) for plan in columns]),
            columns=columns,
            mode=mode,
            key=key,
            guarantee=Guarantee.ATOMIC,
            why=_WHY.format(seconds=self.queue.transaction_secs),
            effect=self._effect(mode, there),
            ddl=(f"create topic {self.topic} ({made})",) if there is None else (),
        )

    def recover(self, step: str | None) -> State | None:
        """Aborts the transactions that dead runs left open. Those of other machines end by themselves, by time, except
        the step's own: of one step only one run at a time can publish, wherever it runs."""
        dead = leftovers.sweep(_folder(), self._spool)
        ids = {self._id(step, load) for load in (*map(_load_of, dead), "")} if dead else set()
        if step is not None and not any(lives for _, lives in self._spools()):
            ids.add(self._id(step, ""))
        if ids and self._is_open():
            for id in ids:
                with self.queue.transaction(id):
                    pass
        return None if step is None else self.states.committed(step)

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        with RowSpool(_folder(), self._spool, load_id) as spool:
            yield _TopicLoad(self, offer, load_id, spool, self.queue.topic(self.topic))

    def publish(self, load: _TopicLoad, expected: State | None, new: State | None) -> Published:
        """Publishes a finished load; called by it only."""
        spool = load.spool
        step = None if new is None else new.step
        if step is not None:
            self.states.prepare()
        id = self._id(step, "" if load.offer.mode is Mode.CREATE else load.load_id)
        with self.queue.transaction(id, _SECS + load.size / _BYTES_PER_SEC) as transaction:
            if new is not None and self._is_out(new):
                return Published(spool.rows, inserted=0, unchanged=spool.rows)
            if step is not None:
                self.states.check(step, expected)
            self._make(load.offer.mode)
            for rows in spool.batches():
                transaction.send(self.topic, rows)
            if step is not None:
                self.states.send(transaction, step, new)
            sent = transaction.confirmed() - (step is not None)
            if sent != spool.rows:
                raise BooksDoNotBalance(f"{spool.rows} messages were sent, {sent} confirmed", where=self.shown)
            try:
                transaction.commit()
            except Conflict:
                if new is None or not self._is_out(new):
                    raise
        return Published(sent, sent, parts=(self.shown,))

    def _make(self, mode: Mode) -> None:
        """Makes the topic where there is none. Raises Conflict when it was to be new and is not any more."""
        if self.queue.topic(self.topic) is None:
            self.queue.create(self.topic, self._partitions, self._replication, {})
        elif mode is Mode.CREATE and self._holds_messages():
            raise Conflict(
                "it was made by somebody else meanwhile; nothing was published", where=self.shown, todo="run again"
            )

    def _effect(self, mode: Mode, there: Topic | None) -> str:
        if there is None:
            return f"makes the topic {self.topic}"
        if mode is Mode.CREATE:
            return f"fills the topic {self.topic}, which holds no message yet"
        return "messages that are there stay; new ones follow"

    def _is_out(self, new: State) -> bool:
        found = self.states.committed(new.step)
        return found is not None and found.load_id == new.load_id

    def _is_open(self) -> bool:
        """Whether a transaction is under way."""
        spans = [*self.queue.spans(self.topic).values(), *self.queue.spans(STATE).values()]
        return any(span.end < span.written for span in spans)

    def _spools(self) -> list[tuple[Path, bool]]:
        return [one for one in leftovers.found(_folder()) if one[0].name.startswith(f".{self._spool}.")]

    def _id(self, step: str | None, load_id: str) -> str:
        """Of transactions with one id only the last can commit: those of a step, and copies that make the topic."""
        return f"towpath/{self.topic}/{f'/{load_id}' if step is None else step}"

    def _holds_messages(self) -> bool:
        if self.queue.topic(self.topic) is None:
            return False
        spans = {number: (span.first, span.end) for number, span in self.queue.spans(self.topic).items()}
        if not any(first < end for first, end in spans.values()):
            return False
        with self.queue.read(self.topic, spans, 1) as batches:
            return next(batches, None) is not None

    def _refuse_mode(self, mode: Mode) -> None:
        if mode in (Mode.REPLACE, Mode.MERGE):
            what = "a topic keeps its messages, so they cannot be replaced"
            if mode is Mode.MERGE:
                what = "a topic has no rows to merge with, only messages"
            raise UserError(
                what,
                where=self.shown,
                todo="choose --mode append; --to-opt key=COL with a compacted topic keeps the latest of each key",
                code="mode-impossible",
            )


def spool_name(queue: str, topic: str) -> str:
    """What the files are called in which a topic's loads wait."""
    return f"towpath-{hashlib.sha256(f'{queue}#{topic}'.encode()).hexdigest()[:12]}"


class _TopicLoad:
    """One load, as messages on disk."""

    def __init__(
        self, owner: TopicDestination, offer: Offer, load_id: str, spool: RowSpool, topic: Topic | None
    ) -> None:
        self.offer = offer
        self.load_id = load_id
        self.spool = spool
        self.size = 0
        self._owner = owner
        self._most = None if topic is None else topic.message_bytes
        self._sealed = False
        self._published: Published | None = None

    def write(self, batch: Batch) -> None:
        try:
            messages = self._owner.encoding.messages(batch.rows)
        except Unfit as error:
            todo = "correct the row, or filter it out (--where)"
            place = str(batch.origin.place(error.row))
            raise DataError(error.reason, where=place, todo=todo, code="value-refused") from error
        self.size += messages.nbytes
        self._refuse_long(messages, batch)
        self.spool.write(messages)

    def publish(self, expected: State | None, new: State | None) -> Published:
        if self._published is None:
            if not self._sealed:
                self.spool.seal()
                self._sealed = True
            self._published = self._owner.publish(self, expected, new)
        return self._published

    def _refuse_long(self, messages: pa.RecordBatch, batch: Batch) -> None:
        """Before anything is sent: the broker would refuse such a message, and the load with it."""
        if self._most is None or messages.nbytes < self._most - _OVERHEAD:
            return
        sizes = _lengths(messages.column("key")) + _lengths(messages.column("value"))
        long = np.flatnonzero(sizes > self._most - _OVERHEAD)
        if len(long):
            row = int(long[0])
            raise DataError(
                f"as a message the row has {sizes[row]:,} bytes, and the topic takes no more than {self._most:,}",
                where=str(batch.origin.place(row)),
                todo="raise the topic's max.message.bytes, or filter such rows out (--where)",
                code="value-refused",
            )


def _load_of(name: str) -> str:
    """The load id in the name of a spool."""
    return name.rpartition(leftovers.SUFFIX)[0].split(".")[-2]


def _lengths(values: pa.Array) -> np.ndarray:
    return np.array([0 if value is None else len(value) for value in values.to_pylist()], np.int64)


def _folder() -> Path:
    return temporary.folder()
