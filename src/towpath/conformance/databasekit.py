"""Small tables for the suites of databases: made, filled and read in sessions of their own."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from towpath.conformance.carry import table
from towpath.errors import Refused
from towpath.seams.database import Database, ReadSession

ID = pa.schema({"id": pa.int64()})
WITH_NAME = pa.schema({"id": pa.int64(), "name": pa.string()})


def ids(*values: int) -> pa.RecordBatch:
    return pa.record_batch([pa.array(values, pa.int64())], schema=ID)


def native(database: Database, type: pa.DataType) -> str:
    return database.stored(type).native


def create(database: Database, name: str, schema: pa.Schema) -> None:
    """A committed table with the columns of `schema`, in the types that the database stores."""
    columns = ", ".join(f"{database.quote(field.name)} {native(database, field.type)}" for field in schema)
    with database.write() as session:
        session.execute(f"create table {database.quote(name)} ({columns})")
        session.commit()


def needs_ddl(database: Database) -> None:
    """Raises Refused where a transaction cannot take back the tables that it made and changed."""
    if not database.dialect.ddl_in_transaction:
        raise Refused("a statement that makes or alters a table ends the transaction")


def fill(database: Database, *values: int) -> None:
    """A committed table `t` with the integers `values` in its column `id`."""
    create(database, "t", ID)
    with database.write() as session:
        session.insert("t", ID, iter([ids(*values)]))
        session.commit()


def seen(database: Database) -> list[Any] | None:
    """The ids of `t` as another session sees them now; None when it is cleanly refused."""
    try:
        with database.read() as session:
            return sorted(selected(session, "select id from t").column("id").to_pylist())
    except Refused:
        return None


def selected(session: ReadSession, sql: str) -> pa.Table:
    schema, batches = session.select(sql, 1_000)
    return table(schema, list(batches))


def version(database: Database) -> str | None:
    with database.read() as session:
        return database.version(session, "t")
