from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from towpath.badrows import BadRow
from towpath.errors import DataError, UserError
from towpath.nouns import Checkpoint, Description, Restart, Want
from towpath.stream import Batch, Counted
from towpath.values import textform
from towpath.verify import Verdict, verify


@dataclass
class Reading:
    schema: pa.Schema
    batches: list[Batch]
    settled: bool = True
    given: int = 0

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.batches:
            self.given += len(batch)
            yield batch

    def checkpoint(self) -> Checkpoint | None:
        return None


@dataclass
class Held:
    """A source over a table in memory, in batches of three rows."""

    shown: str
    table: pa.Table
    opened: int = 0

    def describe(self, want: Want) -> Description:
        return Description(self.table.schema)

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[Reading]:
        self.opened += 1
        yield Reading(self.table.schema, batches(self.shown, self.table))


@dataclass
class Texts:
    """A source over rows of text, like a CSV file: types are guessed from the first row and may not hold."""

    shown: str
    columns: dict[str, list[str | None]]
    pinned: dict[str, pa.DataType] = field(default_factory=dict)

    def describe(self, want: Want) -> Description:
        return Description(self._types(want, 1), settled=len(next(iter(self.columns.values()))) == 1, inferred=True)

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[Reading]:
        self.pinned = dict(want.types)
        schema = self._types(want, 1)
        arrays, bad = self._read(schema)
        narrow = [name for name, rows in bad.items() if rows and name not in want.types]
        if narrow:
            raise Restart(self._types(replace(want, schema=None), None), f"column {narrow[0]}")
        gone = sorted({row for rows in bad.values() for row in rows})
        for row in gone:
            name = next(name for name, rows in bad.items() if row in rows)
            place = Counted(self.shown).place(row)
            want.bad.add(BadRow(place, f"is no {schema.field(name).type}", name, self.columns[name][row]))
        table = pa.table(arrays, schema=schema)
        kept = table.take(pa.array([row for row in range(len(table)) if row not in gone], pa.int64()))
        yield Reading(schema, batches(self.shown, kept), settled=False)

    def _types(self, want: Want, sample: int | None) -> pa.Schema:
        def type_of(name: str, texts: list[str | None]) -> pa.DataType:
            if name in want.types:
                return want.types[name]
            if want.schema is not None:
                return want.schema.field(name).type
            for type in (pa.int64(), pa.float64(), pa.date32()):
                if len(textform.read(pa.array(texts[:sample], pa.string()), type)[1]) == 0:
                    return type
            return pa.string()

        return pa.schema([(name, type_of(name, texts)) for name, texts in self.columns.items()])

    def _read(self, schema: pa.Schema) -> tuple[list[pa.Array], dict[str, list[int]]]:
        done = {
            name: textform.read(pa.array(texts, pa.string()), schema.field(name).type)
            for name, texts in self.columns.items()
        }
        return [values for values, _ in done.values()], {name: bad.tolist() for name, (_, bad) in done.items()}


def batches(shown: str, table: pa.Table) -> list[Batch]:
    found, first = [], 1
    for rows in table.to_batches(3):
        found.append(Batch(rows, Counted(shown, first)))
        first += len(rows)
    return found


def orders(**changed: Any) -> pa.Table:
    columns: dict[str, Any] = {
        "id": pa.array(range(1, 9), pa.int64()),
        "name": pa.array(["a", "b", None, "", "e", "f", "g", "h"]),
        "price": pa.array([Decimal("1.50"), None, *map(Decimal, "345678")], pa.decimal128(12, 2)),
    }
    return pa.table({**columns, **changed})


def compare(left: pa.Table, right: pa.Table, **options: Any) -> Verdict:
    return verify(Held("left", left), Held("right", right), **options)


def test_the_same_rows_in_another_order_width_and_column_order_are_equal() -> None:
    right = orders(id=pa.array(range(1, 9), pa.int16()), name=orders()["name"].cast(pa.large_string()))
    verdict = compare(orders(), right.take(pa.array([7, 0, 3, 2, 1, 6, 5, 4])).select(["price", "id", "name"]))
    assert verdict.equal
    assert (verdict.rows_a, verdict.rows_b) == (8, 8)
    assert verdict.digest_a == verdict.digest_b
    assert verdict.lines() == [f"left and right hold the same 8 rows ({verdict.digest_a})"]


def test_equal_sources_are_read_once_each() -> None:
    left, right = Held("left", orders()), Held("right", orders())
    assert verify(left, right).equal
    assert (left.opened, right.opened) == (1, 1)


