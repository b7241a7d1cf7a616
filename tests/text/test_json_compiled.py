"""What is compiled gives the rows that the careful way gives, or none at all, for any bytes."""

from __future__ import annotations

import json
import random
import struct
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.text import json_array, json_careful, json_fast, json_lines, json_numbers
from towpath.text.json_fast import Fast

if not json_fast.is_compiled():
    pytest.skip(
        "src/towpath/text/json_compiled.c is not compiled: no C compiler was found when towpath was installed",
        allow_module_level=True,
    )


@pytest.fixture(scope="module", autouse=True)
def framing() -> str:
    return "both"


class Compiled(Fast):
    """Without the way through pyarrow."""

    def _through_pyarrow(self, text: bytes | None, count: int) -> pa.RecordBatch | None:
        return None


def carefully(records: list[bytes], schema: pa.Schema, pinned: bool) -> pa.RecordBatch | None:
    """None where a record is bad, or has a key or a value that the schema does not hold."""
    try:
        objects = [json_careful.parse(raw) for raw in records]
    except json_careful.Unreadable:
        return None
    if any(not found.keys() <= set(schema.names) for found in objects):
        return None
    arrays = []
    for field in schema:
        values = [found.get(field.name) for found in objects]
        array, unfit = json_careful.column(values, field.type, field.name, pinned=pinned)
        if unfit:
            return None
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def compared(records: list[bytes], schema: pa.Schema, *, pinned: bool = False) -> pa.RecordBatch | None:
    """What is compiled makes of the records, which is nothing, or what the careful way makes of them."""
    pins = {field.name: field.type for field in schema} if pinned else {}
    rows = Compiled(schema, pins).read(b"\n".join(records), len(records))
    if rows is not None:
        rows.validate(full=True)
        expected = carefully(records, schema, pinned)
        assert expected is not None, records
        assert rows.schema.equals(schema)
        assert rows.equals(expected)
        assert repr(rows.to_pylist()) == repr(expected.to_pylist())
    return rows


def one(token: str | bytes, type: pa.DataType, *, pinned: bool = False) -> Any:
    """The value of a token between others, or `...` where it is declined."""
    raw = token if isinstance(token, bytes) else token.encode()
    rows = compared([b'{"a":null}', b'{"a":' + raw + b"}", b"{}"], pa.schema([("a", type)]), pinned=pinned)
    return ... if rows is None else rows["a"][1].as_py()


