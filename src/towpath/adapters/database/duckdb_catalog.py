"""What DuckDB knows of its tables: keys, columns that it fills itself, rough counts, and what keeps a column's type."""

from __future__ import annotations

from typing import Any

import duckdb

from towpath.sqlnames import parts

_OF_TABLE = (
    "lower(table_name) = lower(?) and lower(schema_name) = lower(coalesce(?, current_schema()))"
    " and database_name in (current_database(), 'temp')"
)


def columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    """The rows of `duckdb_columns()` on a table or view; none when there is no such table."""
    schema, name = parts(table)
    done = connection.execute(f"select * from duckdb_columns() where {_OF_TABLE}", [name, schema])
    names = [column[0] for column in done.description]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def generated(found: list[dict[str, Any]]) -> frozenset[str]:
    """The columns of these that the database computes."""
    return frozenset(column["column_name"] for column in found if column.get("is_generated"))


def required(found: list[dict[str, Any]]) -> frozenset[str]:
    """The columns of these that are not null and have no default."""
    return frozenset(
        column["column_name"]
        for column in found
        if not column["is_nullable"] and column["column_default"] in (None, "NULL") and not column.get("is_generated")
    )


def key(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    schema, name = parts(table)
    primary = f"constraint_type = 'PRIMARY KEY' and {_OF_TABLE}"
    sql = f"select constraint_column_names from duckdb_constraints() where {primary}"
    rows = connection.execute(sql, [name, schema]).fetchall()  # all: an unfinished result holds the connection
    return tuple(rows[0][0]) if rows else ()


def tables(connection: duckdb.DuckDBPyConnection) -> dict[str, int | None]:
    """All tables with DuckDB's estimate of their rows, and views; those of other schemas as `schema.table`."""
    name = "if(schema_name = current_schema(), {0}, schema_name || '.' || {0})"
    own = "database_name = current_database() and not internal"
    rows = connection.execute(
        f"select {name.format('table_name')}, estimated_size from duckdb_tables() where {own}"
        f" union all select {name.format('view_name')}, null from duckdb_views() where {own}"
    ).fetchall()
    return {name: None if size is None else int(size) for name, size in rows}


def fixed(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """What keeps DuckDB from altering the type of a column; empty when nothing does."""
    schema, name = parts(table)
    of_table = [name, schema]
    constraint = _first(
        connection,
        f"select constraint_type from duckdb_constraints() where {_OF_TABLE} and constraint_type <> 'NOT NULL'"
        " and list_contains(list_transform(constraint_column_names, lambda one: lower(one)), lower(?))",
        [*of_table, column],
    )
    if constraint:
        return f"it has a {constraint} constraint"
    if _first(connection, f"select index_name from duckdb_indexes() where {_OF_TABLE}", of_table):
        return "its table has an index"
    if _first(
        connection, "select table_name from duckdb_constraints() where lower(referenced_table) = lower(?)", [name]
    ):
        return "another table refers to its table"
    return "its table has generated columns" if generated(columns(connection, table)) else ""


def _first(connection: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> str | None:
    row = connection.execute(sql, values).fetchone()
    return None if row is None else str(row[0])
