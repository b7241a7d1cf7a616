"""A topic as a source: its messages up to the offsets that were frozen at the first look, decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
import pyarrow as pa

from towpath.badrows import BadRow
from towpath.errors import SourceChanged
from towpath.joins.retyped import retyped
from towpath.joins.topic_decoding import Decoded, Decoding
from towpath.joins.topic_envelope import Envelope
from towpath.joins.topic_offsets import Frozen, Spans, freeze
from towpath.joins.topic_values import Messages, Opening
from towpath.joins.union import one_text, union
from towpath.joins.wanted import wanted
from towpath.nouns import Checkpoint, Description, Restart, Want
from towpath.seams.format import Inspected, TypesTooNarrow
from towpath.seams.queue import KeepsOffsets, Queue
from towpath.seams.source import Reading
from towpath.stream import Batch


@dataclass(frozen=True, slots=True)
class _Shape:
    """The columns of the values. `settled`: all values to be read were looked at for it."""

    schema: pa.Schema
    settled: bool


class TopicSource:
    """Reads a topic of a queue that keeps offsets. `envelope` says which columns stand beside those of the value.

    `skip_deleted`: go on behind messages that were deleted before they were read, which is refused otherwise.

    The offsets are frozen at the first look, so that every pass of one source reads the same messages."""

    def __init__(
        self,
        queue: Queue,
        topic: str,
        decoding: Decoding,
        envelope: Envelope,
        *,
        skip_deleted: bool = False,
        shown: str = "",
    ) -> None:
        self.shown = shown or f"{queue.name}#{topic}"
        self.envelope = envelope
        self.topic = topic
        self._queue = queue
        self._decoding = decoding
        self._skip_deleted = skip_deleted
        self._inspected: dict[Any, Inspected] = {}

    @cached_property
    def frozen(self) -> Frozen:
        return freeze(self._queue, self.topic, self.shown)

    def describe(self, want: Want) -> Description:
        shape = self._shape(self.frozen.since(None, self.shown), want)
        return Description(
            self._outward(shape.schema, replace(want, columns=None)),
            settled=shape.settled,
            inferred=self._decoding.inferred,
            bound=self.frozen.bound(),
        )

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[Reading]:
        """The checkpoint holds the offset that comes next in each partition. Raises Refused for one of another topic,
        and when messages newer than it are deleted by now."""
        spans = self.frozen.since(since, self.shown, skip_deleted=self._skip_deleted)
        shape = self._shape(spans, want)
        own = replace(self.envelope.values_of(want), schema=shape.schema)
        reading = _TopicReading(self, spans, want, self._outward(shape.schema, want), shape.settled)
        reading.decoded = self._decoding.read(self._opening(spans, want), self.topic, own)
        try:
            yield reading
        finally:
            reading.decoded.close()

    def restart(self, spans: Spans, want: Want, because: str) -> Restart:
        whole = self._shape(spans, replace(want, schema=None, columns=None), whole=True)
        return Restart(pa.schema([*whole.schema, *self.envelope.schema]), because)

    def check_same(self) -> None:
        """Raises SourceChanged when the topic is another one by now."""
        now = self._queue.topic(self.topic)
        if now is None or now.id != self.frozen.topic.id:
            raise SourceChanged("the topic was deleted while it was read", where=self.shown, todo="run again")

    def _shape(self, spans: Spans, want: Want, *, whole: bool = False) -> _Shape:
        """The columns of the values in `spans`, and of the first ones that are kept: a run that finds few new messages
        shall know the columns of the others too."""
        own = self.envelope.values_of(want)
        if own.schema is not None:
            return _Shape(own.schema, True)
        new = self._inspect(spans, own, whole=whole)
        first = self._inspect(self.frozen.since(None, self.shown), own, whole=False)
        schema = union([(self.shown, first), (self.shown, new)], own.types).schema
        self.envelope.check(schema, self.shown)
        return _Shape(schema, new.settled)

    def _inspect(self, spans: Spans, want: Want, *, whole: bool) -> Inspected:
        key = (tuple(spans.items()), frozenset(want.types.items()), want.all_text, whole)
        if key not in self._inspected:
            opening = self._opening(spans, want)
            self._inspected[key] = self._decoding.inspect(opening, self.topic, want, whole=whole)
        return self._inspected[key]

    def _opening(self, spans: Spans, want: Want) -> Opening:
        return partial(cast(KeepsOffsets, self._queue).read, self.topic, spans, want.batch_bytes // 2)

    def _outward(self, values: pa.Schema, want: Want) -> pa.Schema:
        """The columns of what is read, in the types that were pinned."""
        natural = [*one_text(values), *self.envelope.schema]
        typed = [one.with_type(want.types.get(one.name, one.type)) for one in natural]
        return wanted(pa.schema(typed), want.columns, self.shown)


class _TopicReading:
    """One pass over the messages between two sets of offsets."""

    decoded: Decoded

    def __init__(self, source: TopicSource, spans: Spans, want: Want, schema: pa.Schema, settled: bool) -> None:
        self.schema = schema
        self.settled = settled
        self.given = 0
        self._source = source
        self._spans = spans
        self._want = want

    def __iter__(self) -> Iterator[Batch]:
        source = self._source
        try:
            for messages, values in self.decoded:
                self.given = self.decoded.given
                batch = self._batch(messages, values)
                if len(batch):
                    yield batch
            self.given = self.decoded.given
        except TypesTooNarrow as error:
            if self.settled:
                what = f"it is not as it was described: {error}"
                raise SourceChanged(what, where=source.shown, todo="run again") from error
            raise source.restart(self._spans, self._want, str(error)) from error

    def checkpoint(self) -> Checkpoint:
        self._source.check_same()
        return self._source.frozen.bound()

    def _batch(self, messages: pa.RecordBatch, values: pa.RecordBatch) -> Batch:
        """The rows of some messages, with the columns beside the value's."""
        beside, bad = self._source.envelope.columns(messages)
        columns = dict(zip(values.schema.names, values.columns, strict=True))
        columns |= dict(zip(self._source.envelope.schema.names, beside, strict=True))
        rows = pa.record_batch([columns[name] for name in self.schema.names], names=self.schema.names)
        batch = Batch(rows, Messages(self._source.topic, messages))
        for row, reason in bad.items():
            key = messages.column("key")[row].as_py().decode("utf-8", "backslashreplace")
            self._want.bad.add(BadRow(batch.origin.place(row), reason, "_key", key))
        if bad:
            batch = batch.take(np.setdiff1d(np.arange(len(batch)), list(bad)))
        return retyped(batch, self.schema, self._want.bad)