DEC = pa.decimal128(38, 10)
TAKEN = [
    (pa.bool_(), "true", True),
    (pa.bool_(), "false", False),
    (pa.int64(), "0", 0),
    (pa.int64(), "-1", -1),
    (pa.int64(), "9223372036854775807", 2**63 - 1),
    (pa.int64(), "-9223372036854775808", -(2**63)),
    (pa.int64(), "null", None),
    (pa.float64(), "-0", -0.0),
    (pa.float64(), "-0.0", -0.0),
    (pa.float64(), "0e9", 0.0),
    (pa.float64(), "0.1", 0.1),
    (pa.float64(), "1E5", 1e5),
    (pa.float64(), "1e+22", 1e22),
    (pa.float64(), "1.5e-07", 1.5e-07),
    (pa.float64(), "9007199254740992", 2.0**53),
    (pa.float64(), "9007199254740991.0", 2.0**53 - 1),
    (pa.float64(), "17.000000000000000", 17.0),
    (pa.float64(), "0.1000000000000000000", 0.1),
    (pa.float64(), "0.30000000000000004", 0.30000000000000004),
    (pa.float64(), "0.1234567890123456", 0.1234567890123456),
    (pa.float64(), "-73.98765432101234", -73.98765432101234),
    (pa.float64(), "5.123456789012345e-05", 5.123456789012345e-05),
    (pa.float64(), "0.00005123456789012345", 0.00005123456789012345),
    (DEC, "0", Decimal(0)),
    (DEC, "0.0000000000000", Decimal(0)),
    (DEC, "-1.50", Decimal("-1.50")),
    (DEC, "1234567890123456789012345678.1234567890000", Decimal("1234567890123456789012345678.123456789")),
    (pa.decimal128(38, 0), "-" + "9" * 38, Decimal("-" + "9" * 38)),
    (pa.decimal128(38, 38), "0." + "9" * 38, Decimal("0." + "9" * 38)),
    (pa.decimal128(4, 2), "99.99", Decimal("99.99")),
    (pa.string(), '""', ""),
    (pa.string(), '"a"', "a"),
    (pa.string(), '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
    (pa.string(), '"\\u0041\\u00e9\\u20ac\\uD83D\\ude00\\u0000|\\u007f\\u0080\\u07ff\\u0800\\uffff"',
     "Aé€😀\0|\x7f\x80\u07ff\u0800\uffff"),
    (pa.string(), '"é€😀\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"',
     "é€😀\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"),
    (pa.string(), '"null"', "null"),
    (pa.list_(pa.int64()), "[]", []),
    (pa.list_(pa.int64()), " [ 1 ,\t2\r,\nnull ] ", [1, 2, None]),
    (pa.list_(pa.list_(pa.bool_())), "[[],null,[true]]", [[], None, [True]]),
    (pa.struct([("x", pa.int64())]), "{}", {"x": None}),
    (pa.struct([("x", pa.int64())]), '{ "x" : 1 }', {"x": 1}),
    (pa.struct([("x", pa.int64()), ("y", pa.string())]), '{"y":"z"}', {"x": None, "y": "z"}),
]  # fmt: skip


@pytest.mark.parametrize(("type", "token", "value"), TAKEN)
def test_what_is_plainly_of_its_type_is_taken(type: pa.DataType, token: str, value: Any) -> None:
    assert repr(one(token, type)) == repr(pa.scalar(value, type).as_py())


DECLINED: list[tuple[pa.DataType, str | bytes]] = [
    *((pa.bool_(), token) for token in ("True", "truE", "tru", "1", '"true"', "truex", "falsee", "nul", "nulL")),
    *((pa.int64(), token) for token in (
        "-0", "00", "01", "-01", "1.0", "1e2", "1E2", "+1", "-", "--1", "", "0x1", "1_0", "９", "1 2", '"1"', "true",
        "[1]", "{}", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "27670116110564327421",
        "100000000000000000000", "1" * 60, "NaN", "Infinity", "1,", "1}",
    )),
    *((pa.float64(), token) for token in (
        "1.", ".5", "01.5", "1e", "1e+", "1.e5", "-", "-.5", "+0.5", "1.5.5", "NaN", "-Infinity", "Infinity", "inf",
        '"1.5"', "1e400", "1e-400", "1.23456789e-320", "9007199254740993", "0.10000000000000001",
        "0.12345678901234567890",
        "0.30000000000000003", "1e99999", "1e99999999999999999999", "12345678901234567891e-5", "1e 5",
        "4.35000000000000001",
        "18446744073709551617.0", "0.000018446744073709551617",
    )),
    *((DEC, token) for token in (
        "-0", "-0.0", "0.00000000001", "12345678901234567890123456789", '"1.5"', "1e2", "1.", "01", ".5", "-", "NaN",
    )),
    (pa.decimal128(4, 2), "100"),
    (pa.decimal128(4, 2), "1.234"),
    *((pa.string(), token) for token in (
        '"', "'a'", "5", "true", "{}", '"\\x"', '"\\', '"\\"', '"\\u12"', '"\\u12g4"', '"\\U0041"', '"a\tb"',
        '"a\nb"', '"\x00"',
        '"\x1f"', '"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\ud800x"', '"\\ud800\\n"', '"\\udc00\\ud800"',
        '"a"b"',
        '"0123456789abcdef\x01"', '"\\u+123"', '"\\u 123"', b'"\\\x00"', b'"\\\xc3\xa9"',
    )),
    *((pa.string(), b'"' + raw + b'"') for raw in (
        b"\xff", b"\x80", b"\xc3", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xe2\x82",
        b"\xf0\x9f\x98",
        b"0123456789abcdef\xe9", b"\xc3\xa9\xc3", b"\xe2\x28\xa1", b"\xf0\x9f\x28\x80", b"\xc3\xa9\x1f",
    )),
    *((pa.list_(pa.int64()), token) for token in (
        "[", "[1", "[1,]", "[,1]", "[1 2]", "[1}", "[[1]]", "1", '["1"]',
    "{}", "[1]]")),
    *((pa.struct([("x", pa.int64())]), token) for token in (
        "{", '{"x"', '{"x":', '{"x":1', '{"x":1,}', '{,"x":1}', '{"x" 1}', '{"x":1 "x":2}', '{"x":1,"x":1}',
        '{"y":1}', "{x:1}",
        "{'x':1}", '{"x":1,"x":null}', "[]", '{"":1}', '{"X":1}', '{"x":1]', '{"xx":1}', '{"\\ud800":1}', '{1:1}',
        '{"x"::1}',
    )),
]  # fmt: skip


@pytest.mark.parametrize(("type", "token"), DECLINED)
def test_what_is_in_any_way_odd_is_declined(type: pa.DataType, token: str | bytes) -> None:
    raw = token if isinstance(token, bytes) else token.encode("utf-8", "surrogatepass")
    assert one(raw, type) is ...


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@pytest.mark.parametrize("sign", ["int", "uint"])
def test_integers_of_every_width_are_taken_up_to_their_ends(sign: str, bits: int) -> None:
    type = getattr(pa, f"{sign}{bits}")()
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "int" else (0, (1 << bits) - 1)
    for value in (least, most, 0, 1, least // 2, most // 3):
        assert one(str(value), type, pinned=True) == value
    for value in (least - 1, most + 1, -(10**19), 10**19 * 2, 2**64 + 10**19 + 5, 10**20, least * 10 - 1):
        assert one(str(value), type, pinned=True) is ...


@pytest.mark.parametrize(
    ("type", "token", "taken"),
    [
        (pa.date32(), '"2024-02-29"', True),
        (pa.date32(), '"2023-02-29"', False),
        (pa.timestamp("us"), '"2024-01-01 10:00:00"', True),
        (pa.timestamp("us"), "5", False),
        (pa.large_string(), '"x"', True),
        (pa.large_string(), "5", False),
        (pa.decimal128(5, 2), "1.50", True),
        (pa.decimal128(5, 2), '"1.50"', False),
        (pa.int8(), '"5"', False),
        (pa.string(), "5", False),
        (pa.list_(pa.int8()), "[1,2]", True),
    ],
)
def test_pinned_columns_take_what_needs_no_care(type: pa.DataType, token: str, taken: bool) -> None:
    assert (one(token, type, pinned=True) is not ...) == taken


@pytest.mark.parametrize(
    "type",
    [
        pa.large_string(),
        pa.float32(),
        pa.binary(),
        pa.null(),
        pa.date32(),
        pa.decimal128(5, -2),
        pa.decimal256(50, 2),
        pa.map_(pa.string(), pa.int64()),
        pa.list_(pa.int64(), 2),
        pa.large_list(pa.int64()),
        pa.list_(pa.large_string()),
        pa.struct([]),
        pa.struct([("x", pa.int64()), ("x", pa.int64())]),
        pa.struct([pa.field("x", pa.int64(), nullable=False)]),
        pa.list_(pa.field("item", pa.int64(), nullable=False)),
    ],
    ids=str,
)
def test_types_that_are_not_read_are_left_to_others(type: pa.DataType) -> None:
    assert Compiled(pa.schema([("b", pa.int64()), ("a", type)]), {}).read(b'{"b":1}', 1) is None


def test_nested_types_are_read_to_a_depth() -> None:
    type = pa.int64()
    for _ in range(62):
        type = pa.list_(type)
    assert one("[" * 62 + "1" + "]" * 62, type) is not ...
    assert one("[" * 63 + "1" + "]" * 63, type) is ...
    for _ in range(2):
        type = pa.list_(type)
    assert one("[" * 64 + "1" + "]" * 64, type) is ...
    assert one("[" * 100_000, pa.list_(pa.int64())) is ...
    assert one('{"x":' * 100_000, pa.struct([("x", pa.struct([("x", pa.int64())]))])) is ...


@pytest.mark.parametrize(
    ("text", "count", "taken"),
    [
        (b'{"a":1}\n{"a":2}', 2, True),
        (b' \t\r\n{"a":1} \r\n\n{"a":2}\n ', 2, True),
        (b'{"a":1}\n{"a":2}', 1, False),
        (b'{"a":1}\n{"a":2}', 3, False),
        (b'{"a":1}{"a":2}', 2, False),
        (b'{"a":1},{"a":2}', 2, False),
        (b'{"a":1}\n[]', 1, False),
        (b'{"a":1}\nnull', 2, False),
        (b'{"a":1}\x00', 1, False),
        (b'\xef\xbb\xbf{"a":1}', 1, False),
        (b'{"a":1}\x0b', 1, False),
        (b'{"a"\x0c:1}', 1, False),
        (b"{}", 1, True),
        (b"{}", -1, False),
        (b"{}", 1 << 62, False),
        (b"", 0, True),
        (b"", 1, False),
    ],
)
def test_there_are_just_as_many_objects_as_there_should_be(text: bytes, count: int, taken: bool) -> None:
    rows = Compiled(pa.schema([("a", pa.int64())]), {}).read(text, count)
    assert (rows is not None) == taken
    assert rows is None or len(rows) == count


NAMES = [
    "a",
    "b",
    "",
    'q"',
    "b\\",
    "é",
    "tab\t",
    "eightabc",
    "sevenab",
    "fifteen letters",
    "sixteen letters!",
    "a long name " * 4,
]


@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize("order", range(6))
def test_names_of_any_letters_are_found_in_any_order(ascii: bool, order: int) -> None:
    chance = random.Random(order)
    records = []
    for row in range(40):
        names = [name for name in NAMES if chance.random() < 0.8] if order else NAMES
        if order > 1:
            chance.shuffle(names)
        spaces = (",", ":") if row % 2 else (", ", ": ")
        found = {name: row * 100 + NAMES.index(name) for name in names}
        records.append(json.dumps(found, ensure_ascii=ascii, separators=spaces).encode())
    assert compared(records, pa.schema([(name, pa.int64()) for name in NAMES])) is not None


@pytest.mark.parametrize(
    "record",
    ['{"q"":1}', '{"b\\":1}', '{"tab\t":1}', '{"c":1}', '{"A":1}', '{"eightab":1}', '{"eightabcd":1}', '{"e\u0301":1}',
     '{"a":1,"\\u0061":1}', '{"\\u0061":1,"a":1}', '{"sixteen letters":1}', '{"a long name ":1}', '{"a\\u0000":1}'],
)  # fmt: skip
def test_a_name_that_is_not_known_or_comes_twice_is_declined(record: str) -> None:
    schema = pa.schema([(name, pa.int64()) for name in NAMES])
    assert compared([record.encode()], schema) is None
    assert compared([b"{}", record.encode() + b" " * 64], schema) is None


@pytest.mark.parametrize(("name", "record"), [('q"', '{"q"":1}'), ("b\\", '{"b\\":1}'), ("tab\t", '{"tab\t":1}')])
def test_a_name_does_not_stand_for_itself_where_json_escapes_it(name: str, record: str) -> None:
    schema = pa.schema([(name, pa.int64())])
    assert compared([json.dumps({name: 1}).encode()], schema) is not None
    assert compared([record.encode() + b" " * 64], schema) is None


def test_thousands_of_columns_in_any_order() -> None:
    names = [f"column {number}" for number in range(3000)]
    chance = random.Random(1)
    records = []
    for row in range(20):
        some = chance.sample(names, 3000 - row)
        records.append(json.dumps({name: len(name) for name in some}).encode())
    assert compared(records, pa.schema([(name, pa.int64()) for name in names])) is not None


SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("ratio", pa.float64()),
        ("price", pa.decimal128(20, 2)),
        ("name", pa.string()),
        ("ok", pa.bool_()),
        ("lines", pa.list_(pa.struct([("sku", pa.string()), ("tags", pa.list_(pa.string())), ("n", pa.int64())]))),
        ("to", pa.struct([("city", pa.string()), ("at", pa.struct([("x", pa.float64()), ("y", pa.float64())]))])),
    ]
)
RECORDS = [
    b'{"id":1,"ratio":0.5,"price":10.25,"name":"abc","ok":true,"lines":[{"sku":"a","tags":["x",null],"n":-2},null],'
    b'"to":{"city":"Bern","at":{"x":46.94809,"y":7.44744}}}',
    b'{"id": -12, "ratio": 0.30000000000000004, '
    b'"name": "\\u00e9\\ud83d\\ude00 a longer text of \xc3\xa9\xe2\x82\xac letters", "to": null}',
    b'{"lines":[],"to":{"city":null,"at":null},"ok":false,"price":-0.01}',
    b'{"to":{"at":{"y":1e5}},"lines":[{},{"n":5,"tags":[]},{"tags":null}],"id":9223372036854775807}',
]


