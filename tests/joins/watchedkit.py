"""A SQLite file whose statements are listened to, and which may be taken for the database of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from towpath.adapters.database.sqlite import SQLite, SQLiteSession
from towpath.joins.table_load import Target
from towpath.joins.table_scripts import Script
from towpath.nouns import Checkpoint, State

STATE = State("step", "load1", Checkpoint("files", 1), "plan", "now", 2)


class Watched(SQLite):
    """`said`: what its sessions ran, in order. `served`: it has no folder, so that rows go straight into a transaction.
    `dialect`: what it says otherwise than SQLite."""

    def __init__(self, path: Path, *, served: bool = False, **dialect: Any) -> None:
        super().__init__(str(path), 0.3)
        self.said: list[str] = []
        self.session: type[WatchedSession] = WatchedSession
        self.dialect = replace(self.dialect, **dialect)
        if served:
            self.home = None
            self.path.touch()  # a server is always there

    @contextmanager
    def read(self) -> Iterator[SQLiteSession]:
        with super().read() as session:
            yield self._watched(session)

    @contextmanager
    def write(self) -> Iterator[SQLiteSession]:
        with super().write() as session:
            yield self._watched(session)

    def version(self, session: SQLiteSession, table: str) -> str | None:
        """Of the rows alone, as servers tell it."""
        return str(session.scalar(f"select count(*) || ' ' || total(rowid) from {self.quote(table)}"))

    def _watched(self, session: SQLiteSession) -> WatchedSession:
        watched = self.session(session._connection, session._path, session.stamp)
        watched.said = self.said
        return watched


class WatchedSession(SQLiteSession):
    said: list[str]

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        self.said.append(sql)
        return super().execute(sql, values)

    def insert(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        inserted = super().insert(table, schema, batches)
        self.said.append(f"{inserted} rows into {table}")
        return inserted

    def commit(self) -> None:
        self.said.append("commit")
        super().commit()


class Counting(WatchedSession):
    """It is told by the database how many rows it inserted."""

    def inserted(self, table: str) -> int:
        assert self.table(table) is not None
        return self._connection.total_changes


class Indexing(WatchedSession):
    """Its stages have something behind their columns, in the place of an index."""

    def stage_index(self, key: Mapping[str, str]) -> str:
        return f"check ('{'; '.join(f'{name} {native}' for name, native in key.items())}' <> '')"


class Keying(WatchedSession):
    """It is told which of its tables rows are found in by their key."""

    def join_by_key(self, table: str, rows: int) -> None:
        self.said.append(f"{rows} rows by the key of {table}")


def target(database: SQLite, table: str = "t") -> Target:
    return Target(database, table, Script("before-sql", (), "shop#t"), Script("after-sql", (), "shop#t"), "shop#t")
