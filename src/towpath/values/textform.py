"""The one convention for values as text: CSV, SQLite text columns, JSON strings and messages all use it.

docs/reference/text-form.md spells it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.values import textform_json, textform_scalars
from towpath.values.logical import kind, plain, plain_type
from towpath.values.type_names import parse_type, type_name

__all__ = ["parse_type", "read", "row_texts", "type_name", "write"]

_ROWS_AT_ONCE = 256


def write(values: pa.Array) -> pa.Array:
    """The values as text (null stays null); `read` gives them back exactly.

    Raises Refused for a type without a text form (a union), DataError for a value that its Arrow type forbids
    (a time of day beyond 24:00)."""
    values = plain(values)
    nested = kind(values.type) in textform_json.NESTED
    return textform_json.write(values) if nested else textform_scalars.write(values)


def row_texts(rows: pa.RecordBatch, numbers: Sequence[int]) -> Iterator[dict[str, str | None]]:
    """The values of some rows as texts, by column, row by row."""
    columns = [plain(values) for values in rows.columns] if numbers else []
    for first in range(0, len(numbers), _ROWS_AT_ONCE):
        some = pa.array(numbers[first : first + _ROWS_AT_ONCE], pa.int64())
        for cells in zip(*(write(values.take(some)).to_pylist() for values in columns), strict=True):
            yield dict(zip(rows.schema.names, cells, strict=True))


def read(texts: pa.Array, type: pa.DataType) -> tuple[pa.Array, np.ndarray]:
    """Texts as values of `type` (of its values, for a dictionary), and the ascending row numbers whose text
    is no such value (null there)."""
    texts, bare = pc.cast(plain(texts), pa.string()), plain_type(type)
    nested = kind(bare) in textform_json.NESTED
    return textform_json.read(texts, bare) if nested else textform_scalars.read(texts, bare)
