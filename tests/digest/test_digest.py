from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.digest.kit import digest
from towpath.digest import Digest, row_hashes
from towpath.digest import reference as reference
from towpath.errors import Refused
from towpath.values import textform

VECTORS = json.loads((Path(__file__).parents[2] / "docs" / "reference" / "digest-vectors.json").read_text())


def one(value: Any, type: pa.DataType) -> str:
    return digest(pa.record_batch([pa.array([value], type)], names=["c"]))


def test_both_implementations_give_the_published_vectors() -> None:
    published, quick, plain = {}, {}, {}
    for vector in VECTORS["values"]:
        type = textform.parse_type(vector["type"])
        values, bad = textform.read(pa.array([vector["text"]], pa.string()), type)
        assert len(bad) == 0
        rows = pa.record_batch([values], names=[vector["column"]])
        name = (vector["type"], vector["text"])
        published[name] = vector["digest"]
        quick[name] = digest(rows)
        plain[name] = reference.digest(rows.schema, [rows])
    assert quick == published
    assert plain == published


def test_both_implementations_give_the_published_table() -> None:
    names = list(VECTORS["table"]["types"])
    columns = [
        textform.read(pa.array([row[at] for row in VECTORS["table"]["rows"]], pa.string()), textform.parse_type(type))[
            0
        ]
        for at, type in enumerate(VECTORS["table"]["types"].values())
    ]
    rows = pa.record_batch(columns, names=names)
    assert digest(rows) == VECTORS["table"]["digest"]
    assert reference.digest(rows.schema, [rows]) == VECTORS["table"]["digest"]


def table(count: int = 500, seed: int = 1) -> pa.Table:
    rng = random.Random(seed)
    words = ["", "a", "A", "ab", "zürich", "x" * 100, None]
    return pa.table(
        {
            "id": pa.array(range(count), pa.int64()),
            "n": pa.array([rng.choice([None, 0, 1, -1, 2**40]) for _ in range(count)], pa.int64()),
            "word": pa.array([rng.choice(words) for _ in range(count)], pa.string()),
            "note": pa.array([f"note {rng.random()}" for _ in range(count)], pa.string()),
            "price": pa.array([Decimal(rng.randrange(10**6)).scaleb(-2) for _ in range(count)], pa.decimal128(12, 2)),
            "x": pa.array([rng.choice([0.0, -0.0, 1.5, float("nan"), None]) for _ in range(count)]),
            "at": pa.array([rng.randrange(10**15) for _ in range(count)], pa.timestamp("us")),
            "tags": pa.array([[rng.choice(words)] * rng.randrange(3) for _ in range(count)], pa.list_(pa.string())),
        }
    )


def test_the_order_of_rows_and_columns_and_the_batches_do_not_matter() -> None:
    rows = table(600)
    shuffled = rows.take(pa.array(np.random.default_rng(2).permutation(len(rows))))
    assert digest(shuffled, 70) == digest(rows)
    assert digest(rows.select(rows.schema.names[::-1])) == digest(rows)
    assert digest(rows, 99) == digest(rows)


def test_the_name_of_a_column_matters() -> None:
    rows = table(5)
    assert digest(rows.rename_columns(["id2", *rows.schema.names[1:]])) != digest(rows)


def replaced(rows: pa.Table, column: str, row: int, value: Any) -> pa.Table:
    values = rows[column].to_pylist()
    values[row] = value
    at = rows.schema.get_field_index(column)
    return rows.set_column(at, column, pa.array(values, rows.schema.field(column).type))


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        ("word", None, ""),
        ("word", "a", "A"),
        ("word", "a", "a\0"),
        ("word", "ab", "ab "),
        ("n", 0, None),
        ("n", -1, 2**40),
        ("x", 0.0, -0.0),
        ("x", None, float("nan")),
        ("price", Decimal("0.10"), Decimal("0.01")),
        ("tags", [], None),
        ("tags", ["a"], ["a", None]),
        ("tags", ["a", "b"], ["b", "a"]),
        ("tags", [None], []),
    ],
)
def test_one_changed_value_changes_the_digest(column: str, before: Any, after: Any) -> None:
    rows = table()
    assert digest(replaced(rows, column, 3, before)) != digest(replaced(rows, column, 3, after))


