"""Rows of MariaDB's text protocol: where they end, their cells, and the values that are plainly written in these."""

from __future__ import annotations

import itertools
import random
from array import array
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.mariadb.rowskit import Row, cell, columns, held, not_compiled, packet, rows_held
from towpath.mariadb import textrows

if textrows.compiled is None:
    pytest.skip(
        "src/towpath/mariadb/compiled.c is not compiled: no C compiler was found when towpath was installed",
        allow_module_level=True,
    )

LENGTHS = st.one_of(
    st.integers(0, 300), st.sampled_from([249, 250, 251, 252, 255, 256, 65_534, 65_535, 65_536, 70_000])
)
CELLS = st.one_of(
    st.none(), st.binary(max_size=20), LENGTHS.map(lambda size: b"x" * size), st.text(max_size=9).map(str.encode)
)


def tables(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[list[list[bytes | None]]]:
    """Rows of equally many cells each, at least one."""
    return st.integers(1, 5).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=12)
    )


@settings(deadline=None)
@given(tables(CELLS))
def test_cells_are_those_that_were_sent(rows: list[Row]) -> None:
    width = len(rows[0])
    wanted = [pa.array([row[at] for row in rows], pa.binary()) for at in range(width)]
    assert columns(rows, [None] * width) == wanted
    with not_compiled():
        assert columns(rows, [None] * width) == wanted


@settings(deadline=None)
@given(tables(CELLS))
def test_texts_are_taken_if_all_of_a_column_are_texts(rows: list[Row]) -> None:
    width = len(rows[0])
    for at, found in enumerate(columns(rows, [pa.string()] * width)):
        cells = pa.array([row[at] for row in rows], pa.binary())
        try:
            assert found == cells.cast(pa.string())
        except pa.ArrowInvalid:
            assert found == cells


@pytest.mark.parametrize(
    "content",
    [
        b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xc2\x41", b"\xe0\x9f\xbf", b"\xe2\x82", b"\xed\xa0\x80",
        b"\xed\xbf\xbf", b"\xf0\x8f\xbf\xbf", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff",
        b"\xe2\x82\x41", b"\xf0\x9f\x41\x80",
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_stay_bytes(content: bytes) -> None:
    assert columns([[b"good"], [b"a" + content]], [pa.string()])[0].type == pa.binary()


def test_bytes_that_only_together_are_a_text_stay_bytes() -> None:
    assert columns([["é".encode()[:1]], ["é".encode()[1:]]], [pa.string()])[0].type == pa.binary()


@pytest.mark.parametrize("sign", ["\x00", "\x7f", "\x80", "߿", "ࠀ", "퟿", "", "￿", "𐀀", "\U0010ffff"])
def test_every_sign_is_text(sign: str) -> None:
    assert columns([[sign.encode()], [b""], [None]], [pa.string()])[0].to_pylist() == [sign, "", None]


@pytest.mark.parametrize("width", [2, 3, 8])
def test_a_length_may_be_longer_than_it_must(width: int) -> None:
    data, ends = held([cell(b"ab", width) + cell(b"7"), cell(None) + cell(b"8", width)])
    for taken in (True, False):
        if taken:
            found = textrows.columns(data, ends, 2, [None, None])
        else:
            with not_compiled():
                found = textrows.columns(data, ends, 2, [None, None])
        assert [one.to_pylist() for one in found] == [[b"ab", None], [b"7", b"8"]]


WRONG = [
    b"\x05abcd", b"\x01a", b"\x01a\x01b\x01c", b"\xff\x01a", b"\x01a\xff", b"\xfc", b"\xfc\x01", b"\xfd\x01\x00",
    b"\xfe" + b"\x00" * 7, b"\xfe" + b"\xff" * 8 + b"\x00", b"\xfe\xf6" + b"\xff" * 7 + b"\x01a", b"\x01a\xfc\xff\xff",
    b"\xfe" + (2**63 - 1).to_bytes(8, "little") + b"a", b"\x00", b"\x01a\x01", b"\xfb", b"\xfb\xfb\xfb",
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=bytes.hex)
def test_rows_of_other_cells_than_announced_are_refused(wrong: bytes) -> None:
    good = cell(b"1") + cell(b"2")
    for payloads in ([wrong], [wrong, good], [good, wrong], [good, wrong, b"\x10" * 17, good]):
        data, ends = held(payloads)
        with pytest.raises(ValueError, match="do not have the columns"):
            textrows.columns(data, ends, len(ends), [pa.int8(), pa.string()])
        with not_compiled(), pytest.raises(ValueError, match="do not have the columns"):
            textrows.columns(data, ends, len(ends), [pa.int8(), pa.string()])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.binary(max_size=12), min_size=1, max_size=4), st.integers(0, 4))
