"""Hostile lists, structs and maps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from towpath.conformance.hostile import Hostile


def columns() -> list[Hostile]:
    return [*_lists(), *_structs(), *_maps(), *_deep()]


def _lists() -> list[Hostile]:
    numbers: list[Any] = [[1, None, -(2**63)], [], None, [None], [2**63 - 1]]
    odd = [[float("inf"), float("-inf")], [float("nan"), -0.0, None], [0.0], None]
    whole = pa.array([[9], [1, 2], None, [], [3], [9]])
    hidden = pa.ListArray.from_arrays(
        pa.array([0, 2, 4, 4], pa.int32()), pa.array([1, 2, 3, 4]), mask=pa.array([False, True, False])
    )
    return [
        Hostile("list", pa.array(numbers, pa.list_(pa.int64())), "empty, null, and null within"),
        Hostile("list_text", pa.array([["", None, "null", "a,b"], [], None, ['"', "\\", "\n"]]), "texts in lists"),
        Hostile("list_float", pa.array(odd), "infinities, NaN and -0.0 in lists"),
        Hostile("list_float32", pa.array([[0.1, 16777217.0], None], pa.list_(pa.float32())), "singles in lists"),
        Hostile(
            "list_decimal",
            pa.array([[Decimal("0.10"), None], []], pa.list_(pa.decimal128(38, 18))),
            "decimals in lists",
        ),
        Hostile("list_binary", pa.array([[b"\xff\0", b"", None], []], pa.list_(pa.binary())), "bytes in lists"),
        Hostile("list_uint64", pa.array([[2**64 - 1, 0], None], pa.list_(pa.uint64())), "large integers in lists"),
        Hostile("list_date", pa.array([[date(1, 1, 1), None, date(9999, 12, 31)]]), "dates in lists"),
        Hostile("list_null", pa.array([[None, None], [], None], pa.list_(pa.null())), "lists of nothing but null"),
        Hostile("list_all_null", pa.array([None, None], pa.list_(pa.int64())), "all null"),
        Hostile("list_large", pa.array(numbers, pa.large_list(pa.int64())), "offsets of 64 bits"),
        Hostile("list_fixed", pa.array([[1, 2], None, [None, 3]], pa.list_(pa.int32(), 2)), "a fixed size"),
        Hostile("list_view", pa.array(numbers, pa.list_view(pa.int64())), "views"),
        Hostile("list_sliced", whole.slice(1, 4), "a slice of lists"),
        Hostile("list_hidden", hidden, "elements beneath a null"),
        Hostile(
            "list_dictionary",
            pa.array([["a", "b"], None, ["a"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
            "a dictionary in lists",
        ),
    ]


def _structs() -> list[Hostile]:
    pair = pa.struct([("a", pa.int32()), ("b", pa.string())])
    names = pa.struct(
        [("", pa.int8()), ("a.b", pa.int8()), ("Id", pa.int8()), ('say "so"', pa.int8()), ("order", pa.int8())]
    )
    sure = pa.struct([pa.field("a", pa.int32(), nullable=False), ("b", pa.string())])
    hidden = pa.StructArray.from_arrays(
        [pa.array([1, 2, 3]), pa.array(["x", "y", "z"])], names=["a", "b"], mask=pa.array([False, True, False])
    )
    return [
        Hostile(
            "struct", pa.array([{"a": 1, "b": ""}, None, {"a": None, "b": None}], pair), "null beside a struct of nulls"
        ),
        Hostile(
            "struct_names",
            pa.array([{"": 1, "a.b": 2, "Id": 3, 'say "so"': 4, "order": 5}, None], names),
            "hostile names",
        ),
        Hostile(
            "struct_case",
            pa.array([{"id": 1, "ID": 2}], pa.struct([("id", pa.int8()), ("ID", pa.int8())])),
            "names but for case",
        ),
        Hostile("struct_sure", pa.array([{"a": 1, "b": None}, None], sure), "a field that is never null"),
        Hostile("struct_empty", pa.array([{}, None, {}], pa.struct([])), "no fields"),
        Hostile("struct_all_null", pa.array([None, None], pair), "all null"),
        Hostile("struct_hidden", hidden, "values beneath a null"),
        Hostile("struct_null", pa.array([{"n": None}, None], pa.struct([("n", pa.null())])), "a field without a type"),
        Hostile(
            "struct_float",
            pa.array([{"f": float("inf")}, {"f": float("nan")}, {"f": -0.0}, {"f": None}]),
            "odd floats in structs",
        ),
    ]


def _maps() -> list[Hostile]:
    words = pa.map_(pa.string(), pa.string())
    days = pa.map_(pa.date32(), pa.list_(pa.int8()))
    return [
        Hostile("map", pa.array([[("a", "1"), ("b", None)], [], None, [("", "")]], words), "null values, an empty key"),
        Hostile(
            "map_double",
            pa.array([[("a", "1"), ("a", "2")], [("a", "1")], [("a", "1"), ("a", "1")]], words),
            "a key twice",
        ),
        Hostile(
            "map_order", pa.array([[("b", "1"), ("a", "2")], [("a", "2"), ("b", "1")]], words), "keys out of order"
        ),
        Hostile(
            "map_integers",
            pa.array([[(2**63 - 1, 0.1), (-1, None)], None], pa.map_(pa.int64(), pa.float64())),
            "keys that are no text",
        ),
        Hostile("map_dates", pa.array([[(date(2024, 2, 29), [1, None])], []], days), "dates as keys, lists as values"),
        Hostile("map_all_null", pa.array([None, None], words), "all null"),
    ]


def _deep() -> list[Hostile]:
    order = pa.struct(
        [("lines", pa.list_(pa.struct([("sku", pa.string()), ("tags", pa.map_(pa.string(), pa.list_(pa.int32())))])))]
    )
    orders: list[Any] = [
        {"lines": [{"sku": "00501", "tags": [("a", [1, None]), ("b", [])]}, {"sku": None, "tags": None}, None]},
        {"lines": []},
        {"lines": None},
        None,
    ]
    times = pa.list_(
        pa.struct([("at", pa.timestamp("ns", "Europe/Paris")), ("for", pa.duration("ns")), ("t", pa.time64("ns"))])
    )
    moment = {"at": np.int64(10**18 + 1), "for": np.int64(-1), "t": np.int64(86_399_999_999_999)}
    stored = pa.list_(pa.struct([("at", pa.int64()), ("for", pa.int64()), ("t", pa.int64())]))
    moments = _viewed(pa.array([[moment], [], None], stored), times)
    return [
        Hostile(
            "list_list",
            pa.array([[[1], [], None], [], None, [[None]], [None]], pa.list_(pa.list_(pa.int16()))),
            "empty and null, twice",
        ),
        Hostile("nested_thrice", pa.array(orders, order), "a struct of lists of structs of maps of lists"),
        Hostile("nested_times", moments, "nanoseconds within lists of structs"),
        Hostile("union", _union(), "a union, which few systems know"),
    ]


def _viewed(values: Any, type: Any) -> pa.Array:
    """Lists of structs of int64 as lists of structs of times."""
    parts = [child.view(type.value_type.field(number).type) for number, child in enumerate(values.values.flatten())]
    structs = pa.StructArray.from_arrays(parts, fields=list(type.value_type))
    return pa.ListArray.from_arrays(values.offsets, structs, type=type, mask=values.is_null())


def _union() -> pa.Array:
    kinds = pa.array([0, 1, 0], pa.int8())
    return pa.UnionArray.from_sparse(kinds, [pa.array([1, 2, None]), pa.array(["a", "b", "c"])])
