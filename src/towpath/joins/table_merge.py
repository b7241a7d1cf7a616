"""Merging by key in SQL that every database here understands: stage, refuse bad keys, count, update, insert."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa

from towpath.badrows import shorten
from towpath.errors import BooksDoNotBalance, DataError
from towpath.nouns import Existing, Published
from towpath.seams.database import Database, IndexesStages, JoinsByKey, Session
from towpath.seams.dialect import Dialect

STAGE = "_towpath_stage"


@dataclass(frozen=True, slots=True)
class Merge:
    """Rows of `schema` meeting the rows of `table` (quoted) that have the same `key`.

    A value counts as changed when it is not the same to the last bit: -0.0 is not 0.0, `a` is not `A` whatever the
    column's collation says, NaN and NULL are themselves. Columns `about_load` differ only where the table has null:
    a row that comes again as it was still tells of the load that brought it. `begin`, then the rows, then `finish`; or
    only that, where the rows are `staged` in a relation that the session reads (as SQL names it)."""

    table: str
    existing: Existing
    schema: pa.Schema
    key: tuple[str, ...]
    database: Database
    shown: str
    about_load: frozenset[str] = frozenset()
    staged: str | None = None

    def begin(self, session: Session) -> str:
        """Makes the temporary table that the rows go into first, and returns its name."""
        # Column by column: DuckDB 2.0 loses rows inserted by several threads into a table that this transaction made
        # by `create table as` without rows.
        types = {self._quote(name): self.existing.stored[name].native for name in self.schema.names}
        parts = [f"{name} {native}" for name, native in types.items()]
        if isinstance(session, IndexesStages):
            parts.append(session.stage_index({name: types[name] for name in self._names(self.key)}))
        session.execute(self._dialect.temporary.format(STAGE, ", ".join(parts)))
        return STAGE

    def stage(self, session: Session, rows: Iterator[pa.RecordBatch]) -> int:
        """Puts rows into the temporary table; returns how many."""
        return session.insert(STAGE, self.schema, rows)

    def finish(self, session: Session, staged: int) -> Published:
        """Merges the staged rows within the session's transaction. Raises DataError for a key that is null or comes
        twice, in the rows or (where a row would meet it) in the table."""
        names = self._names(self.schema.names)
        self.check_keys(session, self._stage)
        # Joins, for SQLite walks through the whole other table for each row of an `exists`.
        met = f"from {self._stage} as _new_ join {self.table} as _old_ on {self._matched()}"
        if self.existing.key and set(self.existing.key) == set(self.key) and isinstance(session, JoinsByKey):
            session.join_by_key(self.table, staged)
        if not self.existing.key or not set(self.existing.key) <= set(self.key):  # else the table sees to it
            self._refuse_doubled_keys(
                session,
                met,
                "belongs to several rows of the table",
                "delete all but one of them, or choose a key that is unique",
            )
        unchanged = self._unchanged(session)
        self._let_signs_change(session)
        updated = self._update(session)
        inserted = self._insert(session, names)
        if any(has_floats(field.type) for field in self.schema) and self._unchanged(session) != staged:
            raise BooksDoNotBalance(
                "after the merge some values are not those that were sent",
                where=self.shown,
                todo="nothing was published",
            )
        if self.staged is None:
            session.execute(self._dialect.drop_temporary.format(STAGE))
        return Published(staged, inserted, updated, unchanged)

    def check_keys(self, session: Session, rows: str) -> None:
        """Raises DataError for a key that is null or comes twice in a table (quoted) of rows to merge."""
        self._refuse_null_keys(session, rows)
        self._refuse_doubled_keys(
            session,
            f"from {rows} as _old_",
            "comes more than once in the rows to merge",
            "keep one row of each key (--dedupe 'latest COLUMN'), or choose a key that is unique",
        )

    @property
    def _stage(self) -> str:
        return STAGE if self.staged is None else self.staged

    @property
    def _dialect(self) -> Dialect:
        return self.database.dialect

    def _quote(self, name: str) -> str:
        return self.database.quote(name)

    def _refuse_null_keys(self, session: Session, rows: str) -> None:
        # SQLite takes a null in its primary key for a wish that it choose a number.
        for name in (*self.key, *(name for name in self.existing.key if name in self.schema.names)):
            nulls = session.scalar(f"select count(*) from {rows} where {self._quote(name)} is null")
            if nulls:
                raise DataError(
                    f"the key column {name} is null in {nulls:,} of the rows to merge",
                    where=self.shown,
                    todo="nothing was published; leave such rows out (--where), set them aside "
                    f"(--rule 'not_null: {name}' with --bad-rows DIR), or choose another key",
                    code="key-null",
                )

    def _refuse_doubled_keys(self, session: Session, rows: str, what: str, todo: str) -> None:
        key = ", ".join(self._distinguished(name) for name in self.key)
        told = reduce(
            self._dialect.joined.format, (self._dialect.text.format(f"_old_.{name}") for name in self._names(self.key))
        )
        # max, though all of a group are alike: PostgreSQL does not know that of `k` when it groups by `k collate "C"`.
        found: Any = session.scalar(
            f"select max({told}) {rows} group by {key} having count(*) > 1 limit 1{self._dialect.current}"
        )
        if found is not None:
            raise DataError(
                f"the key {', '.join(self.key)} = {shorten(str(found))} {what}",
                where=self.shown,
                todo=f"nothing was published; {todo}",
                code="key-doubled",
            )

    def _unchanged(self, session: Session) -> int:
        same = " and ".join([self._matched(), *self._sames()])
        met = f"from {self._stage} as _new_ join {self.table} as _old_ on {same}"
        return int(session.scalar(f"select count(*) {met}{self._dialect.current}"))

    def _update(self, session: Session) -> int:
        values = [name for name in self.schema.names if name not in self.key]
        if not values:
            return 0
        changes = ", ".join(self._dialect.change.format(name, f"_new_.{name}") for name in self._names(values))
        differs = f"not ({' and '.join(self._sames())})"
        return session.execute(self._changing(changes, f"{self._matched()} and {differs}"))

    def _insert(self, session: Session, names: list[str]) -> int:
        """Puts the staged rows into the table that meet none of it."""
        said = {"table": self.table, "stage": self._stage, "where": self._matched(), "key": self._quote(self.key[0])}
        if self._dialect.mark is not None:
            session.execute(self._dialect.mark.format(**said))
        return session.execute(
            f"insert into {self.table} ({', '.join(names)}) select {', '.join(f'_new_.{name}' for name in names)}"
            f" from {self._stage} as _new_ {self._dialect.unmet.format(**said)}"
        )

    def _changing(self, changes: str, where: str) -> str:
        return self._dialect.update.format(table=self.table, stage=self._stage, changes=changes, where=where)

    def _let_signs_change(self, session: Session) -> None:
        """Zeros that are to get another sign become ones first, where an update takes -0.0 and 0.0 for the same and
        writes nothing although it counts the row (DuckDB 2.0)."""
        if self._dialect.updates_zero_signs:
            return
        for field in self.schema:
            if pa.types.is_floating(field.type) and field.name not in self.key:
                name = self._quote(field.name)
                zeros = f"_new_.{name} = 0 and _old_.{name} = 0 and not {self._same(field)}"
                session.execute(
                    self._changing(self._dialect.change.format(name, "1"), f"{self._matched()} and {zeros}")
                )

    def _matched(self) -> str:
        # The staged column stands on the left, for its plain collation decides in SQLite.
        return " and ".join(
            f"_new_.{self._quote(name)} = _old_.{self._quote(name)}{self._to_the_letter(name)}" for name in self.key
        )

    def _sames(self) -> list[str]:
        return [self._same(field) for field in self.schema if field.name not in self.key]

    def _same(self, field: pa.Field) -> str:
        new, old = (f"{side}.{self._quote(field.name)}" for side in ("_new_", "_old_"))
        if field.name in self.about_load:
            return f"{old} is not null"
        if textual(field.type):
            return self._dialect.same_text.format(new, old)
        same = self._dialect.same.format(new, old)
        if has_floats(field.type):
            texts = (self._dialect.text.format(side) for side in (new, old))
            same = f"({same} and {self._dialect.same.format(*texts)})"
        return same

    def _to_the_letter(self, name: str) -> str:
        quoted = self._quote(name)
        if not textual(self.schema.field(name).type):
            return ""
        return f" and {self._dialect.same_text.format(f'_new_.{quoted}', f'_old_.{quoted}')}"

    def _distinguished(self, name: str) -> str:
        """A key's column for `group by`: of texts that differ, none are one group, whatever their collation says."""
        column = f"_old_.{self._quote(name)}"
        return self._dialect.ordered.format(column) if textual(self.schema.field(name).type) else column

    def _names(self, names: tuple[str, ...] | list[str]) -> list[str]:
        return [self._quote(name) for name in names]


def textual(type: Any) -> bool:
    """Whether Arrow has the values as text."""
    return bool(pa.types.is_string(type) or pa.types.is_large_string(type))


def has_floats(type: Any) -> bool:
    """Whether values of the type hold floating point numbers, however deep."""
    if pa.types.is_nested(type):
        return any(has_floats(type.field(at).type) for at in range(type.num_fields))
    return bool(pa.types.is_floating(type))
