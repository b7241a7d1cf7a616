"""What types mean, and arrays taken apart and built again without a value or a null moving."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from towpath.errors import Refused
from towpath.values.logical import (
    Kind,
    build_list,
    build_struct,
    elements,
    fields,
    kind,
    lost,
    nulls,
    plain,
    plain_type,
    with_rows,
    with_scalars,
    without,
)

WORDS = pa.dictionary(pa.int8(), pa.string())
ENDS = pa.run_end_encoded(pa.int32(), pa.int64())
UUID = pa.uuid()
UNION = pa.sparse_union([pa.field("a", pa.int8()), pa.field("b", pa.string())])
NEEDED = pa.field("needed", pa.string(), nullable=False)
KINDS: dict[Kind, list[pa.DataType]] = {
    Kind.NULL: [pa.null()],
    Kind.BOOL: [pa.bool_()],
    Kind.INTEGER: [pa.int8(), pa.uint64(), ENDS],
    Kind.DECIMAL: [pa.decimal32(3, 3), pa.decimal64(4, 0), pa.decimal128(38, 10), pa.decimal256(60, 7)],
    Kind.FLOAT: [pa.float16(), pa.float64()],
    Kind.TEXT: [pa.string(), pa.large_string(), pa.string_view(), WORDS],
    Kind.BYTES: [pa.binary(), pa.large_binary(), pa.binary(3), pa.binary_view(), UUID],
    Kind.DATE: [pa.date32(), pa.date64()],
    Kind.TIME: [pa.time32("s"), pa.time64("ns")],
    Kind.LOCAL: [pa.timestamp("us")],
    Kind.INSTANT: [pa.timestamp("s", "UTC"), pa.timestamp("ns", "Europe/Paris")],
    Kind.DURATION: [pa.duration("ms")],
    Kind.INTERVAL: [pa.month_day_nano_interval()],
    Kind.LIST: [
        pa.list_(pa.int8()),
        pa.large_list(pa.int8()),
        pa.list_(pa.int8(), 2),
        pa.list_view(pa.int8()),
        pa.large_list_view(pa.int8()),
    ],
    Kind.STRUCT: [pa.struct([]), pa.struct([("a", pa.int8()), ("b", pa.int8())])],
    Kind.MAP: [pa.map_(pa.string(), pa.int8())],
}


@pytest.mark.parametrize(("type", "expected"), [(type, found) for found, types in KINDS.items() for type in types])
def test_each_type_is_of_one_kind_however_it_is_laid_out(type: pa.DataType, expected: Kind) -> None:
    assert kind(type) is expected


@pytest.mark.parametrize(
    ("type", "words"),
    [
        (UNION, "cannot be moved"),
        (pa.decimal128(3, -1), "scale outside"),
        (pa.decimal128(3, 4), "scale outside"),
        (pa.struct([("a", pa.int8()), ("b", pa.int8()), ("a", pa.string())]), "two fields of one name"),
    ],
)
def test_a_type_that_no_other_system_has_is_refused(type: pa.DataType, words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        kind(type)
    assert str(type) in str(caught.value)


@pytest.mark.parametrize(
    ("type", "bare"),
    [
        (pa.int8(), pa.int8()),
        (UNION, UNION),
        (UUID, pa.binary(16)),
        (WORDS, pa.string()),
        (pa.dictionary(pa.int8(), pa.string_view()), pa.string()),
        (ENDS, pa.int64()),
        (pa.string_view(), pa.string()),
        (pa.binary_view(), pa.binary()),
        (pa.struct([("a", WORDS), NEEDED]), pa.struct([("a", pa.string()), NEEDED])),
        (pa.map_(WORDS, ENDS), pa.map_(pa.string(), pa.int64())),
        (
            pa.map_(pa.string(), pa.field("value", WORDS, nullable=False)),
            pa.map_(pa.string(), pa.field("value", pa.string(), nullable=False)),
        ),
        (pa.list_(WORDS), pa.list_(pa.string())),
        (pa.list_(pa.field("needed", WORDS, nullable=False)), pa.list_(NEEDED)),
        (pa.list_(WORDS, 2), pa.list_(pa.string(), 2)),
        (pa.large_list(WORDS), pa.large_list(pa.string())),
        (pa.list_view(WORDS), pa.list_(pa.string())),
        (pa.large_list_view(WORDS), pa.large_list(pa.string())),
        (pa.list_(pa.large_string()), pa.list_(pa.large_string())),
        (pa.list_view(pa.large_list(pa.int8())), pa.list_(pa.large_list(pa.int8()))),
        (pa.list_(pa.list_view(UUID)), pa.list_(pa.list_(pa.binary(16)))),
    ],
)
def test_a_plain_type_says_the_same_without_its_layout(type: pa.DataType, bare: pa.DataType) -> None:
    assert plain_type(type).equals(bare, check_metadata=True)
    assert str(plain_type(type)) == str(bare)  # equality passes over the names within lists and maps


@pytest.mark.parametrize(
    ("type", "changed"),
    [
        (pa.int8(), pa.float32()),
        (pa.struct([("a", pa.int8()), NEEDED]), pa.struct([("a", pa.float32()), NEEDED.with_type(pa.float32())])),
        (pa.map_(pa.int8(), pa.list_(pa.int8())), pa.map_(pa.float32(), pa.list_(pa.float32()))),
        (pa.list_(NEEDED), pa.list_(NEEDED.with_type(pa.float32()))),
        (pa.list_(pa.int8(), 2), pa.list_(pa.float32(), 2)),
        (pa.large_list(pa.struct([("a", pa.int8())])), pa.large_list(pa.struct([("a", pa.float32())]))),
    ],
)
def test_the_scalars_within_a_type_are_changed_and_nothing_around_them(type: pa.DataType, changed: pa.DataType) -> None:
    asked = []

    def change(scalar: pa.DataType) -> pa.DataType:
        asked.append(scalar)
        return pa.float32()

    assert str(with_scalars(type, change)) == str(changed)
    assert set(asked) <= {pa.int8(), pa.string()}


def dictionary(words: list[str | None], type: pa.DataType | None = None) -> pa.Array:
    return pa.array(words, type or pa.string()).dictionary_encode()


def structs() -> pa.Array:
    parts = [dictionary(["x", None, "y", "x"]), pa.array([1, 2, None, 4])]
    return pa.StructArray.from_arrays(parts, names=["w", "n"], mask=pa.array([False, False, False, True]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (dictionary(["x", None, "y", "x"]), ["x", None, "y", "x"]),
        (
            pa.DictionaryArray.from_arrays(pa.array([1, None, 0]), pa.array(["x", "y"], pa.string_view())),
            ["y", None, "x"],
        ),
        (pa.RunEndEncodedArray.from_arrays([2, 3], [7, None]), [7, 7, None]),
        (pa.array([b"0123456789abcdef", None], UUID), [b"0123456789abcdef", None]),
        (pa.array(["x", None], pa.string_view()), ["x", None]),
        (structs(), [{"w": "x", "n": 1}, {"w": None, "n": 2}, {"w": "y", "n": None}, None]),
        (structs()[2:], [{"w": "y", "n": None}, None]),
        (pa.array([["x"], None, [], ["y", None]], pa.list_(pa.string_view())), [["x"], None, [], ["y", None]]),
        (pa.array([["x"], None, ["y", "z"]], pa.list_view(pa.string())), [["x"], None, ["y", "z"]]),
        (pa.array([["x"], None, ["y", "z"]], pa.large_list_view(pa.string()))[1:], [None, ["y", "z"]]),
        (pa.array([["x", "y"], None, [None, "z"]], pa.list_(pa.string_view(), 2)), [["x", "y"], None, [None, "z"]]),
        (
            pa.array([[("k", "x")], None, [], [("k", None), ("l", "y")]], pa.map_(pa.string(), pa.string_view())),
            [[("k", "x")], None, [], [("k", None), ("l", "y")]],
        ),
    ],
)
def test_a_plain_array_has_the_same_values(values: pa.Array, expected: list[Any]) -> None:
    made = plain(values)
    made.validate(full=True)
    assert made.type == plain_type(values.type)
    assert made.to_pylist() == expected
    assert plain(made) is made


def test_the_rows_that_became_null_are_told_from_those_that_were() -> None:
    before, after = pa.array([1, None, 3, 4]), pa.array([None, None, 3, None])
    assert nulls(before).tolist() == [False, True, False, False]
    assert lost(before, after).tolist() == [0, 3]


LISTS = [
    pa.list_(pa.int8()),
    pa.large_list(pa.int8()),
    pa.list_view(pa.int8()),
    pa.list_(NEEDED.with_type(pa.int8())),
    pa.large_list(NEEDED.with_type(pa.int8())),
]


@pytest.mark.parametrize("type", LISTS)
def test_lists_are_taken_apart_and_built_again(type: pa.DataType) -> None:
    rows = [[9], [1, 2], None, [], [3]]
    child, lengths = elements(pa.array(rows, type)[1:])
    assert (child.to_pylist(), lengths.tolist(), lengths.dtype) == ([1, 2, 3], [2, 0, 0, 1], np.dtype(np.int64))
    made = build_list(plain_type(type), child, lengths, np.array([False, True, False, False]))
    made.validate(full=True)
    assert str(made.type) == str(plain_type(type))
    assert made.to_pylist() == rows[1:]


def test_lists_of_a_fixed_size_have_room_where_they_are_null() -> None:
    type = pa.list_(NEEDED.with_type(pa.int8()), 2)
    rows = [None, [1, 2], None, [3, 4]]
    child, lengths = elements(pa.array(rows, type))
    assert (child.to_pylist(), lengths.tolist()) == ([1, 2, 3, 4], [0, 2, 0, 2])
    made = build_list(type, child, lengths, np.array([True, False, True, False]))
    assert (made.type, made.to_pylist()) == (type, rows)
    loose = build_list(pa.list_(pa.int8(), 2), child, lengths, np.array([True, False, True, False]))
    loose.validate(full=True)
    assert loose.flatten().null_count == 0
    assert loose.values.to_pylist() == [None, None, 1, 2, None, None, 3, 4]


def test_maps_are_taken_apart_into_entries_and_built_again() -> None:
    type = pa.map_(pa.string(), pa.list_(pa.null()))
    rows = [[("z", [])], [("a", [None]), ("b", None)], None, [], [("c", [None, None])]]
    values = pa.array(rows, type)[1:]
    child, lengths = elements(values)
    child.validate(full=True)
    entries = [{"key": "a", "value": [None]}, {"key": "b", "value": None}, {"key": "c", "value": [None, None]}]
    assert (child.to_pylist(), lengths.tolist()) == (entries, [2, 0, 0, 1])
    made = build_list(type, child, lengths, nulls(values))
    made.validate(full=True)
    assert (made.type, made.to_pylist()) == (type, rows[1:])


@pytest.mark.parametrize("rows", [[[("a", "x")], [("b", "y"), ("a", "z")], []], [None, None, [("a", "x")]]])
def test_a_map_stays_of_its_type_with_few_nulls_or_many(rows: list[Any]) -> None:
    type = pa.map_(pa.string(), pa.field("value", pa.string(), nullable=False))
    values = pa.array(rows, type)
    child, lengths = elements(values)
    made = build_list(type, child, lengths, nulls(values))
    made.validate(full=True)
    assert (made.type, made.type.item_field, made.to_pylist()) == (type, type.item_field, rows)


@pytest.mark.parametrize("type", [pa.struct([]), pa.struct([("a", pa.int8()), NEEDED])])
def test_structs_are_built_of_their_fields(type: Any) -> None:
    parts = [pa.array([1, None, 3], pa.int8()), pa.array(["x", "y", "z"])][: type.num_fields]
    made = build_struct(type, parts, np.array([False, True, False]))
    assert made.type == type
    assert fields(made.type) == fields(type)
    full = [{"a": 1, "needed": "x"}, None, {"a": 3, "needed": "z"}]
    assert made.to_pylist() == [None if row is None else row if parts else {} for row in full]


@pytest.mark.parametrize("null", [[], [True, True], [False]])
def test_a_struct_without_fields_is_one_also_without_a_row(null: list[bool]) -> None:
    made = build_struct(pa.struct([]), [], np.array(null, bool))
    assert (made.type, nulls(made).tolist()) == (pa.struct([]), null)


def test_rows_are_taken_out_or_given_other_values() -> None:
    values, none = pa.array(["a", "b", None, "d"]), np.array([], np.int64)
    assert without(values, none) is values
    assert without(values, np.array([1, 3])).to_pylist() == ["a", None, None, None]
    assert without(values, np.array([0])).to_pylist() == [None, "b", None, "d"]
    assert with_rows(values, none, pa.array([], pa.string())) is values
    assert with_rows(values, np.array([3, 0]), pa.array(["x", None])).to_pylist() == [None, "b", None, "x"]
    assert with_rows(values, np.array([2]), pa.array(["c"])).to_pylist() == ["a", "b", "c", "d"]
