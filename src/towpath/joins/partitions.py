"""Rows parted by the values of some columns, and their texts in a path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def split(rows: pa.RecordBatch, partition_by: Sequence[str]) -> Iterator[tuple[Texts, pa.RecordBatch]]:
    """The rows of each partition, in their order, with the partition columns still there."""
    if not len(rows):
        return
    if not partition_by:
        yield (), rows
        return
    coded = [
        textform.write(rows.column(rows.schema.get_field_index(name))).dictionary_encode("encode")
        for name in partition_by
    ]
    numbers = np.zeros(len(rows), np.int64)
    for column in coded:
        # Renumbered after each column, so that many columns do not overflow.
        numbers = numbers * len(column.dictionary) + column.indices.to_numpy()
        numbers = np.unique(numbers, return_inverse=True)[1]
    order = np.argsort(numbers, kind="stable")
    ends = np.flatnonzero(np.diff(numbers[order], append=-1)) + 1
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        chosen = order[start:end]
        first = int(chosen[0])
        texts = tuple(column.dictionary[column.indices[first].as_py()].as_py() for column in coded)
        whole = len(chosen) == len(rows)
        yield texts, rows if whole else pc.take(rows, pa.array(chosen))