def test_a_changed_value_is_named_by_key_column_both_values_and_both_places() -> None:
    names = ["a", "b", None, "", "e", "F", "g", "h"]
    verdict = compare(orders(), orders(name=pa.array(names)))
    assert not verdict.equal
    (found,) = verdict.differences
    assert (found.key, found.column, found.a, found.b) == ("id=6", "name", "f", "F")
    assert (found.where_a, found.where_b) == ("left row 6", "right row 6")
    assert (verdict.key, verdict.guessed) == (("id",), True)
    assert "id=6, column name: 'f' in A (left row 6), 'F' in B (right row 6)" in "\n".join(verdict.lines())
    assert "guessed" in "\n".join(verdict.lines())


def test_null_and_empty_text_are_told_apart() -> None:
    verdict = compare(orders(), orders(name=pa.array(["a", "b", "", None, "e", "f", "g", "h"])))
    assert [(found.key, found.a, found.b) for found in verdict.differences] == [("id=3", None, ""), ("id=4", "", None)]


def test_a_lost_row_an_added_row_and_a_doubled_row_are_named() -> None:
    right = pa.concat_tables([orders().take(pa.array([0, 1, 2, 4, 5, 6, 7, 7])), orders(id=pa.array([99] * 8))[:1]])
    verdict = compare(orders(), right)
    assert verdict.rows_b == 9
    notes = {(found.key, found.note) for found in verdict.differences}
    assert notes == {("id=4", "only A has this row"), ("id=8", "only B has this row"), ("id=99", "only B has this row")}


def test_rows_without_any_key_are_shown_whole() -> None:
    left = pa.table({"a": ["x", "x", "y"]})
    verdict = compare(left, pa.table({"a": ["x", "y", "y"]}))
    assert verdict.key == ()
    assert [found.note for found in verdict.differences] == ["only A has this row: a=x", "only B has this row: a=y"]


def test_the_guessed_key_has_as_many_leading_columns_as_it_needs() -> None:
    left = pa.table({"a": [1, 1, 2], "b": [1, 2, 1], "c": ["x", "y", "z"]})
    verdict = compare(left, pa.table({"a": [1, 1, 2], "b": [1, 2, 1], "c": ["x", "Y", "z"]}))
    assert verdict.key == ("a", "b")
    assert verdict.differences[0].key == "a=1, b=2"


def test_a_given_key_is_used_and_a_wrong_one_is_a_users_mistake() -> None:
    verdict = compare(orders(), orders(id=pa.array([0, *range(2, 9)])), key=("price",))
    assert (verdict.key, verdict.guessed) == (("price",), False)
    assert (verdict.differences[0].key, verdict.differences[0].column) == ("price=1.50", "id")
    with pytest.raises(UserError, match="did you mean 'price'"):
        compare(orders(), orders(), key=("prize",))


def test_missing_and_extra_columns_are_named_first() -> None:
    right = orders().drop_columns(["name"]).append_column("extra", pa.array(range(8)))
    verdict = compare(orders(), right)
    assert not verdict.equal
    assert [(found.column, found.note) for found in verdict.differences] == [
        ("name", "only A has this column"),
        ("extra", "only B has this column"),
    ]


def test_columns_that_cannot_be_compared_are_named() -> None:
    verdict = compare(orders(), orders(id=pa.array(range(8), pa.int32()).cast(pa.date32())))
    assert "id" in {found.column for found in verdict.differences}
    assert "cannot be compared" in verdict.differences[0].note


def test_a_value_of_b_without_an_equal_in_as_type_is_a_difference_even_beside_a_null() -> None:
    left, right = (
        pa.table({"id": [1, 2], "n": pa.array([None, 5], pa.int64())}),
        pa.table({"id": [1, 2], "n": [0.5, 5.0]}),
    )
    verdict = compare(left, right)
    assert not verdict.equal
    (found,) = verdict.differences
    assert (found.key, found.a, found.b, found.note) == ("id=1", None, "0.5", "it has no equal in the other's type")
    assert compare(left, pa.table({"id": [1, 2], "n": pa.array([None, 5.0])})).equal


def test_text_beside_numbers_is_compared_as_numbers() -> None:
    left = pa.table({"id": [1, 2], "n": ["1.5", "007"]})
    assert compare(left[:1], pa.table({"id": [1], "n": pa.array([Decimal("1.50")], pa.decimal128(9, 2))})).equal
    verdict = compare(left, pa.table({"id": [1, 2], "n": [1, 7]}))
    assert ("id=2", "007", "7") in {(found.key, found.a, found.b) for found in verdict.differences}