def test_whatever_the_bytes_say_both_ways_say_the_same(payloads: list[bytes], width: int) -> None:
    data, ends = held(payloads)
    assert outcome(data, ends, [None] * width) == outcome_not_compiled(data, ends, [None] * width)


def outcome(data: bytearray, ends: array[int], types: list[Any]) -> Any:
    try:
        return textrows.columns(data, ends, len(ends), types)
    except ValueError as error:
        return str(error)


def outcome_not_compiled(*given: Any) -> Any:
    with not_compiled():
        return outcome(*given)


@pytest.mark.parametrize(
    ("payload", "rows"),
    [
        (cell(b"a"), 1),
        (cell(None), 1),
        (b"\xfe" + (20).to_bytes(8, "little") + b"a" * 20, 1),
        (b"\xfe\x00\x00\x22\x00", 0),
        (b"\xfe\x00\x00\x22\x00\x00\x00\x00", 0),
        (b"\xff\x15\x04#28000no", 0),
        (b"\xff" + b"a" * 300, 0),
        (b"", 0),
    ],
)
def test_a_packet_that_is_no_row_is_left(payload: bytes, rows: int) -> None:
    before = packet(cell(b"row"))
    data, ends = bytearray(before + packet(payload) + before), array("q", bytes(80))
    found = textrows.packets(data, len(data), 0, ends, 0, 1 << 30)
    assert found == ((3, len(data)) if rows else (1, len(before)))


def test_a_packet_that_goes_on_in_the_next_is_left() -> None:
    data = bytearray(packet(cell(b"row")) + b"\xff\xff\xff\x00" + bytes(0xFFFFFF + 100))
    assert textrows.packets(data, len(data), 0, array("q", bytes(80)), 0, 1 << 30) == (1, 8)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=30).filter(lambda one: one[0] < 0xFE), max_size=9), st.data())
def test_packets_are_found_wherever_the_bytes_are_cut(payloads: list[bytes], data: st.DataObject) -> None:
    whole, wanted = held(payloads)
    ends, rows, at = array("q", bytes(8 * 20)), 0, 0
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    for size in [*cuts, len(whole)]:
        rows, at = textrows.packets(whole, size, at, ends, rows, 1 << 30)
        assert at == max([end for end in wanted if end <= size], default=0)
    assert ends[:rows] == wanted


def test_packets_end_where_there_are_enough() -> None:
    data, wanted = held([cell(b"abc")] * 10)
    ends = array("q", bytes(8 * 4))
    assert textrows.packets(data, len(data), 0, ends, 0, 1 << 30) == (4, wanted[3])
    assert ends == wanted[:4]
    assert textrows.packets(data, len(data), 0, array("q", bytes(80)), 0, 16) == (3, 24)
    assert textrows.packets(data, len(data), 0, array("q", bytes(80)), 0, 15) == (2, 16)
    with not_compiled():
        assert textrows.packets(data, len(data), 8, array("q", bytes(80)), 1, 16) == (1, 8)