def test_the_sample_of_all_types_is_read() -> None:
    rows = compared(RECORDS * 5, SCHEMA)
    assert rows is not None
    assert rows["lines"][0].as_py() == [{"sku": "a", "tags": ["x", None], "n": -2}, None]
    assert rows["to"].null_count == 5


def test_what_is_cut_off_anywhere_is_never_taken_for_whole() -> None:
    whole = b"\n".join(RECORDS)
    reader = Compiled(SCHEMA, {})
    for length in range(len(whole)):
        assert reader.read(whole[:length], len(RECORDS)) is None
        framed = json_lines.Lines("f", 1, whole[:length])
        rows = reader.read(framed.text(), framed.count)
        records = [raw for _, raw in framed.records()]
        expected = carefully(records, SCHEMA, False)
        assert rows is None or (rows.equals(expected) and len(rows) == len(records))


def test_bytes_that_are_changed_give_the_careful_rows_or_none() -> None:
    chance = random.Random(3)
    signs = b'{}[]",:\\ \n\r\t-+.eE0123456789tfnu\x00\x1f\x80\xc3\xe2\xf0\xff'
    reader, taken = Compiled(SCHEMA, {}), 0
    for _ in range(6000):
        data = bytearray(b"\n".join(chance.sample(RECORDS, 2)))
        for _ in range(chance.choice([1, 1, 1, 2, 5])):
            at = chance.randrange(len(data))
            how = chance.randrange(4)
            if how == 0:
                data[at] = chance.choice(signs)
            elif how == 1:
                data[at] ^= 1 << chance.randrange(8)
            elif how == 2:
                del data[at : at + chance.randrange(1, 4)]
            else:
                data[at:at] = bytes(chance.choices(signs, k=chance.randrange(1, 3)))
        framed = json_lines.Lines("f", 1, bytes(data))
        rows = reader.read(framed.text(), framed.count)
        if rows is not None:
            taken += 1
            rows.validate(full=True)
            expected = carefully([raw for _, raw in framed.records()], SCHEMA, False)
            assert expected is not None, data
            assert repr(rows.to_pylist()) == repr(expected.to_pylist()), data
    assert taken > 300


