"""What the tests of the mover share: jobs written shortly, and tables to read from and to look into."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from towpath.job import InputSpec, JobSpec, OutputSpec


def job(source: Path | str | InputSpec, to: Path | str, **others: Any) -> JobSpec:
    read = source if isinstance(source, InputSpec) else InputSpec(str(source))
    return JobSpec({"input": read}, OutputSpec(str(to)), **others)


def table(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def duck(database: Path, *statements: str) -> None:
    with duckdb.connect(str(database)) as connection:
        for statement in statements:
            connection.execute(statement)


def lite(database: Path, *statements: str, rows: Sequence[tuple[Any, ...]] = ()) -> None:
    """Runs statements in an SQLite database; the last one for each of `rows`, if there are any."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements[:-1] if rows else statements:
            connection.execute(statement)
        if rows:
            connection.executemany(statements[-1], rows)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