@pytest.mark.parametrize(
    ("size", "at", "rows"), [(17, 0, 0), (-1, 0, 0), (16, 17, 0), (16, -1, 0), (8, 9, 0), (16, 0, 3), (16, 0, -1)]
)
def test_places_outside_the_buffers_are_refused_before_memory_is_read(size: int, at: int, rows: int) -> None:
    with pytest.raises(ValueError, match="no places"):
        textrows.packets(bytearray(16), size, at, array("q", bytes(16)), rows, 1 << 30)


@pytest.mark.parametrize(
    "ends", [[4, 17], [3], [-1], [8, 4], [8, 11], [8, 8], [-(2**63)], [2**63 - 1], [8, -(2**63)]], ids=str
)
def test_rows_outside_the_data_are_refused_before_memory_is_read(ends: list[int]) -> None:
    with pytest.raises(ValueError, match="outside"):
        textrows.compiled.columns(bytearray(16), array("q", ends), len(ends), (("string", 0, 0),))


@pytest.mark.parametrize(
    ("rows", "forms", "why"),
    [
        (3, (("string", 0, 0),), "so many rows"),
        (-1, (("string", 0, 0),), "so many rows"),
        (1, (("nosuch", 0, 0),), "no such form"),
        (1, (("decimal128", 39, 0),), "no such form"),
        (1, (("decimal128", 5, 6),), "no such form"),
        (1, (("decimal128", 5, -1),), "no such form"),
        (1, (("decimal128", -1, 0),), "no such form"),
        (1, ("string",), "must be told"),
        (1, (("string", 0),), "must be told"),
    ],
)
def test_forms_that_there_are_not_are_refused(rows: int, forms: Any, why: str) -> None:
    data, ends = rows_held([[b"a"], [b"b"]])
    with pytest.raises(ValueError, match=why):
        textrows.compiled.columns(data, ends, rows, forms)


def test_a_column_that_is_declined_is_given_whole_and_the_others_too() -> None:
    rows = [[str(n).encode(), None if n % 7 == 0 else f"t{n}".encode(), b"1"] for n in range(100)]
    rows[60][0] = b"x" * 300
    numbers, texts, flags = columns(rows, [pa.int8(), pa.string(), pa.bool_()])
    assert numbers == pa.array([row[0] for row in rows], pa.binary())
    assert texts == pa.array([row[1] for row in rows], pa.binary()).cast(pa.string())
    assert flags.to_pylist() == [True] * 100


def test_what_lies_behind_the_rows_is_not_looked_at() -> None:
    data, ends = rows_held([[b"12", b"ab"], [None, b""]])
    found = textrows.columns(data + b"\xff" * 40, ends, 2, [pa.int8(), pa.string()])
    assert [one.to_pylist() for one in found] == [[12, None], ["ab", ""]]
    found = textrows.columns(data + b"\xff" * 40, ends, 1, [pa.int8(), pa.string()])
    assert [one.to_pylist() for one in found] == [[12], ["ab"]]
    assert textrows.columns(data, ends, 0, [pa.int8(), pa.string()]) == [
        pa.array([], pa.int8()),
        pa.array([], pa.string()),
    ]


def taken(type: pa.DataType, texts: list[str]) -> pa.Array:
    found = columns([[text.encode()] for text in texts], [type])[0]
    assert found.type == type
    return found


INTEGERS = [f"{sign}int{bits}" for sign, bits in itertools.product(("", "u"), (8, 16, 32, 64))]


