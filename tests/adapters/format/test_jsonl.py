"""JSON Lines: types by evidence, exact values, bad rows with their places, and what is written comes back."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.adapters.format.jsonl import JSONLines
from towpath.badrows import BadRow
from towpath.errors import DataError, Refused
from towpath.nouns import Want
from towpath.seams.format import InputFile, TypesTooNarrow
from towpath.text import json_fast, json_read
from towpath.text.json_evidence import JSONEvidence, gather

BIG = "123456789012345678901234567890"


@pytest.fixture(params=["compiled", "pyarrow"], scope="module", autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """All holds of both: what is compiled, and pyarrow where nothing was."""
    if request.param == "compiled" and not json_fast.is_compiled():
        pytest.skip("src/towpath/text/json_compiled.c is not compiled: no C compiler was found at the installation")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "pyarrow":
            patch.setattr(json_fast, "compiled", None)
        yield request.param


class Kept:
    """Keeps bad rows instead of stopping."""

    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def opened(data: bytes) -> InputFile:
    return InputFile("orders.jsonl", lambda: io.BytesIO(data), size=len(data))


def types_of(data: bytes, *, whole: bool = True) -> dict[str, pa.DataType]:
    found = JSONLines().inspect(opened(data), Want(), whole=whole)
    return {name: evidence.type() for name, evidence in found.columns.items()}


def read(data: bytes, **want: Any) -> tuple[pa.Table, int, list[BadRow]]:
    kept = Kept()
    if "schema" not in want:
        want["schema"] = pa.schema(list(types_of(data).items()))
    with JSONLines().read(opened(data), Want(bad=kept, **want)) as reading:
        table = pa.Table.from_batches([batch.rows for batch in reading], reading.schema)
        assert reading.given == table.num_rows + len(kept.rows)
        return table, reading.given, kept.rows


def values(*tokens: str) -> bytes:
    return "".join(f'{{"a":{token}}}\n' for token in tokens).encode()


def written(rows: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    writer = JSONLines().writer(sink, rows.schema)
    writer.write(rows)
    writer.close()
    return sink.getvalue()


@pytest.mark.parametrize(
    ("tokens", "type"),
    [
        (["null"], pa.string()),
        (["true", "null"], pa.bool_()),
        (["1", "-5", "null"], pa.int64()),
        (["9223372036854775807"], pa.int64()),
        (["1", "2.5"], pa.float64()),
        (["1e5"], pa.float64()),
        (["1.0"], pa.float64()),
        (["-0"], pa.float64()),
        (["0.1234567890123456"], pa.float64()),
        (["12345678901234567"], pa.int64()),
        ([BIG], pa.decimal128(38, 0)),
        (["18446744073709551616"], pa.decimal128(38, 0)),
        (["100000000000000000000"], pa.float64()),
        (["100000000000000000000000"], pa.decimal128(38, 0)),
        (["9007199254740993", "0.5"], pa.decimal128(38, 1)),
        (["0.12345678901234567890"], pa.decimal128(38, 19)),
        ([BIG, "0.123456789"], pa.large_string()),
        (["1e400"], pa.large_string()),
        ([BIG, "-0"], pa.large_string()),
        (['"abc"'], pa.string()),
        (['"2020-01-01"', '"2020-01-02T00:00:00Z"'], pa.string()),
        (['"5"'], pa.string()),
        (["5", '"abc"'], pa.large_string()),
        (["true", "1"], pa.large_string()),
        (["{}", "null"], pa.large_string()),
        (["{}", '{"x":1}'], pa.struct([("x", pa.int64())])),
        (["[]"], pa.list_(pa.string())),
        (["[]", "[1]", "[2.5,null]"], pa.list_(pa.float64())),
        (["[1]", '["x"]'], pa.list_(pa.large_string())),
        (["[1]", '{"x":1}'], pa.large_string()),
        (['{"x":1}', '{"y":[{"z":true}]}'], None),
    ],
)
def test_a_columns_type_is_the_narrowest_that_holds_its_values(tokens: list[str], type: pa.DataType | None) -> None:
    nested = pa.struct([("x", pa.int64()), ("y", pa.list_(pa.struct([("z", pa.bool_())])))])
    assert types_of(values(*tokens)) == {"a": type or nested}


def test_columns_stand_in_the_order_of_first_appearance() -> None:
    assert list(types_of(b'{"b":1}\n{"a":1,"b":2}\n{"c":null,"a":1}\n')) == ["b", "a", "c"]


def test_a_missing_key_is_null() -> None:
    table, _, _ = read(b'{"a":1}\n{"b":"x"}\n{}\n')
    assert table.to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": "x"}, {"a": None, "b": None}]


def test_values_of_a_mixed_column_are_their_json_text() -> None:
    table, _, _ = read(values("5", '"5"', '"a\\"b"', "null", "1.50", "[1, 2.0]", '{"x": "é"}', "true"))
    assert table["a"].to_pylist() == ["5", '"5"', '"a\\"b"', None, "1.50", "[1,2.0]", '{"x":"é"}', "true"]


@pytest.mark.parametrize("digits", range(15, 31))
def test_numbers_of_many_digits_keep_every_one(digits: int) -> None:
    whole = ("1234567890" * 3)[:digits]
    tokens = [whole, f"0.{whole}", f"-{whole}"]
    for token in tokens:
        table, _, _ = read(values(token, token))
        for value in table["a"].to_pylist():
            assert Decimal(repr(value) if isinstance(value, float) else str(value)) == Decimal(token)


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=None).map(abs), min_size=1, max_size=8))
def test_every_number_means_the_same_after_reading(numbers: list[Decimal]) -> None:
    tokens = [str(number).replace("E", "e") for number in numbers]
    table, _, _ = read(values(*tokens))
    for token, value in zip(tokens, table["a"].to_pylist(), strict=True):
        assert Decimal(repr(value) if isinstance(value, float) else str(value)) == Decimal(token)


NARROW = [
    (pa.int64(), "1.0"),
    (pa.int64(), "-0"),
    (pa.int64(), "1e2"),
    (pa.int64(), "9223372036854775808"),
    (pa.int64(), '"5"'),
    (pa.int64(), "true"),
    (pa.float64(), "0.12345678901234567890"),
    (pa.float64(), "9007199254740993"),
    (pa.float64(), "12345678901234567891e-5"),
    (pa.float64(), "1e-400"),
    (pa.float64(), "1.23456789e-320"),
    (pa.float64(), "1e400"),
    (pa.float64(), '"1.5"'),
    (pa.decimal128(38, 2), "1.234"),
    (pa.decimal128(38, 2), '"1.23"'),
    (pa.string(), "5"),
    (pa.string(), "{}"),
    (pa.bool_(), "0"),
    (pa.list_(pa.int64()), "[1.5]"),
    (pa.list_(pa.int64()), "5"),
    (pa.struct([("x", pa.int64())]), '{"y":1}'),
    (pa.struct([("x", pa.int64())]), '{"x":"1"}'),
    (pa.struct([("x", pa.float64())]), '{"x":0.12345678901234567890}'),
    (pa.list_(pa.float64()), "[0.12345678901234567890]"),
]


@pytest.mark.parametrize(("type", "token"), NARROW)
def test_a_value_outside_the_expected_type_asks_for_a_wider_one_and_names_its_place(
    type: pa.DataType, token: str
) -> None:
    with pytest.raises(TypesTooNarrow, match=r"orders\.jsonl:3: column a"):
        read(values("null", "null", token), schema=pa.schema([("a", type)]))


def test_a_new_column_asks_for_a_wider_schema() -> None:
    with pytest.raises(TypesTooNarrow, match=r"orders\.jsonl:2: column b: 7 .* new"):
        read(b'{"a":1}\n{"a":1,"b":7}\n', schema=pa.schema([("a", pa.int64())]))


def test_a_type_from_the_sample_does_not_hide_a_later_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_read, "SAMPLE", 64)
    data = values(*["5"] * 100, '"00501"')
    found = JSONLines().inspect(opened(data), Want(), whole=False)
    assert not found.settled
    assert found.columns["a"].type() == pa.int64()
    with JSONLines().read(opened(data), Want()) as reading, pytest.raises(TypesTooNarrow, match=":101: column a"):
        list(reading)


def test_a_sample_that_is_the_whole_file_is_settled() -> None:
    found = JSONLines().inspect(opened(values("1", "2")), Want(), whole=False)
    assert (found.settled, found.rows) == (True, 2)


BAD = [
    ('{"a":1', "not JSON"),
    ('{"a":1}{"a":2}', "not JSON"),
    ('{"a":1} null', "not JSON"),
    ("null", "null, not an object"),
    ("[1]", "an array, not an object"),
    ("5", "a number, not an object"),
    ('{"a":1,"a":2}', 'key "a" stands twice'),
    ('{"a":null,"s":{"x":1,"x":1}}', 'key "x" stands twice'),
    ('{"s":"\\ud800"}', "surrogate"),
    ('{"s":"\t"}', "not JSON"),
    ('{"a":NaN}', "NaN is no JSON value"),
    ('{"a":-Infinity}', "-Infinity is no JSON value"),
    ('{"a":01}', "not JSON"),
    ("[" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_is_set_aside_with_its_place_and_bytes(line: str, reason: str) -> None:
    data = f'{{"a":1}}\n\n{line}\r\n{{"a":2}}\n'.encode()
    table, given, bad = read(data, schema=pa.schema([("a", pa.float64()), ("s", pa.string())]))
    assert given == 3
    assert table["a"].to_pylist() == [1, 2]
    assert str(bad[0].place) == "orders.jsonl:3"
    assert bad[0].place.raw == line.encode()
    assert reason in bad[0].reason


def test_bytes_that_are_not_utf8_make_a_bad_row() -> None:
    table, _, bad = read(b'{"a":"\xe9"}\n{"a":"\xc3\xa9"}\n')
    assert table["a"].to_pylist() == ["é"]
    assert bad[0].reason == "byte 7 is not UTF-8"


def test_without_a_place_for_bad_rows_the_first_stops_the_load() -> None:
    with JSONLines().read(opened(b'{"a":1}\nfoo\nbar\n'), Want()) as reading:  # noqa: SIM117
        with pytest.raises(DataError, match=r"orders\.jsonl:2: not JSON"):
            list(reading)


def test_objects_spread_and_crowded_over_lines_are_not_taken_for_rows() -> None:
    table, given, bad = read(b'{"a":\n1}\n{"a":2} {"a":3}\n', schema=pa.schema([("a", pa.int64())]))
    assert (table.num_rows, given, len(bad)) == (0, 3, 3)


@pytest.mark.parametrize("threads", [1, 4])
def test_five_bad_lines_of_a_hundred_thousand_are_found_in_order(threads: int) -> None:
    lines = [f'{{"id":{number},"name":"n{number}","price":{number / 8}}}' for number in range(100_000)]
    bad = {7: "oops", 20_000: '{"id":1,"id":2}', 50_000: "[]", 50_001: '{"name":"\\udc00"}', 99_999: '{"id":1'}
    for at, line in bad.items():
        lines[at] = line
    table, given, rows = read("\n".join(lines).encode(), threads=threads, batch_bytes=1 << 18)
    assert (table.num_rows, given) == (99_995, 100_000)
    assert [row.place.line for row in rows] == [at + 1 for at in bad]
    assert table["id"].to_pylist() == [number for number in range(100_000) if number not in bad]
    assert table.schema.types == [pa.int64(), pa.string(), pa.float64()]


def test_rows_know_their_places() -> None:
    data = b'{"a":1}\n\n{"a":2}\nfoo\n{"a":3}\n'
    with JSONLines().read(opened(data), Want(bad=Kept())) as reading:
        (batch,) = list(reading)
    assert [batch.origin.place(row).line for row in range(3)] == [1, 3, 5]
    assert batch.origin.place(2).raw == b'{"a":3}'


def test_the_rows_of_an_undisturbed_block_know_their_places_too() -> None:
    with JSONLines().read(opened(b'\n{"a":1} \r\n \t\n{"a":2}'), Want()) as reading:
        (batch,) = list(reading)
    assert [str(batch.origin.place(row)) for row in range(2)] == ["orders.jsonl:2", "orders.jsonl:4"]
    assert reading.given == 2


def test_a_pinned_column_takes_text_forms_and_its_misfits_are_bad_rows() -> None:
    pins = {"a": pa.date32(), "n": pa.int8()}
    data = (
        b'{"a":"2024-02-29","n":1}\n{"a":"2023-02-29","n":2}\n{"a":5,"n":3}\n{"a":null,"n":300}\n{"a":null,"n":"4"}\n'
    )
    table, _, bad = read(data, types=pins, schema=pa.schema(list(pins.items())))
    assert table.to_pylist() == [{"a": dt.date(2024, 2, 29), "n": 1}, {"a": None, "n": 4}]
    assert [(row.place.line, row.column, row.value) for row in bad] == [
        (2, "a", '"2023-02-29"'),
        (3, "a", "5"),
        (4, "n", "300"),
    ]


@pytest.mark.parametrize(
    ("type", "token", "value"),
    [
        (pa.uint64(), "18446744073709551615", 2**64 - 1),
        (pa.float32(), "0.1", 0.10000000149011612),
        (pa.float32(), "0.10000000149011612", 0.10000000149011612),
        (pa.float16(), "0.5", 0.5),
        (pa.decimal128(12, 2), "1.50", Decimal("1.50")),
        (pa.decimal128(12, 2), '"1.50"', Decimal("1.50")),
        (
            pa.decimal128(38, 10),
            "1234567890123456789012345678.5000000000000",
            Decimal("1234567890123456789012345678.5"),
        ),
        (pa.decimal256(60, 0), "1" * 60, Decimal("1" * 60)),
        (pa.string(), "1.50", "1.50"),
        (pa.string(), '"x"', "x"),
        (pa.large_string(), '"x"', "x"),
        (pa.timestamp("us"), '"2024-01-01 10:00:00"', dt.datetime(2024, 1, 1, 10)),
        (pa.list_(pa.date32()), '["2024-01-01",null]', [dt.date(2024, 1, 1), None]),
        (pa.list_(pa.int8(), 2), "[1,2]", [1, 2]),
        (pa.list_(pa.null(), 2), "[null,null]", [None, None]),
        (pa.list_(pa.list_(pa.null(), 2)), "[[null,null],null]", [[None, None], None]),
        (pa.map_(pa.string(), pa.int8()), '{"x":1,"y":2}', [("x", 1), ("y", 2)]),
        (pa.map_(pa.string(), pa.int8()), '[{"key":"x","value":1}]', [("x", 1)]),
    ],
)
def test_a_pinned_type_is_read_exactly(type: pa.DataType, token: str, value: Any) -> None:
    table, _, bad = read(values(token, "null"), types={"a": type}, schema=pa.schema([("a", type)]))
    assert bad == []
    assert table["a"].to_pylist() == [value, None]


@pytest.mark.parametrize(
    ("type", "token"),
    [
        (pa.float32(), "0.123456789"),
        (pa.float32(), "1e39"),
        (pa.float16(), "0.1234567"),
        (pa.uint8(), "-1"),
        (pa.decimal128(4, 2), "123"),
        (pa.decimal128(4, 2), "1.234"),
        (pa.list_(pa.int8(), 2), "[1]"),
        (pa.map_(pa.int8(), pa.int8()), '{"x":1}'),
        (pa.binary(), "12"),
        (pa.null(), "1"),
    ],
)
def test_a_value_that_a_pinned_type_cannot_hold_is_a_bad_row_and_others_stay(type: pa.DataType, token: str) -> None:
    table, _, bad = read(values("null", token, "null"), types={"a": type}, schema=pa.schema([("a", type)]))
    assert [row.place.line for row in bad] == [2]
    assert table["a"].to_pylist() == [None, None]


def test_only_the_wanted_columns_come_in_the_wanted_order() -> None:
    table, _, _ = read(b'{"a":1,"b":2,"c":3}\n', columns=("c", "x", "a"))
    assert table.to_pylist() == [{"c": 3, "a": 1}]


def test_a_new_column_that_is_not_wanted_is_passed_over() -> None:
    table, _, _ = read(b'{"a":1}\n{"a":2,"z":[]}\n', columns=("a",), schema=pa.schema([("a", pa.int64())]))
    assert table["a"].to_pylist() == [1, 2]


def test_empty_objects_are_rows_and_no_lines_are_none() -> None:
    with JSONLines().read(opened(b"{}\n{}\n"), Want()) as reading:
        assert [len(batch) for batch in reading] == [2]
    with JSONLines().read(opened(b"\n"), Want()) as reading:
        assert list(reading) == []
    assert reading.given == 0


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read(b'\xef\xbb\xbf{"a":1}\n')[0].to_pylist() == [{"a": 1}]


def test_a_file_without_line_ends_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("towpath.text.json_lines.LONGEST", 1 << 20)
    with pytest.raises(DataError, match="does not end within"):
        types_of(b'{"a":"' + b"x" * (3 << 20))


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.integers(-5, 5),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
        st.sampled_from(["2020-01-01", "1e5", "-0", "1" * 20]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["x", "y", 'q"', "é"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", ""]), JSON_VALUES, max_size=3), max_size=6)


def dumped(rows: list[dict[str, Any]], *, ascii: bool = False) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in rows).encode()


def same(read: Any, given: Any, type: pa.DataType) -> bool:
    """Whether a value read as `type` means what was given, and nothing of it is gone."""
    if given is None:
        return read is None
    if type == pa.large_string():
        back = json.loads(read, parse_float=Decimal, parse_int=Decimal)
        return bool(back == json.loads(json.dumps(given), parse_float=Decimal, parse_int=Decimal))
    if pa.types.is_struct(type):
        return all(same(read[field.name], given.get(field.name), field.type) for field in type) and given.keys() <= {
            field.name for field in type
        }
    if pa.types.is_list(type):
        pairs = zip(read, given, strict=True)
        return all(same(one, other, type.value_type) for one, other in pairs)
    if isinstance(given, bool | str):
        return bool(read == given)
    token = json.dumps(given)
    return Decimal(repr(read) if isinstance(read, float) else str(read)) == Decimal(token)


@settings(max_examples=200)
@given(ROWS, st.booleans())
def test_any_json_rows_are_read_without_loss(rows: list[dict[str, Any]], ascii: bool) -> None:
    table, given_rows, bad = read(dumped(rows, ascii=ascii))
    assert (given_rows, bad) == (len(rows), [])
    for got, row in zip(table.to_pylist(), rows, strict=table.num_columns > 0):
        assert row.keys() <= set(table.schema.names)
        for field in table.schema:
            assert same(got[field.name], row.get(field.name), field.type), (got, row, field)


@settings(max_examples=200)
@given(ROWS)
def test_the_fast_way_gives_what_the_careful_one_gives(rows: list[dict[str, Any]]) -> None:
    data = dumped(rows)
    fast, _, _ = read(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_fast.Fast, "read", lambda self, text, count: None)
        careful, _, _ = read(data)
    assert fast.schema.equals(careful.schema)
    assert repr(fast.to_pylist()) == repr(careful.to_pylist())


@settings(max_examples=150)
@given(ROWS, ROWS, ROWS)
def test_merging_evidence_does_not_depend_on_grouping_or_order(
    one: list[dict[str, Any]], two: list[dict[str, Any]], three: list[dict[str, Any]]
) -> None:
    def evidence(rows: list[dict[str, Any]]) -> JSONEvidence:
        return gather([{"all": row} for row in json_tokens(rows)]).get("all", JSONEvidence())

    a, b, c = evidence(one), evidence(two), evidence(three)
    whole = evidence(one + two + three).type()
    assert a.merge(b).merge(c).type() == whole
    assert a.merge(b.merge(c)).type() == whole
    assert unordered(c.merge(a).merge(b).type()) == unordered(whole)


def json_tokens(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from towpath.text.json_careful import parse

    return [parse(json.dumps(row).encode()) for row in rows]


def unordered(type: pa.DataType) -> Any:
    if pa.types.is_struct(type):
        return frozenset((field.name, unordered(field.type)) for field in type)
    return ("list", unordered(type.value_type)) if pa.types.is_list(type) else type


def test_many_shapes_of_doubles_take_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = random.Random(1)
    data = dumped([{"a": numbers.random(), "id": 2**62 + number, "card": "4" * 16} for number in range(500)])
    schema = pa.schema([("a", pa.float64()), ("id", pa.int64()), ("card", pa.string())])

    def careful(*_: Any) -> None:
        raise AssertionError("read with care")

    monkeypatch.setattr(json_read.JSONReading, "_carefully", careful)
    table, _, _ = read(data, schema=schema)
    assert table.to_pylist() == [json.loads(line) for line in data.splitlines()]


def test_rows_are_written_one_object_a_line() -> None:
    rows = pa.RecordBatch.from_pylist(
        [
            {"n": 1, "s": 'a"b\\c\n\x01é', "d": Decimal("1.10"), "f": 0.1, "l": [1, None], "o": {"x": True}},
            {"n": None, "s": None, "d": None, "f": 1e20, "l": None, "o": None},
            {"n": 3, "s": "", "d": Decimal("-0.05"), "f": 100.0, "l": [], "o": {"x": None}},
        ],
        pa.schema(
            [
                ("n", pa.int64()),
                ("s", pa.string()),
                ("d", pa.decimal128(10, 2)),
                ("f", pa.float64()),
                ("l", pa.list_(pa.int64())),
                ("o", pa.struct([("x", pa.bool_())])),
            ]
        ),
    )
    assert written(rows).decode().splitlines() == [
        '{"n":1,"s":"a\\"b\\\\c\\n\\u0001é","d":1.10,"f":0.1,"l":[1,null],"o":{"x":true}}',
        '{"n":null,"s":null,"d":null,"f":1e+20,"l":null,"o":null}',
        '{"n":3,"s":"","d":-0.05,"f":100.0,"l":[],"o":{"x":null}}',
    ]
    assert written(rows.slice(1, 1)) == written(rows).splitlines(keepends=True)[1]


def test_nan_is_refused_also_within_lists() -> None:
    assert JSONLines().stored(pa.float64()).refuses == {"nan", "inf"}
    assert JSONLines().stored(pa.list_(pa.float32())).refuses == {"nan", "inf"}
    for column in (pa.array([math.nan]), pa.array([[1.0, math.inf]])):
        with pytest.raises(DataError, match="JSON has no number"):
            written(pa.record_batch({"a": column}))


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(Refused, match="two members named 'a'"):
        written(pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]))
    with pytest.raises(Refused, match="two members named 'x'"):
        JSONLines().stored(pa.struct([("x", pa.int8()), ("x", pa.int8())]))


@pytest.mark.parametrize(
    ("type", "held"),
    [
        (pa.int8(), pa.int8()),
        (pa.float16(), pa.float32()),
        (pa.decimal256(70, 3), pa.decimal256(70, 3)),
        (pa.date32(), pa.string()),
        (pa.timestamp("ns", "UTC"), pa.string()),
        (pa.binary(), pa.string()),
        (pa.null(), pa.string()),
        (pa.large_string(), pa.string()),
        (pa.dictionary(pa.int8(), pa.date32()), pa.string()),
        (pa.large_list(pa.date32()), pa.list_(pa.string())),
        (pa.map_(pa.string(), pa.int8()), pa.list_(pa.struct([("key", pa.string()), ("value", pa.int8())]))),
        (pa.struct([("x", pa.date32())]), pa.struct([("x", pa.string())])),
    ],
)
def test_json_holds_numbers_text_and_nests_and_all_else_as_text(type: pa.DataType, held: pa.DataType) -> None:
    assert JSONLines().stored(type).type == held


SCALARS = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float32(): st.floats(width=32, allow_nan=False, allow_infinity=False),
    pa.float64(): st.floats(allow_nan=False, allow_infinity=False),
    pa.decimal128(38, 10): st.decimals(-(10**20), 10**20, places=10),
    pa.decimal256(60, 20): st.decimals(-(10**35), 10**35, places=20),
    pa.string(): st.text(st.characters(exclude_categories=["Cs"])),
}


@st.composite
def columns(draw: st.DrawFn) -> tuple[pa.DataType, list[Any]]:
    type = draw(st.sampled_from(list(SCALARS)))
    items: st.SearchStrategy[Any] = st.none() | SCALARS[type]
    for shape in draw(st.lists(st.sampled_from(["list", "struct"]), max_size=2)):
        if shape == "list":
            type, items = pa.list_(type), st.none() | st.lists(items, max_size=3)
        else:
            type, items = (
                pa.struct([("x", type), ("y", pa.int64())]),
                st.none() | st.fixed_dictionaries({"x": items, "y": st.none() | st.integers(0, 9)}),
            )
    return type, draw(st.lists(items, min_size=3, max_size=3))


@settings(max_examples=250)
@given(st.lists(columns(), min_size=1, max_size=4), st.integers(0, 2))
def test_what_is_written_is_read_again_in_its_schema(made: list[tuple[pa.DataType, list[Any]]], start: int) -> None:
    arrays = [pa.array(items, type) for type, items in made]
    rows = pa.RecordBatch.from_arrays(arrays, [f"c{number}" for number in range(len(made))]).slice(start)
    table, _, bad = read(written(rows), schema=rows.schema, types={field.name: field.type for field in rows.schema})
    assert bad == []
    assert repr(table.to_pylist()) == repr(rows.to_pylist())


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_a_float32_reads_back_as_the_same_number_also_as_a_double(numbers: list[float]) -> None:
    table, _, _ = read(written(pa.record_batch({"a": pa.array(numbers, pa.float32())})))
    assert table["a"].cast(pa.float64()).to_pylist() == numbers
