"""One connection to PostgreSQL with one transaction, whatever library it speaks through."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, TypeVar

import pyarrow as pa

from towpath.errors import Refused, TowError
from towpath.nouns import Existing, Stored
from towpath.postgresql import catalog, outcomes, reading, types
from towpath.postgresql.catalog import Column, Relation
from towpath.postgresql.reading import Field
from towpath.postgresql.types import Native
from towpath.seams.database import Outcome
from towpath.values.widening import BEYOND_INT64

T = TypeVar("T")
_QUERY = "_towpath_query"
_FEW = 10
"""Rows are few beside a table that has so many times as many."""
_PLACES = re.compile(r"'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|\?")


class PostgreSQLSession(ABC):
    """What the table join asks of a session, in terms of the few things that each library does in its own way."""

    abandoned = False

    def __init__(self, where: str) -> None:
        self._where = where

    @abstractmethod
    def cancel(self) -> None:
        """Cancels the statement that another thread waits for."""

    @abstractmethod
    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Sequence[Any]]:
        """All rows of a query, as Python's values."""

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs one statement; returns the number of rows that it changed."""

    @abstractmethod
    def _natives(self, sql: str) -> list[tuple[str, Native]]:
        """The columns of a query, which is not run."""

    @abstractmethod
    def _stream(self, sql: str, fields: Sequence[Field], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of a query, as `reading.asked` puts it; closing it ends the query."""

    @abstractmethod
    def _translated(self) -> AbstractContextManager[None]:
        """Raises the library's errors as ours."""

    def table(self, name: str) -> Existing | None:
        return catalog.existing(self.rows, name)

    def tables(self) -> dict[str, int | None]:
        """All tables and views that may be seen, with the planner's guess of their rows."""
        return catalog.tables(self.rows)

    def inserted(self, table: str) -> int:
        """By the server's own count."""
        return catalog.inserted(self.rows, table)

    def join_by_key(self, table: str, rows: int) -> None:
        """Hashing rows of many columns, of which most are met by none, takes PostgreSQL several times as long as the
        index does. How many rows a table has is the planner's guess."""
        known = self.scalar("select reltuples from pg_class where oid = cast(? as text)::regclass", [table])
        if known is not None and rows * _FEW <= known:
            self.execute("set local enable_hashjoin = off")
            self.execute("set local enable_mergejoin = off")

    def widened(self, table: str, column: str, type: pa.DataType) -> Stored:
        """The type of that width. Raises Refused where rows would be written anew in another order or a view is in the
        way, which PostgreSQL itself would say too late for a plan."""
        about = catalog.relation(self.rows, table)
        found = {one.name: one for one in catalog.columns(self.rows, about.oid)} if about is not None else {}
        why = self._fixed(about, found.get(column))
        if why:
            raise Refused(
                f"PostgreSQL cannot alter the column {column!r}: {why}", where=self._where, code="column-fixed"
            )
        return Stored(type, "numeric(38,0)") if type == BEYOND_INT64 else types.stored(type)

    def columns(self, sql: str, sure: Collection[str] | None = None) -> tuple[pa.Schema, frozenset[str]]:
        """The query runs once for columns whose type alone does not tell."""
        natives = self._natives(sql)
        reading.refuse_doubled([name for name, _ in natives], self._where)
        fields, presumed = reading.fields(self.rows, sql, natives, sure)
        if presumed and not self._tests(fields):
            fields, presumed = reading.fields(self.rows, sql, natives)
        return _schema(fields), presumed

    @contextmanager
    def _undone_if_left(self) -> Iterator[None]:
        """Where a query within is left half-way, and so cancelled, the transaction goes on as if it had not begun."""
        self.execute(f"savepoint {_QUERY}")
        ended = False
        try:
            yield
            ended = True
        finally:
            with suppress(TowError):  # the connection is gone
                self.execute(f"{'release' if ended else 'rollback to'} savepoint {_QUERY}")

    def _tests(self, fields: Sequence[Field]) -> bool:
        """Whether each value of such columns is tested when it is read."""
        return False

    def select(
        self, sql: str, batch_rows: int, known: pa.Schema | None = None
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        fields = self._fields(sql, known)
        return _schema(fields), self._stream(sql, fields, batch_rows)

    def scalar(self, sql: str, values: Sequence[Any] = ()) -> Any:
        found = self.rows(sql, values)
        return found[0][0] if found else None

    def mark(self) -> str:
        return outcomes.mark(self.rows)

    def became(self, mark: str) -> Outcome:
        return outcomes.became(self.rows, mark)

    def _fields(self, sql: str, known: pa.Schema | None) -> list[Field]:
        natives = self._natives(sql)
        names = [name for name, _ in natives]
        reading.refuse_doubled(names, self._where)
        if known is not None and set(names) <= set(known.names):
            return [Field(name, native, known.field(name).type) for name, native in natives]
        return reading.fields(self.rows, sql, natives)[0]

    def _fixed(self, about: Relation | None, column: Column | None) -> str:
        """What keeps a column from being given another type; empty when nothing does."""
        if about is None or column is None or about.kind not in ("r", "p"):
            return "it is not a table's"
        if column.domain:
            return f"it has the domain {column.words}"
        for what, sql in _RESTING:
            if self.rows(sql.format(oid=about.oid, column=types.literal(column.name))):
                return what
        return ""


_ATTRIBUTE = "(select attnum from pg_attribute where attrelid = {oid} and attname = {column})"
_RESTING = (
    ("a view or rule rests on it",
     "select 1 from pg_depend where refclassid = 'pg_class'::regclass and refobjid = {oid} and classid ="
     f" 'pg_rewrite'::regclass and refobjsubid = {_ATTRIBUTE} limit 1"),
    ("a generated column rests on it",
     "select 1 from pg_depend where classid = 'pg_attrdef'::regclass and refclassid = 'pg_class'::regclass"
     f" and refobjid = {{oid}} and refobjsubid = {_ATTRIBUTE} and deptype = 'n' limit 1"),
    ("the table is divided by it",
     f"select 1 from pg_partitioned_table where partrelid = {{oid}} and {_ATTRIBUTE} = any(partattrs::int2[])"),
)  # fmt: skip


def _schema(fields: Sequence[Field]) -> pa.Schema:
    return pa.schema([(field.name, field.type) for field in fields])


def placed(sql: str, sign: Callable[[int], str]) -> str:
    """The statement with each `?` outside of quotes as what the library has for the value number n (from 1)."""
    count = 0

    def put(found: re.Match[str]) -> str:
        nonlocal count
        if found.group() != "?":
            return found.group()
        count += 1
        return sign(count)

    return _PLACES.sub(put, sql)


def noting(pieces: Iterable[T], failures: list[BaseException]) -> Iterator[T]:
    """The pieces; what making them raises is kept, for libraries pass on only its text."""
    try:
        yield from pieces
    except GeneratorExit:
        raise
    except BaseException as error:
        failures.append(error)
        raise
