"""Rows parted by the values of some columns, and their texts in a path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import UserError
from towpath.options import nearest
from towpath.values import textform
from towpath.values.logical import plain_type

Texts = tuple[str | None, ...]


def check(schema: pa.Schema, partition_by: Sequence[str], shown: str) -> None:
    """Raises UserError for a partition column that there is not, that has no name, that is nested or binary, or that
    leaves no other."""
    for name in partition_by:
        if name not in schema.names:
            raise UserError(
                f"there is no column {name!r} to partition by{nearest(name, schema.names)}",
                where=shown,
                todo=f"columns: {', '.join(schema.names)}",
                code="column-unknown",
            )
        if not name:
            raise UserError(
                "a column without a name cannot stand in a path",
                where=shown,
                todo="rename it (--rename), or partition by another",
                code="partition-wrong",
            )
        type = plain_type(schema.field(name).type)
        if pa.types.is_nested(type) or pa.types.is_binary(type) or pa.types.is_large_binary(type):
            raise UserError(
                f"column {name} ({type}) cannot stand in a path",
                where=shown,
                todo="partition by another",
                code="partition-wrong",
            )
    if len(set(partition_by)) < len(partition_by):
        raise UserError("a column is named twice to partition by", where=shown, code="column-doubled")
    if partition_by and len(partition_by) == len(schema):
        raise UserError(
            "every column would stand in the path, and none in the files",
            where=shown,
            todo="partition by fewer",
            code="partition-wrong",
        )


def grouped(rows: pa.RecordBatch, partition_by: Sequence[str]) -> tuple[np.ndarray, list[Texts]]:
    """The number of each row's partition among those that the rows have, and these partitions' texts."""
    if not partition_by or not len(rows):
        return np.zeros(len(rows), np.int64), [()] if len(rows) else []
    coded = [
        textform.write(rows.column(rows.schema.get_field_index(name))).dictionary_encode("encode")
        for name in partition_by
    ]
    numbers = np.zeros(len(rows), np.int64)
    for column in coded:
        # Renumbered after each column, so that many columns do not overflow.
        numbers = numbers * len(column.dictionary) + column.indices.to_numpy()
        numbers = np.unique(numbers, return_inverse=True)[1]
    firsts = pa.array(np.unique(numbers, return_index=True)[1])
    texts = [column.dictionary.take(column.indices.take(firsts)).to_pylist() for column in coded]
    return numbers, list(zip(*texts, strict=True))


def parted(rows: pa.RecordBatch, numbers: np.ndarray) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each partition, in their order."""
    order = np.argsort(numbers, kind="stable")
    ends = np.flatnonzero(np.diff(numbers[order], append=-1)) + 1
    for start, end in pairwise([0, *ends.tolist()]):
        chosen = order[start:end]
        yield int(numbers[chosen[0]]), rows if len(chosen) == len(rows) else pc.take(rows, pa.array(chosen))
