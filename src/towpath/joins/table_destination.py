"""A table as destination: rows wait on disk beside the database, then are published in one transaction with state."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from towpath.disk import leftovers
from towpath.disk.oserrors import translated
from towpath.disk.rowspool import RowSpool
from towpath.errors import BooksDoNotBalance, Conflict, Refused, UserError
from towpath.joins.table_merge import Merge
from towpath.nouns import ColumnPlan, Existing, Guarantee, Mode, Offer, Published, State
from towpath.options import nearest
from towpath.seams.database import Database, Session
from towpath.sqlnames import doubled, quoted
from towpath.stream import Batch
from towpath.values import convert

STATE = "_towpath_state"


class TableDestination:
    """One table of a database. State of named steps is kept beside it, in the table `_towpath_state`."""

    def __init__(self, database: Database, table: str, *, shown: str = "") -> None:
        if table.casefold() == STATE:
            raise UserError(f"the table {table} is where Towpath keeps its state", todo="choose another name")
        self.database = database
        self.table = table
        self.shown = shown or f"{database.name}#{table}"
        self.quoted = quoted(table, database.quote)
        self._replacing: str | None = None

    def describe(self) -> Existing | None:
        if not self.database.exists():
            return None
        with self.database.read() as session:
            found = session.table(self.table)
            if found is None:
                return None
            return replace(found, rows=int(session.scalar(f"select count(*) from {self.quoted}")))

    def state(self, step: str) -> State | None:
        if not self.database.exists():
            return None
        with self.database.read() as session:
            return committed(session, step)

    def recover(self, step: str | None) -> State | None:
        leftovers.sweep(self.folder, self.database.name)
        return None if step is None else self.state(step)

    @property
    def folder(self) -> Path:
        """Where the rows of a load wait."""
        return self.database.home or Path(tempfile.gettempdir())

    def offer(self, schema: pa.Schema, mode: Mode, key: tuple[str, ...]) -> Offer:
        existing = self.describe()
        if existing is not None and mode is Mode.REPLACE:
            with self.database.read() as session:
                self._replacing = self.database.version(session, self.table)
        self._check_names(schema)
        if existing is not None and mode is Mode.CREATE:
            raise UserError(
                f"the table exists already ({existing.rows:,} rows)",
                where=self.shown,
                todo="choose what happens to its rows: --mode append, --mode replace, or --mode merge with --key",
            )
        columns = self._created(schema) if existing is None else self._met(schema, existing, mode)
        to = pa.schema([(plan.to, plan.stored.type) for plan in columns])
        return Offer(
            source=schema,
            schema=to,
            columns=columns,
            mode=mode,
            key=self._key(schema, columns, key) if mode is Mode.MERGE else (),
            guarantee=Guarantee.ATOMIC,
            why="rows and state are committed in one transaction",
            effect=_effect(mode, existing),
            ddl=() if existing is not None else (self._create(columns),),
        )

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[TableLoad]:
        with translated(str(self.folder), "make"):
            self.folder.mkdir(parents=True, exist_ok=True)
        with RowSpool(self.folder, self.database.name, load_id) as spool:
            yield TableLoad(self, offer, load_id, spool, self._replacing)

    def _check_names(self, schema: pa.Schema) -> None:
        pair = doubled(schema.names)
        if pair is not None:
            raise Refused(
                f"the columns {pair[0]!r} and {pair[1]!r} are one name in SQL",
                where=self.shown,
                todo="rename one of them (--rename)",
            )
        for name in schema.names:
            if name == "" or "\0" in name:
                raise Refused(f"{name!r} cannot be the name of a column", where=self.shown, todo="rename it (--rename)")

    def _created(self, schema: pa.Schema) -> tuple[ColumnPlan, ...]:
        plans = []
        for field in schema:
            stored = self.database.stored(field.type)
            plans.append(ColumnPlan(field.name, field.type, field.name, stored, *convert.way(field.type, stored)))
        return tuple(plans)

    def _met(self, schema: pa.Schema, existing: Existing, mode: Mode) -> tuple[ColumnPlan, ...]:
        plans = []
        for field in schema:
            to = _match(field.name, existing.schema.names)
            if to is None:
                raise Refused(
                    f"the table has no column {field.name!r}{nearest(field.name, existing.schema.names)}",
                    where=self.shown,
                    todo="drop the table first"
                    if mode is Mode.REPLACE
                    else "add the column to the table, rename it (--rename), or leave it out (--select)",
                )
            stored = existing.stored[to]
            plans.append(ColumnPlan(field.name, field.type, to, stored, *convert.way(field.type, stored)))
        self._check_targets(plans)
        return tuple(plans)

    def _check_targets(self, plans: list[ColumnPlan]) -> None:
        taken: dict[str, str] = {}
        for plan in plans:
            other = taken.setdefault(plan.to, plan.name)
            if other is not plan.name:
                raise Refused(f"the columns {other!r} and {plan.name!r} both go to {plan.to!r}", where=self.shown)

    def _key(self, schema: pa.Schema, columns: tuple[ColumnPlan, ...], key: tuple[str, ...]) -> tuple[str, ...]:
        """The key's columns by their names in the table."""
        if not key:
            raise UserError(
                "merge needs a key", where=self.shown, todo="name the columns that identify a row: --key id"
            )
        to = {plan.name: plan for plan in columns}
        for name in key:
            if name not in to:
                raise UserError(f"the key {name!r} is no column of the rows{nearest(name, to)}", where=self.shown)
            if pa.types.is_floating(to[name].stored.type) or pa.types.is_nested(to[name].stored.type):
                raise UserError(
                    f"the column {name!r} ({to[name].stored.type}) cannot be a key",
                    where=self.shown,
                    todo="choose a key of integers, text, decimals or dates",
                )
        return tuple(to[name].to for name in key)

    def _create(self, columns: tuple[ColumnPlan, ...]) -> str:
        quote = self.database.quote
        inside = ", ".join(f"{quote(plan.to)} {plan.stored.native}" for plan in columns)
        return f"create table {self.quoted} ({inside})"


