"""A table as destination: its rows and the state are published in one transaction.

Until then rows wait (beside an embedded database, or where the table itself has to change for them), or go straight
into the open transaction of a server (`table_straight`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from towpath.disk import leftovers, temporary
from towpath.errors import UserError
from towpath.joins import table_rename, table_straight
from towpath.joins.table_columns import Fitting
from towpath.joins.table_intent import INTENT, TableIntents
from towpath.joins.table_load import Found, TableLoad, Target, conflict
from towpath.joins.table_rename import RenameLoad
from towpath.joins.table_scripts import Script
from towpath.joins.table_state import STATE
from towpath.joins.table_straight import StraightLoad
from towpath.joins.table_waiting import WaitingRows
from towpath.nouns import ColumnPlan, Existing, Guarantee, Mode, Offer, State
from towpath.options import nearest
from towpath.seams.database import ChecksUndo, Database, TellsBulk
from towpath.seams.destination import Load
from towpath.sqlnames import parts


class TableDestination:
    """One table of a database. State of named steps is kept beside it, in the table `_towpath_state` of its schema.

    `schema`: evolve (columns that the table lacks are added, and types widened where every value survives that) or
    freeze. `before` and `after` are SQL statements that run in the transaction that publishes: before the table is
    changed and rows go, after rows and state are there."""

    def __init__(
        self,
        database: Database,
        table: str,
        *,
        shown: str = "",
        schema: str = "evolve",
        before: Sequence[str] = (),
        after: Sequence[str] = (),
    ) -> None:
        if parts(table)[1].casefold() in (STATE, INTENT):
            raise UserError(
                f"the table {table} is where Towpath keeps its state",
                where=shown,
                todo="choose another name",
                code="name-impossible",
            )
        if schema not in ("evolve", "freeze"):
            raise UserError(f"schema is evolve or freeze, not {schema!r}", todo="choose one", code="option-wrong")
        self.database = database
        self.table = table
        self.shown = shown or f"{database.name}#{table}"
        ddl = database.dialect.ddl_in_transaction
        self._target = Target(
            database,
            table,
            Script("before-sql", tuple(before), self.shown, ddl),
            Script("after-sql", tuple(after), self.shown, ddl),
            self.shown,
        )
        self._fitting = Fitting(database, table, schema == "evolve", self.shown)
        self._found: Found | None = None

    def describe(self) -> Existing | None:
        if not self.database.exists():
            return None
        with self.database.read() as session:
            found = session.table(self.table)
            if found is None:
                return None
            return replace(found, rows=self._target.count(session))

    def state(self, step: str) -> State | None:
        if not self.database.exists():
            return None
        with self.database.read() as session:
            return self._target.states.committed(session, step)

    def recover(self, step: str | None) -> State | None:
        leftovers.sweep(self.folder, self._owner)
        if TableIntents(self.database, self.table).kept():
            table_rename.recover(self._target)
        return None if step is None else self.state(step)

    def steps(self) -> list[str]:
        if not self.database.exists():
            return []
        with self.database.read() as session:
            return self._target.states.steps(session)

    def put_state(self, step: str, expected: State | None, new: State | None) -> None:
        if new is None and not self.database.exists():
            return
        self._target.states.prepare()
        with self.database.write() as session:
            self._target.states.move(session, step, expected, new, lambda what: conflict(self._target, what))
            self._target.commit(session, new)

    def judges(self) -> str:
        return "the table's own constraints and triggers"

    @property
    def folder(self) -> Path:
        """Where the rows of a load wait."""
        return self.database.home or temporary.folder()

    @property
    def _owner(self) -> str:
        """The name that what waits on disk is known by."""
        if self.database.home is not None:
            return self.database.name
        return re.sub(r"[^\w.-]", "_", f"{self.database.name}.{self.table}")

    def offer(self, schema: pa.Schema, mode: Mode, key: tuple[str, ...]) -> Offer:
        self._fitting.check_names(schema)
        existing = self.describe()
        if existing is not None and mode is Mode.CREATE:
            raise UserError(
                f"the table exists already ({existing.rows:,} rows)",
                where=self.shown,
                todo="choose what happens to its rows: --mode append, --mode replace, or --mode merge with --key",
                code="destination-exists",
            )
        self._found = self._find(schema, mode, existing)
        renames = table_rename.fits(self._target, self._found)
        if renames:
            self._refuse_scripts()
        columns = self._found.fit.columns
        to = pa.schema([(plan.to, plan.stored.type) for plan in columns])
        return Offer(
            source=schema,
            schema=to,
            columns=columns,
            mode=mode,
            key=self._key(columns, key) if mode is Mode.MERGE else (),
            guarantee=Guarantee.RECOVERABLE if renames else Guarantee.ATOMIC,
            why=(table_rename.WHY if renames else "rows and state are committed in one transaction") + self._bulk(),
            effect=_effect(mode, existing, altered=bool(self._found.fit.ddl)) + self._beforehand(),
            lacking=self._found.fit.lacking,
            ddl=(*self._target.before.lines(), *self._found.fit.ddl, *self._target.after.lines()),
        )

    def instead(self, offer: Offer, column: str, values: tuple[str, ...]) -> Offer:
        existing = None if self._found is None else self._found.existing
        if existing is not None:
            self._target.clearing(existing, column).values(values)
        told = repr(values[0]) if len(values) == 1 else f"one of {len(values):,} values"
        effect = f"{offer.effect}; rows whose {column} is {told} make way for them"
        return replace(offer, instead_of=(column, values), effect=effect)

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        assert self._found is not None, "an offer comes first"
        if table_rename.fits(self._target, self._found):
            with ExitStack() as stack:
                yield RenameLoad(self._target, offer, load_id, self._found, stack)
            return
        if table_straight.fits(self._target, offer, self._found):
            with ExitStack() as stack:
                yield StraightLoad(self._target, offer, load_id, self._found, stack)
            return
        with WaitingRows(self.database, offer, load_id, self.folder, self._owner) as waiting:
            yield TableLoad(self._target, offer, load_id, waiting, self._found)

    def _find(self, schema: pa.Schema, mode: Mode, existing: Existing | None) -> Found:
        """The table as it is, what is to become of it, and (where its rows are to go) which rows these are."""
        if existing is None:
            return Found(None, self._fitting.created(schema))
        with self.database.read() as session:
            if isinstance(session, ChecksUndo):
                session.check_undo(self.table)
            version = self.database.version(session, self.table) if mode is Mode.REPLACE else None
            return Found(existing, self._fitting.met(session, existing, schema, mode), version)

    def _beforehand(self) -> str:
        """What the effect says of a table that changes before its rows do."""
        if self._found is None or not self._found.alters or self.database.dialect.ddl_in_transaction:
            return ""
        return "; its columns change before that, and stay so if the load fails"

    def _bulk(self) -> str:
        """What the guarantee's reason says of how rows are sent."""
        if self.database.home is not None:
            return ""
        with self.database.read() as session:
            return f"; rows go by {session.bulk}" if isinstance(session, TellsBulk) else ""

    def _refuse_scripts(self) -> None:
        """A table that gets its name after the transaction is in none of the transactions that SQL could run in."""
        for script in (self._target.before, self._target.after):
            if script.statements:
                raise UserError(
                    f"{self.database.name} makes the table outside of a transaction, so --{script.name} could not be"
                    " taken back",
                    where=self.shown,
                    todo="make the table first (create table ...), then load it with --mode append",
                    code="options-conflict",
                )

    def _key(self, columns: tuple[ColumnPlan, ...], key: tuple[str, ...]) -> tuple[str, ...]:
        """The key's columns by their names in the table."""
        if not key:
            raise UserError(
                "merge needs a key",
                where=self.shown,
                todo="name the columns that identify a row: --key id",
                code="key-missing",
            )
        to = {plan.name: plan for plan in columns}
        for name in key:
            if name not in to:
                raise UserError(
                    f"the key {name!r} is no column of the rows{nearest(name, to)}",
                    where=self.shown,
                    todo=f"columns: {', '.join(to)}",
                    code="column-unknown",
                )
            if pa.types.is_floating(to[name].stored.type) or pa.types.is_nested(to[name].stored.type):
                raise UserError(
                    f"the column {name!r} ({to[name].stored.type}) cannot be a key",
                    where=self.shown,
                    todo="choose a key of integers, text, decimals or dates",
                    code="key-impossible",
                )
        return tuple(to[name].to for name in key)


def _effect(mode: Mode, existing: Existing | None, *, altered: bool) -> str:
    if existing is None:
        return "the table is created"
    rows = f"the {existing.rows:,} rows there"
    table = "the table is altered for them" if altered else "the table stays as it is"
    return {
        Mode.APPEND: f"{rows} stay, new ones are added",
        Mode.REPLACE: f"{rows} are deleted, new ones take their place; {table}",
        Mode.MERGE: f"{rows} are updated by key where they differ, new keys are added, none is deleted",
    }[mode]
