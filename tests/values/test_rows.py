"""What is compiled takes values plainly of a column's kind, as pyarrow would, and leaves others as they came."""

from __future__ import annotations

import gc
import math
import sys
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.values import rows
from towpath.values.rows import Column, Kind

if not rows.is_compiled():
    pytest.skip(
        "src/towpath/values/rows_compiled.c is not compiled: no C compiler was found when towpath was installed",
        allow_module_level=True,
    )

EXACT = 2**53


class Whole(int):
    """No plain int."""


class Words(str):
    """No plain str."""


def plain(kind: Kind, value: Any) -> bool:
    """Whether a column of the kind takes a value: what the compiled part is held to."""
    one = type(value)
    if value is None:
        return True
    if kind is Kind.INTEGER:
        return one is int and -(2**63) <= value < 2**63
    if kind is Kind.FLOAT:
        return one is float
    if kind is Kind.NUMBER:
        return one is float or (one is int and -EXACT <= value <= EXACT)
    if kind is Kind.TEXT:
        return one is str and not any("\ud800" <= sign <= "\udfff" for sign in value)
    if kind is Kind.BINARY:
        return one is bytes
    return one is int and value in (0, 1)


def expected(kind: Kind, values: list[Any]) -> tuple[pa.Array, list[Any]]:
    at = next((at for at, value in enumerate(values) if not plain(kind, value)), len(values))
    taken = values[:at]
    if kind is Kind.BOOLEAN:
        taken = [None if value is None else value == 1 for value in taken]
    if kind is Kind.NUMBER:
        taken = [None if value is None else float(value) for value in taken]
    return pa.array(taken, kind.type), values[at:]


def compared(kinds: list[Kind], table: list[tuple[Any, ...]], most: int | None = None) -> list[Column]:
    most = len(table) if most is None else most
    source = iter(table)
    count, columns = rows.read(source, most, kinds)
    came = table[:most]
    assert count == len(came)
    assert list(source) == table[most:]  # no row more was asked for
    assert len(columns) == len(kinds)
    for at, (kind, column) in enumerate(zip(kinds, columns, strict=True)):
        array, rest = expected(kind, [row[at] for row in came])
        column.taken.validate(full=True)
        assert column.taken.type == kind.type
        assert column.taken.null_count == array.null_count
        assert repr(column.taken.to_pylist()) == repr(array.to_pylist())
        if kind in (Kind.INTEGER, Kind.FLOAT, Kind.NUMBER):
            assert bits(column.taken) == bits(array)
        assert len(column.rest) == len(rest)
        assert all(found is value for found, value in zip(column.rest, rest, strict=True))
    return columns


def bits(numbers: pa.Array) -> list[int | None]:
    return pa.array(numbers).view(pa.int64()).to_pylist()


INTEGERS = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(
        [sign * (2**power + more) for sign in (1, -1) for power in (31, 32, 53, 63) for more in (-1, 0, 1)]
    ),
)
FLOATS = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7e308]))
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(["", "\0", "a\0b", "é", "😀", "x" * 300]))
BYTES = st.one_of(st.binary(max_size=40), st.sampled_from([b"", b"\0", b"\xff" * 300]))
OF = {
    Kind.INTEGER: INTEGERS,
    Kind.FLOAT: FLOATS,
    Kind.NUMBER: st.one_of(FLOATS, INTEGERS),
    Kind.TEXT: TEXTS,
    Kind.BINARY: BYTES,
    Kind.BOOLEAN: st.integers(0, 1),
}
ODD = st.one_of(
    INTEGERS,
    FLOATS,
    TEXTS,
    BYTES,
    st.sampled_from(
        [True, False, 2, -1, 256, 2**64, 10**30, "\ud800", "a\udfff", Whole(1), Words("a"), bytearray(b"a")]
    ),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Kind], list[tuple[Any, ...]]]:
    """Columns of all kinds, in most of which all values are of theirs."""
    kinds = draw(st.lists(st.sampled_from(Kind), max_size=7))
    count = draw(st.integers(0, 40))
    columns = []
    for kind in kinds:
        values = st.one_of(OF[kind], st.none()) if draw(st.booleans()) else OF[kind]
        column = draw(st.lists(values, min_size=count, max_size=count))
        if count and draw(st.integers(0, 3)) == 0:
            column[draw(st.integers(0, count - 1))] = draw(ODD)
        columns.append(column)
    return kinds, list(zip(*columns, strict=True)) if kinds else [()] * count


