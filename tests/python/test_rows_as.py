"""Rows as instances of dataclasses and pydantic models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel, ConfigDict, Field

import towpath as tow
from towpath.badrows import BadRow
from towpath.python.rows_as import Rows

Number = NewType("Number", int)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: float
    y: float | None


@dataclass(frozen=True)
class Wide:
    id: Number
    name: str
    ok: bool
    price: Decimal
    day: date
    at: datetime
    clock: time
    took: timedelta
    raw: bytes
    key: UUID
    colour: Colour
    size: Literal["S", "M"]
    point: Point | None
    tags: list[str]
    pair: tuple[int, ...]
    members: Mapping[str, int]
    anything: Any
    either: int | str
    maybe: Annotated[float | None, "of a kind"] = None
    extra: list[int] = field(default_factory=list)


WIDE = {
    "id": pa.array([1], pa.int8()),
    "name": ["Ann"],
    "ok": [True],
    "price": [Decimal("1.50")],
    "day": [date(2026, 1, 2)],
    "at": pa.array([datetime(2026, 1, 2, 3, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
    "clock": [time(1, 2, 3)],
    "took": [timedelta(seconds=5)],
    "raw": [b"\0"],
    "key": ["12345678-1234-5678-1234-567812345678"],
    "colour": ["blue"],
    "size": ["M"],
    "point": [{"x": 1.5, "y": None}],
    "tags": [["a", "b"]],
    "pair": [[1, 2]],
    "members": pa.array([[("k", 7)]], pa.map_(pa.string(), pa.int64())),
    "anything": [[None]],
    "either": ["text"],
}


def parquet(path: Path, columns: Mapping[str, Any]) -> Path:
    pq.write_table(pa.table(dict(columns)), path)
    return path


def test_a_dataclass_gets_every_kind_of_value_as_it_says(tmp_path: Path) -> None:
    (row,) = tow.read(parquet(tmp_path / "a.parquet", WIDE), rows_as=Wide)
    assert row == Wide(
        Number(1), "Ann", True, Decimal("1.50"), date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC), time(1, 2, 3),
        timedelta(seconds=5), b"\0", UUID("12345678-1234-5678-1234-567812345678"), Colour.BLUE, "M", Point(1.5, None),
        ["a", "b"], (1, 2), {"k": 7}, [None], "text",
    )  # fmt: skip
    assert isinstance(row.pair, tuple)


@dataclass
class Flight:
    id: int
    zip: str
    price: Decimal | None = None


class FlightModel(BaseModel):
    id: int
    zip: str = Field(min_length=5)
    price: Decimal | None = None


@pytest.mark.parametrize("made", [Flight, FlightModel])
def test_annotations_pin_the_types_of_text(tmp_path: Path, made: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,zip,price\n1,12345,0.10\n2,54321,\n")
    rows = list(tow.read(path, rows_as=made))
    assert rows == [made(id=1, zip="12345", price=Decimal("0.1")), made(id=2, zip="54321")]


def test_a_value_of_text_that_an_annotation_does_not_take_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,zip\n1,a\nx7,b\n")
    with pytest.raises(tow.DataError, match=r"a\.csv:3.*x7"):
        list(tow.read(path, rows_as=Flight))


@dataclass
class One:
    a: Any


def one(annotation: Any) -> Any:
    return dataclass(type("One", (), {"__annotations__": {"a": annotation}}))


@pytest.mark.parametrize(
    ("annotation", "column"),
    [
        (int, pa.array(["1"])),
        (int, pa.array([1.0])),
        (int, pa.array([True])),
        (int, pa.array([Decimal("1.0")])),
        (str, pa.array([1])),
        (str, pa.array([b"x"])),
        (bool, pa.array([1])),
        (float, pa.array([1], pa.int64())),
        (float, pa.array([Decimal("0.1")])),
        (date, pa.array([datetime(2026, 1, 1)])),
        (datetime, pa.array([date(2026, 1, 1)])),
        (Decimal, pa.array([0.1])),
        (list[int], pa.array([["a"]])),
        (Point, pa.array([{"x": 1.0}])),
        (Point, pa.array([{"x": 1.0, "y": 2.0, "z": 3.0}])),
        (int | bool, pa.array(["x"])),
        (Colour, pa.array([1.5])),
        (complex, pa.array([1.5])),
    ],
)
def test_a_column_of_another_type_is_told_before_the_first_row(tmp_path: Path, annotation: Any, column: Any) -> None:
    path = parquet(tmp_path / "a.parquet", {"a": column})
    with pytest.raises(tow.UserError, match="column a is"):
        next(iter(tow.read(path, rows_as=one(annotation))))


@pytest.mark.parametrize(
    ("annotation", "column", "value"),
    [
        (int, pa.array([Decimal(2**70)], pa.decimal128(38, 0)), 2**70),
        (float, pa.array([7], pa.int32()), 7.0),
        (Decimal, pa.array([7], pa.int64()), Decimal(7)),
        (set[int], pa.array([[1, 1]]), {1}),
        (Sequence[int | None], pa.array([[1, None]]), [1, None]),
        (dict[str, int], pa.array([{"k": 1}]), {"k": 1}),
        (list, pa.array([[1]]), [1]),
        (int | None, pa.nulls(1), None),
    ],
)
def test_what_loses_nothing_is_taken(tmp_path: Path, annotation: Any, column: Any, value: Any) -> None:
    (row,) = tow.read(parquet(tmp_path / "a.parquet", {"a": column}), rows_as=one(annotation))
    assert row.a == value
    assert type(row.a) is type(value)


@pytest.mark.parametrize(
    ("annotation", "column", "why"),
    [
        (int, pa.array([1, None]), "is null, which One.a does not take"),
        (Colour, pa.array(["red", "green"]), "green"),
        (Literal["S"], pa.array(["S", "XL"]), "none of 'S'"),
        (UUID, pa.array(["12345678-1234-5678-1234-567812345678", "x"]), "UUID"),
        (datetime, pa.array([1_000, 1], pa.timestamp("ns")), "no nanoseconds"),
        (date, pa.array([0, 3_000_000], pa.date32()), "Python has no such value"),
        (list[int], pa.array([[1], [None]]), "holds null"),
        (dict[str, int], pa.array([[("a", 1)], [("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64())), "twice"),
    ],
)
def test_a_value_that_does_not_fit_is_a_bad_row_with_its_place(
    tmp_path: Path, annotation: Any, column: Any, why: str
) -> None:
    path = parquet(tmp_path / "a.parquet", {"a": column})
    with pytest.raises(tow.DataError, match=r"a\.parquet row 2: column a") as caught:
        list(tow.read(path, rows_as=one(annotation)))
    assert why in str(caught.value)
    bad: list[BadRow] = []
    assert len(list(tow.read(path, rows_as=one(annotation), bad_rows=bad))) == 1
    assert [(row.edge, row.column) for row in bad] == [("rows_as", "a")]


def test_missing_and_superfluous_columns_are_all_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("idd,zip,other\n1,2,3\n")
    with pytest.raises(tow.UserError) as caught:
        next(iter(tow.read(path, rows_as=Flight)))
    message = str(caught.value)
    assert "no column 'id'; did you mean 'idd'" in message
    assert "no field 'idd'" in message
    assert "no field 'other'" in message
    assert "price" not in message.partition("\n  columns")[0]


def test_chosen_columns_and_a_models_own_word_settle_what_is_superfluous(tmp_path: Path) -> None:
    class Ignoring(BaseModel):
        model_config = ConfigDict(extra="ignore")
        id: int

    path = tmp_path / "a.csv"
    path.write_text("id,zip,other\n1,23,3\n")
    assert list(tow.read(path, rows_as=Flight, columns=["id", "zip"])) == [Flight(1, "23")]
    assert [row.id for row in tow.read(path, rows_as=Ignoring)] == [1]


def test_what_a_class_itself_refuses_is_a_bad_row(tmp_path: Path) -> None:
    @dataclass
    class Positive:
        id: int

        def __post_init__(self) -> None:
            if self.id < 0:
                raise ValueError("must not be negative")

    path = tmp_path / "a.csv"
    path.write_text("id\n1\n-1\n2\n")
    bad: list[BadRow] = []
    assert [row.id for row in tow.read(path, rows_as=Positive, bad_rows=bad)] == [1, 2]
    assert [(row.place.line, row.column, row.reason) for row in bad] == [(3, None, "must not be negative")]
    with pytest.raises(tow.DataError, match=r"a\.csv:3: must not be negative: -1 \[type-violated\]"):
        list(tow.read(path, rows_as=Positive))
    path.write_text("id,zip\n1,12345\n2,99\n")
    with pytest.raises(tow.DataError, match=r"a\.csv:3: column zip \('99'\): String should have at least 5"):
        list(tow.read(path, rows_as=FlightModel))


def test_a_pydantic_alias_names_the_column(tmp_path: Path) -> None:
    class Aliased(BaseModel):
        number: int = Field(alias="Flight No")

    path = tmp_path / "a.csv"
    path.write_text("Flight No\n7\n")
    assert [row.number for row in tow.read(path, rows_as=Aliased)] == [7]


def test_rows_as_takes_classes_of_rows_alone() -> None:
    with pytest.raises(tow.UserError, match="dataclass or a pydantic model"):
        Rows(dict, pa.schema([]), inferred=False, where="x")