class Made:
    """Texts of types, by chance."""

    def __init__(self, chance: random.Random, odd: float) -> None:
        self.chance = chance
        self.odd = odd

    def blank(self) -> str:
        return self.chance.choice(["", "", "", "", " ", "\t", "\r", "\n", "  "])

    def text(self, type: pa.DataType) -> str:
        return self.blank() + self._value(type) + self.blank()

    def _value(self, type: pa.DataType) -> str:
        if self.chance.random() < self.odd:
            return str(self.chance.choice([token for _, token in DECLINED if isinstance(token, str)]))
        if self.chance.random() < 0.15:
            return "null"
        if pa.types.is_struct(type):
            fields = [field for field in type if self.chance.random() < 0.9]
            if self.chance.random() < 0.3:
                self.chance.shuffle(fields)
            members = [f"{self.blank()}{json.dumps(one.name)}{self.blank()}:{self.text(one.type)}" for one in fields]
            return "{" + ",".join(members) + "}" if members else "{" + self.blank() + "}"
        if pa.types.is_list(type):
            return "[" + ",".join(self.text(type.value_type) for _ in range(self.chance.randrange(4))) + "]"
        if type == pa.string():
            letters = "".join(self.chance.choices('abc \\"\n\0\x1fé€😀/', k=self.chance.choice([0, 3, 8, 40])))
            return json.dumps(letters, ensure_ascii=self.chance.random() < 0.5)
        return str(self.chance.choice([token for one, token, _ in TAKEN if one == type]))


