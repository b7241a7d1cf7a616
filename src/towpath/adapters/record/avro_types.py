"""Avro's types in Arrow's: each holds exactly what the other does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pyarrow as pa

from towpath.errors import Refused

_PRIMITIVE = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
}
_LOGICAL = {
    ("int", "date"): pa.date32(),
    ("int", "time-millis"): pa.time32("ms"),
    ("long", "time-micros"): pa.time64("us"),
    ("long", "timestamp-millis"): pa.timestamp("ms", tz="UTC"),
    ("long", "timestamp-micros"): pa.timestamp("us", tz="UTC"),
    ("long", "timestamp-nanos"): pa.timestamp("ns", tz="UTC"),
    ("long", "local-timestamp-millis"): pa.timestamp("ms"),
    ("long", "local-timestamp-micros"): pa.timestamp("us"),
    ("long", "local-timestamp-nanos"): pa.timestamp("ns"),
}
_DIGITS = 38


def arrow_type(avro: Any) -> pa.DataType:
    """The Arrow type of a parsed Avro type. Raises Refused for a union of several types, and for a type within
    itself."""
    if isinstance(avro, list):
        return _union(avro)
    if isinstance(avro, str):
        if avro not in _PRIMITIVE:
            raise Refused(
                f"the type {avro} is used by its name, and may hold itself",
                todo="write it out where it is used",
                code="type-impossible",
            )
        return _PRIMITIVE[avro]
    kind = avro["type"]
    if isinstance(kind, (dict, list)):
        return arrow_type(kind)
    if avro.get("logicalType") == "decimal" and kind in ("bytes", "fixed"):
        digits = avro["precision"]
        made = pa.decimal128 if digits <= _DIGITS else pa.decimal256
        return made(digits, avro.get("scale", 0))
    if (kind, avro.get("logicalType")) in _LOGICAL:
        return _LOGICAL[kind, avro["logicalType"]]
    if kind == "record":
        return pa.struct([pa.field(one["name"], arrow_type(one["type"])) for one in avro["fields"]])
    if kind == "array":
        return pa.list_(arrow_type(avro["items"]))
    if kind == "map":
        return pa.map_(pa.string(), arrow_type(avro["values"]))
    return pa.binary(avro["size"]) if kind == "fixed" else arrow_type(kind)


def _union(members: list[Any]) -> pa.DataType:
    others = [one for one in members if one != "null"]
    if len(others) != 1:
        raise Refused(
            f"a union of {len(others)} types has no column type",
            todo="a field may be of one type, or of that and null",
            code="type-impossible",
        )
    return arrow_type(others[0])


def physical(type: pa.DataType) -> pa.DataType:
    """The type with integers for times, as Avro's bytes have them. Decimals stay."""
    is_ = pa.types
    if is_.is_struct(type):
        fields = [type.field(number) for number in range(type.num_fields)]
        return pa.struct([one.with_type(physical(one.type)) for one in fields])
    if is_.is_map(type):
        return pa.map_(type.key_type, physical(type.item_type))
    if is_.is_list(type):
        return pa.list_(physical(type.value_type))
    if is_.is_date32(type) or is_.is_time32(type):
        return pa.int32()
    return pa.int64() if is_.is_time64(type) or is_.is_timestamp(type) else type


def plain(avro: Any, numbers: Iterator[int] | None = None) -> Any:
    """The schema without logical types but decimals, so that values are read and written as they stand in the bytes;
    maps are arrays of their entries (`key`, `value`), which are the same bytes and can hold a key twice. Source: the
    specification of Avro, "Maps" and "Arrays" of its binary encoding."""
    numbers = count() if numbers is None else numbers
    if isinstance(avro, list):
        return [plain(one, numbers) for one in avro]
    if not isinstance(avro, dict):
        return avro
    if avro["type"] == "map":
        fields = [{"name": "key", "type": "string"}, {"name": "value", "type": plain(avro["values"], numbers)}]
        return {
            "type": "array",
            "items": {"type": "record", "name": f"towpath.entry_{next(numbers)}", "fields": fields},
        }
    left_out = {"__fastavro_parsed__", "__named_schemas__"}
    if avro.get("logicalType") != "decimal":
        left_out.add("logicalType")
    kept = {name: value for name, value in avro.items() if name not in left_out}
    made = {name: plain(value, numbers) if name in ("type", "items") else value for name, value in kept.items()}
    if "fields" in made:
        made["fields"] = [plain(one, numbers) for one in made["fields"]]
    return made
