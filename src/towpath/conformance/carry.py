"""How a case reaches an adapter and is compared afterwards: converted as announced, then equal by digest."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from towpath.digest import Digest
from towpath.errors import Refused
from towpath.nouns import ColumnPlan, Stored
from towpath.values import convert, textform

StoredOf = Callable[[pa.DataType], Stored]


def offered(rows: pa.RecordBatch, stored: StoredOf) -> pa.RecordBatch:
    """The rows in the types that an adapter stores. Raises Refused for a type or a value that has no way."""
    columns = {}
    for field, values in zip(rows.schema, rows.columns, strict=True):
        kept = stored(field.type)
        way, why = convert.way(field.type, kept)
        done = convert.convert(values, ColumnPlan(field.name, field.type, field.name, kept, way, why))
        if len(done.bad):
            value = textform.write(values)[int(done.bad[0])].as_py()
            raise Refused(f"{kept.native or kept.type} does not hold the value {value!r} of {field.type}")
        columns[field.name] = done.values
    return pa.record_batch(list(columns.values()), names=list(columns))


def assert_same(sent: pa.RecordBatch, got: pa.Table) -> None:
    """That what came back, read as what was sent, has the same columns and rows, by digest. Raises Refused when the
    columns are lost for want of rows."""
    if not got.schema.names and not sent.num_rows:
        raise Refused("what has no rows keeps no columns")
    assert got.schema.names == sent.schema.names
    back = [_back(column, got.column(column.name), sent.schema) for column in got.schema]
    got_rows = pa.record_batch(back, schema=sent.schema)
    assert got_rows.num_rows == sent.num_rows
    if digest(got_rows) != digest(sent):
        raise AssertionError(_difference(sent, got_rows))


def digest(rows: pa.RecordBatch) -> str:
    summed = Digest(rows.schema)
    summed.update(rows)
    return summed.hexdigest()


def table(schema: pa.Schema, batches: list[pa.RecordBatch]) -> pa.Table:
    """The batches as one table; each must have `schema`."""
    for batch in batches:
        assert batch.schema.equals(schema), f"a batch has the schema {batch.schema}, announced was {schema}"
    return pa.Table.from_batches(batches, schema)


def _back(field: pa.Field, values: pa.ChunkedArray, sent: pa.Schema) -> pa.Array:
    whole = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], field.type)
    target = sent.field(field.name).type
    if whole.type == target:
        return whole
    if target == pa.null() and whole.null_count == len(whole):
        return pa.nulls(len(whole))
    done = convert.cast(whole, whole.type, target)
    if len(done.bad):
        text = textform.write(whole)[int(done.bad[0])].as_py()
        raise AssertionError(f"column {field.name}: {text!r} ({whole.type}) came back, which is no {target}")
    return done.values


def _difference(sent: pa.RecordBatch, got: pa.RecordBatch) -> str:
    for name in sent.schema.names:
        pairs = zip(textform.write(sent[name]).to_pylist(), textform.write(got[name]).to_pylist(), strict=True)
        for row, (before, after) in enumerate(pairs):
            if before != after:
                return f"column {name}, row {row}: {before!r} was sent, {after!r} came back"
    return "the same texts, but another digest"