@settings(deadline=None)
@given(st.sampled_from(INTEGERS), st.data())
def test_all_integers_of_a_type_are_taken(name: str, data: st.DataObject) -> None:
    bits = int(name.removeprefix("u").removeprefix("int"))
    least, most = (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    numbers = [least, most, 0, *data.draw(st.lists(st.integers(least, most)))]
    type = pa.type_for_alias(name)
    assert taken(type, list(map(str, numbers))).to_pylist() == numbers
    assert taken(type, [f"{number:03}" for number in numbers]).to_pylist() == numbers
    for beyond in (least - 1, most + 1, least * 10, most * 10 + 9):
        if not least <= beyond <= most:
            assert columns([[str(beyond).encode()]], [type])[0].type == pa.binary()


@settings(deadline=None)
@given(st.integers(1, 38), st.data())
def test_all_decimals_of_a_type_are_taken(precision: int, data: st.DataObject) -> None:
    scale, most = data.draw(st.integers(0, precision)), 10**precision - 1
    near = st.sampled_from([0, 1, most, 10 ** (precision - 1), 2**63, 2**64, 10**19, 10**19 - 1, 2**64 * 10**18])
    numbers = data.draw(st.lists(st.one_of(st.integers(0, most), near.map(lambda one: min(one, most))), min_size=1))
    signed = [number * data.draw(st.sampled_from([1, -1])) for number in numbers]
    values = [Decimal(f"{number}E-{scale}") for number in signed]
    type = pa.decimal128(precision, scale)
    assert taken(type, [f"{value:.{scale}f}" for value in values]).to_pylist() == values
    beyond = Decimal(f"{most + 1}E-{scale}")
    assert columns([[f"{beyond:.{scale}f}".encode()]], [type])[0].type == pa.binary()


@settings(deadline=None, max_examples=500)
@given(st.floats(allow_nan=False, allow_infinity=False))
@example(-0.0)
@example(5e-324)
@example(2.2250738585072014e-308)
@example(9007199254740993.0)
def test_doubles_are_exact_or_left(value: float) -> None:
    for text in (repr(value), f"{value:.17g}", f"{value:.16e}", f"{value:.3f}", f"{value:.19g}"):
        found = columns([[text.encode()]], [pa.float64()])[0]
        if found.type == pa.float64():
            assert found[0].as_py().hex() == float(text).hex()
    if 1e-5 < abs(value) < 1e15:
        assert taken(pa.float64(), [f"{value:.17g}"])[0].as_py() == value


@settings(deadline=None, max_examples=500)
@given(st.integers(1, 10**19 - 1), st.integers(-40, 40))
@example(2**53 + 1, 0)
@example(2**54 + 2, 0)
@example(2**54 + 6, 0)
@example((2**53 + 1) * 5**3, -3)
@example((2**53 + 1) * 5**3 + 1, -3)
@example(9007199254740991, 27)
@example(2**64 - 1, 27)
def test_digits_of_a_double_with_any_power_of_ten(number: int, ten: int) -> None:
    text = f"{number}e{ten}"
    found = columns([[text.encode()]], [pa.float64()])[0]
    if -20 <= ten <= 20:
        assert found.type == pa.float64() or number >= 10**19
    if found.type == pa.float64():
        assert found[0].as_py().hex() == float(text).hex()


def test_doubles_close_to_the_middle_between_two_are_exact() -> None:
    chance = random.Random(5)  # of some thousands a few are so close that only what is left over tells
    texts = [f"{chance.randrange(10**18, 10**19)}e-{chance.randrange(25, 28)}" for _ in range(40_000)]
    assert taken(pa.float64(), texts).to_pylist() == list(map(float, texts))


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_come_as_doubles(value: float) -> None:
    text = f"{value:.17g}"
    found = columns([[text.encode()]], [pa.float32()])[0]
    assert found == pa.array([value], pa.float32()) or found == pa.array([text.encode()])
    assert columns([[b"35" + b"0" * 37]], [pa.float32()])[0].type == pa.binary()


DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))


@settings(deadline=None)
@given(st.lists(DAYS, min_size=1))
@example(
    [date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), date(1969, 12, 31), date(2000, 2, 29), date(1900, 2, 28)]
)
def test_all_days_are_taken(days: list[date]) -> None:
    assert taken(pa.date32(), [day.isoformat() for day in days]).to_pylist() == days


UNITS = [("s", 0), ("ms", 3), ("us", 6)]