@given(tables(), st.integers(0, 50))
@settings(deadline=None, max_examples=400)
def test_columns_are_what_pyarrow_makes_of_them(given_: tuple[list[Kind], list[tuple[Any, ...]]], most: int) -> None:
    kinds, table = given_
    compared(kinds, table, most)


@given(tables())
@settings(deadline=None)
def test_where_it_was_not_compiled_all_values_are_left_as_they_came(
    given_: tuple[list[Kind], list[tuple[Any, ...]]],
) -> None:
    kinds, table = given_
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "compiled", None)
        count, columns = rows.read(iter(table), 100, kinds)
    assert count == len(table)
    assert [column.taken.type for column in columns] == [kind.type for kind in kinds]
    assert [len(column.taken) for column in columns] == [0] * len(kinds)
    assert [tuple(column.rest) for column in columns] == [tuple(row[at] for row in table) for at in range(len(kinds))]


def one(kind: Kind, value: Any) -> Any:
    """What becomes of a value between nulls; `...` where it is not taken."""
    (column,) = compared([kind], [(None,), (value,), (None,)])
    return ... if column.rest else column.taken[1].as_py()


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (Kind.INTEGER, 2**63 - 1, 2**63 - 1),
        (Kind.INTEGER, -(2**63), -(2**63)),
        (Kind.INTEGER, -1, -1),
        (Kind.INTEGER, 2**63, ...),
        (Kind.INTEGER, -(2**63) - 1, ...),
        (Kind.INTEGER, True, ...),
        (Kind.INTEGER, 1.0, ...),
        (Kind.FLOAT, 1.5, 1.5),
        (Kind.FLOAT, 1, ...),
        (Kind.FLOAT, math.inf, math.inf),
        (Kind.NUMBER, 1, 1.0),
        (Kind.NUMBER, EXACT, float(EXACT)),
        (Kind.NUMBER, -EXACT, -float(EXACT)),
        (Kind.NUMBER, EXACT + 1, ...),
        (Kind.NUMBER, -EXACT - 1, ...),
        (Kind.NUMBER, 2**64, ...),
        (Kind.NUMBER, "1", ...),
        (Kind.TEXT, "", ""),
        (Kind.TEXT, "a\0b", "a\0b"),
        (Kind.TEXT, "é😀", "é😀"),
        (Kind.TEXT, "\ud800", ...),
        (Kind.TEXT, b"a", ...),
        (Kind.BINARY, b"a\0\xff", b"a\0\xff"),
        (Kind.BINARY, "a", ...),
        (Kind.BINARY, bytearray(b"a"), ...),
        (Kind.BOOLEAN, 0, False),
        (Kind.BOOLEAN, 1, True),
        (Kind.BOOLEAN, 2, ...),
        (Kind.BOOLEAN, -1, ...),
        (Kind.BOOLEAN, 2**64, ...),
        (Kind.BOOLEAN, 1.0, ...),
        (Kind.BOOLEAN, True, ...),
        (Kind.BOOLEAN, Whole(1), ...),
        (Kind.INTEGER, Whole(1), ...),
        (Kind.NUMBER, Whole(1), ...),
        (Kind.NUMBER, np.float64(1), ...),
        (Kind.FLOAT, np.float64(1), ...),
        (Kind.TEXT, Words("a"), ...),
        (Kind.BINARY, np.bytes_(b"a"), ...),
    ],
)
def test_a_value_is_taken_where_it_is_plainly_of_its_kind(kind: Kind, value: Any, found: Any) -> None:
    assert one(kind, value) == found


def test_signs_of_zero_and_nan_are_kept() -> None:
    column = compared([Kind.FLOAT, Kind.NUMBER], [(-0.0, -0.0), (0.0, 0), (math.nan, math.nan)])
    assert [math.copysign(1, value) for value in column[0].taken.to_pylist()[:2]] == [-1, 1]


def test_the_rest_begins_with_the_first_that_was_not_taken_and_goes_on_to_the_end() -> None:
    table = [(1, "a"), (None, None), (2.5, "b"), (3, 4), (None, None)]
    columns = compared([Kind.INTEGER, Kind.TEXT], table)
    assert [list(column.rest) for column in columns] == [[2.5, 3, None], [4, None]]


