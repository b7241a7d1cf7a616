"""A table of every kind of value, and the smallest changes that `tow verify` has to find in it, or not to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

WHO = pa.struct([("name", pa.string()), ("born", pa.date32()), ("score", pa.float64())])
DEEP = pa.list_(pa.struct([("marks", pa.list_(pa.int32()))]))
TYPES: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "part": pa.int64(),
    "flag": pa.bool_(),
    "small": pa.int8(),
    "big": pa.uint64(),
    "price": pa.decimal128(20, 4),
    "wide": pa.decimal256(50, 10),
    "half": pa.float32(),
    "ratio": pa.float64(),
    "name": pa.string(),
    "note": pa.large_string(),
    "word": pa.dictionary(pa.int32(), pa.string()),
    "raw": pa.binary(),
    "day": pa.date32(),
    "clock": pa.time64("ns"),
    "local": pa.timestamp("ns"),
    "at": pa.timestamp("ns", "UTC"),
    "span": pa.duration("ns"),
    "tags": pa.list_(pa.string()),
    "who": WHO,
    "props": pa.map_(pa.string(), pa.int64()),
    "deep": DEEP,
}
"""The columns; `part` has each value twice at least."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that holds `a` on one side and `b` on the other."""

    column: str
    a: Any
    b: Any
    why: str = ""

    def __str__(self) -> str:
        return f"{self.column}: {self.why or f'{self.a!r} {self.b!r}'}"


NAN, INF = float("nan"), float("inf")
ADA = {"name": "Ada", "born": date(1815, 12, 10), "score": 0.0}

CELLS = [
    Cell("flag", True, False),
    Cell("flag", None, False),
    Cell("small", 0, None),
    Cell("small", -1, 127),
    Cell("big", 2**64 - 1, 2**64 - 2),
    Cell("big", 2**63, 2**63 - 1),
    Cell("price", Decimal("0.0001"), Decimal("0.0010")),
    Cell("price", Decimal("9999999999999999.9999"), Decimal("9999999999999999.9998")),
    Cell("price", Decimal("0.0000"), None),
    Cell("wide", Decimal("12345678901234567890123456789.0000000001"), Decimal("12345678901234567890123456789")),
    Cell("half", np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(1)), "the next float32"),
    Cell("half", 0.0, -0.0),
    Cell("ratio", 0.1, float(np.float32(0.1)), "rounded to float32"),
    Cell("ratio", 0.1, np.nextafter(0.1, 1), "the next double"),
    Cell("ratio", 0.0, -0.0),
    Cell("ratio", NAN, None),
    Cell("ratio", INF, -INF),
    Cell("ratio", 5e-324, 0.0),
    Cell("name", None, ""),
    Cell("name", "Ada", "ada", "a letter's case"),
    Cell("name", "\u00e9", "e\u0301", "NFC and NFD"),
    Cell("name", "a", "a "),
    Cell("name", "a", "a\0"),
    Cell("name", "null", None),
    Cell("name", "x" * 5000 + "y", "x" * 5000 + "z", "the last of 5001 letters"),
    Cell("note", "ab" * 40, "ba" * 40, "80 letters in another order"),
    Cell("word", "paid", "sent"),
    Cell("raw", b"", None),
    Cell("raw", b"\0", b"\0\0"),
    Cell("day", date(1, 1, 1), date(1, 1, 2)),
    Cell("day", date(9999, 12, 31), date(9999, 12, 30)),
    Cell("clock", 1, 2, "a nanosecond"),
    Cell("local", 1_700_000_000_123_456_789, 1_700_000_000_123_456_788, "a nanosecond"),
    Cell("at", 1_700_000_000_123_456_789, 1_700_000_000_123_456_000, "nanoseconds lost"),
    Cell("at", 1_700_000_000_000_000_000, 1_700_003_600_000_000_000, "an hour, as of a wrong zone"),
    Cell("span", 0, 1, "a nanosecond"),
    Cell("tags", ["a", "b"], ["b", "a"]),
    Cell("tags", [], None),
    Cell("tags", [None], []),
    Cell("tags", ["a", None], ["a", ""]),
    Cell("tags", ["ab", "c"], ["a", "bc"]),
    Cell("who", ADA, {**ADA, "name": "ada"}, "a letter's case inside"),
    Cell("who", ADA, {**ADA, "score": -0.0}, "-0.0 inside"),
    Cell("who", None, {"name": None, "born": None, "score": None}),
    Cell("props", [("a", 1)], [("a", 2)]),
    Cell("props", [("a", 1)], [("b", 1)]),
    Cell("props", [("a", None)], []),
    Cell("deep", [{"marks": [1, 2]}], [{"marks": [2, 1]}]),
    Cell("deep", [{"marks": []}], [{"marks": None}]),
    Cell("deep", [{"marks": [1]}, {"marks": [2]}], [{"marks": [1, 2]}]),
]
"""Each has to be found."""


