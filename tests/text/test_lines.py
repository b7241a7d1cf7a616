"""What is compiled writes, byte by byte, what the slower code writes."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from towpath.adapters.format.csv import CSV
from towpath.adapters.format.json import JSON
from towpath.adapters.format.jsonl import JSONLines
from towpath.errors import DataError, TowError
from towpath.text import lines
from towpath.text.lines import Lines, Rules, Style
from towpath.values.convert import convert, planned

if not lines.is_compiled():
    pytest.skip(
        "src/towpath/text/lines_compiled.c is not compiled: no C compiler was found when towpath was installed",
        allow_module_level=True,
    )

_WIDE = decimal.Context(prec=80)
TEXT = st.text(st.sampled_from("ab,;|\"'\\\n\r\t\b\f\0\x1f\x7f0-.e/é\ufeff\ud7ff🚣"), max_size=24) | st.text(
    max_size=40
)
_DAYS = st.integers(-800_000, 3_200_000) | st.sampled_from([0, -719_162, -719_163, 2_932_896, 2_932_897, 11_016])
LEAVES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int8(): st.integers(-(2**7), 2**7 - 1),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint8(): st.integers(0, 2**8 - 1),
    pa.uint32(): st.integers(0, 2**32 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.decimal128(38, 38): st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(n).scaleb(-38, _WIDE)),
    pa.decimal128(38, 0): st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    pa.decimal128(15, 2): st.integers(-(10**15) + 1, 10**15 - 1).map(lambda n: Decimal(n).scaleb(-2)),
    pa.decimal128(9, 9): st.integers(-(10**9) + 1, 10**9 - 1).map(lambda n: Decimal(n).scaleb(-9)),
    pa.bool_(): st.booleans(),
    pa.date32(): _DAYS,
    pa.float64(): st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**15), 10**15).flatmap(lambda n: st.integers(0, 9).map(lambda scale: n / 10**scale))
    | st.sampled_from([0.0, -0.0, 1e-3, 9.99e-4, 1e10, 9999999999.75, 0.30000000000000004, 1e22, 5e-324]),
    pa.string(): TEXT,
    pa.large_string(): TEXT,
    pa.null(): st.none(),
    pa.timestamp("us", "UTC"): st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)),
}


def arrays(type: pa.DataType, values: st.SearchStrategy[Any], size: int) -> st.SearchStrategy[pa.Array]:
    """Arrays of `size` values with nulls, also ones that begin further on in their buffers."""

    def made(found: tuple[list[Any], int]) -> pa.Array:
        every, before = found
        raw = pa.array(every, pa.int32()).view(type) if pa.types.is_date32(type) else pa.array(every, type)
        return raw.slice(before, size)

    return st.integers(0, 9).flatmap(
        lambda before: st.tuples(
            st.lists(st.none() | values, min_size=size + before, max_size=size + before), st.just(before)
        ).map(made)
    )


def _nested(child: st.SearchStrategy[tuple[pa.DataType, Any]]) -> st.SearchStrategy[tuple[pa.DataType, Any]]:
    lists = child.flatmap(
        lambda one: st.sampled_from([pa.list_(one[0]), pa.large_list(one[0])]).map(
            lambda type: (type, st.lists(st.none() | one[1], max_size=4))
        )
    )
    structs = st.lists(child, min_size=0, max_size=3).map(
        lambda all: (
            pa.struct([(f'm{at}"é', one[0]) for at, one in enumerate(all)]),
            st.fixed_dictionaries({f'm{at}"é': st.none() | one[1] for at, one in enumerate(all)}),
        )
    )
    return lists | structs


_FLAT = st.sampled_from(sorted(LEAVES.items(), key=lambda one: str(one[0])))
_JSON_LEAVES = st.sampled_from(
    sorted(
        ((type, values) for type, values in LEAVES.items() if type not in (pa.date32(),)), key=lambda one: str(one[0])
    )
)
_TREES = st.recursive(_JSON_LEAVES, _nested, max_leaves=6)


def batches(kinds: st.SearchStrategy[tuple[pa.DataType, Any]]) -> st.SearchStrategy[pa.RecordBatch]:
    def of(size: int, types: list[tuple[pa.DataType, Any]]) -> st.SearchStrategy[pa.RecordBatch]:
        columns = st.tuples(*(arrays(type, values, size) for type, values in types))
        return columns.map(lambda found: pa.record_batch(list(found), names=[f"c{at}" for at in range(len(found))]))

    return st.tuples(st.integers(0, 12), st.lists(kinds, min_size=1, max_size=4)).flatmap(lambda one: of(*one))


def written(format: Any, rows: pa.RecordBatch) -> bytes | str:
    """The file, or the error; rows go through what the destination would make of them."""
    try:
        plans = [planned(field, field.name, format.stored, "f") for field in rows.schema]
        columns = [convert(values, plan).values for values, plan in zip(rows.columns, plans, strict=True)]
        held = pa.record_batch(columns, schema=pa.schema([(plan.name, plan.stored.type) for plan in plans]))
        sink = io.BytesIO()
        writer = format.writer(sink, held.schema)
        writer.write(held)
        writer.close()
        return sink.getvalue()
    except TowError as error:
        return f"{type(error).__name__}: {error}"


def slowly(make: Callable[[], Any], rows: pa.RecordBatch) -> bytes | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "compiled", None)
        return written(make(), rows)


def at_once(cores: int, format: Any, rows: pa.RecordBatch) -> bytes | str:
    """In so many pieces, where there are rows for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_CORES", cores)
        patch.setattr(lines, "_WORTH_BYTES", 1)
        return written(format, rows)


