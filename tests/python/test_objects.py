"""Rows given as Python objects: types by annotation, by all rows of a list, or by an iterator's first rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field

import towpath as tow
from towpath.python.objects import FIRST_ROWS, Objects


def table(rows: Any, **types: pa.DataType) -> pa.Table:
    made = Objects(rows, "frame", types)
    return pa.Table.from_batches(list(made.batches()), made.schema)


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: float


@dataclass
class Every:
    number: int
    name: str
    price: Decimal
    at: datetime
    day: date
    clock: time
    took: timedelta
    raw: bytes
    key: UUID
    colour: Colour
    size: Literal[1, 2]
    point: Point
    tags: list[str]
    more: dict[str, int]
    share: float = 1
    note: str | None = None
    never: datetime | None = None
    cost: Decimal | None = None
    loose: Any = None
    late: list[int] = field(default_factory=list)


EVERY = Every(
    1, "Ann", Decimal("1.25"), datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), time(1), timedelta(1), b"x",
    UUID(int=5), Colour.RED, 2, Point(1.5), ["a"], {"k": 1},
)  # fmt: skip


def test_annotations_give_the_types_also_of_what_is_always_none() -> None:
    made = table([EVERY])
    assert {one.name: str(one.type) for one in made.schema} == {
        "number": "int64", "name": "string", "price": "decimal128(38, 2)", "at": "timestamp[us, tz=UTC]",
        "day": "date32[day]", "clock": "time64[us]", "took": "duration[us]", "raw": "binary", "key": "string",
        "colour": "string", "size": "int64", "point": "struct<x: double>", "tags": "list<item: string>",
        "more": "map<string, int64>", "share": "double", "note": "string", "never": "timestamp[us]",
        "cost": "decimal128(38, 0)", "loose": "string", "late": "list<item: int64>",
    }  # fmt: skip
    (row,) = made.to_pylist()
    assert (row["key"], row["colour"], row["point"], row["more"]) == (str(UUID(int=5)), "red", {"x": 1.5}, [("k", 1)])


def test_what_is_written_is_read_back_as_the_same_instances(tmp_path: Path) -> None:
    tow.write([EVERY, EVERY], tmp_path / "a.arrow")
    rows = list(tow.read(tmp_path / "a.arrow", rows_as=Every))
    assert rows == [EVERY, EVERY]


def test_pydantic_models_are_written_under_their_aliases() -> None:
    class Flight(BaseModel):
        number: int = Field(alias="Flight No")
        gate: str | None = None

    assert table([Flight(**{"Flight No": 7})]).to_pylist() == [{"Flight No": 7, "gate": None}]


def test_dicts_have_the_columns_of_all_rows_of_a_list() -> None:
    made = table([{"a": 1}, {"b": "x"}, {"a": 2.5, "c": {"k": None}}, {"c": {"j": 1}}])
    assert made.schema.names == ["a", "b", "c"]
    assert made.column("a").to_pylist() == [1.0, None, 2.5, None]
    assert made.column("c").to_pylist()[2:] == [{"k": None, "j": None}, {"k": None, "j": 1}]


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ("x", "is text, after int"),
        (True, "is bool, after int"),
        (date(2026, 1, 1), "is date, after int"),
        (1 + 2j, "complex"),
        (Decimal("NaN"), "no digits"),
        (time(1, tzinfo=UTC), "zone"),
    ],
)
def test_a_value_of_another_kind_is_told_with_its_row(second: Any, why: str) -> None:
    with pytest.raises(tow.DataError, match=r"frame row 3: column a") as caught:
        table([{"a": 1}, {"a": None}, {"a": second}])
    assert why in str(caught.value)


def test_numbers_that_no_double_holds_are_not_rounded() -> None:
    with pytest.raises(tow.DataError, match="frame row 2: column a"):
        table([{"a": 0.5}, {"a": 2**53 + 1}])
    assert table([{"a": 2**64}, {"a": 1}]).column("a").to_pylist() == [Decimal(2**64), Decimal(1)]
    assert table([{"a": Decimal("0.1")}, {"a": 10**37}]).schema.field("a").type == pa.decimal256(76, 1)


def many(last: Any) -> Iterator[dict[str, Any]]:
    yield from ({"a": n} for n in range(FIRST_ROWS + 5))
    yield last


@pytest.mark.parametrize("last", [{"a": "x"}, {"b": 1}, {"a": 1.5}, {"a": 2**64}])
def test_an_iterators_later_row_that_does_not_fit_stops_the_load(last: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(tow.DataError, match=rf"frame row {FIRST_ROWS + 6}: column .*\n.*give a list"):
        tow.write(many(last), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []
    pinned = tow.write(many({"a": 2**64}), tmp_path / "a.parquet", types={"a": "decimal(20, 0)"})
    assert pinned.rows == FIRST_ROWS + 6


@dataclass
class Row:
    id: int
    name: str | None = None


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (Row("1"), "is text"),  # type: ignore[arg-type]
        (Row(None), "is None, which Row.id does not take"),  # type: ignore[arg-type]
        (Row(True), "is bool"),
        (Row(1, 5), "is int"),  # type: ignore[arg-type]
        ({"id": 1}, "is no Row"),
    ],
)
def test_an_instance_that_breaks_its_annotations_is_told(wrong: Any, why: str) -> None:
    with pytest.raises(tow.DataError, match="frame row 2") as caught:
        table([Row(1), wrong])
    assert why in str(caught.value)


def test_nothing_at_all_has_no_columns() -> None:
    with pytest.raises(tow.UserError, match="no column is known"):
        table([])


def test_nested_kinds_are_not_turned_into_others() -> None:
    for first, second in (([date(2026, 1, 1)], [datetime(2026, 1, 1)]), ({"k": b"x"}, {"k": "x"}), ([1], ["1"])):
        with pytest.raises(tow.DataError, match="frame row 2: column a"):
            table([{"a": first}, {"a": second}])


def test_nested_kinds_of_an_iterators_later_rows_are_held_too() -> None:
    days = ({"a": [date(2026, 1, 1)]} for _ in range(FIRST_ROWS))
    with pytest.raises(tow.DataError, match=rf"frame row {FIRST_ROWS + 1}: column a"):
        table(row for rows in (days, [{"a": [datetime(2026, 1, 1, 5)]}]) for row in rows)


class Node(BaseModel):
    id: int
    next: Node | None = None


def test_a_class_that_holds_itself_is_no_row(tmp_path: Path) -> None:
    with pytest.raises(tow.UserError, match="Node holds itself"):
        tow.write([Node(id=1)], tmp_path / "a.parquet")


def test_no_rows_of_pinned_columns_make_an_empty_table(tmp_path: Path) -> None:
    assert tow.write([], tmp_path / "a.parquet", types={"id": "int64", "at": "timestamp"}).rows == 0
    assert tow.read(tmp_path / "a.parquet").schema.names == ["id", "at"]
    with pytest.raises(tow.UserError, match="no column is known"):
        tow.write([], tmp_path / "b.parquet")
