"""Structs, lists and maps become others: part by part, and one bad part makes its row bad and no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from towpath.errors import Refused
from towpath.nouns import ColumnPlan, Stored, Way
from towpath.values.convert import cast, convert, planned, way
from towpath.values.logical import elements

E, C = Way.EXACT, Way.CHECKED
INT8, INT64, TEXT = pa.int8(), pa.int64(), pa.string()
ENTRY = pa.struct([("key", TEXT), ("value", INT64)])


def struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct(list(fields.items()))


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (struct(a=INT8, b=TEXT), struct(b=TEXT, a=INT64), (E, "")),
        (struct(a=INT8, b=INT8), struct(a=INT64, b=TEXT), (E, "in b, int8 written as text")),
        (struct(a=INT8, b=INT64), struct(a=TEXT, b=INT8), (C, "in b, its range is smaller")),
        (pa.list_(INT8), pa.large_list(INT64), (E, "")),
        (pa.list_(INT8), pa.list_(TEXT), (E, "in its elements, int8 written as text")),
        (pa.list_(INT64), pa.list_(INT8), (C, "in its elements, its range is smaller")),
        (pa.list_(INT8), pa.list_(INT8, 2), (C, "a list must have 2 elements")),
        (pa.list_(INT8, 3), pa.list_(INT8, 2), (C, "a list must have 2 elements")),
        (pa.list_(INT8, 2), pa.list_(INT64, 2), (E, "")),
        (pa.list_(INT8, 2), pa.list_(INT64), (E, "")),
        (pa.map_(TEXT, INT8), pa.map_(TEXT, INT64), (E, "")),
        (pa.map_(INT8, INT8), pa.map_(TEXT, INT64), (E, "in its entries, int8 written as text")),
        (pa.map_(INT64, INT8), pa.map_(INT8, INT64), (C, "in its entries, its range is smaller")),
        (pa.map_(INT8, INT64), pa.map_(TEXT, INT8), (C, "in its entries, its range is smaller")),
        (pa.map_(TEXT, INT8), pa.list_(ENTRY), (E, "")),
        (pa.map_(TEXT, INT64), pa.list_(struct(key=TEXT, value=INT8)), (C, "in value, its range is smaller")),
        (pa.list_(ENTRY), pa.map_(TEXT, INT64), (C, "each entry must have a key")),
        (pa.list_(INT8), pa.null(), (C, "only null fits")),
        (pa.null(), pa.list_(INT8), (E, "")),
    ],
)
def test_the_way_is_that_of_its_weakest_part(
    source: pa.DataType, target: pa.DataType, expected: tuple[Way, str]
) -> None:
    assert way(source, Stored(target)) == expected


def test_what_is_tested_besides_the_type_is_said_in_one_line() -> None:
    stored = Stored(TEXT, "char(1)", frozenset({"nul"}), 1, "only its labels fit")
    whys = "char(1) cannot hold text with U+0000; it has room for 1 character; only its labels fit"
    assert way(TEXT, stored) == (C, whys)
    assert way(TEXT, Stored(TEXT, refuses=frozenset({"nul"}))) == (C, "text cannot hold text with U+0000")
    assert way(TEXT, Stored(TEXT, longest=2000)) == (C, "it has room for 2,000 characters")
    assert way(TEXT, Stored(INT8, longest=2, narrow="x")) == (C, "every text must be of the type int8")
    assert way(INT8, Stored(INT8, longest=2)) == (E, "")


def test_a_column_is_planned_by_what_its_destination_holds_for_the_type() -> None:
    def stored(type: pa.DataType) -> Stored:
        return Stored(pa.int32() if type == INT64 else type, "INTEGER")

    made = planned(pa.field("n", INT64), "N", stored, "w.db#t")
    assert made == ColumnPlan("n", INT64, "N", Stored(pa.int32(), "INTEGER"), C, "its range is smaller")
    with pytest.raises(Refused) as caught:
        planned(pa.field("d", struct(a=INT8)), "d", lambda _: Stored(pa.date32()), "w.db#t")
    error = caught.value
    assert (error.what, error.where) == ("column d: struct<a: int8> does not become date", "w.db#t")
    assert (error.todo, error.code) == ("change it in a query, or send it as text", "type-impossible")


@pytest.mark.parametrize(
    ("rows", "source", "target", "expected"),
    [
        ([{"a": 1, "b": "x"}, None, {"a": None, "b": None}], struct(a=INT8, b=TEXT), struct(b=TEXT, a=INT64),
         [{"b": "x", "a": 1}, None, {"b": None, "a": None}]),
        ([{"a": 1, "b": 300}, {"a": 300, "b": 300}, {"a": 1, "b": 2}, None], struct(a=INT64, b=INT64),
         struct(a=INT8, b=INT8), [None, None, {"a": 1, "b": 2}, None]),
        ([{}, None], pa.struct([]), pa.struct([]), [{}, None]),
        ([[1, 2], [3], None, [], [4, 5], [6, 300]], pa.list_(INT64), pa.list_(INT8, 2),
         [[1, 2], None, None, None, [4, 5], None]),
        ([[1, 2], None], pa.list_(INT64, 2), pa.list_(INT8), [[1, 2], None]),
        ([[1, 2], None, [300, 1]], pa.list_(INT64, 2), pa.list_(INT8, 2), [[1, 2], None, None]),
        ([[("a", 1), ("b", 300)], [("a", 1)], None, []], pa.map_(TEXT, INT64), pa.map_(TEXT, INT8),
         [None, [("a", 1)], None, []]),
        ([[("a", 1)], None, []], pa.map_(TEXT, INT64), pa.list_(ENTRY), [[{"key": "a", "value": 1}], None, []]),
        ([[{"key": "a", "value": 1}], [None], [{"key": None, "value": 1}], None, [{"key": "b", "value": None}]],
         pa.list_(ENTRY), pa.map_(TEXT, INT64), [[("a", 1)], None, None, None, [("b", None)]]),
        ([[{"key": "a", "value": 300}], []], pa.list_(ENTRY), pa.map_(TEXT, INT8), [None, []]),
        ([[None], None, [[1], [2, 300]], [[3]]], pa.list_(pa.list_(INT64)), pa.list_(pa.list_(INT8)),
         [[None], None, None, [[3]]]),
        ([[1], None, []], pa.list_(INT8), pa.null(), [None, None, None]),
        ([None, None], pa.null(), pa.list_(INT8), [None, None]),
        ([[], [None], [1]], pa.list_(INT8), pa.list_(pa.null()), [[], [None], None]),
        ([[1, 2], None], pa.list_(INT8), TEXT, ["[1,2]", None]),
        (["[1,2]", "[300]", None], TEXT, pa.list_(INT8), [[1, 2], None, None]),
    ],
)  # fmt: skip
def test_a_row_is_bad_when_one_of_its_parts_is(
    rows: list[Any], source: pa.DataType, target: pa.DataType, expected: list[Any]
) -> None:
    full = pa.array([rows[0], *rows], source)
    for values in (pa.array(rows, source), full[1:]):
        done = cast(values, source, target)
        done.values.validate(full=True)
        assert done.values.type == target
        assert done.values.to_pylist() == expected
        assert done.bad.tolist() == [row for row, one in enumerate(expected) if one is None and rows[row] is not None]


def test_a_column_without_a_row_becomes_one() -> None:
    for source, target in ((pa.list_(INT64), pa.list_(INT8, 2)), (struct(a=INT64), struct(a=INT8)), (INT64, INT8)):
        done = cast(pa.array([], source), source, target)
        assert (done.values.type, len(done.values), done.bad.tolist()) == (target, 0, [])


def test_the_bad_rows_of_a_column_are_those_that_did_not_fit_and_those_that_are_refused() -> None:
    stored = Stored(TEXT, refuses=frozenset({"nul"}), longest=2)
    words = pa.array(["ab", "abc", "\0", None, "a\0c", "d"])
    done = convert(words, ColumnPlan("t", TEXT, "t", stored, C))
    assert (done.values.to_pylist(), done.bad.tolist()) == (["ab", None, None, None, None, "d"], [1, 2, 4])
    lossy = convert(words, ColumnPlan("t", TEXT, "t", stored, Way.LOSSY))
    assert (lossy.values.to_pylist(), lossy.bad.tolist()) == (["ab", "ab", None, None, None, "d"], [])
    assert lossy.bad.dtype == done.bad.dtype == np.int64
    short = ColumnPlan("n", INT64, "n", Stored(INT8, longest=2), C)
    assert convert(pa.array([127, 300]), short).values.to_pylist() == [127, None]
    floats = Stored(pa.float32(), refuses=frozenset({"nan"}))
    done = convert(pa.array([0.1, float("nan"), 0.5]), ColumnPlan("x", pa.float64(), "x", floats, C))
    assert (done.values.to_pylist(), done.bad.tolist()) == ([None, None, 0.5], [0, 1])
    signed = Stored(pa.float32(), refuses=frozenset({"minus-zero"}))
    lossy = convert(pa.array([-0.0, 1e50]), ColumnPlan("x", pa.float64(), "x", signed, Way.LOSSY))
    assert (lossy.values.type, str(lossy.values.to_pylist())) == (pa.float32(), "[0.0, None]")


def test_a_list_without_a_map_has_an_empty_part_for_them() -> None:
    maps = pa.map_(pa.bool_(), pa.null())
    for rows in ([[]], [[], None], [[[]]]):
        made = cast(pa.array(rows, pa.list_(maps)), pa.list_(maps), pa.large_list(maps)).values
        inner, lengths = elements(made)
        assert elements(inner)[0].to_pylist() == []
        assert lengths.tolist() == [len(row or []) for row in rows]


def test_a_column_is_given_in_the_layout_that_is_asked_for() -> None:
    views = pa.string_view()
    plan = ColumnPlan("t", TEXT, "t", Stored(views, refuses=frozenset({"nul"})), C)
    done = convert(pa.array(["a", "\0", None]), plan)
    assert (done.values.type, done.values.to_pylist(), done.bad.tolist()) == (views, ["a", None, None], [1])
    words = pa.dictionary(pa.int32(), TEXT)
    assert cast(pa.array([1, None]), INT64, words).values.type == words
    same = pa.array(["a"], views)
    assert cast(same, views, views).values is same


def test_the_nearest_value_is_taken_whatever_layout_it_comes_in() -> None:
    numbers = pa.array([1.5, None]).dictionary_encode()
    plan = ColumnPlan("n", numbers.type, "n", Stored(INT8), Way.LOSSY)
    assert convert(numbers, plan).values.to_pylist() == [2, None]
