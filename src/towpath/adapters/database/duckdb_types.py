"""DuckDB's column types: what it keeps for each Arrow type, and how each of its own is read without loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa

from towpath.duckdb_values import NESTED
from towpath.duckdb_values import literal as literal
from towpath.duckdb_values import quote as quote
from towpath.duckdb_values import whole_where as value_whole_where
from towpath.errors import Refused
from towpath.nouns import Stored

_TEXT = Stored(pa.string(), "VARCHAR")

REFUSES = frozenset({"twins", "endless"})
"""A map's keys are different ones; the ends of int32 days and int64 microseconds and nanoseconds are infinities."""

_NATIVE = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.time64("us"): "TIME",
    pa.time64("ns"): "TIME_NS",
    pa.timestamp("s"): "TIMESTAMP_S",
    pa.timestamp("ms"): "TIMESTAMP_MS",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("ns"): "TIMESTAMP_NS",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
}

# The ids of DuckDB's types whose Arrow form holds every value. All others are read as text: UHUGEINT comes out of Arrow
# with wrong digits, TIMETZ without its zone, INTERVAL, BIT, UNION and the like in forms of DuckDB's own.
_WHOLE = {
    "boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint",
    "float", "double", "decimal", "varchar", "blob", "date", "time", "time_ns",
    "timestamp_s", "timestamp_ms", "timestamp", "timestamp_ns", "timestamp with time zone", "timestamptz_ns", "null",
}  # fmt: skip


def kept(type: Any) -> Stored:
    """What a new column keeps for an Arrow type, and the values that it refuses."""
    return replace(stored(type), refuses=REFUSES)


def stored(type: Any) -> Stored:
    """The type of a new column: the same where DuckDB has it, the next wider one, or text."""
    if isinstance(type, pa.BaseExtensionType):
        return stored(type.storage_type)
    if pa.types.is_dictionary(type) or pa.types.is_run_end_encoded(type):
        return stored(type.value_type)
    if type in _NATIVE:
        return Stored(type, _NATIVE[type])
    if pa.types.is_decimal(type):
        return _decimal(type)
    for test, kept in _NARROWED:
        if test(type):
            return Stored(kept, _NATIVE[kept])
    if pa.types.is_nested(type):
        return _nested(type)
    return _TEXT


def _decimal(type: Any) -> Stored:
    whole = max(type.precision - type.scale, 0)
    scale = max(type.scale, 0)
    if whole + scale > 38:
        return _TEXT
    kept = pa.decimal128(max(whole + scale, 1), scale)
    return Stored(kept, f"DECIMAL({kept.precision},{kept.scale})")


def _nested(type: Any) -> Stored:
    if pa.types.is_struct(type):
        fields = [(field.name, stored(field.type)) for field in (type.field(at) for at in range(type.num_fields))]
        if not fields or len({name.casefold() for name, _ in fields}) < len(fields) or "" in dict(fields):
            raise Refused(
                f"DuckDB has no column type for {type}",
                todo="name its fields, each differently, or cast it to text",
                code="type-impossible",
            )
        inside = ", ".join(f"{quote(name)} {kept.native}" for name, kept in fields)
        return Stored(pa.struct([(name, kept.type) for name, kept in fields]), f"STRUCT({inside})")
    if pa.types.is_map(type):
        key, item = stored(type.key_type), stored(type.item_type)
        return Stored(pa.map_(key.type, item.type), f"MAP({key.native}, {item.native})")
    if pa.types.is_union(type):
        raise Refused(f"DuckDB has no column type for {type}", todo="cast the column before", code="type-impossible")
    child = stored(type.value_type)
    return Stored(pa.list_(child.type), f"{child.native}[]")


_NARROWED: tuple[tuple[Callable[[Any], bool], pa.DataType], ...] = (
    (pa.types.is_float16, pa.float32()),
    (lambda type: pa.types.is_large_string(type) or pa.types.is_string_view(type), pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_date64, pa.date32()),
    (pa.types.is_time, pa.time64("us")),
    (lambda type: pa.types.is_timestamp(type) and type.tz is not None, pa.timestamp("us", "UTC")),
)


def plain(type: Any) -> pa.DataType:
    """The stream's form of a type that DuckDB gave: instants in UTC, lists under Arrow's own names."""
    if pa.types.is_timestamp(type) and type.tz is not None:
        return pa.timestamp(type.unit, "UTC")
    if pa.types.is_struct(type):
        return pa.struct(
            [(field.name, plain(field.type)) for field in (type.field(at) for at in range(type.num_fields))]
        )
    if pa.types.is_map(type):
        return pa.map_(plain(type.key_type), plain(type.item_type))
    if pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type):
        return pa.list_(plain(type.value_type))
    return type


def whole(type: Any) -> bool:
    """Whether the Arrow form of a DuckDB type holds every value that the type has."""
    if type.id in NESTED:
        return all(whole(child) for name, child in type.children if name != "size")
    return type.id in _WHOLE


def whole_where(column: str, type: Any) -> str:
    """The condition under which each value of a column may be read as it is; empty where none is needed, or none is
    enough."""
    return value_whole_where(column, type) if type.id == "hugeint" or whole(type) else ""


def as_text(column: str, type: Any) -> str:
    """The SQL that reads a column as text which tells all its values apart (`column` is quoted)."""
    tagged = type.id in NESTED or type.id == "union"
    return f"cast(to_json({column}) as varchar)" if tagged else f"cast({column} as varchar)"
