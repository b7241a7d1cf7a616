"""The content digest: an order-independent 128-bit sum of rows over logical kinds (docs/reference/digest.md)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from towpath.digest.columns import parts
from towpath.digest.words import Lanes, keep_freed_memory, mix
from towpath.errors import Refused
from towpath.values.logical import kind

_ROWS = 1 << 15  # at a time, so that a column's states stay in the processor's cache


class Digest:
    """Adds up the rows of one schema. Equal digests of equal schemas: equal rows, in any order, with multiplicity.

    Raises Refused for two columns of one name, and for a type without a kind."""

    def __init__(self, schema: pa.Schema) -> None:
        keep_freed_memory()
        self._names = _names(schema)
        self._rows = 0
        self._lanes = [0, 0]

    def update(self, rows: pa.RecordBatch) -> None:
        for first in range(0, rows.num_rows, _ROWS):
            for k, hashes in enumerate(_hashes(rows.slice(first, _ROWS), self._names)):
                self._lanes[k] = (self._lanes[k] + int(hashes.sum())) % 2**64
        self._rows += rows.num_rows

    @property
    def rows(self) -> int:
        return self._rows

    def hexdigest(self) -> str:
        """`tow1:` and 32 hexadecimal digits."""
        return f"tow1:{self._lanes[0]:016x}{self._lanes[1]:016x}"


def row_hashes(rows: pa.RecordBatch) -> np.ndarray:
    """The 128-bit hash of each row, as uint64 of the shape (rows, 2): what `Digest` adds up."""
    names = _names(rows.schema)
    hashes = np.empty((rows.num_rows, 2), np.uint64)
    for first in range(0, rows.num_rows, _ROWS):
        for k, lane in enumerate(_hashes(rows.slice(first, _ROWS), names)):
            hashes[first : first + _ROWS, k] = lane
    return hashes


def _hashes(rows: pa.RecordBatch, names: Sequence[str]) -> Lanes:
    total = np.zeros(rows.num_rows, np.uint64), np.zeros(rows.num_rows, np.uint64)
    for name in names:
        for lane, part in zip(total, parts(rows.column(name), name), strict=True):
            lane += part
    return mix(total[0]), mix(total[1])


def _names(schema: pa.Schema) -> list[str]:
    names: list[str] = schema.names
    for field in schema:
        kind(field.type)
        if names.count(field.name) > 1:
            raise Refused(
                f"two columns are named {field.name}", todo="rename one of them in a query", code="column-doubled"
            )
    return names
