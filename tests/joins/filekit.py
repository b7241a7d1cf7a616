"""What the tests of the file joins share: small rows, whole loads as the mover does them, and reading back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from towpath.adapters.format.csv import CSV
from towpath.adapters.format.parquet import Parquet
from towpath.adapters.store.local import Local
from towpath.joins.file_destination import FileDestination
from towpath.joins.file_source import FileSource
from towpath.joins.folder_destination import FolderDestination
from towpath.nouns import Checkpoint, Mode, Published, State, Want
from towpath.seams.destination import Destination
from towpath.seams.format import Format
from towpath.seams.store import Store
from towpath.stream import Batch, Counted

STEP = "shop/orders"
CREATE, REPLACE, APPEND = Mode.CREATE, Mode.REPLACE, Mode.APPEND


def rows(**columns: Any) -> pa.RecordBatch:
    """A batch of these columns; lists of values, or Arrow arrays."""
    arrays = [values if isinstance(values, pa.Array) else pa.array(values) for values in columns.values()]
    return pa.record_batch(arrays, names=list(columns))


def state(load_id: str, step: str = STEP, count: int = 1) -> State:
    return State(step, load_id, Checkpoint("files", {"in": load_id}), "plan", "2026-01-01T00:00:00Z", count)


def load(
    destination: Destination,
    batch: pa.RecordBatch,
    mode: Mode = CREATE,
    load_id: str = "load1",
    step: str | None = None,
) -> Published:
    """One whole load: recover, offer, begin, write, publish."""
    before = destination.recover(step)
    offer = destination.offer(batch.schema, mode, ())
    with destination.begin(offer, load_id) as writing:
        writing.write(Batch(converted(batch, offer.schema), Counted("rows")))
        return writing.publish(before, None if step is None else state(load_id, step, len(batch)))


def converted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """What the mover hands over: the offered columns in their order and types."""
    from towpath.values.convert import cast

    arrays = [cast(batch.column(field.name), batch.schema.field(field.name).type, field.type) for field in schema]
    assert all(len(array.bad) == 0 for array in arrays)
    return pa.record_batch([array.values for array in arrays], schema=schema)


def read(source: FileSource, want: Want | None = None, since: Checkpoint | None = None) -> pa.Table:
    """All rows of a source."""
    with source.open(since, want or Want()) as reading:
        batches = [batch.rows for batch in reading]
        assert reading.given >= sum(map(len, batches))
        return pa.Table.from_batches(batches, reading.schema)


def source(path: Path | str, format: Format | None = None, store: Store | None = None, **given: Any) -> FileSource:
    return FileSource(store or Local(), format or CSV(), str(path), **given)


def to_file(
    path: Path | str, format: Format | None = None, codec: str | None = None, store: Store | None = None
) -> FileDestination:
    return FileDestination(store or Local(), format or CSV(), str(path), codec)


def to_folder(
    path: Path | str, format: Format | None = None, store: Store | None = None, **given: Any
) -> FolderDestination:
    return FolderDestination(store or Local(), format or Parquet(), f"{path}/", **given)


def names(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
