"""One load into a table: its rows wait, then everything happens in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from towpath.errors import BooksDoNotBalance, Conflict, DataError, Refused, UserError
from towpath.joins.table_clearing import Clearing
from towpath.joins.table_columns import Fit
from towpath.joins.table_commit import commit
from towpath.joins.table_merge import Merge
from towpath.joins.table_scripts import Script
from towpath.joins.table_state import TableStates
from towpath.joins.table_waiting import WaitingRows
from towpath.nouns import Existing, Mode, Offer, Published, State
from towpath.seams.database import CountsInserts, Database, PlaceTaken, ReadSession, Session
from towpath.sqlnames import matched, parts, quoted
from towpath.stream import Batch


@dataclass(frozen=True, slots=True)
class Target:
    """The table that is loaded, with the user's SQL around it."""

    database: Database
    table: str
    before: Script
    after: Script
    shown: str

    @property
    def quoted(self) -> str:
        return quoted(self.table, self.database.quote)

    @property
    def states(self) -> TableStates:
        return TableStates(self.database, self.table)

    def count(self, session: ReadSession) -> int:
        return int(session.scalar(f"select count(*) from {self.quoted}"))

    def commit(self, session: Session, new: State | None) -> None:
        """Commits the transaction that publishes, whose state (if it has one) is `new`; see `table_commit`."""
        commit(self.database, session, self.states, self.shown, new)

    def clearing(self, existing: Existing, column: str) -> Clearing:
        """What deletes the rows of some values in a column. Raises Refused when the table has no such column."""
        near = matched(column, existing.schema.names)
        if len(near) != 1:
            raise Refused(
                f"the table has no column {column!r}, by which the rows that are to make way would be found",
                where=self.shown,
                todo="replace the whole table once: --mode replace, or --full-refresh",
                code="column-unknown",
            )
        return Clearing(self.quoted, near[0], existing, self.database, self.shown)


@dataclass(frozen=True, slots=True)
class Found:
    """What an offer found: the table (None: there is none), how the rows fit, and the version of rows to replace."""

    existing: Existing | None
    fit: Fit
    version: str | None = None

    @property
    def alters(self) -> bool:
        """Whether the table that is there has to change for the rows."""
        return self.existing is not None and bool(self.fit.ddl)


@dataclass(frozen=True, slots=True)
class Growth:
    """How many rows a session puts into the target's table, by the database's own count."""

    session: Session
    target: Target
    before: int

    @staticmethod
    def begin(session: Session, target: Target) -> Growth:
        return Growth(session, target, _count(session, target))

    def check(self, inserted: int) -> None:
        """Raises BooksDoNotBalance when the table did not grow by the rows that were inserted."""
        grown = _count(self.session, self.target) - self.before
        if grown != inserted:
            raise BooksDoNotBalance(
                f"{inserted:,} rows were inserted, and the table grew by {grown:,}",
                where=self.target.shown,
                todo="a trigger of the table may add or drop rows; nothing was published",
            )


@dataclass(slots=True)
class TableLoad:
    """The database is opened only to publish."""

    target: Target
    offer: Offer
    load_id: str
    waiting: WaitingRows
    found: Found
    published: Published | None = None

    @property
    def writes_beside(self) -> bool:
        return True  # the rows wait on disk, or in memory

    def write(self, batch: Batch) -> None:
        self.waiting.write(batch.rows)

    def publish(self, expected: State | None, new: State | None) -> Published:
        if self.published is None:
            self.waiting.seal()
            self.target.states.prepare()
            self.published = self._become(expected, new) or self._take_over(expected, new)
        return self.published

    def _become(self, expected: State | None, new: State | None) -> Published | None:
        """Publishes rows that become the database where there is none. None: they cannot, and nothing happened."""
        stage = self.waiting.stage
        if stage is None or not self._may_become():
            return None
        target, rows = self.target, self.waiting.rows
        with stage.becoming(parts(target.table)[1]) as session:
            check_new_keys(target, self.offer, target.table, session)
            if new is not None:
                target.states.move(session, new.step, expected, new, self._conflict)
            taken = target.count(session)
            published = Published(taken, taken)
            check_count(target, published, rows)
            target.after.run(session)
            try:
                target.commit(session, new)
            except PlaceTaken:
                return None
        return published

    def _may_become(self) -> bool:
        database, schema = self.target.database, parts(self.target.table)[0]
        plain = schema in (None, database.dialect.home_schema) and not self.target.before.statements
        return plain and self.found.existing is None and not database.exists()

    def _take_over(self, expected: State | None, new: State | None) -> Published:
        self._alter_beforehand(named=new is not None)
        with self.target.database.write() as session:
            if committed_already(self.target, session, self.load_id, new):
                return Published(self.waiting.rows, inserted=0, unchanged=self.waiting.rows)
            self._lock(session)
            check_ground(self.target, self.offer, self.found, session, named=new is not None)
            if new is not None:
                self.target.states.move(session, new.step, expected, new, self._conflict)
            published = self._apply(session)
            self.target.commit(session, new)
        return published

    def _conflict(self, what: str) -> Conflict:
        return conflict(self.target, what)

    def _lock(self, session: Session) -> None:
        """Keeps other writers out before the rows that they could change are looked at."""
        if self.offer.mode is not Mode.APPEND and session.table(self.target.table) is not None:
            lock(self.target, session)

    def _alter_beforehand(self, *, named: bool) -> None:
        """Changes the table in a session of its own where a transaction could not take that back."""
        if self.target.database.dialect.ddl_in_transaction or not self.found.alters:
            return
        with self.target.database.write() as session:
            check_ground(self.target, self.offer, self.found, session, named=named)
            alter(self.target, self.found, session)
            existing = session.table(self.target.table)
            session.commit()
        if existing is not None:
            self.found = replace(self.found, existing=existing, fit=replace(self.found.fit, ddl=()))

    def _apply(self, session: Session) -> Published:
        """The user's SQL, the changes of the table, the rows that make way, the rows; counted, and the user's SQL."""
        target = self.target
        target.before.run(session)
        alter(target, self.found, session)
        if self.offer.mode is Mode.REPLACE and self.found.existing is not None:
            session.execute(f"delete from {target.quoted}")
        removed = self._clear(session)
        done = self._merge(session) if self.offer.mode is Mode.MERGE else self._insert(session)
        published = Published(done.accepted, done.inserted, done.updated, done.unchanged, removed)
        check_count(target, published, self.waiting.rows)
        target.after.run(session)
        return published

    def _clear(self, session: Session) -> int:
        if self.offer.instead_of is None or self.found.existing is None:
            return 0
        column, values = self.offer.instead_of
        return self.target.clearing(present(self.target, session), column).run(session, values)

    def _merge(self, session: Session) -> Published:
        existing = present(self.target, session)
        if self.waiting.stage is not None:
            merge = merging(self.target, self.offer, existing, self.waiting.stage.relation(session))
            return merge.finish(session, self.waiting.rows)
        merge = merging(self.target, self.offer, existing)
        merge.begin(session)
        return merge.finish(session, merge.stage(session, self.waiting.batches()))

    def _insert(self, session: Session) -> Published:
        growth = Growth.begin(session, self.target)
        inserted = self.waiting.insert(session, self.target.table)
        growth.check(inserted)
        return Published(inserted, inserted)