LEAVES = st.sampled_from([pa.bool_(), pa.int64(), pa.float64(), pa.string(), DEC])
STRUCT_NAMES = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
TYPES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(pa.list_),
        STRUCT_NAMES.flatmap(
            lambda names: st.tuples(*[inner for _ in names]).map(
                lambda types: pa.struct(list(zip(names, types, strict=True)))
            )
        ),
    ),
    max_leaves=5,
)
COLUMNS = STRUCT_NAMES.flatmap(
    lambda names: st.tuples(*[TYPES for _ in names]).map(lambda types: pa.schema(list(zip(names, types, strict=True))))
)


@settings(max_examples=400)
@given(COLUMNS, st.integers(0, 6), st.randoms(use_true_random=False))
def test_rows_of_any_schema_are_those_of_the_careful_way(schema: pa.Schema, count: int, chance: random.Random) -> None:
    made = Made(chance, 0)
    records = [made._value(pa.struct(list(schema))).encode() for _ in range(count)]
    records = [b"{}" if raw == b"null" else raw for raw in records]
    assert compared(records, schema) is not None


@settings(max_examples=400)
@given(COLUMNS, st.integers(1, 6), st.randoms(use_true_random=False), st.booleans())
def test_odd_rows_of_any_schema_are_never_taken_otherwise(
    schema: pa.Schema, count: int, chance: random.Random, pinned: bool
) -> None:
    made = Made(chance, 0.03)
    records = [made._value(pa.struct(list(schema))).encode("utf-8", "surrogatepass") for _ in range(count)]
    compared(records, schema, pinned=pinned)


