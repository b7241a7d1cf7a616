"""What SQLite knows of its tables: columns as they were declared, which of them it fills itself, and rough counts."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from towpath.adapters.database import sqlite_types as types
from towpath.sqlnames import parts

_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class Declared:
    """One column. `key`: its position in the primary key (0: none). `numbered`: it is the rowid, for which SQLite
    chooses a number where none is given."""

    name: str
    type: str
    key: int
    generated: bool
    numbered: bool
    required: bool


def columns(connection: sqlite3.Connection, table: str) -> list[Declared]:
    """The columns of a table or view, generated ones too; none when there is no such table."""
    found = connection.execute(
        f"select name, type, pk, hidden, [notnull], dflt_value from pragma_table_xinfo({_asked(table)})"
        " where hidden in (0, 2, 3)",
        _named(table),
    ).fetchall()
    keys = [name for name, type, key, *_ in found if key and type.upper() == "INTEGER"]
    one = len(keys) == 1 and sum(1 for row in found if row[2]) == 1
    rowid = keys[0] if one and not _indexed_key(connection, table) else None
    return [
        Declared(
            name,
            type,
            key,
            generated=hidden != 0,
            numbered=name == rowid,
            required=bool(not_null) and hidden == 0 and name != rowid and _is_null(default),
        )
        for name, type, key, hidden, not_null, default in found
    ]


def strict(connection: sqlite3.Connection, table: str) -> bool:
    """Whether the table holds its columns to their declared types."""
    if sqlite3.sqlite_version_info < (3, 37):
        return False
    schema, name = parts(table)
    found = connection.execute(
        "select strict from pragma_table_list where lower(name) = lower(?) and schema = coalesce(?, schema)",
        [name, schema],
    ).fetchone()
    return bool(found and found[0])


def tables(connection: sqlite3.Connection) -> dict[str, int | None]:
    """All tables and views by name, with the rows of a table that has few."""
    found = connection.execute(
        "select name, type from sqlite_master where type in ('table', 'view') and name not glob 'sqlite_*'"
    ).fetchall()
    return {name: _few(connection, name) if type == "table" else None for name, type in found}


def _few(connection: sqlite3.Connection, table: str) -> int | None:
    sql = f"select count(*) from (select 1 from {types.quote(table)} limit {_COUNTED + 1})"
    try:
        rows: int = connection.execute(sql).fetchone()[0]
    except sqlite3.OperationalError:  # a virtual table whose module is not here
        return None
    return rows if rows <= _COUNTED else None


def _indexed_key(connection: sqlite3.Connection, table: str) -> bool:
    """Whether the primary key has an index of its own, which that of a rowid has not."""
    sql = f"select count(*) from pragma_index_list({_asked(table)}) where origin = 'pk'"
    return bool(connection.execute(sql, _named(table)).fetchone()[0])


def _is_null(default: str | None) -> bool:
    return default is None or default.strip("() ").lower() == "null"


def _asked(table: str) -> str:
    return "?" if parts(table)[0] is None else "?, ?"


def _named(table: str) -> list[str]:
    schema, name = parts(table)
    return [name] if schema is None else [name, schema]