def test_no_more_differences_are_told_than_asked_for() -> None:
    left = pa.table({"id": range(100), "n": range(100)})
    verdict = compare(left, pa.table({"id": range(100), "n": [number + 1 for number in range(100)]}), most=4)
    assert [found.key for found in verdict.differences] == ["id=0", "id=1", "id=2", "id=3"]


def test_a_text_file_is_read_again_when_its_first_types_do_not_hold() -> None:
    left = Texts("left.csv", {"id": ["1", "2", "x3"], "n": ["1", "2", "3.5"]})
    right = Held("right", pa.table({"id": ["1", "2", "x3"], "n": [1.0, 2.0, 3.5]}))
    assert verify(left, right).equal


def test_a_text_file_as_b_is_read_with_the_types_of_a() -> None:
    right = Texts("right.csv", {"id": ["00501", "7"], "on": ["2024-02-29", None]})
    left = Held("left", pa.table({"id": ["00501", "7"], "on": pa.array([19782, None], pa.int32()).cast(pa.date32())}))
    assert verify(left, right).equal
    assert right.pinned == {"id": pa.string(), "on": pa.date32()}


def test_text_in_a_beside_a_text_file_stays_text_though_the_file_was_seen_whole() -> None:
    left = Held("left", pa.table({"n": ["1.50"]}))
    right = Texts("right.csv", {"n": ["1.50"]})
    assert right.describe(Want()).settled
    verdict = verify(left, right)
    assert verdict.equal
    assert right.pinned == {"n": pa.string()}
    assert verdict.digest_a == compare(left.table, left.table).digest_a


def test_a_text_in_b_that_as_type_cannot_read_is_a_difference_with_its_place() -> None:
    right = Texts("right.csv", {"id": ["1", "2", "3"], "n": ["1", "two", "3"]})
    verdict = verify(Held("left", pa.table({"id": [1, 2, 3], "n": [1, 2, 3]})), right)
    assert not verdict.equal
    assert verdict.rows_b == 3
    assert (verdict.differences[0].where_b, verdict.differences[0].b) == ("right.csv row 2", "two")
    assert verdict.differences[1].note == "only A has this row"


def test_digits_in_a_text_file_beside_decimals_are_compared_as_decimals() -> None:
    left = Texts("left.csv", {"price": ["12.10", "0.3"]})
    right = Held("right", pa.table({"price": pa.array([Decimal("12.10"), Decimal("0.30")], pa.decimal128(12, 2))}))
    assert verify(left, right).equal


def test_a_row_of_a_that_cannot_be_read_stops_the_comparison() -> None:
    left = Texts("left.csv", {"n": ["1", "x"]})
    with pytest.raises(DataError, match="left.csv row 2"):
        verify(left, Held("right", pa.table({"n": [1, 2]})), want=Want(types={"n": pa.int64()}))


def test_two_empty_sources_are_equal() -> None:
    assert compare(orders()[:0], orders()[:0]).equal
    verdict = compare(orders()[:0], orders()[:1])
    assert verdict.differences[0].note == "only B has this row"


def test_what_has_no_rows_need_not_name_columns() -> None:
    nothing = Held("none.jsonl", pa.table({}))
    assert verify(Held("left", orders()[:0]), nothing).equal
    assert verify(nothing, Held("right", orders()[:0])).equal
    assert not verify(Held("left", orders()[:1]), nothing).equal
    assert not verify(nothing, Held("right", orders()[:1])).equal
    assert not verify(Held("left", orders()[:0]), Held("right", orders()[:0].drop_columns(["id"]))).equal


@dataclass
class Large(Held):
    """The same in large batches."""

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[Reading]:
        found = [Batch(rows, Counted(self.shown)) for rows in self.table.to_batches(20_000)]
        yield Reading(self.table.schema, found)


def test_of_many_rows_some_hashes_are_held_and_not_all_at_once() -> None:
    count = 400_000
    left = pa.table({"id": range(count), "n": range(count), "m": range(count)})
    right = left.set_column(2, "m", pa.array([*range(count - 1), 0], pa.int64()))
    tracemalloc.start()
    try:
        verdict = verify(Large("left", left), Large("right", right))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(found.key, found.column) for found in verdict.differences] == [(f"id={count - 1}", "m")]
    assert most < 100 * count
