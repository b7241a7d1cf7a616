"""What comes over MariaDB's wire becomes the same columns whether the rows are taken in C or not, however it is cut."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pymysql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymysql.constants import FIELD_TYPE as KIND

from tests.mariadb.rowskit import cell, columns, not_compiled, packet
from towpath.adapters.database import mariadb_wire
from towpath.adapters.database.mariadb_read import Column, column
from towpath.adapters.database.mariadb_wire import Field, Wire
from towpath.errors import TowError

_UTF8, _BINARY = 45, 63


def field(kind: int, length: int = 20, flags: int = 0, decimals: int = 0, charset: int = _BINARY) -> Field:
    return Field("c", kind, length, flags, charset, decimals, "s", "t", "c")


FIELDS = {
    "bool": field(KIND.TINY, 1),
    "tinyint": field(KIND.TINY, 4),
    "tinyint unsigned": field(KIND.TINY, 3, 32),
    "smallint": field(KIND.SHORT),
    "smallint unsigned": field(KIND.SHORT, flags=32),
    "mediumint": field(KIND.INT24),
    "int": field(KIND.LONG),
    "int unsigned": field(KIND.LONG, flags=32),
    "bigint": field(KIND.LONGLONG),
    "bigint unsigned": field(KIND.LONGLONG, flags=32),
    "decimal(9,2)": field(KIND.NEWDECIMAL, 11, decimals=2),
    "decimal(38,0)": field(KIND.NEWDECIMAL, 39),
    "decimal(38,38)": field(KIND.NEWDECIMAL, 40, decimals=38),
    "decimal(25,7) unsigned": field(KIND.NEWDECIMAL, 26, 32, decimals=7),
    "decimal(65,3)": field(KIND.NEWDECIMAL, 67, decimals=3),
    "float": field(KIND.FLOAT),
    "double": field(KIND.DOUBLE),
    "year": field(KIND.YEAR),
    "date": field(KIND.DATE),
    "datetime": field(KIND.DATETIME),
    "datetime(2)": field(KIND.DATETIME, decimals=2),
    "datetime(6)": field(KIND.DATETIME, decimals=6),
    "timestamp": field(KIND.TIMESTAMP),
    "timestamp(6)": field(KIND.TIMESTAMP, decimals=6),
    "time": field(KIND.TIME),
    "time(3)": field(KIND.TIME, decimals=3),
    "time(6)": field(KIND.TIME, decimals=6),
    "bit": field(KIND.BIT, 1),
    "bit(9)": field(KIND.BIT, 9),
    "text": field(KIND.BLOB, charset=_UTF8),
    "blob": field(KIND.BLOB),
    "null": field(KIND.NULL),
}
OWN = [
    pa.timestamp("us", "UTC"),
    pa.timestamp("ms", "Asia/Tokyo"),
    pa.timestamp("ns"),
    pa.list_(pa.int8()),
    pa.binary(),
]
COLUMNS = {name: column(one, None) for name, one in FIELDS.items()} | {
    f"own {type}": column(FIELDS["text"], type) for type in OWN
}

DIGITS = st.text("0123456789", min_size=1, max_size=22)
SIGNED = st.builds("{}{}".format, st.sampled_from(["", "-", "+", "--", " "]), DIGITS)
NUMBERS = st.one_of(
    SIGNED,
    st.builds("{}.{}".format, SIGNED, st.one_of(DIGITS, st.just(""))),
    st.builds("{}e{}".format, st.floats(-10, 10), st.integers(-330, 330)),
    st.floats(width=32).map(repr),
    st.floats().map(repr),
    st.integers(-(2**65), 2**65).map(str),
    st.integers(-(10**38), 10**38).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=7).map(str),
    st.sampled_from(
        ["0", "1", "2", "-0", "-0.00", "127", "128", "-128", "255", "256", "00501", "0.10", "1e0", "nan", "inf"]
    ),
)
DAYS = st.one_of(
    st.dates().map(str), st.sampled_from(["0000-00-00", "2024-00-10", "0000-01-01", "0001-01-01", "2024-02-30"])
)
FRACTIONS = st.one_of(st.just(""), st.text("0123456789", max_size=7).map(".{}".format))
CLOCKS = st.builds("{}{}".format, st.times().map("{:%H:%M:%S}".format), FRACTIONS)
TIMES = st.one_of(
    CLOCKS, st.sampled_from(["-00:00:01", "24:00:00", "838:59:59.000000", "23:59:60", "12:00", "1:00:00"])
)
CELLS = st.one_of(
    st.none(),
    st.one_of(NUMBERS, DAYS, TIMES, st.builds("{} {}".format, DAYS, TIMES), st.text(max_size=5)).map(str.encode),
    st.binary(max_size=3),
)


def outcome(one: Column, cells: Sequence[bytes | None]) -> pa.Array | str:
    """The values of a column, or the error's words."""
    try:
        found = columns([[cell] for cell in cells], [one.plain])[0]
        return one.read(found, "here")
    except (TowError, ValueError, OverflowError) as error:
        return f"{type(error).__name__}: {error}"