def table(rows: int, seed: int) -> pa.Table:
    """Rows of every kind; no two are alike, `id` is unique and comes first."""
    rng = np.random.default_rng(seed)
    index = np.arange(rows)

    def some(values: list[Any], type: pa.DataType) -> pa.Array:
        return pa.array(values, type).take(pa.array(rng.integers(0, len(values), rows)))

    def words(prefix: str) -> pa.Array:
        return pa.array([f"{prefix} {number}" for number in rng.integers(0, 10**6, rows)], pa.string())

    def stamps(type: pa.DataType) -> pa.Array:
        return pa.array(rng.integers(0, 86_399 * 10**9, rows), pa.int64()).view(type)

    people = [None, ADA, {"name": None, "born": None, "score": 1.5}]
    columns = {
        "id": pa.array(index + 1),
        "part": pa.array(index // 2),
        "flag": some([True, False, None], pa.bool_()),
        "small": some([1, -5, None, 100], pa.int8()),
        "big": some([0, 2**63, 2**64 - 1], pa.uint64()),
        "price": some([Decimal("1.5000"), Decimal("-3.1416"), None], TYPES["price"]),
        "wide": some([Decimal("1.5"), Decimal(10**30), None], TYPES["wide"]),
        "half": pa.array(rng.random(rows, np.float32)),
        "ratio": pa.array(rng.random(rows)),
        "name": words("name"),
        "note": words("a note of some length").cast(pa.large_string()),
        "word": some(["new", "paid", "sent"], pa.string()).dictionary_encode(),
        "raw": words("raw").cast(pa.binary()),
        "day": pa.array(rng.integers(0, 20_000, rows).astype(np.int32)).view(pa.date32()),
        "clock": stamps(pa.time64("ns")),
        "local": stamps(pa.timestamp("ns")),
        "at": stamps(pa.timestamp("ns", "UTC")),
        "span": stamps(pa.duration("ns")),
        "tags": some([["a", "b"], [], None, ["c", None]], TYPES["tags"]),
        "who": some(people, WHO),
        "props": some([[("a", 1), ("b", 2)], [], None], TYPES["props"]),
        "deep": some([[{"marks": [1, 2]}], [], None], DEEP),
    }
    return pa.table(columns, schema=pa.schema(list(TYPES.items())))


def put(rows: pa.Table, row: int, column: str, value: Any) -> pa.Table:
    """The rows with another value in one cell."""
    at, type = rows.schema.get_field_index(column), TYPES[column]
    one = pa.array([value], type.value_type if pa.types.is_dictionary(type) else _plain(type))
    if one.type != type:
        one = one.dictionary_encode() if pa.types.is_dictionary(type) else one.view(type)
    values = rows[column]
    chunks = [*values.slice(0, row).chunks, one, *values.slice(row + 1).chunks]
    return rows.set_column(at, rows.schema.field(column), pa.chunked_array(chunks, type).unify_dictionaries())


def _plain(type: pa.DataType) -> pa.DataType:
    """What takes nanoseconds as integers."""
    exact = pa.types.is_timestamp(type) or pa.types.is_time64(type) or pa.types.is_duration(type)
    return pa.int64() if exact else type


Rows = Callable[[pa.Table, int, int], pa.Table]


def taken(rows: pa.Table, index: np.ndarray) -> pa.Table:
    return rows.take(pa.array(index))


def doubled(rows: pa.Table, one: int, other: int) -> pa.Table:
    """One row doubled, another gone."""
    index = np.arange(len(rows))
    index[other] = one
    return taken(rows, index)


def swapped(rows: pa.Table, one: int, other: int) -> pa.Table:
    """Two texts of equal length in each other's row."""
    index = np.arange(len(rows))
    index[[one, other]] = other, one
    at = rows.schema.get_field_index("name")
    return rows.set_column(at, "name", rows["name"].take(pa.array(index)))


def shuffled(rows: pa.Table, seed: int) -> pa.Table:
    return taken(rows, np.random.default_rng(seed).permutation(len(rows)))


def alike(rows: pa.Table) -> dict[str, pa.Table]:
    """Tables that hold the same in other words: none may be told to differ."""

    def with_column(name: str, values: Any) -> pa.Table:
        return rows.set_column(rows.schema.get_field_index(name), name, values)

    props = [None if one is None else one[::-1] for one in rows["props"].to_pylist()]
    who = pa.struct([("score", pa.float64()), ("born", pa.date32()), ("name", pa.large_string())])
    days = pa.array(
        [None if one is None else datetime(one.year, one.month, one.day) for one in rows["day"].to_pylist()]
    )
    return {
        "another order": shuffled(rows, 1),
        "columns in another order": rows.select(rows.schema.names[::-1]),
        "a wider decimal": with_column("price", rows["price"].cast(pa.decimal128(30, 9))),
        "a narrower decimal type": with_column("price", rows["price"].cast(pa.decimal256(60, 4))),
        "a wider integer": with_column("small", rows["small"].cast(pa.int64())),
        "plain texts": with_column("word", rows["word"].cast(pa.string())),
        "short offsets": with_column("note", rows["note"].cast(pa.string())),
        "maps in another order": with_column("props", pa.array(props, TYPES["props"])),
        "fields in another order": with_column("who", pa.array(rows["who"].to_pylist(), who)),
        "another zone": with_column("at", rows["at"].cast(pa.timestamp("ns", "Asia/Tokyo"))),
        "days in ms": with_column("day", days.cast(pa.date64())),
    }
