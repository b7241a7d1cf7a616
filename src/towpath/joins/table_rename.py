"""One load that makes a table, in a database where making one ends the transaction: filled aside, then renamed.

What a dead run leaves is a row in `_towpath_intent` and the table that it names. Both are cleared by the next run,
which tells the dead from the living by a name that the session of a living run holds.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from secrets import token_hex

from towpath.errors import Conflict, TowError, Transient
from towpath.joins.table_commit import asked, undone
from towpath.joins.table_intent import Intent, TableIntents
from towpath.joins.table_load import (
    Found,
    Growth,
    Target,
    alter,
    check_count,
    check_new_keys,
    committed_already,
    conflict,
)
from towpath.joins.table_state import TableStates
from towpath.joins.table_straight import ServerLoad, renamed
from towpath.joins.table_waiting import Waiting
from towpath.nouns import Offer, Published, State
from towpath.seams.database import HoldsNames, Session, TellsOutcomes
from towpath.sqlnames import beside, quoted

WHY = (
    "the rows go into a table aside, whose renaming publishes them; a run that dies between that and the state is"
    " finished or taken back by the next"
)
_LONGEST = 64
_LEAVING_SECS = 2.0
"""How long who is interrupted may have to wait."""


def fits(target: Target, found: Found) -> bool:
    """Whether the table that the load makes cannot be taken back by its transaction."""
    return found.existing is None and TableIntents(target.database, target.table).kept()


@dataclass(slots=True)
class RenameLoad(ServerLoad):
    """What was not published when `stack` is left is dropped, in a session of its own."""

    _aside: _Aside | None = None

    def _send(self) -> None:
        self._opened().insert(self.waiting)

    def publish(self, expected: State | None, new: State | None) -> Published:
        if self.published is not None:
            return self.published
        self.target.states.prepare()
        aside = self._opened()
        if committed_already(self.target, aside.session, self.load_id, new):
            aside.drop()
            self.published = Published(self.rows, inserted=0, unchanged=self.rows)
            return self.published
        aside.insert(self.waiting)
        aside.growth.check(aside.inserted)
        published = Published(aside.inserted, aside.inserted)
        check_count(self.target, published, self.rows)
        check_new_keys(self.target, self.offer, beside(self.target.table, aside.name), aside.session)
        aside.publish(expected, new)
        self.published = published
        return published

    def _opened(self) -> _Aside:
        if self._aside is None:
            intents = TableIntents(self.target.database, self.target.table)
            intents.prepare()
            name = f"_towpath_{self.load_id}"[: _LONGEST - 9] + f"_{token_hex(4)}"
            self.stack.callback(self._leave, intents, name)  # when the session is over, and its transaction with it
            self.session = self.stack.enter_context(self.target.database.write())
            self._aside = _Aside.begin(self.target, intents, self.offer, self.found, name, self.session)
        return self._aside

    def _leave(self, intents: TableIntents, name: str) -> None:
        """Drops what was not published; where the server is gone, the next run does."""
        if self._aside is None or not self._aside.done:
            with contextlib.suppress(TowError):
                _drop(self.target, intents, name)


@dataclass(slots=True)
class _Aside:
    """The table that is filled, and the session that holds its name."""

    target: Target
    intents: TableIntents
    offer: Offer
    session: Session
    name: str
    growth: Growth
    inserted: int = 0
    done: bool = False

    @staticmethod
    def begin(target: Target, intents: TableIntents, offer: Offer, found: Found, name: str, session: Session) -> _Aside:
        _hold(session, name)
        intents.begin(session, name)
        session.commit()
        aside = replace(target, table=beside(target.table, name))
        ddl = tuple(statement.replace(target.quoted, aside.quoted, 1) for statement in found.fit.ddl)
        alter(target, replace(found, fit=replace(found.fit, ddl=ddl)), session)
        return _Aside(target, intents, offer, session, name, Growth.begin(session, aside))

    def insert(self, waiting: Waiting) -> None:
        """Puts the rows that wait into the table aside, for good: nobody reads it."""
        self.inserted += self.session.insert(beside(self.target.table, self.name), self.offer.schema, waiting.taken())
        self.session.commit()

    def publish(self, expected: State | None, new: State | None) -> None:
        """State and note in one transaction, then the name. Raises Conflict, having taken the state back, when the name
        is taken by then; Transient when the connection is lost, and the table has not got it, or nobody can tell."""
        session, intent = self.session, Intent(self.name, new, expected)
        self._refuse_made()
        if new is not None:
            self.target.states.move(session, new.step, expected, new, lambda what: conflict(self.target, what))
            self.intents.say(session, intent)
            session.commit()
        try:
            renamed(self.target, beside(self.target.table, self.name), session)
        except Transient as lost:
            self.done = True  # by whom is asked, or by the next run
            if not self._asked(intent, lost):
                raise undone(lost, self.target.shown) from lost
            return
        except TowError:
            settle(self.target, self.intents, session, intent)
            self.done = True
            self._refuse_made()
            raise
        self.done = True
        with contextlib.suppress(TowError):  # published; the next run would forget the note too
            self.intents.end(session, self.name)
            session.commit()

    def _asked(self, intent: Intent, lost: Transient) -> bool:
        target = self.target
        return asked(
            target.database,
            _held(self.name),
            lambda _: settled(target, self.intents, intent),
            lost,
            target.shown,
        )

    def drop(self) -> None:
        settle(self.target, self.intents, self.session, Intent(self.name))
        self.done = True

    def _refuse_made(self) -> None:
        if self.session.table(self.target.table) is not None:
            raise conflict(self.target, "the table was made meanwhile")


def recover(target: Target) -> None:
    """Finishes or takes back what dead runs left in the schema of the table."""
    intents = TableIntents(target.database, target.table)
    with target.database.read() as session:
        if not intents.all(session):
            return
    with target.database.write() as session:
        for intent in intents.all(session):
            if _hold(session, intent.aside):
                settle(target, intents, session, intent)
                _let_go(session, intent.aside)


def settle(target: Target, intents: TableIntents, session: Session, intent: Intent) -> None:
    """Ends an intent: a table that has its name is published; one that stands aside goes, and the state with it."""
    if intents.stands(session, intent):
        if intent.after is not None:
            # The state before may be of another table of the schema than the one that is loaded now.
            states = TableStates(target.database, (intent.before and intent.before.unit) or target.table)
            with contextlib.suppress(Conflict):  # moved on by hand, or taken back already
                states.move(session, intent.after.step, intent.after, intent.before, _moved)
            intents.say(session, Intent(intent.aside))
            session.commit()
        session.execute(f"drop table {quoted(beside(target.table, intent.aside), target.database.quote)}")
    intents.end(session, intent.aside)
    session.commit()


def settled(target: Target, intents: TableIntents, intent: Intent) -> bool | None:
    """Ends an intent whose session was lost and is over; whether its table was published. None where another run has
    settled it, or is about to."""
    with target.database.write() as session:
        known = any(one.aside == intent.aside for one in intents.all(session))
        if not known or not _hold(session, intent.aside):
            return None
        published = not intents.stands(session, intent)
        with contextlib.suppress(TowError):  # the next run does it
            settle(target, intents, session, intent)
        return published


def _drop(target: Target, intents: TableIntents, aside: str) -> None:
    """Drops a table whose session was left, and takes a state back that moved before that, once the server noticed."""
    until = time.monotonic() + _LEAVING_SECS
    while time.monotonic() < until:
        with target.database.write() as session:
            if _hold(session, aside):
                for intent in intents.all(session):
                    if intent.aside == aside:
                        settle(target, intents, session, intent)
                return
            if isinstance(session, TellsOutcomes):
                session.became(_held(aside))  # which ends it
        time.sleep(0.02)


def _moved(what: str) -> Conflict:
    return Conflict(what)


def _hold(session: Session, aside: str) -> bool:
    assert isinstance(session, HoldsNames), "a database without transactions for tables tells the living from the dead"
    return session.hold(_held(aside))


def _let_go(session: Session, aside: str) -> None:
    assert isinstance(session, HoldsNames)
    session.let_go(_held(aside))


def _held(aside: str) -> str:
    """The name that the session of a living run holds; also the mark by which another asks for it."""
    return f"towpath:{aside}"
