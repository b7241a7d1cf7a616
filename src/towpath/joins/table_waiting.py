"""Rows on their way into a table: few wait in memory, more of them in what the database has for that, or in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from towpath.disk.oserrors import translated
from towpath.disk.rowspool import RowSpool
from towpath.nouns import Offer
from towpath.seams.database import Database, Session, Stage, StagesRows
from towpath.sqlnames import quoted

CHUNK_BYTES = 32 << 20
"""How many bytes of rows come together before they are sent. A load that is no larger opens its transaction only to
publish."""


@dataclass(slots=True)
class Waiting:
    """Rows that wait until they are enough to be sent."""

    chunk_bytes: int = field(default_factory=lambda: CHUNK_BYTES)
    batches: list[pa.RecordBatch] = field(default_factory=list)
    bytes: int = 0

    def add(self, rows: pa.RecordBatch) -> bool:
        """Whether they are enough now."""
        self.batches.append(rows)
        self.bytes += rows.nbytes
        return self.bytes >= self.chunk_bytes

    def taken(self) -> Iterator[pa.RecordBatch]:
        batches, self.batches, self.bytes = self.batches, [], 0
        return iter(batches)


class WaitingRows:
    """The rows of one load into an embedded database, which is opened only to publish. `folder` and `owner` are where
    files wait, and for whom. Leaving it removes what is on disk."""

    def __init__(self, database: Database, offer: Offer, load_id: str, folder: Path, owner: str) -> None:
        self.rows = 0
        self.stage: Stage | None = None
        self._database, self._offer, self._load_id = database, offer, load_id
        self._folder, self._owner = folder, owner
        self._spool: RowSpool | None = None
        self._sealed = False
        self._waiting = Waiting()
        self._stack = ExitStack()

    def write(self, rows: pa.RecordBatch) -> None:
        self.rows += rows.num_rows
        if self._waiting.add(rows):
            self._put_down()

    def seal(self) -> None:
        """Ends the writing. May be called again."""
        if self._sealed:
            return
        if self._spool is not None or self.stage is not None:
            self._put_down()
        if self._spool is not None:
            self._spool.seal()
        if self.stage is not None:
            self.stage.seal()
        self._sealed = True

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, unless they are staged, from the first one at each call."""
        return iter(self._waiting.batches) if self._spool is None else self._spool.batches()

    def insert(self, session: Session, table: str) -> int:
        """Puts the rows into a table of the session."""
        if self.stage is None:
            return session.insert(table, self._offer.schema, self.batches())
        names = ", ".join(self._database.quote(name) for name in self._offer.schema.names)
        into = quoted(table, self._database.quote)
        return session.execute(f"insert into {into} ({names}) select {names} from {self.stage.relation(session)}")

    def _put_down(self) -> None:
        if self.stage is None and self._spool is None:
            self._begin()
        if self.stage is not None:
            self.stage.insert(self._offer.schema, self._waiting.taken())
        elif self._spool is not None:
            for batch in self._waiting.taken():
                self._spool.write(batch)

    def _begin(self) -> None:
        stage = self._staged()
        if stage is not None:
            self.stage = self._stack.enter_context(stage)
        else:
            self._spool = self._stack.enter_context(RowSpool(self._folder, self._owner, self._load_id))

    def _staged(self) -> AbstractContextManager[Stage] | None:
        if not isinstance(self._database, StagesRows):
            return None
        return self._database.stage(self._load_id, {plan.to: plan.stored.native for plan in self._offer.columns})

    def __enter__(self) -> WaitingRows:
        with translated(str(self._folder), "make"):
            self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
