"""Databases that break a promise each. Not collected by itself: `test_mutants.py` runs it and counts what fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from towpath.adapters.database.sqlite import SQLite
from towpath.conformance import DatabaseSuite
from towpath.nouns import Existing
from towpath.seams.database import Session


class Wrapped:
    """A session with some of its methods replaced."""

    def __init__(self, inner: Session, **replaced: Any) -> None:
        self._inner = inner
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced[name] if name in self._replaced else getattr(self._inner, name)


class CommitsInInsert(SQLite):
    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:

            def insert(table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
                count = session.insert(table, schema, batches)
                session.commit()
                return count

            yield Wrapped(session, insert=insert)


class CommitsOnLeaving(SQLite):
    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:
            try:
                yield session
            finally:
                session.commit()


class CountsWrongly(SQLite):
    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:

            def insert(table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
                parts = list(batches)
                session.insert(table, schema, iter(parts))
                return parts[0].num_rows if parts else 0

            yield Wrapped(session, insert=insert)


class RoundsDecimals(SQLite):
    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:

            def insert(table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
                return session.insert(table, schema, (rounded(rows) for rows in batches))

            yield Wrapped(session, insert=insert)


def rounded(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The rows as if each number with a fraction had gone through a double."""
    columns = [pa.array([_double(value) for value in values.to_pylist()], values.type) for values in rows.columns]
    return pa.record_batch(columns, schema=rows.schema)


def _double(value: Any) -> Any:
    if isinstance(value, Decimal):
        return Decimal(f"{float(value):.4f}")
    if isinstance(value, str) and value.count(".") == 1 and value.lstrip("-").replace(".", "").isdigit():
        return f"{float(value):.4f}"
    return value


class InsertsByPosition(SQLite):
    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:

            def insert(table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
                existing = session.table(table)
                names = existing.schema.names[: len(schema)] if existing else schema.names
                renamed = pa.schema([field.with_name(name) for name, field in zip(names, schema, strict=True)])
                return session.insert(table, renamed, (rows.rename_columns(names) for rows in batches))

            yield Wrapped(session, insert=insert)


class PastesValues(SQLite):
    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:

            def execute(sql: str, values: Sequence[Any] = ()) -> int:
                for value in values:
                    shown = "null" if value is None else str(value) if isinstance(value, int) else f"'{value}'"
                    sql = sql.replace("?", shown, 1)
                return session.execute(sql)

            yield Wrapped(session, execute=execute)


class QuotesBadly(SQLite):
    def quote(self, identifier: str) -> str:
        return f'"{identifier}"'


class NeverANewVersion(SQLite):
    def version(self, session: Session, table: str) -> str | None:
        return "1"


class AltersOutsideTheTransaction(SQLite):
    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:

            def execute(sql: str, values: Sequence[Any] = ()) -> int:
                done = session.execute(sql, values)
                if sql.startswith("alter table"):
                    session.commit()
                    session.execute("begin immediate")
                return done

            yield Wrapped(session, execute=execute)


class ForgetsWhatIsRequired(SQLite):
    @contextmanager
    def read(self) -> Iterator[Session]:
        with super().read() as session:

            def table(name: str) -> Existing | None:
                found = session.table(name)
                return None if found is None else replace(found, required=frozenset())

            yield Wrapped(session, table=table)


class CollectsTheQuery(SQLite):
    @contextmanager
    def read(self) -> Iterator[Session]:
        with super().read() as session:

            def select(sql: str, batch_rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
                schema, batches = session.select(sql, batch_rows)
                kept = list(batches)
                return schema, (rows for rows in kept)

            yield Wrapped(session, select=select)


class TestUnbroken(DatabaseSuite):
    adapter = SQLite


class TestCommitsInInsert(DatabaseSuite):
    adapter = CommitsInInsert


class TestCommitsOnLeaving(DatabaseSuite):
    adapter = CommitsOnLeaving


class TestCountsWrongly(DatabaseSuite):
    adapter = CountsWrongly


class TestRoundsDecimals(DatabaseSuite):
    adapter = RoundsDecimals


class TestInsertsByPosition(DatabaseSuite):
    adapter = InsertsByPosition


class TestPastesValues(DatabaseSuite):
    adapter = PastesValues


class TestQuotesBadly(DatabaseSuite):
    adapter = QuotesBadly


class TestNeverANewVersion(DatabaseSuite):
    adapter = NeverANewVersion


class TestAltersOutsideTheTransaction(DatabaseSuite):
    adapter = AltersOutsideTheTransaction


class TestForgetsWhatIsRequired(DatabaseSuite):
    adapter = ForgetsWhatIsRequired


class TestCollectsTheQuery(DatabaseSuite):
    adapter = CollectsTheQuery