@pytest.mark.parametrize("count", [*range(20), 63, 64, 65, 1000])
def test_bits_of_nulls_and_bools_are_right_for_any_number_of_rows(count: int) -> None:
    table = [(None if at % 3 == 1 else at & 1, None if at % 5 == 2 else "x" * (at % 4)) for at in range(count)]
    compared([Kind.BOOLEAN, Kind.TEXT], table)
    compared([Kind.BOOLEAN, Kind.TEXT], table, most=2 * count + 9)


def test_long_texts_among_short_ones_have_their_room() -> None:
    table = [("x" * size, b"y" * (size // 2)) for size in (0, 1, 40, 100_000, 3, 0, 1_000_000, 7)]
    compared([Kind.TEXT, Kind.BINARY], table)


def test_no_rows_are_no_rows() -> None:
    for kind in Kind:
        compared([kind], [])
        compared([kind], [(None,)], most=0)
    assert rows.read(iter([(), ()]), 9, []) == (2, [])


@pytest.mark.parametrize("wrong", [(1,), (1, "a", 2), (), [1, "a"], None, 7, "ab"], ids=repr)
@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("compiled", [True, False])
def test_a_row_that_is_no_tuple_of_its_columns_is_an_error(
    wrong: Any, before: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(rows, "compiled", None)
    with pytest.raises(ValueError, match="a value for each kind"):
        rows.read(iter([(1, "a")] * before + [wrong]), 100, [Kind.INTEGER, Kind.TEXT])


class Pair(NamedTuple):
    number: int
    word: str


def test_a_row_may_be_a_named_tuple() -> None:
    compared([Kind.INTEGER, Kind.TEXT], [Pair(1, "a"), Pair(2, "b")])


def test_what_the_rows_raise_is_let_pass() -> None:
    def broken() -> Iterator[tuple[int]]:
        yield (1,)
        raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        rows.read(broken(), 10, [Kind.INTEGER])


@pytest.mark.parametrize("wrong", ["", "int32", "strings", 7, None, "\ud800"])
def test_a_kind_that_is_none_is_an_error(wrong: Any) -> None:
    with pytest.raises(ValueError, match="no such kind"):
        rows.compiled.read(iter([]), 1, (wrong,))


@pytest.mark.parametrize("most", [-1, sys.maxsize, sys.maxsize // 8])
def test_more_rows_than_there_can_be_are_an_error(most: int) -> None:
    with pytest.raises(ValueError, match="no room for so many rows"):
        rows.compiled.read(iter([]), most, ("int64", "string"))


def test_rows_that_are_no_iterator_are_an_error() -> None:
    with pytest.raises(TypeError):
        rows.compiled.read([(1,)], 1, ("int64",))
    with pytest.raises(TypeError):
        rows.compiled.read(iter([(1,)]), 1, ["int64"])


class Noted:
    """A value whose end can be seen."""


def test_nothing_is_kept_of_rows_nor_of_columns() -> None:
    value, text = Noted(), "text of some length"
    gone = weakref.ref(value)
    before = sys.getrefcount(text)
    count, columns = rows.read(iter([(text, 1), (text, value)]), 5, [Kind.TEXT, Kind.INTEGER])
    assert (count, columns[1].rest) == (2, [value])
    with pytest.raises(ValueError):
        rows.read(iter([(text, value), (text,)]), 5, [Kind.TEXT, Kind.INTEGER])
    assert sys.getrefcount(text) == before
    del value, columns
    gc.collect()
    assert gone() is None


def test_a_row_is_let_go_before_the_next_is_asked_for() -> None:
    alive: list[weakref.ref[Noted]] = []

    def source() -> Iterator[tuple[Any, ...]]:
        for _ in range(5):
            assert all(one() is None for one in alive)
            row = RowOf((1,))
            row.mark = Noted()
            alive.append(weakref.ref(row.mark))
            yield row
            del row

    assert rows.read(source(), 9, [Kind.INTEGER])[0] == 5


class RowOf(tuple[Any, ...]):
    mark: Noted


@pytest.mark.slow
def test_texts_beyond_offsets_of_32_bits_are_left_as_they_came() -> None:
    text = "x" * (1 << 30)
    count, (column,) = rows.read(iter([(text,), (text,), (None,)]), 3, [Kind.TEXT])
    assert (count, len(column.taken), len(column.rest)) == (3, 1, 2)
    assert column.taken[0].as_buffer().size == 1 << 30
