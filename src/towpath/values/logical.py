"""Logical kinds: what a value means whatever type stores it; and plain arrays, taken apart and built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import Refused


class Kind(StrEnum):
    """What the values of a type mean. Types of one kind differ only in width, unit, precision or layout."""

    NULL = "null"
    BOOL = "bool"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"
    LOCAL = "local time"
    INSTANT = "instant"
    DURATION = "duration"
    INTERVAL = "interval"
    LIST = "list"
    STRUCT = "struct"
    MAP = "map"


Test = Callable[[pa.DataType], bool]

_TESTS: tuple[tuple[Kind, Sequence[Test]], ...] = (
    (Kind.NULL, (pa.types.is_null,)),
    (Kind.BOOL, (pa.types.is_boolean,)),
    (Kind.INTEGER, (pa.types.is_integer,)),
    (Kind.DECIMAL, (pa.types.is_decimal,)),
    (Kind.FLOAT, (pa.types.is_floating,)),
    (Kind.TEXT, (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)),
    (
        Kind.BYTES,
        (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_fixed_size_binary,
            pa.types.is_binary_view,
        ),
    ),
    (Kind.DATE, (pa.types.is_date,)),
    (Kind.TIME, (pa.types.is_time,)),
    (Kind.LOCAL, (lambda of: pa.types.is_timestamp(of) and of.tz is None,)),
    (Kind.INSTANT, (pa.types.is_timestamp,)),
    (Kind.DURATION, (pa.types.is_duration,)),
    (Kind.INTERVAL, (lambda of: of == pa.month_day_nano_interval(),)),
    (
        Kind.LIST,
        (
            pa.types.is_list,
            pa.types.is_large_list,
            pa.types.is_fixed_size_list,
            pa.types.is_list_view,
            pa.types.is_large_list_view,
        ),
    ),
    (Kind.STRUCT, (pa.types.is_struct,)),
    (Kind.MAP, (pa.types.is_map,)),
)


def kind(type: pa.DataType) -> Kind:
    """The kind of a type. Raises Refused for one that no other system has (unions, decimals of odd scale)."""
    bare = plain_type(type)
    for found, tests in _TESTS:
        if any(test(bare) for test in tests):
            _check(found, bare)
            return found
    raise Refused(
        f"values of the Arrow type {type} cannot be moved",
        todo="leave the column out or cast it before",
        code="type-impossible",
    )


def _check(found: Kind, type: Any) -> None:
    if found is Kind.DECIMAL and not 0 <= type.scale <= type.precision:
        raise Refused(
            f"{type} has a scale outside 0 to its precision",
            todo="cast it to a decimal with more digits",
            code="type-impossible",
        )
    if found is Kind.STRUCT and len({field.name for field in type}) != type.num_fields:
        raise Refused(f"{type} has two fields of one name", todo="rename one of them", code="type-impossible")


def fields(type: Any) -> list[pa.Field]:
    """A struct type's fields, in their order."""
    return [type.field(number) for number in range(type.num_fields)]


def plain_type(type: Any) -> pa.DataType:
    """The type without dictionaries, run ends, extensions and views, also inside lists, structs and maps."""
    if isinstance(type, pa.BaseExtensionType):
        return plain_type(type.storage_type)
    if pa.types.is_dictionary(type) or pa.types.is_run_end_encoded(type):
        return plain_type(type.value_type)
    if pa.types.is_string_view(type):
        return pa.string()
    if pa.types.is_binary_view(type):
        return pa.binary()
    if pa.types.is_struct(type):
        return pa.struct([field.with_type(plain_type(field.type)) for field in fields(type)])
    if pa.types.is_map(type):
        key, item = type.key_field, type.item_field
        return pa.map_(key.with_type(plain_type(key.type)), item.with_type(plain_type(item.type)))
    if pa.types.is_nested(type) and not pa.types.is_union(type):
        field = type.value_field.with_type(plain_type(type.value_type))
        if pa.types.is_fixed_size_list(type):
            return pa.list_(field, type.list_size)
        return pa.large_list(field) if "large" in str(type).partition("<")[0] else pa.list_(field)
    return type