_PATIENT = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
"""Nested rows take their time to be made up on a busy machine."""

DIALECTS: list[dict[str, Any]] = [
    {},
    {"delimiter": ";", "header": False},
    {"delimiter": "-"},
    {"delimiter": "1", "quote": "e"},
    {"delimiter": "|", "null": ("NA", "-", ""), "line_ending": "crlf"},
    {"null": ("0", "true")},
    {"quote_all": True, "quote": "'"},
    {"quote": ""},
    {"encoding": "utf-16"},
    {"encoding": "latin-1", "header": False, "quote_all": True},
]


@settings(_PATIENT)
@given(rows=batches(_FLAT), dialect=st.sampled_from(DIALECTS), cores=st.integers(1, 3))
def test_delimited_lines(rows: pa.RecordBatch, dialect: dict[str, Any], cores: int) -> None:
    assert at_once(cores, CSV(**dialect), rows) == slowly(lambda: CSV(**dialect), rows)


@settings(_PATIENT)
@given(rows=batches(_TREES), make=st.sampled_from([JSONLines, JSON]), cores=st.integers(1, 3))
@example(rows=pa.record_batch({"v": pa.array([[{"a": "x"}], None, []])}), make=JSONLines, cores=1)
def test_json_objects(rows: pa.RecordBatch, make: Callable[[], Any], cores: int) -> None:
    found = at_once(cores, make(), rows)
    assert found == slowly(make, rows)
    if isinstance(found, bytes) and len(rows) and make is JSON:
        assert len(json.loads(found)) == len(rows)


def test_what_is_not_a_value_is_not_looked_at() -> None:
    """A NaN, which JSON has not, behind a null struct, within a null list, and beside a slice."""
    items = pa.array([1.5, float("nan"), 2.5])
    mask = pa.array([False, True, False])
    structs = pa.StructArray.from_arrays([items], ["x"], mask=mask)
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), items, mask=mask)
    rows = pa.record_batch({"s": structs, "l": lists})
    assert written(JSONLines(), rows) == (
        b'{"s":{"x":1.5},"l":[1.5]}\n{"s":null,"l":null}\n{"s":{"x":2.5},"l":[2.5]}\n'
    )
    several = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), items)
    assert written(JSONLines(), pa.record_batch({"l": several}).slice(2)) == b'{"l":[2.5]}\n'
    long = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array([0.1 + 0.2, float("nan")]))
    for lists in (long.slice(0, 1), long.slice(1, 1)):
        sink = io.BytesIO()
        writer = JSONLines().writer(sink, pa.schema({"l": lists.type}))
        if lists.offset:
            with pytest.raises(DataError):
                writer.write(pa.record_batch({"l": lists}))
        else:
            writer.write(pa.record_batch({"l": lists}))
            assert sink.getvalue() == b'{"l":[0.30000000000000004]}\n'


