"""Tables of every embedded database for the tests of the table join."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from towpath import registry
from towpath.errors import DataError
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_source import TableSource
from towpath.nouns import Existing, Mode, Published, State, Want
from towpath.stream import Batch, Counted
from towpath.values import convert

NAMES = ["duckdb", "sqlite"]


def made(name: str, folder: Path) -> Any:
    return registry.make(registry.find("database", name), {"path": str(folder / "shop.db"), "busy_secs": 0.3})


def rows(**columns: Any) -> pa.RecordBatch:
    return pa.record_batch(
        {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    )


def sql(database: Any, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.execute(statement)
        session.commit()


def back(database: Any, query: str = "select * from t") -> list[dict[str, Any]]:
    with TableSource(database, query=query).open(None, Want()) as reading:
        return [row for batch in reading for row in batch.rows.to_pylist()]


def existing(database: Any) -> Existing:
    found = TableDestination(database, "t").describe()
    assert found is not None
    return found


def natives(database: Any) -> dict[str, str]:
    return {name: stored.native for name, stored in existing(database).stored.items()}


def load(
    database: Any,
    batch: pa.RecordBatch,
    mode: Mode = Mode.APPEND,
    key: tuple[str, ...] = (),
    instead: tuple[str, tuple[str, ...]] | None = None,
    state: State | None = None,
    **options: Any,
) -> Published:
    """One load into the table `t`, as the mover does it."""
    destination = TableDestination(database, "t", **options)
    offer = destination.offer(batch.schema, mode, key)
    if instead is not None:
        offer = destination.instead(offer, *instead)
    columns = []
    for plan in offer.columns:
        done = convert.convert(batch.column(plan.name), plan)
        if len(done.bad):
            raise DataError(f"{plan.name}: {plan.why}")
        columns.append(done.values)
    with destination.begin(offer, "load1") as begun:
        begun.write(Batch(pa.record_batch(columns, schema=offer.schema), Counted("rows")))
        return begun.publish(None, state)