def parsed(token: str) -> float | None:
    """A double as it is compiled; None where it is declined."""
    forms = ((b"", "struct", 0, 0, 1), (b"a", "double", 0, 0, 0))
    found = json_fast.compiled.parse(b'{"a":' + token.encode() + b"}", 1, forms)
    return None if found is None else struct.unpack("=d", bytes(memoryview(found[0][3])))[0]


def double_matches(token: str) -> bool:
    """Whether a token is taken, which it is only as the double that it means."""
    found = parsed(token)
    if found is not None:
        meant = json_numbers.double(token)
        assert meant is not None, token
        assert struct.pack("=d", meant) == struct.pack("=d", found), token
    return found is not None


def test_doubles_as_they_are_usually_written_are_taken() -> None:
    chance = random.Random(5)
    numbers = [chance.random() for _ in range(4000)]
    numbers += [chance.uniform(-1000, 1000) for _ in range(4000)]
    numbers += [chance.uniform(-1e12, 1e12) for _ in range(4000)]
    numbers += [round(chance.uniform(-1e6, 1e6), chance.randrange(8)) for _ in range(4000)]
    numbers += [chance.random() * 10.0 ** chance.randrange(-6, 15) for _ in range(4000)]
    assert sum(not double_matches(repr(number)) for number in numbers) < 5


