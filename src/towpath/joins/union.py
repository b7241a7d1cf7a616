"""One schema for many files: every column that any of them has, with the type that holds all of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from towpath.errors import DataError, Refused
from towpath.nouns import Stored, Way
from towpath.seams.format import Evidence, Inspected
from towpath.values import textform
from towpath.values.convert import cast, way
from towpath.values.logical import plain_type


@dataclass(frozen=True, slots=True)
class Union:
    """`empty` names columns without a value in what was inspected: their type stands for nothing yet."""

    schema: pa.Schema
    empty: frozenset[str] = frozenset()


def union(files: Sequence[tuple[str, Inspected]], pinned: Mapping[str, pa.DataType]) -> Union:
    """The columns of all files in the order of their first appearance; `files` are named for messages.

    A pinned column has its pinned type. Evidence of text is merged; of types that files declare, the one that holds
    all others exactly is taken. Raises DataError naming two files and their types when there is none."""
    columns: dict[str, list[tuple[str, Evidence]]] = {}
    for file, found in files:
        for name, evidence in found.columns.items():
            columns.setdefault(name, []).append((file, evidence))
    types, empty = {}, set()
    for name, seen in columns.items():
        if name in pinned:
            types[name] = pinned[name]
            continue
        types[name] = _type(name, seen)
        if not any(getattr(evidence, "seen", True) for _, evidence in seen):
            empty.add(name)
    return Union(pa.schema([pa.field(name, type) for name, type in types.items()]), frozenset(empty))


def fit(
    rows: pa.RecordBatch, schema: pa.Schema, where: str, given: Mapping[str, pa.Scalar] | None = None
) -> pa.RecordBatch:
    """The rows in another schema: columns in its order, cast exactly, absent ones from `given`, else null.

    Raises DataError naming the column when a value does not survive."""
    if rows.schema.equals(schema):
        return rows
    arrays = [_column(rows, field, given or {}, where) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def one_text(schema: pa.Schema) -> pa.Schema:
    """The schema with one type of text: the large one marks, while JSON is read, values of no one type."""
    return pa.schema([field.with_type(_one_text(field.type)) for field in schema])


def _one_text(type: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(type):
        return pa.string()
    if pa.types.is_list(type):
        return pa.list_(type.value_field.with_type(_one_text(type.value_type)))
    if pa.types.is_struct(type):
        return pa.struct([field.with_type(_one_text(field.type)) for field in type])
    return type


def holds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Whether every value of `narrow` is one of `wide`."""
    if wide == narrow:
        return True
    try:
        return way(narrow, Stored(wide))[0] is Way.EXACT
    except Refused:
        return False


def _type(name: str, seen: Sequence[tuple[str, Evidence]]) -> pa.DataType:
    if all(getattr(evidence, "declared", False) for _, evidence in seen):
        types: dict[pa.DataType, str] = {}
        for file, evidence in seen:
            types.setdefault(plain_type(evidence.type()), file)
        return _widest(name, types)
    merged = seen[0][1]
    for _, evidence in seen[1:]:
        merged = merged.merge(evidence)
    return merged.type()


def _widest(name: str, types: Mapping[pa.DataType, str]) -> pa.DataType:
    for wide in types:
        if all(holds(wide, narrow) for narrow in types):
            return wide
    first, second = next((one, two) for one in types for two in types if not holds(one, two) and not holds(two, one))
    raise DataError(
        f"column {name} is {textform.type_name(second)} here, but {textform.type_name(first)} in {types[first]}",
        where=types[second],
        todo=f"give the column one type for all files (types: {name}), or read the files apart",
        code="columns-differ",
    )


def _column(rows: pa.RecordBatch, field: pa.Field, given: Mapping[str, pa.Scalar], where: str) -> pa.Array:
    at = rows.schema.get_field_index(field.name)
    if at < 0:
        value = given.get(field.name)
        return pa.nulls(len(rows), field.type) if value is None else pa.repeat(value, len(rows))
    values = rows.column(at)
    if values.type == field.type:
        return values
    done = cast(values, values.type, field.type)
    if len(done.bad):
        raise DataError(
            f"column {field.name}: {textform.type_name(values.type)} does not become "
            f"{textform.type_name(field.type)} without loss",
            where=where,
            code="columns-differ",
        )
    return done.values
