"""Merging by key in SQL that every database here understands: stage, refuse bad keys, count, update, insert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from towpath.badrows import shorten
from towpath.disk.rowspool import RowSpool
from towpath.errors import BooksDoNotBalance, DataError
from towpath.nouns import Existing, Published
from towpath.seams.database import Session

STAGE = "_towpath_stage"


@dataclass(frozen=True, slots=True)
class Merge:
    """Rows of `schema` meeting the rows of `table` (quoted) that have the same `key`.

    A value counts as changed when it is not the same to the last bit: -0.0 is not 0.0, `a` is not `A` whatever the
    column's collation says, NaN and NULL are themselves."""

    table: str
    existing: Existing
    schema: pa.Schema
    key: tuple[str, ...]
    quote: Callable[[str], str]
    shown: str

    def run(self, session: Session, spool: RowSpool) -> Published:
        """Merges the rows within the session's transaction. Raises DataError for a key that is null or comes twice,
        in the rows or (where a row would meet it) in the table."""
        names = self._names(self.schema.names)
        # Column by column: DuckDB 2.0 loses rows inserted by several threads into a table that this transaction made
        # by `create table as` without rows.
        types = (f"{self.quote(name)} {self.existing.stored[name].native}" for name in self.schema.names)
        session.execute(f"create temp table {STAGE} ({', '.join(types)})")
        staged = session.insert(STAGE, self.schema, spool.batches())
        self._refuse_null_keys(session)
        self._refuse_doubled_keys(
            session,
            f"from {STAGE} as _old_",
            "comes more than once in the rows to merge",
            "keep one row of each key (--dedupe 'latest COLUMN'), or choose a key that is unique",
        )
        # Joins, for SQLite walks through the whole other table for each row of an `exists`.
        met = f"from {STAGE} as _new_ join {self.table} as _old_ on {self._matched()}"
        self._refuse_doubled_keys(
            session,
            met,
            "belongs to several rows of the table",
            "delete all but one of them, or choose a key that is unique",
        )
        unchanged = self._unchanged(session)
        self._let_signs_change(session)
        updated = self._update(session)
        inserted = session.execute(
            f"insert into {self.table} ({', '.join(names)}) select {', '.join(f'_new_.{name}' for name in names)}"
            f" from {STAGE} as _new_ left join {self.table} as _old_ on {self._matched()}"
            f" where _old_.{self.quote(self.key[0])} is null"
        )
        if any(has_floats(field.type) for field in self.schema) and self._unchanged(session) != staged:
            raise BooksDoNotBalance(
                "after the merge some values are not those that were sent",
                where=self.shown,
                todo="nothing was published",
            )
        session.execute(f"drop table {STAGE}")
        return Published(staged, inserted, updated, unchanged)

    def _refuse_null_keys(self, session: Session) -> None:
        # SQLite takes a null in its primary key for a wish that it choose a number.
        for name in (*self.key, *(name for name in self.existing.key if name in self.schema.names)):
            nulls = session.scalar(f"select count(*) from {STAGE} where {self.quote(name)} is null")
            if nulls:
                raise DataError(
                    f"the key column {name} is null in {nulls:,} of the rows to merge",
                    where=self.shown,
                    todo="nothing was published; leave such rows out (--where), or choose another key",
                    code="key-null",
                )

    def _refuse_doubled_keys(self, session: Session, rows: str, what: str, todo: str) -> None:
        key = ", ".join(f"_old_.{name}" for name in self._names(self.key))
        told = " || ', ' || ".join(f"cast(_old_.{name} as varchar)" for name in self._names(self.key))
        found: Any = session.scalar(f"select {told} {rows} group by {key} having count(*) > 1 limit 1")
        if found is not None:
            raise DataError(
                f"the key {', '.join(self.key)} = {shorten(str(found))} {what}",
                where=self.shown,
                todo=f"nothing was published; {todo}",
                code="key-doubled",
            )

    def _unchanged(self, session: Session) -> int:
        same = " and ".join([self._matched(), *self._sames()])
        return int(session.scalar(f"select count(*) from {STAGE} as _new_ join {self.table} as _old_ on {same}"))

    def _update(self, session: Session) -> int:
        values = [name for name in self.schema.names if name not in self.key]
        if not values:
            return 0
        changes = ", ".join(f"{name} = _new_.{name}" for name in self._names(values))
        differs = f"not ({' and '.join(self._sames())})"
        return session.execute(
            f"update {self.table} as _old_ set {changes} from {STAGE} as _new_ where {self._matched()} and {differs}"
        )

    def _let_signs_change(self, session: Session) -> None:
        """Zeros that are to get another sign become ones first: DuckDB's UPDATE (2.0) takes -0.0 and 0.0 for the same
        and writes nothing, although it counts the row."""
        for field in self.schema:
            if pa.types.is_floating(field.type) and field.name not in self.key:
                name = self.quote(field.name)
                session.execute(
                    f"update {self.table} as _old_ set {name} = 1 from {STAGE} as _new_ where {self._matched()}"
                    f" and _new_.{name} = 0 and _old_.{name} = 0 and not {self._same(field)}"
                )

    def _matched(self) -> str:
        # The staged column stands on the left, for its plain collation decides in SQLite.
        return " and ".join(
            f"_new_.{self.quote(name)} = _old_.{self.quote(name)}{self._to_the_letter(name)}" for name in self.key
        )

    def _sames(self) -> list[str]:
        return [self._same(field) for field in self.schema if field.name not in self.key]

    def _same(self, field: pa.Field) -> str:
        name = self.quote(field.name)
        same = f"_new_.{name} is not distinct from _old_.{name}"
        if has_floats(field.type):
            same += f" and cast(_new_.{name} as varchar) is not distinct from cast(_old_.{name} as varchar)"
        elif pa.types.is_string(field.type):
            same += f" and hex(_new_.{name}) is not distinct from hex(_old_.{name})"
        return f"({same})"

    def _to_the_letter(self, name: str) -> str:
        quoted = self.quote(name)
        return (
            f" and hex(_new_.{quoted}) = hex(_old_.{quoted})"
            if pa.types.is_string(self.schema.field(name).type)
            else ""
        )

    def _names(self, names: tuple[str, ...] | list[str]) -> list[str]:
        return [self.quote(name) for name in names]


def has_floats(type: Any) -> bool:
    """Whether values of the type hold floating point numbers, however deep."""
    if pa.types.is_nested(type):
        return any(has_floats(type.field(at).type) for at in range(type.num_fields))
    return bool(pa.types.is_floating(type))