def test_digits_that_no_double_means_are_declined() -> None:
    chance = random.Random(6)
    taken = 0
    for _ in range(20_000):
        digits = str(chance.randrange(10 ** chance.randrange(14, 19)))
        at = chance.randrange(len(digits))
        end = "" if chance.random() < 0.7 else f"e{chance.randrange(-30, 30)}"
        taken += double_matches(f"{digits[:at] or '0'}.{digits[at:]}{end}".replace("00.", "0."))
    assert taken > 4000


@pytest.mark.parametrize("power", [*range(-40, 54), 60])
def test_doubles_at_powers_of_two_and_next_to_them(power: int) -> None:
    import math

    number = 2.0**power
    near = [number, math.nextafter(number, 0), math.nextafter(number, math.inf)]
    for one in near:
        double_matches(repr(one))
        exact = Decimal(one)
        for digits in (15, 16, 17, 18):
            double_matches(f"{exact:.{digits - 1}e}")
            double_matches(f"{exact:.{digits}f}")


def test_digits_next_to_the_middle_of_two_doubles() -> None:
    import math

    chance = random.Random(8)
    for _ in range(4000):
        number = chance.uniform(0, 10.0 ** chance.randrange(-6, 15))
        middle = (Decimal(number) + Decimal(math.nextafter(number, math.inf))) / 2
        for digits in (15, 16, 17):
            token = f"{middle:.{digits - 1}e}"
            double_matches(token)
            double_matches(f"{Decimal(token):f}")


def test_blocks_are_read_by_several_threads_at_once() -> None:
    reader = Compiled(SCHEMA, {})
    texts = [b"\n".join(RECORDS[: 1 + number % 4] * 300) for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: reader.read(text, text.count(b"\n") + 1), texts))
    for text, rows in zip(texts, found, strict=True):
        assert rows is not None
        assert rows.equals(carefully(text.split(b"\n"), SCHEMA, False))


def test_buffers_grow_as_far_as_is_needed() -> None:
    count = 70_000
    schema = pa.schema([("n", pa.int64()), ("ok", pa.bool_()), ("s", pa.string()), ("l", pa.list_(pa.bool_()))])
    rows = [
        {
            "n": None if row % 7 == 6 and row > 40_000 else row,
            "ok": None if row % 5 == 0 else row % 3 == 0,
            "s": None if row % 11 == 0 else "x" * (row % 40),
            "l": None if row % 13 == 0 else [None, True, False][: row % 4],
        }
        for row in range(count)
    ]
    found = Compiled(schema, {}).read("\n".join(map(json.dumps, rows)).encode(), count)
    assert found is not None
    found.validate(full=True)
    assert found.equals(pa.RecordBatch.from_pylist(rows, schema))


def test_rows_outlive_their_text_and_their_reader() -> None:
    rows = Compiled(SCHEMA, {}).read(b"\n".join(RECORDS * 2000), 8000)
    expected = carefully(RECORDS, SCHEMA, False)
    assert rows is not None
    assert expected is not None
    assert rows.slice(7996).to_pylist() == expected.to_pylist()
    kept = rows["name"]
    del rows
    assert kept[7996].as_py() == "abc"


ROOT = (b"", "struct", 0, 0, 1)


