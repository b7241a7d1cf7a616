"""One load into a table: its rows wait in a spool, then everything happens in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from towpath.disk.rowspool import RowSpool
from towpath.errors import BooksDoNotBalance, Conflict, DataError, Refused, UserError
from towpath.joins import table_state
from towpath.joins.table_clearing import Clearing
from towpath.joins.table_columns import Fit
from towpath.joins.table_merge import Merge
from towpath.joins.table_scripts import Script
from towpath.nouns import Existing, Mode, Offer, Published, State
from towpath.seams.database import Database, Session
from towpath.sqlnames import matched, quoted
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

    def count(self, session: Session) -> int:
        return int(session.scalar(f"select count(*) from {self.quoted}"))

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
        return Clearing(self.quoted, near[0], existing, self.database.quote, self.shown)


@dataclass(frozen=True, slots=True)
class Found:
    """What an offer found: the table (None: there is none), how the rows fit, and the version of rows to replace."""

    existing: Existing | None
    fit: Fit
    version: str | None = None


@dataclass(slots=True)
class TableLoad:
    """The database is opened only to publish."""

    target: Target
    offer: Offer
    load_id: str
    spool: RowSpool
    found: Found
    published: Published | None = None

    def write(self, batch: Batch) -> None:
        self.spool.write(batch.rows)

    def publish(self, expected: State | None, new: State | None) -> Published:
        if self.published is not None:
            return self.published
        self.spool.seal()
        with self.target.database.write() as session:
            now = None if new is None else table_state.committed(session, new.step)
            if now is not None and now.load_id == self.load_id:
                self.published = Published(self.spool.rows, inserted=0, unchanged=self.spool.rows)
                return self.published
            self._check_ground(session, named=new is not None)
            if new is not None:
                table_state.move(session, self.target.table, new.step, expected, new, self._conflict)
            published = self._apply(session)
            session.commit()
        self.published = published
        return published

    def _check_ground(self, session: Session, *, named: bool) -> None:
        """The table must still be what the offer was made for: absent, or with its columns; and where a load without
        a state is to replace its rows, with these rows."""
        met, table = self.found.existing, self.target.table
        now = session.table(table)
        if met is None:
            if now is not None:
                raise self._conflict("the table was made meanwhile")
            return
        if now is None:
            raise self._conflict("the table was dropped meanwhile")
        for plan in self.offer.columns:
            if now.stored.get(plan.to) != met.stored.get(plan.to):
                raise self._conflict(f"the table's column {plan.to} was changed meanwhile")
        replacing = self.offer.mode is Mode.REPLACE and not named
        if replacing and self.target.database.version(session, table) != self.found.version:
            raise self._conflict("the rows to replace were changed meanwhile")

    def _conflict(self, what: str) -> Conflict:
        return Conflict(f"{what}; nothing was published", where=self.target.shown, todo="run it again")

    def _apply(self, session: Session) -> Published:
        """The user's SQL, the changes of the table, the rows that make way, the rows; counted, and the user's SQL."""
        target = self.target
        target.before.run(session)
        for statement in self.found.fit.ddl:
            self._alter(session, statement)
        if self.offer.mode is Mode.REPLACE and self.found.existing is not None:
            session.execute(f"delete from {target.quoted}")
        removed = self._clear(session)
        done = self._merge(session) if self.offer.mode is Mode.MERGE else self._insert(session)
        published = Published(done.accepted, done.inserted, done.updated, done.unchanged, removed)
        self._check_count(published)
        target.after.run(session)
        return published

    def _alter(self, session: Session, statement: str) -> None:
        try:
            session.execute(statement)
        except (DataError, UserError) as error:
            todo = "change the table by hand, or leave it as it is (--schema freeze)"
            if self.found.existing is None:
                todo = "make what it stands on first, such as its schema (--before-sql), or choose another name"
            raise type(error)(
                f"{statement}: {error.what}",
                where=self.target.shown,
                todo=f"nothing was published; {todo}",
                code="ddl-failed",
            ) from error

    def _clear(self, session: Session) -> int:
        if self.offer.instead_of is None or self.found.existing is None:
            return 0
        column, values = self.offer.instead_of
        return self.target.clearing(self._table(session), column).run(session, values)

    def _merge(self, session: Session) -> Published:
        target, offer = self.target, self.offer
        quote: Callable[[str], str] = target.database.quote
        merge = Merge(target.quoted, self._table(session), offer.schema, offer.key, quote, target.shown)
        return merge.run(session, self.spool)

    def _insert(self, session: Session) -> Published:
        before = self.target.count(session)
        inserted = session.insert(self.target.table, self.offer.schema, self.spool.batches())
        grown = self.target.count(session) - before
        if grown != inserted:
            raise BooksDoNotBalance(
                f"{inserted:,} rows were inserted, and the table grew by {grown:,}",
                where=self.target.shown,
                todo="a trigger of the table may add or drop rows; nothing was published",
            )
        return Published(inserted, inserted)

    def _table(self, session: Session) -> Existing:
        existing = session.table(self.target.table)
        if existing is None:
            raise self._conflict("the SQL before the load dropped the table")
        return existing

    def _check_count(self, published: Published) -> None:
        counted = published.inserted + published.updated + published.unchanged
        if not published.accepted == counted == self.spool.rows:
            raise BooksDoNotBalance(
                f"the database took {counted:,} rows of {self.spool.rows:,}",
                where=self.target.shown,
                todo="a trigger of the table may drop rows; nothing was published",
            )