def test_a_nanosecond_changes_the_digest() -> None:
    assert one(1, pa.timestamp("ns")) != one(2, pa.timestamp("ns"))
    assert one(1, pa.time64("ns")) != one(2, pa.time64("ns"))


def test_two_values_swapped_between_rows_change_the_digest() -> None:
    rows = table()
    a, b = rows["note"][3].as_py(), rows["note"][4].as_py()
    assert digest(replaced(replaced(rows, "note", 3, b), "note", 4, a)) != digest(rows)


def test_a_row_doubled_while_another_is_lost_changes_the_digest() -> None:
    rows = table()
    index = list(range(len(rows)))
    index[7] = 8
    assert digest(rows.take(pa.array(index))) != digest(rows)


def test_two_columns_swapped_change_the_digest() -> None:
    rows = pa.table({"a": ["1", "2"], "b": ["2", "3"]})
    assert digest(pa.table({"a": rows["b"], "b": rows["a"]})) != digest(rows)


def test_a_doubled_row_is_not_cancelled_by_its_second_copy() -> None:
    rows = table(1)
    assert len({digest(pa.concat_tables([rows] * count)) for count in range(1, 5)}) == 4


ALIKE = [
    ("integer", [(5, pa.int8()), (5, pa.uint64()), (5, pa.int64())]),
    (
        "text",
        [
            ("é", pa.string()),
            ("é", pa.large_string()),
            ("é", pa.string_view()),
            ("é", pa.dictionary(pa.int8(), pa.string())),
        ],
    ),
    ("bytes", [(b"abc", pa.binary()), (b"abc", pa.binary(3)), (b"abc", pa.large_binary()), (b"abc", pa.binary_view())]),
    (
        "decimal",
        [
            (Decimal("12.50"), pa.decimal128(5, 2)),
            (Decimal("12.5"), pa.decimal32(3, 1)),
            (Decimal("12.5"), pa.decimal256(70, 9)),
        ],
    ),
    ("zero", [(Decimal("0"), pa.decimal128(5, 0)), (Decimal("0.000"), pa.decimal128(38, 3))]),
    ("large decimal", [(Decimal(10**30), pa.decimal128(38, 0)), (Decimal(10**30), pa.decimal256(76, 9))]),
    ("instant", [(1, pa.timestamp("s", "UTC")), (10**9, pa.timestamp("ns", "Europe/Paris"))]),
    ("far instant", [(253402300799, pa.timestamp("s", "UTC")), (253402300799 * 10**6, pa.timestamp("us", "UTC"))]),
    ("early local time", [(-62135596800, pa.timestamp("s")), (-62135596800 * 10**6, pa.timestamp("us"))]),
    ("time", [(1, pa.time32("s")), (10**9, pa.time64("ns"))]),
    ("duration", [(-1, pa.duration("s")), (-1000, pa.duration("ms"))]),
    ("date", [(1, pa.date32()), (86_400_000, pa.date64())]),
    ("float32", [(0.5, pa.float16()), (0.5, pa.float32())]),
    (
        "list",
        [
            ([1, None], pa.list_(pa.int8())),
            ([1, None], pa.large_list(pa.int64())),
            ([1, None], pa.list_(pa.int16(), 2)),
        ],
    ),
    (
        "struct",
        [
            ({"a": 1, "b": "x"}, pa.struct([("a", pa.int8()), ("b", pa.string())])),
            ({"a": 1, "b": "x"}, pa.struct([("b", pa.large_string()), ("a", pa.int64())])),
        ],
    ),
    (
        "map",
        [
            ([("a", 1), ("b", 2)], pa.map_(pa.string(), pa.int8())),
            ([("b", 2), ("a", 1)], pa.map_(pa.large_string(), pa.int64())),
        ],
    ),
    ("null", [(None, pa.int8()), (None, pa.string()), (None, pa.null()), (None, pa.list_(pa.int8()))]),
]


@pytest.mark.parametrize(("name", "forms"), ALIKE, ids=[name for name, _ in ALIKE])
def test_types_of_one_kind_hash_alike(name: str, forms: list[tuple[Any, pa.DataType]]) -> None:
    assert len({one(value, type) for value, type in forms}) == 1


