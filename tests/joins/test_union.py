"""One schema for many files."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from tests.joins.filekit import rows
from towpath.columnar import inspected
from towpath.errors import DataError
from towpath.joins.union import fit, union
from towpath.seams.format import Inspected
from towpath.text.optimistic import Convention


def declared(**types: pa.DataType) -> Inspected:
    return inspected(pa.schema(types), None, "file")


def texts(**columns: list[str | None]) -> Inspected:
    return Inspected(
        {name: Convention().evidence(pa.array(values, pa.string())) for name, values in columns.items()}, True
    )


def test_columns_stand_in_the_order_of_their_first_appearance() -> None:
    found = union([("1", texts(b=["1"], a=["x"])), ("2", texts(c=["1"], a=["y"]))], {})
    assert found.schema.names == ["b", "a", "c"]


def test_evidence_of_text_is_merged_to_the_type_that_holds_all() -> None:
    files = [("1", texts(v=["1"])), ("2", texts(v=["2.5"])), ("3", texts(v=[None]))]
    for order in itertools.permutations(files):
        assert union(order, {}).schema.field("v").type == pa.float64()
    assert union([*files, ("4", texts(v=["00501"]))], {}).schema.field("v").type == pa.string()


@pytest.mark.parametrize(
    ("types", "wide"),
    [
        ([pa.int32(), pa.int64(), pa.int8()], pa.int64()),
        ([pa.int32(), pa.float64()], pa.float64()),
        ([pa.date32(), pa.date32()], pa.date32()),
        ([pa.uint8(), pa.int8(), pa.int16()], pa.int16()),
    ],
)
def test_declared_types_widen_to_the_one_that_holds_all_whatever_the_order(
    types: list[pa.DataType], wide: pa.DataType
) -> None:
    for order in itertools.permutations(types):
        files = [(str(number), declared(v=type)) for number, type in enumerate(order)]
        assert union(files, {}).schema.field("v").type == wide


@pytest.mark.parametrize("other", [pa.float64(), pa.timestamp("us"), pa.struct({"x": pa.int8()})])
def test_declared_types_that_none_holds_are_refused_by_both_files(other: pa.DataType) -> None:
    files = [("one.parquet", declared(v=pa.int64())), ("two.parquet", declared(v=other))]
    with pytest.raises(DataError) as refused:
        union(files, {})
    for word in ("one.parquet", "two.parquet", "column v", "int64", "types: v"):
        assert word in str(refused.value)
    assert union(files, {"v": pa.string()}).schema.field("v").type == pa.string()


def test_a_column_without_any_value_is_told_from_text() -> None:
    files = [("1", texts(a=[None], b=["x"], c=[None])), ("2", texts(a=[None], b=[None], c=["1"]))]
    assert union(files, {}).empty == {"a"}
    assert union(files, {"a": pa.int8()}).empty == frozenset()


def test_rows_are_padded_ordered_and_widened_exactly() -> None:
    schema = pa.schema({"k": pa.string(), "b": pa.int64(), "a": pa.string(), "n": pa.date32()})
    got = fit(rows(a=["x"], b=pa.array([1], pa.int8())), schema, "f", {"k": pa.scalar("p")})
    assert got.to_pylist() == [{"k": "p", "b": 1, "a": "x", "n": None}]
    assert got.schema.equals(schema)


def test_a_value_that_would_change_is_refused_by_file_and_column() -> None:
    with pytest.raises(DataError, match="f.parquet: column v"):
        fit(rows(v=[300]), pa.schema({"v": pa.int8()}), "f.parquet")
