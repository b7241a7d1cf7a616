"""Dead letters in a topic: one message for each bad row, sent before the load that set it aside is published."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from towpath.badrows import BadRow
from towpath.disk import leftovers, temporary
from towpath.disk.rowspool import RowSpool
from towpath.errors import Conflict
from towpath.seams.queue import MESSAGE

_MANY = 1_000


class TopicLetters:
    """Keeps the bad rows of one load for a topic of `queue`, which has transactions; see `towpath.deadletters.Letters`.

    A message's value is the record's own bytes, or where these are not known the row as JSON; its headers say `reason`,
    `place`, `column` (where the fault is one's), `edge` and `load`. What was sent stays, also when the load is refused
    in the end: a message with the same `load` and `place` is the same row again."""

    def __init__(self, queue: Any, topic: str, load_id: str) -> None:
        self._queue = queue
        self._topic = topic
        self._load_id = load_id
        self._waiting: list[BadRow] = []
        self._spool: RowSpool | None = None

    def add(self, bad: BadRow) -> None:
        self._waiting.append(bad)
        if len(self._waiting) >= _MANY:
            self._keep()

    def types(self, part: str, schema: pa.Schema) -> None:
        """A message is the record as it stood: who reads it finds its types anew."""

    def seal(self) -> None:
        self._keep()
        if self._spool is None:
            return
        self._spool.seal()
        if self._queue.topic(self._topic) is None:
            try:
                self._queue.create(self._topic, 0, 0, {})
            except Conflict:
                self._queue.topic(self._topic)  # another load's bad rows made it
        with self._queue.transaction(f"towpath/{self._topic}//{self._load_id}") as transaction:
            for rows in self._spool.batches():
                transaction.send(self._topic, rows)
            transaction.commit()
        self._close()

    def published(self) -> None:
        """They are sent already."""

    def unseal(self) -> None:
        """What was sent cannot be taken back."""

    def stopped(self) -> str:
        """Sends them, too: whoever looks finds them by the load."""
        self.seal()
        return f"{self._topic} (load {self._load_id})"

    def discard(self) -> None:
        self._waiting = []
        self._close()

    def _keep(self) -> None:
        if not self._waiting:
            return
        if self._spool is None:
            folder, name = temporary.folder(), f"towpath-bad-{self._topic}"
            leftovers.sweep(folder, name)
            self._spool = RowSpool(folder, name, self._load_id)
        rows = [_message(bad, self._load_id) for bad in self._waiting]
        self._spool.write(pa.RecordBatch.from_pylist(rows, schema=MESSAGE))
        self._waiting = []

    def _close(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._spool = None


def _message(bad: BadRow, load_id: str) -> dict[str, Any]:
    value = bad.place.raw
    if value is None:
        value = None if bad.row is None else json.dumps(bad.row, ensure_ascii=False).encode()
    told = {
        "reason": bad.reason,
        "place": str(bad.place),
        "column": bad.column,
        "edge": bad.edge,
        "load": load_id,
    }
    return {
        "key": f"{load_id} {bad.place}".encode(),
        "value": value,
        "headers": [{"name": name, "value": text.encode()} for name, text in told.items() if text is not None],
    }
