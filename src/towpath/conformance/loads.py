"""The small loads that the suite of destinations makes: their rows, states, and how they are written."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pyarrow as pa

from towpath.nouns import Checkpoint, Mode, State
from towpath.seams.destination import Destination, Load
from towpath.stream import Batch, Counted

STEP = "shop/orders"
SCHEMA = pa.schema({"id": pa.int64(), "name": pa.string()})
Rows = list[tuple[int, str]]
OLD: Rows = [(1, "one"), (2, "two")]
NEW: Rows = [(2, "zwei"), (3, "drei"), (4, "vier")]


def opened(
    destination: Destination, mode: Mode, *, load_id: str = "load1", key: tuple[str, ...] = ()
) -> AbstractContextManager[Load]:
    return destination.begin(destination.offer(SCHEMA, mode, key), load_id)


def fill(load: Load, rows: Rows) -> None:
    """Writes the rows in batches of two."""
    for first in range(0, len(rows), 2):
        part = rows[first : first + 2]
        columns = [pa.array([id for id, _ in part], pa.int64()), pa.array([name for _, name in part], pa.string())]
        load.write(Batch(pa.record_batch(columns, schema=SCHEMA), Counted("rows", first + 1)))


def state(load_id: str, rows: int, step: str = STEP) -> State:
    return State(step, load_id, Checkpoint("files", {"read": load_id}), "plan", "2026-01-01T00:00:00Z", rows)
