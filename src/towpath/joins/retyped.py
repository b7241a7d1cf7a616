"""Rows with types of their own, in the types that were pinned; those that do not fit are set aside."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from towpath.badrows import BadRow, BadRows
from towpath.stream import Batch, Place
from towpath.values import textform
from towpath.values.convert import cast


def retyped(batch: Batch, schema: pa.Schema, bad: BadRows) -> Batch:
    """The batch in `schema`, which has its columns in their order; rows with a value that does not fit go to `bad`."""
    if batch.rows.schema.equals(schema):
        return batch
    columns, unfit = [], dict[int, str]()
    for field, values in zip(schema, batch.rows.columns, strict=True):
        made = cast(values, values.type, field.type)
        columns.append(made.values)
        for row in made.bad:
            unfit.setdefault(int(row), field.name)
    numbers = sorted(unfit)
    for row, values in zip(numbers, textform.row_texts(batch.rows, numbers), strict=True):
        place, column = batch.origin.place(row), unfit[row]
        reason = f"not a value of the type {textform.type_name(schema.field(column).type)}"
        bad.add(BadRow(Place(place.file, place.line), reason, column, values[column], values, "read"))
    typed = batch.with_rows(pa.record_batch(columns, schema=schema))
    return typed.take(np.setdiff1d(np.arange(len(batch)), list(unfit))) if unfit else typed