@pytest.mark.parametrize(
    "forms",
    [
        (),
        (ROOT,),
        ((b"", "struct", 0, 0, 0),),
        ((b"", "struct", 0, 0, -1),),
        ((b"", "int64", 0, 0, 0),),
        ((b"", "list", 0, 0, 1), (b"a", "int64", 0, 0, 0)),
        (ROOT, (b"a", "int64", 0, 0, 1), (b"b", "int64", 0, 0, 0)),
        (ROOT, (b"a", "int64", 0, 0, 0), (b"b", "int64", 0, 0, 0)),
        (ROOT, (b"a", "list", 0, 0, 0)),
        (ROOT, (b"a", "list", 0, 0, 2), (b"b", "int64", 0, 0, 0), (b"c", "int64", 0, 0, 0)),
        (ROOT, (b"a", "nothing", 0, 0, 0)),
        (ROOT, (b"a", "decimal", 39, 0, 0)),
        (ROOT, (b"a", "decimal", 5, 6, 0)),
        (ROOT, (b"a", "decimal", 5, -1, 0)),
        (ROOT, (b"a", "struct", 0, 0, 1 << 60), (b"b", "int64", 0, 0, 0)),
        (ROOT, *[(b"a", "list", 0, 0, 1)] * 70, (b"a", "int64", 0, 0, 0)),
        (ROOT, ("a", "int64", 0, 0, 0)),
        (ROOT, (b"a", "int64")),
        (ROOT, "int64"),
        (ROOT, [b"a", "int64", 0, 0, 0]),
    ],
)
def test_forms_that_do_not_fit_together_are_an_error(forms: Any) -> None:
    with pytest.raises(ValueError):
        json_fast.compiled.parse(b"{}", 1, forms)


def test_only_bytes_are_read() -> None:
    for text in (bytearray(b"{}"), memoryview(b"{}"), "{}"):
        with pytest.raises(TypeError):
            json_fast.compiled.parse(text, 1, (ROOT, (b"a", "int64", 0, 0, 0)))  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            json_fast.compiled.lines(text)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        json_fast.compiled.Held()


@settings(max_examples=500)
@given(st.lists(st.sampled_from([b"{", b"}", b"{}", b"\n", b"\r", b" ", b"\t", b"x", b"\x0b", b"[]"]), max_size=12))
def test_lines_are_counted_where_each_is_framed_by_braces(parts: list[bytes]) -> None:
    data = b"".join(parts)
    lines = [line for line in (raw.strip(b" \t\r") for raw in data.split(b"\n")) if line]
    framed = all(line.startswith(b"{") and line.endswith(b"}") for line in lines)
    assert json_fast.lines(data) == (len(lines) if framed else 0)


def test_lines_that_are_declined_are_read_through_pyarrow_as_they_are() -> None:
    data = b' {"a":1e100} \r\n\r\n\t{"a":null,"b":"x"}\n \n{"a":-0.0 , "b":"y"}\r'
    schema = pa.schema([("a", pa.float64()), ("b", pa.string())])
    framed = json_lines.Lines("f", 1, data)
    assert Compiled(schema, {}).read(framed.text(), framed.count) is None
    rows = Fast(schema, {}).read(framed.text(), framed.count)
    assert rows is not None
    assert repr(rows.to_pylist()) == repr([{"a": 1e100, "b": None}, {"a": None, "b": "x"}, {"a": -0.0, "b": "y"}])


def test_elements_of_an_array_are_read() -> None:
    import io

    data = b'[{"a": [1,\n2]},\n\n {"a":\n null} ]'
    (block,) = json_array.cut(io.BytesIO(data), "f", 1 << 16)
    rows = Compiled(pa.schema([("a", pa.list_(pa.int64()))]), {}).read(block.text(), block.count)
    assert rows is not None
    assert rows.to_pylist() == [{"a": [1, 2]}, {"a": None}]
