"""Rows that make way for a load's rows: those that have one of some values in a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from towpath.errors import Refused
from towpath.joins.table_merge import textual
from towpath.nouns import Existing
from towpath.seams.database import Database, Session
from towpath.values import textform

_STAGE = "_towpath_instead"


@dataclass(frozen=True, slots=True)
class Clearing:
    """Deletes rows of `table` (quoted) by the values of a column, which come as text forms of its type."""

    table: str
    column: str
    existing: Existing
    database: Database
    shown: str

    def values(self, texts: Sequence[str]) -> pa.RecordBatch:
        """The texts as values of the column. Raises Refused for one that it cannot have."""
        type = self.existing.schema.field(self.column).type
        values, bad = textform.read(pa.array(texts, pa.string()), type)
        if len(bad):
            raise Refused(
                f"{texts[int(bad[0])]!r} is no value of the column {self.column!r} ({textform.type_name(type)})",
                where=self.shown,
                todo="the rows to replace cannot be found by it; choose a column of text",
                code="type-impossible",
            )
        return pa.record_batch([values], names=["value"])

    def run(self, session: Session, texts: Sequence[str]) -> int:
        """Deletes the rows within the session's transaction, and returns how many there were."""
        rows, dialect = self.values(texts), self.database.dialect
        value, column = self.database.quote("value"), self.database.quote(self.column)
        session.execute(dialect.temporary.format(_STAGE, f"{value} {self.existing.stored[self.column].native}"))
        session.insert(_STAGE, rows.schema, iter([rows]))
        new, old = f"_new_.{value}", f"_old_.{column}"
        same = f"{new} = {old}"
        if textual(rows.schema.field(0).type):  # whatever the column's collation says
            same += f" and {dialect.same_text.format(new, old)}"
        before = self._count(session)
        session.execute(
            dialect.delete.format(table=self.table, where=f"exists (select 1 from {_STAGE} as _new_ where {same})")
        )
        session.execute(dialect.drop_temporary.format(_STAGE))
        return before - self._count(session)

    def _count(self, session: Session) -> int:
        return int(session.scalar(f"select count(*) from {self.table}"))