@dataclass(slots=True)
class TableLoad:
    """Rows wait in a spool; the database is opened only to publish them."""

    destination: TableDestination
    offer: Offer
    load_id: str
    spool: RowSpool
    replacing: str | None
    published: Published | None = None

    def write(self, batch: Batch) -> None:
        self.spool.write(batch.rows)

    def publish(self, expected: State | None, new: State | None) -> Published:
        if self.published is not None:
            return self.published
        self.spool.seal()
        with self.destination.database.write() as session:
            now = None if new is None else committed(session, new.step)
            if now is not None and now.load_id == self.load_id:
                self.published = Published(self.spool.rows, inserted=0, unchanged=self.spool.rows)
                return self.published
            self._check_ground(session, named=new is not None)
            if new is not None:
                self._advance(session, expected, new)
            published = self._apply(session)
            self._check_count(published)
            session.commit()
        self.published = published
        return published

    def _advance(self, session: Session, expected: State | None, new: State) -> None:
        """Compare-and-swap of the step's state."""
        session.execute(
            f"create table if not exists {STATE} (step varchar primary key, load_id varchar, state varchar)"
        )
        if expected is None:
            now = session.scalar(f"select load_id from {STATE} where step = ?", [new.step])
            swapped = now is None
            if swapped:
                session.execute(f"insert into {STATE} values (?, ?, ?)", [new.step, self.load_id, new.dumps()])
        else:
            session.execute(
                f"update {STATE} set load_id = ?, state = ? where step = ? and load_id = ?",
                [self.load_id, new.dumps(), new.step, expected.load_id],
            )
            swapped = session.scalar(f"select load_id from {STATE} where step = ?", [new.step]) == self.load_id
        if not swapped:
            raise self._conflict(f"another run of {new.step} published meanwhile")

    def _check_ground(self, session: Session, *, named: bool) -> None:
        """The table must still be what the offer was made for: absent, or with its columns; and where a load without
        a state is to replace its rows, with these rows."""
        destination = self.destination
        found = session.table(destination.table)
        if self.offer.ddl:
            if found is not None:
                raise self._conflict("the table was made meanwhile")
            return
        if found is None:
            raise self._conflict("the table was dropped meanwhile")
        for plan in self.offer.columns:
            if found.stored.get(plan.to) != plan.stored:
                raise self._conflict(f"the table's column {plan.to} was changed meanwhile")
        replacing = self.offer.mode is Mode.REPLACE and not named
        if replacing and destination.database.version(session, destination.table) != self.replacing:
            raise self._conflict("the rows to replace were changed meanwhile")

    def _conflict(self, what: str) -> Conflict:
        return Conflict(f"{what}; nothing was published", where=self.destination.shown, todo="run it again")

    def _apply(self, session: Session) -> Published:
        offer, table = self.offer, self.destination.table
        for statement in offer.ddl:
            session.execute(statement)
        if offer.mode is Mode.MERGE:
            quote, shown = self.destination.database.quote, self.destination.shown
            existing = session.table(table)
            assert existing is not None  # it was there, or the DDL made it
            merge = Merge(self.destination.quoted, existing, offer.schema, offer.key, quote, shown)
            return merge.run(session, self.spool)
        if offer.mode is Mode.REPLACE and not offer.ddl:
            session.execute(f"delete from {self.destination.quoted}")
        before = int(session.scalar(f"select count(*) from {self.destination.quoted}"))
        inserted = session.insert(table, offer.schema, self.spool.batches())
        after = int(session.scalar(f"select count(*) from {self.destination.quoted}"))
        if after - before != inserted:
            raise BooksDoNotBalance(
                f"{inserted:,} rows were inserted, and the table grew by {after - before:,}",
                where=self.destination.shown,
                todo="a trigger of the table may add or drop rows; nothing was published",
            )
        return Published(inserted, inserted)

    def _check_count(self, published: Published) -> None:
        counted = published.inserted + published.updated + published.unchanged
        if not published.accepted == counted == self.spool.rows:
            raise BooksDoNotBalance(
                f"the database took {counted:,} rows of {self.spool.rows:,}",
                where=self.destination.shown,
                todo="a trigger of the table may drop rows; nothing was published",
            )


def committed(session: Session, step: str) -> State | None:
    """The state of a step as a session sees it."""
    if session.table(STATE) is None:
        return None
    text = session.scalar(f"select state from {STATE} where step = ?", [step])
    return None if text is None else State.loads(text)


def _match(name: str, columns: list[str]) -> str | None:
    """The column of that name, or else the only one that differs in case alone."""
    if name in columns:
        return name
    near = [column for column in columns if column.casefold() == name.casefold()]
    return near[0] if len(near) == 1 else None


def _effect(mode: Mode, existing: Existing | None) -> str:
    if existing is None:
        return "the table is created"
    rows = f"the {existing.rows:,} rows there"
    return {
        Mode.APPEND: f"{rows} stay, new ones are added",
        Mode.REPLACE: f"{rows} are deleted, new ones take their place; the table stays as it is",
        Mode.MERGE: f"{rows} are updated by key where they differ, new keys are added, none is deleted",
    }[mode]