def test_different_kinds_and_values_hash_apart() -> None:
    forms = [
        (0, pa.int8()), (False, pa.bool_()), (0.0, pa.float32()), (0.0, pa.float64()), (-0.0, pa.float64()),
        ("", pa.string()), (b"", pa.binary()), (None, pa.string()), (0, pa.date32()), (0, pa.time32("s")),
        (0, pa.timestamp("s")), (0, pa.timestamp("s", "UTC")), (0, pa.duration("s")), (Decimal(0), pa.decimal128(3, 0)),
        ([], pa.list_(pa.int8())), ([], pa.map_(pa.int8(), pa.int8())), ({}, pa.struct([])), ("0", pa.string()),
        (-1, pa.int64()), (2**64 - 1, pa.uint64()), ([None], pa.list_(pa.int8())), ("\0", pa.string()),
        (pa.MonthDayNano([0, 0, 0]), pa.month_day_nano_interval()), ("\0" * 8, pa.string()),
        (float("nan"), pa.float64()),
        ({"a": None}, pa.struct([("a", pa.int8())])), ("0" * 8, pa.string()), ("0" * 16, pa.string()),
    ]  # fmt: skip
    assert len({one(value, type) for value, type in forms}) == len(forms)


def test_every_nan_is_one_nan() -> None:
    bits = pa.array([0x7FF8000000000001, -1], pa.int64()).view(pa.float64())
    rows = pa.record_batch([bits], names=["c"])
    assert (row_hashes(rows)[0] == row_hashes(rows)[1]).all()
    assert digest(rows[:1]) == one(float("nan"), pa.float64())


def test_many_texts_of_few_values_hash_as_each_by_itself() -> None:
    words = pa.array((["a", "b", None] * 100)[:200])
    many = words.take(pa.array(range(10, 200)))
    rows = pa.record_batch([many, many.dictionary_encode()], names=["c", "d"])
    hashes = row_hashes(rows)
    for row in (0, 1, 2, 189):
        assert hashes[row].tolist() == row_hashes(rows[row : row + 1])[0].tolist()
    assert digest(rows) == reference.digest(rows.schema, [rows])


@pytest.mark.parametrize(
    ("values", "type"),
    [
        ([0, 1, -1, 5, None], pa.int8()),
        ([2**63 - 1, 2**63 - 2, None], pa.int64()),
        ([-(2**63), 1 - 2**63], pa.int64()),
        ([2**64 - 1, 2**64 - 3, None], pa.uint64()),
        ([2**63 - 1, 2**63], pa.uint64()),
        ([None, 19_000, 19_001], pa.date32()),
        ([253402300799, 253402300798, None], pa.timestamp("s", "UTC")),
        ([2**33, 2**33 + 1], pa.timestamp("s")),
        ([None], pa.time64("us")),
        ([Decimal("0.00"), Decimal("1.00"), Decimal("1.10"), Decimal("-1.11"), None], pa.decimal128(12, 2)),
        ([Decimal("1.10"), Decimal(10**20), None], pa.decimal128(38, 2)),
        ([Decimal("1.10"), Decimal(-(10**60))], pa.decimal256(76, 2)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_many_rows_of_few_numbers_hash_as_each_by_itself(values: list[Any], type: pa.DataType) -> None:
    few = pa.record_batch([pa.array(values, type)], names=["c"])
    assert digest(few) == reference.digest(few.schema, [few])
    many = np.arange(1100) % len(values)
    assert (row_hashes(few.take(pa.array(many))) == row_hashes(few)[many]).all()


def test_many_rows_are_taken_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(60)
    whole, hashes = digest(rows), row_hashes(rows.to_batches()[0])
    monkeypatch.setattr("towpath.digest._ROWS", 7)
    assert digest(rows) == whole
    assert (row_hashes(rows.to_batches()[0]) == hashes).all()


def test_a_slice_hashes_as_its_rows_do() -> None:
    rows = table(100)
    batch = rows.combine_chunks().to_batches()[0]
    assert digest(batch[13:29]) == digest(rows.take(pa.array(range(13, 29))))


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(Refused, match="two columns are named a"):
        Digest(pa.schema([("a", pa.int8()), ("a", pa.int8())]))


def test_a_type_without_a_kind_is_refused_before_any_row() -> None:
    with pytest.raises(Refused, match="union"):
        Digest(pa.schema([("u", pa.dense_union([pa.field("a", pa.int8())]))]))
