"""The states of the steps that load a queue's topics: messages of the compacted topic `_towpath_state`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from towpath.errors import Conflict, Refused
from towpath.nouns import State
from towpath.seams.queue import MESSAGE, Transaction

STATE = "_towpath_state"
_PATIENCE = 80.0  # longer than a broker leaves a dead sender's transaction open
_BATCH = 1 << 20


@dataclass(frozen=True, slots=True)
class TopicStates:
    """The states of one topic's steps. `queue` is one that keeps offsets and has transactions."""

    queue: Any
    topic: str

    def committed(self, step: str) -> State | None:
        """The state of a step. Waits for transactions that are about to end: behind them nothing can be seen."""
        found = None
        for key, value in self._all():
            if key == self._key(step):
                found = value
        return None if found is None else State.loads(found.decode())

    def steps(self) -> list[str]:
        """The steps that have a state here, sorted."""
        prefix = f"{self.topic}/".encode()
        latest = {key.removeprefix(prefix).decode(): value for key, value in self._all() if key.startswith(prefix)}
        return sorted(step for step, value in latest.items() if value is not None)

    def prepare(self) -> None:
        """Makes the topic of states, if there is none."""
        if self._there():
            return
        try:
            self.queue.create(STATE, 1, 0, {"cleanup.policy": "compact"})
        except Conflict:
            self._there()

    def check(self, step: str, expected: State | None) -> State | None:
        """The committed state. Raises Conflict when it is not the expected one."""
        found = self.committed(step)
        if (found and found.load_id) != (expected and expected.load_id):
            raise Conflict(
                f"another run of {step} published meanwhile; nothing was published", where=self.topic, todo="run again"
            )
        return found

    def send(self, transaction: Transaction, step: str, new: State | None) -> None:
        """Adds a step's new state to a transaction; None forgets it."""
        value = None if new is None else new.dumps().encode()
        rows = pa.record_batch([[self._key(step)], pa.array([value], pa.binary()), [None]], schema=MESSAGE)
        transaction.send(STATE, rows)

    def _key(self, step: str) -> bytes:
        return f"{self.topic}/{step}".encode()  # no topic has a / in its name

    def _there(self) -> bool:
        found = self.queue.topic(STATE)
        if found is not None and found.settings.get("cleanup.policy", "compact") != "compact":
            raise Refused(
                "the topic of states is not compacted, so that states would be deleted with time",
                where=f"{self.queue.name}#{STATE}",
                todo=f"give it cleanup.policy=compact (kafka-configs --alter --entity-name {STATE})",
                code="state-damaged",
            )
        return found is not None

    def _all(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Keys and values of all states, older ones before newer ones of the same key."""
        if not self._there():
            return
        with self.queue.read(STATE, self._settled(), _BATCH) as batches:
            for rows in batches:
                yield from zip(rows.column("key").to_pylist(), rows.column("value").to_pylist(), strict=True)

    def _settled(self) -> dict[int, tuple[int, int]]:
        """The offsets up to what is written now, once no transaction is under way before it."""
        written = {number: span.written for number, span in self.queue.spans(STATE).items()}
        until = time.monotonic() + _PATIENCE
        while True:
            spans = self.queue.spans(STATE)
            if all(spans[number].end >= end for number, end in written.items()):
                return {number: (span.first, span.end) for number, span in spans.items()}
            if time.monotonic() > until:
                raise Refused(
                    "another load is being sent, and its transaction does not end",
                    where=f"{self.queue.name}#{STATE}",
                    todo="wait for it to end, then run again",
                    code="conflict",
                )
            time.sleep(0.02)