def test_rows_of_many_sizes_have_room() -> None:
    texts = ["x" * size for size in (0, 1, 15, 16, 17, 70_000, 3, 200_000)] + ["\x01" * 100_000, '"' * 100_000]
    for format in (CSV, JSONLines):
        rows = pa.record_batch({"a": texts, "n": list(range(len(texts))), "b": texts[::-1]})
        assert written(format(), rows) == slowly(format, rows)


def test_lists_of_many_items_have_room() -> None:
    values = [[-(2**63)] * 50_000, [], [1] * 7, [2**63 - 1] * 300_000]
    rows = pa.record_batch({"v": pa.array(values, pa.list_(pa.int64())), "n": [1, 2, 3, 4]})
    assert written(JSONLines(), rows) == slowly(JSONLines, rows)


def test_numbers_at_the_ends_of_words_are_written_whole() -> None:
    near = [
        base + step for base in (0, 10**9, 10**18, 2**32, 2**63, 2**64, 2**65, 2**96, 10**37) for step in (-1, 0, 1)
    ]
    numbers = [Decimal(sign * one) for one in near for sign in (1, -1)]
    for scale in (0, 9, 38):
        rows = pa.record_batch(
            {"v": pa.array([one.scaleb(-scale, _WIDE) for one in numbers], pa.decimal128(38, scale))}
        )
        for format in (CSV, JSONLines):
            assert written(format(), rows) == slowly(format, rows)


@settings(_PATIENT, max_examples=100)
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=60) | st.lists(st.integers(-(10**16), 10**16)),
    st.integers(0, 8),
)
@example([29, 57, 58, 113, 1], 2)
@example([1, 5, 99_999], 5)
def test_doubles_of_few_digits_and_of_many(numbers: list[int], scale: int) -> None:
    rows = pa.record_batch({"v": pa.array([one / 10**scale for one in numbers], pa.float64())})
    for format in (CSV, JSONLines):
        assert written(format(), rows) == slowly(format, rows)


def test_a_minus_zero_keeps_its_sign() -> None:
    rows = pa.record_batch({"v": [-0.0, 1.5, 0.0]})
    assert written(CSV(), rows) == b"v\n-0.0\n1.5\n0\n"
    assert written(JSONLines(), rows) == b'{"v":-0.0}\n{"v":1.5}\n{"v":0.0}\n'


def test_doubles_that_are_no_numbers_are_told_as_ever() -> None:
    for value in ("nan", "inf", "-inf"):
        rows = pa.record_batch({"v": pa.array([1.5, float(value)])})
        assert written(CSV(), rows) == slowly(CSV, rows)
        with pytest.raises(DataError, match="JSON has no number"):
            JSONLines().writer(io.BytesIO(), rows.schema).write(rows)


def test_deeply_nested_values_are_written_too() -> None:
    for depth in (30, 31, 32, 33, 40):
        value: Any = 1
        for _ in range(depth):
            value = [value]
        rows = pa.record_batch({"v": pa.array([value])})
        assert written(JSONLines(), rows) == f'{{"v":{"[" * depth}1{"]" * depth}}}\n'.encode()


def told(**given: Any) -> tuple[Any, ...]:
    """An array of two numbers, or what else is given."""
    usual = {
        "form": "signed", "style": 0, "width": 4, "scale": 0, "all": False, "first": 0, "length": 2, "null": b"",
        "validity": None, "values": np.array([1, 2], np.int32), "content": None, "children": (), "before": (),
    }  # fmt: skip
    return tuple((usual | given).values())