def with_scalars(type: Any, change: Callable[[Any], pa.DataType]) -> pa.DataType:
    """A plain type with each scalar type, however deep, as `change` has it."""
    if pa.types.is_struct(type):
        return pa.struct([field.with_type(with_scalars(field.type, change)) for field in fields(type)])
    if pa.types.is_map(type):
        key, item = type.key_field, type.item_field
        parts = (one.with_type(with_scalars(one.type, change)) for one in (key, item))
        return pa.map_(*parts)
    if kind(type) is Kind.LIST:
        field = type.value_field.with_type(with_scalars(type.value_type, change))
        if pa.types.is_fixed_size_list(type):
            return pa.list_(field, type.list_size)
        return pa.large_list(field) if pa.types.is_large_list(type) else pa.list_(field)
    return change(type)


def plain(values: pa.Array) -> pa.Array:
    """The same values as an array of `plain_type(values.type)`."""
    bare = plain_type(values.type)
    if bare == values.type:
        return values
    if isinstance(values, pa.ExtensionArray):
        return plain(values.storage)
    if pa.types.is_dictionary(values.type):
        # Arrow takes no values from a dictionary of views, which polars gives for its categories.
        words = plain(values.dictionary)
        return words.take(values.indices)
    if pa.types.is_run_end_encoded(values.type):
        return plain(pc.run_end_decode(values))
    if pa.types.is_struct(bare):
        return build_struct(bare, [plain(child) for child in values.flatten()], nulls(values))
    if pa.types.is_nested(bare):
        child, lengths = elements(values)
        return build_list(bare, plain(child), lengths, nulls(values))
    return pc.cast(values, bare)


def nulls(values: pa.Array) -> np.ndarray:
    """Which rows are null, as a boolean array."""
    return np.asarray(values.is_null())


def lost(before: pa.Array, after: pa.Array) -> np.ndarray:
    """The ascending numbers of the rows that are null only afterwards."""
    return np.flatnonzero(nulls(after) & ~nulls(before))


def elements(values: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """The elements of all lists (entries of all maps, as structs of `key` and `value`) in one array, and how
    many of them each row has. Null rows have none."""
    if pa.types.is_map(values.type):
        values = _entries(values)
    lengths = pc.fill_null(pc.list_value_length(values), 0)
    return pc.list_flatten(values), np.asarray(lengths, np.int64)


def _entries(values: Any) -> pa.Array:
    """A map array as lists of its entries, over the same buffers: Arrow's own cast breaks nulls of nested types."""
    entries = pa.StructArray.from_arrays([values.keys, values.items], names=["key", "value"])
    buffers = values.buffers()[:2]
    return pa.Array.from_buffers(pa.list_(entries.type), len(values), buffers, -1, values.offset, [entries])


def build_list(type: Any, child: pa.Array, lengths: np.ndarray, null: np.ndarray) -> pa.Array:
    """An array of a list or map type from what `elements` gives. Lists of a fixed size must have it."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    mask = pa.array(null)
    if pa.types.is_fixed_size_list(type):
        slots = np.flatnonzero(np.repeat(~null, type.list_size))
        index = np.zeros(len(null) * type.list_size, np.int64)
        index[slots] = np.arange(len(child))
        child = child.take(pa.array(index, mask=np.repeat(null, type.list_size)))
        return pa.FixedSizeListArray.from_arrays(child, type=type, mask=mask)
    if pa.types.is_map(type):
        keys, items = child.flatten()
        return pa.MapArray.from_arrays(offsets, keys, items, type=type, mask=mask)
    if pa.types.is_large_list(type):
        return pa.LargeListArray.from_arrays(offsets, child, type=type, mask=mask)
    return pa.ListArray.from_arrays(offsets, child, type=type, mask=mask)


def build_struct(type: Any, children: list[pa.Array], null: np.ndarray) -> pa.Array:
    """An array of a struct type from its fields' arrays, in the type's order."""
    if not children:
        rows: list[Any] = [None if row else {} for row in null]
        return pa.array(rows, type)
    return pa.StructArray.from_arrays(children, fields=fields(type), mask=pa.array(null))


def without(values: pa.Array, rows: np.ndarray) -> pa.Array:
    """The values with null in the given rows."""
    if len(rows) == 0:
        return values
    gone = np.zeros(len(values), bool)
    gone[rows] = True
    return values.take(pa.array(np.arange(len(values)), mask=gone))


def with_rows(values: pa.Array, rows: np.ndarray, others: pa.Array) -> pa.Array:
    """The values with those of `others`, in order, in the given rows."""
    if len(rows) == 0:
        return values
    index = np.arange(len(values))
    index[rows] = len(values) + np.arange(len(rows))
    return pa.concat_arrays([values, others]).take(pa.array(index))
