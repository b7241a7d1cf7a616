"""The catalogue: one sorted table of every adapter, loaded only when asked for.

A plug-in adds an adapter through an entry point of the group `towpath.<seam>`, looked up only when the table has no
answer (reading entry points costs more than the whole command line otherwise).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath import pandas_later
from towpath.errors import MissingLibrary, UserError
from towpath.options import build, nearest


@dataclass(frozen=True, slots=True)
class Row:
    """One adapter: `target` is module:Class; `library` the package that it needs beyond the core (None: none), `also`
    others, which the extra `extra` installs; `suffixes` the file endings of a format; `line` says what it is in one
    line. `of` is the scheme whose part it plays by another library (`scheme+name://`)."""

    seam: str
    name: str
    target: str
    line: str
    library: str | None = None
    also: tuple[str, ...] = ()
    extra: str | None = None
    suffixes: tuple[str, ...] = ()
    of: str | None = None


ROWS = (
    Row("database", "adbc", "towpath.adapters.database.adbc:ADBC", "PostgreSQL, read by ADBC",
        library="adbc_driver_postgresql", also=("psycopg",), extra="adbc", of="postgresql"),
    Row("database", "duckdb", "towpath.adapters.database.duckdb:DuckDB", "DuckDB database files"),
    Row("database", "mariadb", "towpath.adapters.database.mariadb:MariaDB", "MariaDB (pymysql)",
        library="pymysql", extra="mariadb"),
    Row("database", "postgresql", "towpath.adapters.database.postgresql:PostgreSQL", "PostgreSQL (psycopg 3, COPY)",
        library="psycopg", extra="postgresql"),
    Row("database", "psycopg2", "towpath.adapters.database.psycopg2:Psycopg2", "PostgreSQL by psycopg2 (COPY)",
        library="psycopg2", extra="psycopg2", of="postgresql"),
    Row("database", "sqlite", "towpath.adapters.database.sqlite:SQLite", "SQLite database files (sqlite3)"),
    Row("engine", "duckdb", "towpath.adapters.engine.duckdb:DuckDBEngine", "SQL over streams by DuckDB"),
    Row("format", "arrow", "towpath.adapters.format.arrow:Arrow", "Arrow IPC files and streams (pyarrow)",
        suffixes=(".arrow", ".feather", ".ipc", ".arrows")),
    Row("format", "csv", "towpath.adapters.format.csv:CSV", "comma-separated text (pyarrow)", suffixes=(".csv",)),
    Row("format", "json", "towpath.adapters.format.json:JSON", "one JSON array of objects", suffixes=(".json",)),
    Row("format", "jsonl", "towpath.adapters.format.jsonl:JSONLines", "JSON Lines (pyarrow)",
        suffixes=(".jsonl", ".ndjson")),
    Row("format", "parquet", "towpath.adapters.format.parquet:Parquet", "Apache Parquet (pyarrow)",
        suffixes=(".parquet", ".pq")),
    Row("format", "tsv", "towpath.adapters.format.csv:TSV", "tab-separated text (pyarrow)", suffixes=(".tsv", ".tab")),
    Row("queue", "kafka", "towpath.adapters.queue.kafka:Kafka", "Apache Kafka topics (confluent-kafka)",
        library="confluent_kafka", extra="kafka"),
    Row("record", "avro", "towpath.adapters.record.avro:Avro", "Avro records, one a message (fastavro)",
        library="fastavro", extra="kafka"),
    Row("store", "-", "towpath.adapters.store.stdio:StandardStreams", "standard input and output"),
    Row("store", "file", "towpath.adapters.store.local:Local", "files on this machine's disks"),
    Row("store", "s3", "towpath.adapters.store.s3:S3", "objects of S3 and what speaks its protocol (boto3)",
        library="boto3", extra="s3"),
)  # fmt: skip


_CORE = ("pyarrow", "duckdb", "numpy", "narwhals")


def rows(seam: str | None = None) -> tuple[Row, ...]:
    """The table's rows, of one seam or all."""
    return tuple(row for row in ROWS if seam in (None, row.seam))


