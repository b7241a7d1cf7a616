"""One load into a table of a server: rows go straight into an open transaction, as they come.

What would keep other readers or writers out of the table waits for the publishing: a new table is filled under a name
of its own and then renamed, rows to merge are filled into a temporary table. Only appended rows go into the table at
once; nobody sees them before the commit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from secrets import token_hex

import pyarrow as pa

from towpath.errors import UserError
from towpath.joins.table_load import (
    Found,
    Growth,
    Target,
    alter,
    check_count,
    check_ground,
    check_new_keys,
    committed_already,
    conflict,
    lock,
    merging,
    present,
)
from towpath.joins.table_merge import Merge
from towpath.joins.table_waiting import Waiting
from towpath.nouns import Mode, Offer, Published, State
from towpath.seams.database import Cancels, Session
from towpath.sqlnames import beside, parts
from towpath.stream import Batch


def fits(target: Target, offer: Offer, found: Found) -> bool:
    """Whether a load can go straight: nothing but its rows has to change what is there. (A table that is made where the
    transaction cannot take that back is `table_rename`'s.)"""
    quiet = not found.alters and offer.instead_of is None and not target.before.statements
    is_replacing = offer.mode is Mode.REPLACE and found.existing is not None
    return target.database.home is None and quiet and not is_replacing


@dataclass(slots=True)
class ServerLoad(ABC):
    """One load into a table of a server, written in another thread than the one that reads. Leaving `stack` ends the
    session, and with it what is not committed."""

    target: Target
    offer: Offer
    load_id: str
    found: Found
    stack: ExitStack
    waiting: Waiting = field(default_factory=Waiting)
    published: Published | None = None
    rows: int = 0
    session: Session | None = None

    @property
    def writes_beside(self) -> bool:
        return True

    def write(self, batch: Batch) -> None:
        self.rows += len(batch)
        if self.waiting.add(batch.rows):
            self._send()

    def give_up(self, *, abandon: bool = False) -> None:
        if isinstance(self.session, Cancels):
            if abandon:
                self.session.abandoned = True
            else:
                self.session.cancel()

    @abstractmethod
    def _send(self) -> None:
        """Sends the rows that wait."""


@dataclass(slots=True)
class StraightLoad(ServerLoad):
    """The transaction is open from the first rows that are sent to the commit."""

    _open: _Open | None = None

    def _send(self) -> None:
        self._opened().insert(self.waiting.taken())

    def publish(self, expected: State | None, new: State | None) -> Published:
        if self.published is not None:
            return self.published
        target = self.target
        target.states.prepare()
        opened = self._opened()
        session = opened.session
        if committed_already(target, session, self.load_id, new):
            self.stack.close()
            self.published = Published(self.rows, inserted=0, unchanged=self.rows)
            return self.published
        if self.waiting.batches:
            opened.insert(self.waiting.taken())
        if new is not None:
            target.states.move(session, new.step, expected, new, lambda what: conflict(target, what))
        published = opened.finish()
        check_count(target, published, self.rows)
        target.after.run(session)
        target.commit(session, new)
        self.stack.close()
        self.published = published
        return published

    def _opened(self) -> _Open:
        if self._open is None:
            self.session = self.stack.enter_context(self.target.database.write())
            self._open = _Open.begin(self.target, self.offer, self.found, self.load_id, self.session)
        return self._open


def renamed(target: Target, aside: str, session: Session) -> None:
    """Gives a table that was filled aside the name of the target."""
    table = replace(target, table=aside).quoted
    name = target.database.quote(parts(target.table)[1])
    session.execute(target.database.dialect.rename.format(table=table, name=name, whole=target.quoted))


@dataclass(slots=True)
class _Open:
    """The transaction, and the table that its rows go into."""

    target: Target
    offer: Offer
    session: Session
    table: str
    growth: Growth | None
    merge: Merge | None
    inserted: int = 0

    @staticmethod
    def begin(target: Target, offer: Offer, found: Found, load_id: str, session: Session) -> _Open:
        check_ground(target, offer, found, session, named=False)
        if offer.mode is Mode.MERGE and found.existing is not None:
            merge = merging(target, offer, found.existing)
            return _Open(target, offer, session, merge.begin(session), None, merge)
        if found.existing is not None:
            return _Open(target, offer, session, target.table, Growth.begin(session, target), None)
        # Two runs of a step at once have one load id; a name of both would let the second wait for the first.
        aside = replace(target, table=beside(target.table, f"_towpath_{load_id}_{token_hex(4)}"))
        made = replace(found, fit=replace(found.fit, ddl=tuple(
            statement.replace(target.quoted, aside.quoted, 1) for statement in found.fit.ddl
        )))  # fmt: skip
        alter(target, made, session)
        return _Open(target, offer, session, aside.table, Growth.begin(session, aside), None)

    def insert(self, rows: Iterator[pa.RecordBatch]) -> None:
        self.inserted += self.session.insert(self.table, self.offer.schema, rows)

    def finish(self) -> Published:
        """What remains to be done before the commit."""
        target, session = self.target, self.session
        if self.merge is not None:
            lock(target, session)
            present(target, session)
            return self.merge.finish(session, self.inserted)
        if self.growth is not None:
            self.growth.check(self.inserted)
        if self.table != target.table:
            check_new_keys(target, self.offer, self.table, session)
            if session.table(target.table) is not None:
                raise conflict(target, "the table was made meanwhile")
            try:
                renamed(target, self.table, session)
            except UserError as error:  # committed since this transaction looked
                raise conflict(target, "the table was made meanwhile") from error
        return Published(self.inserted, self.inserted)