def same(left: pa.Array | str, right: pa.Array | str) -> bool:
    """Also of doubles: bit by bit, for -0.0 equals 0.0."""
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    if pa.types.is_floating(left.type):
        whole = pa.int32() if left.type == pa.float32() else pa.int64()
        left, right = left.fill_null(0).view(whole), right.fill_null(0).view(whole)
    return left.equals(right)


@pytest.mark.parametrize("presumed", [False, True])
@pytest.mark.parametrize("name", COLUMNS)
@settings(deadline=None, max_examples=120)
@given(st.lists(CELLS, min_size=1, max_size=3))
def test_values_and_errors_are_those_of_the_careful_code(name: str, presumed: bool, cells: list[bytes | None]) -> None:
    one = COLUMNS[name].known_as(COLUMNS[name].type) if presumed else COLUMNS[name]
    in_c = outcome(one, cells)
    with not_compiled():
        assert same(outcome(one, cells), in_c)


class Sent:
    """A connection whose server has sent these bytes; each look gives as much as `piece` says."""

    def __init__(self, data: bytes, piece: Callable[[], int]) -> None:
        self._data, self._piece = io.BytesIO(data), piece
        self._rfile, self.encoding, self.is_closed = self, "utf8", False

    def read1(self, most: int) -> bytes:
        return self._data.read(min(most, self._piece()))

    def _force_close(self) -> None:
        self.is_closed = True


END = packet(b"\xfe\x03\x00\x22\x00")
FAILED = packet(b"\xff\x15\x04#28000no such thing")


def long_packets(payload: bytes) -> bytes:
    """A payload as it is sent: in packets of the largest size, and a shorter one, perhaps empty."""
    size = 0xFFFFFF
    return b"".join(packet(payload[at : at + size]) for at in range(0, len(payload) + 1, size))


def given_by(
    data: bytes,
    types: Sequence[pa.DataType | None],
    rows: int,
    size: int = 1 << 23,
    piece: Callable[[], int] | None = None,
) -> Iterator[list[pa.Array]]:
    wire = Wire.__new__(Wire)
    sent = Sent(data, piece or (lambda: 1 << 30))
    result = SimpleNamespace(unbuffered_active=True, connection=sent, warning_count=0, has_next=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Wire, "_rfile", sent, raising=False)
        patch.setattr(Wire, "_force_close", sent._force_close)
        patch.setattr(Wire, "encoding", "utf8", raising=False)
        patch.setattr(Wire, "__del__", lambda wire: None)
        patch.setattr(Wire, "query", lambda wire, sql, unbuffered: setattr(wire, "_result", result))
        yield from wire.columns("select", types, rows, size)
        assert not result.unbuffered_active
        assert result.warning_count == 3


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("most", [1, 2, 700, 1 << 20])
def test_rows_come_in_their_order_however_the_bytes_are_cut(in_c: bool, most: int) -> None:
    chance = random.Random(most)
    numbers = [chance.choice([None, chance.randrange(10**6)]) for _ in range(500)]
    rows = [
        cell(None if one is None else b"%d" % one) + cell(b"x" * (index % 300)) for index, one in enumerate(numbers)
    ]
    data = b"".join(map(packet, rows)) + END
    with nullcontext() if in_c else not_compiled():
        blocks = list(given_by(data, [pa.int32(), None], 64, 4_000, lambda: chance.randint(1, most)))
    got = [
        one for first, _ in blocks for one in (first if in_c else first.cast(pa.string()).cast(pa.int32())).to_pylist()
    ]
    assert got == numbers
    assert [len(one) for _, second in blocks for one in second.to_pylist()] == [index % 300 for index in range(500)]
    assert all(len(first) <= 64 and second.nbytes < 5_000 for first, second in blocks)


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("beyond", [-6, -5, -4, 0, 1, 0xFFFFFF])
def test_a_row_of_several_packets_comes_whole(in_c: bool, beyond: int) -> None:
    long = b"y" * (0xFFFFFF + beyond)
    short = packet(cell(b"1") + cell(b"ab"))
    data = short * 3 + long_packets(cell(b"22") + cell(long)) + short * 2 + END
    with nullcontext() if in_c else not_compiled():
        blocks = list(given_by(data, [pa.int8() if in_c else None, None], 1_000, piece=lambda: 3 << 20))
    assert [str(one) for first, _ in blocks for one in first.cast(pa.string()).to_pylist()] == ["1"] * 3 + ["22"] + [
        "1"
    ] * 2
    texts = [one for _, second in blocks for one in second.to_pylist()]
    assert texts == [b"ab"] * 3 + [long] + [b"ab"] * 2