def find(seam: str, name: str) -> Row:
    """The row of an adapter; a plug-in's when the table has none. Raises UserError naming the nearest name."""
    for row in ROWS:
        if row.seam == seam and row.name == name:
            return row
    plugin = _plugins(seam).get(name)
    if plugin is not None:
        return plugin
    known = [row.name for row in ROWS if row.seam == seam] + sorted(_plugins(seam))
    raise UserError(
        f"there is no {seam} named {name!r}{nearest(name, known)}",
        todo=f"known: {', '.join(known)}",
        code="adapter-unknown",
    )


ADDRESSED = ("database", "store", "queue")
"""The seams whose adapters are named by the scheme of an address."""


def seam_of(scheme: str) -> str:
    """The seam that an address's scheme belongs to. Raises UserError naming the nearest scheme."""
    schemes = [row for row in ROWS if row.seam in ADDRESSED and row.of is None]
    for row in schemes:
        if row.name == scheme:
            return row.seam
    plugins = {seam: _plugins(seam) for seam in ADDRESSED}
    for seam, found in plugins.items():
        if scheme in found:
            return seam
    known = [row.name for row in schemes if row.name != "-"]
    known += [name for found in plugins.values() for name in found]
    raise UserError(
        f"there is no database, store or queue named {scheme!r}{nearest(scheme, known)}",
        todo=f"known: {', '.join(known)}",
        code="adapter-unknown",
    )


def chosen(seam: str, scheme: str, library: str | None) -> Row:
    """The row of a scheme, or the one that plays its part by another library (`scheme+library://`). Raises UserError
    naming the nearest."""
    usual = find(seam, scheme)
    if library is None:
        return usual
    rows = [usual, *(row for row in ROWS if row.seam == seam and row.of == scheme)]
    for row in rows:
        if library in (row.library, row.name) and library != scheme:
            return row
    plugin = _plugins(seam).get(library)
    if plugin is not None:
        return plugin
    known = [one for row in rows for one in [row.library if row is usual else row.name] if one is not None]
    raise UserError(
        f"there is no library {library!r} for {scheme}{nearest(library, known)}",
        todo=f"leave it out ({scheme}://), or name one of: {', '.join(known)}" if known else f"write {scheme}://",
        code="adapter-unknown",
    )


def format_for(path: str) -> Row | None:
    """The format that a path's ending names, after its codec's ending was taken off; None when none does."""
    lower = path.lower()
    for row in ROWS:
        if row.seam == "format" and lower.endswith(row.suffixes):
            return row
    return None


def load(row: Row) -> type[Any]:
    """The adapter's class. A missing library, the row's own or one of the core's, raises MissingLibrary; another import
    error stays as it is."""
    module, _, name = row.target.partition(":")
    if not module.startswith("towpath."):
        pandas_later.end()
    try:
        loaded: type[Any] = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in _CORE:
            raise MissingLibrary(
                f"{row.seam} {row.name} needs the package {missing}, which belongs to Towpath and is not installed",
                todo="pip install --force-reinstall towpath",
            ) from error
        if missing not in (row.library, *row.also):
            raise
        extra = f"towpath[{row.extra}]" if row.extra else missing
        raise MissingLibrary(
            f"{row.seam} {row.name} needs the package {missing}", todo=f"pip install '{extra}'"
        ) from error
    return loaded


def make(row: Row, options: Mapping[str, Any]) -> Any:
    """The adapter built with its options: strings are read by the constructor's annotations. An unknown option raises
    UserError naming the nearest."""
    return build(load(row), options, f"{row.seam} {row.name}")


def _plugins(seam: str) -> dict[str, Row]:
    from importlib.metadata import entry_points

    return {
        point.name: Row(seam, point.name, point.value, f"plug-in {point.value}")
        for point in entry_points(group=f"towpath.{seam}")
    }
