"""What MariaDB tells of its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from towpath.adapters.database.mariadb_types import Declared, literal, quote
from towpath.sqlnames import parts, quoted

Rows = Callable[[str], Sequence[Sequence[Any]]]
"""Runs a statement and gives its rows."""


def columns(rows: Rows, table: str) -> list[Declared]:
    """The columns of a table or view, also of a temporary one (which the information schema does not know)."""
    return [
        Declared(name, type, collation, nullable == "YES", default, extra, comment)
        for name, type, collation, nullable, _, default, extra, _, comment in rows(
            f"show full columns from {quoted(table, quote)}"
        )
    ]


def checked(rows: Rows, table: str, found: Sequence[Declared]) -> list[Declared]:
    """The columns of a table, each with the constraint of its own, which has the column's name."""
    schema, name = parts(table)
    clauses: dict[str, str] = {
        str(constraint): str(clause)
        for constraint, clause in rows(
            "select constraint_name, check_clause from information_schema.check_constraints"
            f" where constraint_schema = {_home(schema)} and table_name = {literal(name)}"
        )
    }
    return [replace(one, check=clauses.get(one.name, "")) for one in found]


def _home(schema: str | None) -> str:
    return "database()" if schema is None else literal(schema)


def key(rows: Rows, table: str) -> tuple[str, ...]:
    """The columns of the primary key, in its order."""
    found = rows(f"show index from {quoted(table, quote)} where Key_name = 'PRIMARY'")
    return tuple(name for _, name in sorted((row[3], row[4]) for row in found))


def tables(rows: Rows, where: str = "") -> dict[str, int | None]:
    """The tables and views of the database in use, with InnoDB's estimate of their rows."""
    found = rows(
        "select table_name, table_rows, table_type from information_schema.tables"
        f" where table_schema = database() and table_type in ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED'){where}"
    )
    return {name: None if kind == "VIEW" else count for name, count, kind in found}


def engine(rows: Rows, table: str) -> tuple[str, bool]:
    """The engine of a table, and whether it takes back what a transaction did; of a view nothing is known."""
    schema, name = parts(table)
    home = _home(schema)
    found = rows(
        "select e.engine, e.transactions from information_schema.tables as t"
        " join information_schema.engines as e on e.engine = t.engine"
        f" where t.table_schema = {home} and t.table_name = {literal(name)}"
    )
    return (found[0][0], found[0][1] == "YES") if found else ("", True)