def test_room_for_a_long_row_is_given_back() -> None:
    row = packet(cell(b"z" * 200_000))
    blocks = mariadb_wire._Blocks(
        Sent(row + packet(cell(b"a")) * 3 + END, lambda: 1 << 30),  # type: ignore[arg-type]
        SimpleNamespace(unbuffered_active=True, connection=None, warning_count=0, has_next=0),
        1,
        1_000,
    )
    sizes = [(len(block.held), block.rows) for block in blocks]
    assert sizes[0] == (mariadb_wire._TAKE_BYTES, 1)
    blocks = mariadb_wire._Blocks(
        Sent(long_packets(cell(b"z" * 2_000_000)) + packet(cell(b"a")) + END, lambda: 1 << 30),  # type: ignore[arg-type]
        SimpleNamespace(unbuffered_active=True, connection=None, warning_count=0, has_next=0),
        1,
        1_000,
    )
    first, second = [len(block.held) for block in blocks]
    assert first > 2_000_000
    assert second < 2 * mariadb_wire._TAKE_BYTES


@pytest.mark.parametrize("in_c", [True, False])
def test_an_error_among_the_rows_is_raised_after_them(in_c: bool) -> None:
    with nullcontext() if in_c else not_compiled():
        found = given_by(packet(cell(b"1")) * 5 + FAILED, [None], 2)
        assert [len(next(found)[0]) for _ in range(3)] == [2, 2, 1]
        with pytest.raises(pymysql.err.OperationalError, match="no such thing"):
            next(found)


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("cut", [1, 3, 4, 5, 9, 10, 14, 18, 22])
def test_an_answer_that_breaks_off_is_lost(in_c: bool, cut: int) -> None:
    data = packet(cell(b"1234")) * 2 + END
    with (
        nullcontext() if in_c else not_compiled(),
        pytest.raises(pymysql.err.OperationalError, match="Lost connection"),
    ):
        list(given_by(data[:cut], [pa.int32()], 100))


@pytest.mark.parametrize("in_c", [True, False])
def test_rows_that_are_none_of_these_columns_are_an_error(in_c: bool) -> None:
    with (
        nullcontext() if in_c else not_compiled(),
        pytest.raises(pymysql.err.InternalError, match="do not have the columns"),
    ):
        list(given_by(packet(cell(b"1") + b"\xfc\xff\xff") + END, [pa.int32(), None], 100))


def test_what_columns_are_taken_plainly() -> None:
    left = {name for name, one in COLUMNS.items() if one.plain is None}
    assert left == {"bit", "bit(9)", "own timestamp[ms, tz=Asia/Tokyo]", "own list<item: int8>", "own binary"}
    values: dict[str, Any] = {"datetime(6)": "2024-01-01 00:00:00.5", "time": "10:00:00", "text": "é", "blob": "é"}
    for name in ("bool", "int", "decimal(9,2)", "float", "double", "year"):
        values[name] = "1"
    for name, text in values.items():
        one = COLUMNS[name]
        assert columns([[text.encode()]], [one.plain])[0].type == one.type
