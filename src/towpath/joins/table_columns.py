"""How rows meet a table: each column of theirs by name, and how the table changes to hold what it lacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa

from towpath.errors import Refused
from towpath.nouns import ColumnPlan, Existing, Mode, Way
from towpath.options import nearest
from towpath.seams.database import AddsColumns, Database, ReadSession, WidensColumns
from towpath.sqlnames import doubled, matched, parts, quoted
from towpath.values.convert import planned, way
from towpath.values.textform import type_name
from towpath.values.widening import wider

_RENAME = "rename it (--rename)"


@dataclass(frozen=True, slots=True)
class Fit:
    """Each column's plan, and the statements that make or change the table for them."""

    columns: tuple[ColumnPlan, ...]
    ddl: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    """Columns of the table that the rows do not have."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """Rows on their way to one table. `evolving`: it may get columns and wider types; else it stays as it is."""

    database: Database
    table: str
    evolving: bool
    shown: str

    def check_names(self, schema: pa.Schema) -> None:
        """Raises Refused for names that no table of the database could have."""
        pair = doubled(schema.names)
        if pair is not None and self.database.dialect.folds_case:
            raise Refused(
                f"the columns {pair[0]!r} and {pair[1]!r} are one name in SQL",
                where=self.shown,
                todo="rename one of them (--rename)",
                code="column-doubled",
            )
        for name in schema.names:
            if name == "":
                raise self._misnamed(name, "column", "it is empty", _RENAME)
            if name in self.database.dialect.own_columns:
                raise self._misnamed(name, "column", "every table there has one of its own by that name", _RENAME)
            self._check_name(name, "column", _RENAME)
        for part in filter(None, parts(self.table)):
            self._check_name(part, "table", "give the table another name")

    def _misnamed(self, name: str, of: str, why: str, todo: str) -> Refused:
        what = f"{name!r} cannot be the name of a {of}: {why}"
        return Refused(what, where=self.shown, todo=todo, code="name-impossible")

    def _check_name(self, name: str, of: str, todo: str) -> None:
        for pattern, why in self.database.dialect.misnamed:
            if re.search(pattern, name):
                raise self._misnamed(name, of, why, todo)
        limit, unit, long = self.database.name_bytes, "bytes", len(name.encode())
        if self.database.dialect.counts_characters:
            unit, long = "characters", len(name)
        if limit is not None and long > limit:
            raise Refused(
                f"the name {name!r} has {long} {unit}, and {self.database.name} takes at most {limit}",
                where=self.shown,
                todo=todo,
                code="name-impossible",
            )

    def created(self, schema: pa.Schema) -> Fit:
        """The table as it would be made for the rows."""
        plans = [planned(field, field.name, self.database.stored, self.shown) for field in schema]
        inside = ", ".join(f"{self.database.quote(plan.to)} {plan.stored.native}" for plan in plans)
        return Fit(tuple(plans), (f"create table {self._quoted} ({inside})",))

    def met(self, session: ReadSession, existing: Existing, schema: pa.Schema, mode: Mode) -> Fit:
        """The rows in the table that is there. Raises Refused, naming the columns, when it cannot take them."""
        plans, ddl = [], []
        for field in schema:
            to = self._match(field.name, existing)
            plan = self._added(session, existing, field) if to is None else self._kept(session, existing, field, to)
            change = (self._quoted, self.database.quote(plan.to), plan.stored.native)
            if to is None:
                ddl.append(self.database.dialect.add_column.format(*change))
            elif plan.stored != existing.stored[to]:
                ddl.append(self.database.dialect.widen_column.format(*change))
            plans.append(plan)
        self._refuse_shared(plans)
        self._refuse_generated(plans, existing)
        # A merge may do nothing but update rows that have the values already.
        if mode is not Mode.MERGE:
            self._refuse_required(plans, existing)
        given = {plan.to for plan in plans}
        lacking = [name for name in existing.schema.names if name not in given and name not in existing.generated]
        return Fit(tuple(plans), tuple(ddl), tuple(lacking))

    @property
    def _quoted(self) -> str:
        return quoted(self.table, self.database.quote)

    def _match(self, name: str, existing: Existing) -> str | None:
        near = matched(name, existing.schema.names)
        if len(near) > 1:
            raise Refused(
                f"the column {name!r} could go to {' or to '.join(map(repr, near))}",
                where=self.shown,
                todo="say which (--rename)",
                code="column-doubled",
            )
        return near[0] if near else None

    def _added(self, session: ReadSession, existing: Existing, field: pa.Field) -> ColumnPlan:
        if not self.evolving:
            raise Refused(
                f"the table has no column {field.name!r} ({type_name(field.type)})"
                f"{nearest(field.name, existing.schema.names)}",
                where=self.shown,
                todo="let it be added (--schema evolve), rename it (--rename), or leave it out (--select)",
                code="schema-frozen",
            )
        adds = partial(session.added, self.table) if isinstance(session, AddsColumns) else self.database.stored
        return planned(field, field.name, adds, self.shown)

    def _kept(self, session: ReadSession, existing: Existing, field: pa.Field, to: str) -> ColumnPlan:
        """The column as it is, or wider where that makes the way of every value exact."""
        kept = existing.stored[to]
        plan = planned(field, to, lambda _: kept, self.shown)
        wide = None if plan.way is Way.EXACT else wider(kept.type, field.type)
        if wide is None or wide == kept.type:
            return plan
        if not isinstance(session, WidensColumns):
            return replace(plan, why=f"{plan.why}; the database does not alter a column's type")
        try:
            stored = session.widened(self.table, to, wide)
        except Refused as fixed:
            return replace(plan, why=f"{plan.why}; {fixed.what}")
        if {way(type, stored)[0] for type in (kept.type, field.type)} != {Way.EXACT}:
            return plan
        if not self.evolving:
            raise Refused(
                f"the column {to!r} is {kept.native}, and the rows bring {type_name(field.type)}: {plan.why}",
                where=self.shown,
                todo=f"let it become {stored.native} (--schema evolve), or cast the rows (--cast {field.name}=TYPE)",
                code="schema-frozen",
            )
        return replace(plan, stored=stored, way=Way.EXACT, why=f"{kept.native} is widened to {stored.native}")

    def _refuse_shared(self, plans: Sequence[ColumnPlan]) -> None:
        taken: dict[str, str] = {}
        for plan in plans:
            other = taken.setdefault(plan.to, plan.name)
            if other is not plan.name:
                raise Refused(
                    f"the columns {other!r} and {plan.name!r} both go to {plan.to!r}",
                    where=self.shown,
                    todo="rename one of them (--rename), or leave it out (--select)",
                    code="column-doubled",
                )

    def _refuse_generated(self, plans: Sequence[ColumnPlan], existing: Existing) -> None:
        names = [plan.to for plan in plans if plan.to in existing.generated]
        if names:
            others = [plan.name for plan in plans if plan.to not in names]
            raise Refused(
                f"{_are(names)} computed by the database and cannot be written",
                where=self.shown,
                todo=f"send only the others: --select {','.join(others)}",
                code="column-generated",
            )

    def _refuse_required(self, plans: Sequence[ColumnPlan], existing: Existing) -> None:
        given = {plan.to for plan in plans}
        names = [name for name in existing.schema.names if name in existing.required and name not in given]
        if names:
            raise Refused(
                f"{_are(names)} not null without a default, and the rows have no such column",
                where=self.shown,
                todo="give the rows such a column (--rename, --sql), or the table's column a default",
                code="column-required",
            )


def _are(names: Sequence[str]) -> str:
    told = ", ".join(map(repr, names))
    return f"the table's column {told} is" if len(names) == 1 else f"the table's columns {told} are"
