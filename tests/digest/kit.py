"""The digest of rows, as the tests of it take it."""

from __future__ import annotations

import pyarrow as pa

from towpath.digest import Digest


def digest(rows: pa.RecordBatch | pa.Table, most: int | None = None) -> str:
    found = Digest(rows.schema)
    for batch in (
        pa.Table.from_batches([rows]).to_batches(most) if isinstance(rows, pa.RecordBatch) else rows.to_batches(most)
    ):
        found.update(batch)
    assert found.rows == rows.num_rows
    return found.hexdigest()