@settings(deadline=None)
@given(DAYS, st.integers(0, 86_399), st.integers(0, 999_999), st.integers(0, 6))
def test_all_moments_and_times_are_taken(day: date, second: int, fraction: int, digits: int) -> None:
    kept = fraction // 10 ** (6 - digits)
    since = timedelta(seconds=second, microseconds=kept * 10 ** (6 - digits))
    moment = datetime(day.year, day.month, day.day) + since
    shown = f"{moment:%H:%M:%S}" + (f".{kept:0{digits}}" if digits else "")
    for unit, held_digits in UNITS:
        types = [pa.timestamp(unit), pa.timestamp(unit, "UTC"), pa.time64(unit) if unit == "us" else pa.time32(unit)]
        found = columns([[f"{day} {shown}".encode(), f"{day} {shown}".encode(), shown.encode()]], types)
        if digits > held_digits:
            assert [one.type for one in found] == [pa.binary()] * 3
            continue
        ticks = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=10 ** (6 - held_digits))
        assert [one.cast(pa.int64()).to_pylist() for one in found[:2]] == [[ticks]] * 2
        assert found[2] == pa.array([moment.time()], types[2])


@pytest.mark.parametrize(
    ("type", "texts"),
    [
        (pa.bool_(), ["2", "-1", "00", "", "t"]),
        (pa.int8(), ["", "-", "+1", " 1", "1 ", "1.0", "1e1", "0x1", "--1", "1-", "/", ":", "128", "-129", "0" * 21]),
        (pa.uint8(), ["-1", "-0", "256"]),
        (pa.uint64(), ["18446744073709551616", "99999999999999999999", "1844674407370955161:"]),
        (pa.uint64(), ["100000000000000000000"]),
        (pa.int64(), ["9223372036854775808", "-9223372036854775809", "18446744073709551615"]),
        (pa.float64(), ["", "-", ".5", "5.", "1e", "1e+", "1e5000", "nan", "inf", "1 ", "+1", "1.2.3", "1e1.5", "--1"]),
        (pa.decimal128(5, 2), ["", "-", ".5", "5.", "1.2.3", "1e2", "1000.00", "0.001", "+1", "1 "]),
        (pa.decimal128(5, 2), ["--1", "-.5", "1.:0"]),
        (pa.date32(), ["0000-00-00", "2024-00-01", "2024-01-00", "2023-02-29", "1900-02-29", "2024-13-01"]),
        (pa.date32(), ["2024-01-32"]),
        (pa.date32(), ["0000-01-01", "2024-1-01", "2024/01-01", "2024-01/01", "12024-01-01", "2024-01-0:", ""]),
        (pa.date32(), ["2024-04-31"]),
        (pa.timestamp("us"), ["0000-00-00 00:00:00", "2024-01-01", "2024-01-01 24:00:00", "2024-01-01 23:60:00"]),
        (pa.timestamp("us"), ["2024-01-01 23:59:60", "2024-01-01T00:00:00", "2024-01-01 00:00:00."]),
        (pa.timestamp("us"), ["2024-01-01 00:00:00Z"]),
        (pa.timestamp("us"), ["2024-01-01 00:00:00.0000000", "2024-01-01 00:00:00.00:", "2024-01-01 00:00:00,5"]),
        (pa.timestamp("us"), ["2024-01-01 0:00:00", "2024-01-01 00-00:00", "2024-01-01 00:00-00"]),
        (pa.time64("us"), ["-00:00:01", "24:00:00", "100:00:00", "838:59:59", "00:00", "00:00:00.1234567", ""]),
        (pa.time32("s"), ["00:00:00.0", "00:00:0:", "00.00.00"]),
        (pa.timestamp("ns"), ["2024-01-01 00:00:00"]),
        (pa.decimal256(50, 2), ["1.00"]),
        (pa.decimal128(5, -2), ["100"]),
        (pa.null(), ["1"]),
        (pa.list_(pa.int8()), ["[1]"]),
        (None, ["1"]),
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_value_is_left(type: pa.DataType, texts: list[str]) -> None:
    for text in texts:
        assert columns([[text.encode()]], [type]) == [pa.array([text.encode()])], text