def _count(session: ReadSession, target: Target) -> int:
    """The rows that a session has inserted, where it is told that; else those of the table."""
    return session.inserted(target.table) if isinstance(session, CountsInserts) else target.count(session)


def committed_already(target: Target, session: Session, load_id: str, new: State | None) -> bool:
    """Whether this very load is committed."""
    now = None if new is None else target.states.committed(session, new.step)
    return now is not None and now.load_id == load_id


def check_ground(target: Target, offer: Offer, found: Found, session: Session, *, named: bool) -> None:
    """The table must still be what the offer was made for: absent, or with its columns; and where a load without a
    state is to replace its rows, with these rows. Raises Conflict."""
    met, table = found.existing, target.table
    now = session.table(table)
    if met is None:
        if now is not None:
            raise conflict(target, "the table was made meanwhile")
        return
    if now is None:
        raise conflict(target, "the table was dropped meanwhile")
    for plan in offer.columns:
        if now.stored.get(plan.to) != met.stored.get(plan.to):
            raise conflict(target, f"the table's column {plan.to} was changed meanwhile")
    replacing = offer.mode is Mode.REPLACE and not named
    if replacing and target.database.version(session, table) != found.version:
        raise conflict(target, "the rows to replace were changed meanwhile")


def conflict(target: Target, what: str) -> Conflict:
    return Conflict(f"{what}; nothing was published", where=target.shown, todo="run it again")


def alter(target: Target, found: Found, session: Session) -> None:
    """Makes or changes the table as the offer said."""
    for statement in found.fit.ddl:
        try:
            session.execute(statement)
        except (DataError, UserError) as error:
            _refuse_changed(target, found)
            todo = "change the table by hand, or leave it as it is (--schema freeze)"
            if found.existing is None:
                todo = "make what it stands on first, such as its schema (--before-sql), or choose another name"
            raise type(error)(
                f"{statement}: {error.what}",
                where=target.shown,
                todo=f"nothing was published; {todo}",
                code="ddl-failed",
            ) from error


def _refuse_changed(target: Target, found: Found) -> None:
    """Raises Conflict when another one's change, which the failed transaction did not see, is what was in its way."""
    if target.database.home is not None:
        return  # it was alone
    with target.database.read() as other:
        now = other.table(target.table)
    if (now and now.stored) != (found.existing and found.existing.stored):
        raise conflict(target, "the table was made, changed or dropped meanwhile")


def lock(target: Target, session: Session) -> None:
    """Keeps other writers out of the table, where the transaction alone does not."""
    statement = target.database.dialect.lock
    if statement is not None:
        session.execute(statement.format(target.quoted))


def present(target: Target, session: Session) -> Existing:
    """The table as it is now, in the transaction. Raises Conflict when the SQL before the load dropped it."""
    existing = session.table(target.table)
    if existing is None:
        raise conflict(target, "the SQL before the load dropped the table")
    return existing


def merging(target: Target, offer: Offer, existing: Existing, staged: str | None = None) -> Merge:
    """A merge of rows that are put into a temporary table, or `staged` in a relation that the session reads."""
    about = offer.about_load
    return Merge(target.quoted, existing, offer.schema, offer.key, target.database, target.shown, about, staged)


def check_new_keys(target: Target, offer: Offer, aside: str, session: Session) -> None:
    """Rows to merge that make the table meet nobody but each other: their keys are checked where they were filled."""
    existing = session.table(aside)
    if offer.mode is Mode.MERGE and existing is not None:
        merging(target, offer, existing).check_keys(session, quoted(aside, target.database.quote))


def check_count(target: Target, published: Published, sent: int) -> None:
    counted = published.inserted + published.updated + published.unchanged
    if not published.accepted == counted == sent:
        raise BooksDoNotBalance(
            f"the database took {counted:,} rows of {sent:,}",
            where=target.shown,
            todo="a trigger of the table may drop rows; nothing was published",
        )