def rows_of(*children: Any, **given: Any) -> tuple[Any, ...]:
    return told(form="struct", width=0, values=None, children=children, before=(b"",) * len(children), **given)


def render(rows: Any, special: bytes = bytes(256), words: Any = ()) -> bytes:
    return lines.compiled.render(rows, b"\n", special, ord('"'), words)


OFFSETS = np.array([0, 1, 2], np.int32)
WRONG: dict[str, Any] = {
    "too few values": rows_of(told(length=3), length=3),
    "values further on": rows_of(told(first=1)),
    "too little validity": rows_of(told(validity=b"")),
    "a wrong width": rows_of(told(width=3)),
    "no width": rows_of(told(width=0)),
    "a wrong form": rows_of(told(form="number")),
    "a wrong style": rows_of(told(style=3)),
    "a wrong scale": rows_of(told(form="decimal", scale=39, values=bytes(32))),
    "too few decimals": rows_of(told(form="decimal", values=bytes(31))),
    "too few doubles": rows_of(told(form="double", values=bytes(15))),
    "too few bools": rows_of(told(form="bool", values=b"", length=2)),
    "too few dates": rows_of(told(form="date", values=bytes(7))),
    "too few offsets": rows_of(told(form="text", values=OFFSETS[:2], content=b"ab")),
    "offsets beyond": rows_of(told(form="text", values=OFFSETS, content=b"a")),
    "falling offsets": rows_of(told(form="text", values=OFFSETS[::-1].copy(), content=b"ab")),
    "offsets below": rows_of(told(form="text", values=np.array([-1, 1, 2], np.int32), content=b"ab")),
    "items beyond": rows_of(told(form="list", values=np.array([0, 1, 3], np.int32), children=(told(),))),
    "a list of nothing": rows_of(told(form="list", values=OFFSETS)),
    "too few members": rows_of(told(length=1)),
    "nothing before": told(form="struct", values=None, children=(told(),), before=()),
    "no bytes before": told(form="struct", values=None, children=(told(),), before=("x",)),
    "negative": rows_of(told(first=-1)),
    "endless": rows_of(told(length=1 << 62), length=1 << 62),
    "no struct": told(),
    "no array": rows_of(7),
    "no buffer": rows_of(told(values=[1, 2])),
}  # fmt: skip


@pytest.mark.parametrize("rows", WRONG.values(), ids=WRONG)
def test_what_does_not_fit_together_is_refused(rows: Any) -> None:
    with pytest.raises(ValueError):
        render(rows)


def test_rules_that_do_not_fit_are_refused() -> None:
    rows = rows_of(told())
    assert render(rows) == b"1\n2\n"
    with pytest.raises(ValueError):
        render(rows, special=bytes(255))
    with pytest.raises(ValueError):
        render(rows, words=("word",))
    deep: Any = told(length=3)
    for _ in range(70):
        deep = told(form="list", values=OFFSETS, children=(deep,))
    with pytest.raises(ValueError):
        render(rows_of(deep))


def test_what_spares_numbers_is_told_by_the_signs_and_words() -> None:
    assert Rules(',"\r\n').spare_native
    assert Rules(",", ("", "NA")).spare_native
    for rules in (Rules("-"), Rules("7"), Rules("e"), Rules(",", ("0",)), Rules(",", ("true",))):
        assert not rules.spare_native
    one = Lines([b"", b","], b"\n", Style.DELIMITED, b"", lambda values: values.cast(pa.string()), Rules("-", ("5",)))
    assert one.render(pa.record_batch({"a": [-1, 5], "b": [5, None]})) == [b'"-1","5"\n"5",\n']


def test_many_rows_are_written_by_several_cores() -> None:
    rows = pa.record_batch({"a": pa.array(range(1 << 19))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_CORES", 3)
        pieces = Lines([b""], b"\n", Style.DELIMITED, b"", lambda values: values.cast(pa.string())).render(rows)
    assert len(pieces) == 3
    assert b"".join(pieces) == b"".join(b"%d\n" % at for at in range(1 << 19))
