"""What is compiled gives the rows, places, bad rows and errors of the careful way, for any bytes."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from towpath.adapters.format.csv import CSV
from towpath.badrows import BadRow
from towpath.errors import TowError
from towpath.nouns import Want
from towpath.seams.format import InputFile, TypesTooNarrow
from towpath.text import fields, scan
from towpath.text.fields import Fields, split
from towpath.text.optimistic import Convention
from towpath.text.scan import Grammar
from towpath.values import textform

if not fields.is_compiled():
    pytest.skip(
        "src/towpath/text/compiled.c is not compiled: no C compiler was found when towpath was installed",
        allow_module_level=True,
    )

TYPES = [
    pa.int64(),
    pa.int32(),
    pa.int16(),
    pa.float64(),
    pa.decimal128(18, 2),
    pa.decimal128(4, 3),
    pa.decimal128(38, 9),
    pa.date32(),
    pa.timestamp("us"),
]


@pytest.fixture(scope="module", autouse=True)
def framing() -> str:
    return "both"


class Kept:
    """Bad rows, as they are told."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append((str(bad.place), bad.place.raw, bad.place.head, bad.reason, bad.column, bad.value, bad.code))


def read(data: bytes, csv: CSV, want: Want) -> Any:
    """All that reading tells: the types, and each row with its place; bad rows; or the error."""
    kept = Kept()
    want = Want(types=want.types, schema=want.schema, columns=want.columns, batch_bytes=want.batch_bytes, bad=kept)
    rows: list[Any] = []
    types: list[Any] = []
    try:
        with csv.read(InputFile("f.csv", lambda: io.BytesIO(data), len(data)), want) as reading:
            types = list(zip(reading.schema.names, map(str, reading.schema.types), strict=True))
            for batch in reading:
                batch.rows.validate(full=True)
                assert batch.rows.schema.types == reading.schema.types
                places = [batch.origin.place(row) for row in range(len(batch))]
                values = [textform.write(column).to_pylist() for column in batch.rows.columns]
                rows += zip(places, *values, strict=True) if values else places
    except (TowError, TypesTooNarrow) as error:
        return types, rows, kept.rows, type(error).__name__, str(error)
    return types, rows, kept.rows


def read_both(data: bytes, csv: CSV, want: Want) -> tuple[Any, Any]:
    compiled = read(data, csv, want)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "compiled", None)
        return compiled, read(data, csv, want)


PIECES = st.lists(
    st.sampled_from(
        [*'",\n\r', '"', '""', "\r\n", "a", "é", "1", "-", "0.50", "2024-02-29", "NA", " ", "\0", "\udc80"]
    ),
    max_size=30,
)


@settings(max_examples=1500, deadline=None)
@given(
    PIECES.map("".join),
    st.booleans(),
    st.sampled_from(['"', "", "'"]),
    st.sampled_from([(), ("NA",), ("1", "a")]),
    st.sampled_from([1, 7, 1000]),
    st.sampled_from([{}, {"c1": pa.int64()}, {"c1": pa.date32(), "c2": pa.decimal128(5, 2)}, {"c2": pa.string()}]),
)
@example('a,b\n1,"x\ny"\n\xe9,"\udc80"\n', False, '"', (), 1000, {})
@example('"",', False, '"', (), 1, {})
@example("1\r", False, '"', (), 1000, {})
@example("1,2\n\r", False, '"', (), 1, {})
def test_any_bytes_read_alike(
    text: str, header: bool, quote: str, null: tuple[str, ...], block_bytes: int, types: dict[str, pa.DataType]
) -> None:
    data = text.encode("utf-8", "surrogateescape")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "LONGEST_QUOTED_BYTES", 12)
        csv = CSV(",", quote, header=header, null=null, quoted_lines=3)
        compiled, careful = read_both(data, csv, Want(types=types, batch_bytes=block_bytes))
    assert compiled == careful


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("seed", range(4))
def test_a_file_of_many_blocks_reads_alike(seed: int, line_end: str) -> None:
    rng = random.Random(seed)

    def line(number: int) -> str:
        comment = "".join(rng.choices(["a", "é", " ", '""', ",", line_end, "'"], k=rng.randrange(40)))
        return f'{number},{rng.randrange(10**4) / 100},2024-01-{rng.randrange(1, 32):02d},"{comment}",x{number % 7}'

    lines = ["id,price,day,comment,kind", *(line(number) for number in range(3_000))]
    if seed == 2:
        lines[1_500] += ",one field more"
    if seed == 3:
        lines[2_900] = lines[2_900].replace("2024", "then")
    data = line_end.join(lines).encode()
    want = Want(batch_bytes=10_000, types={"day": pa.date32()} if seed == 3 else {})
    compiled, careful = read_both(data, CSV(), want)
    assert compiled == careful
    assert len(compiled[1]) == 3_000 - (seed > 1)


def made(texts: Sequence[str | None], type: pa.DataType) -> pa.Array | None:
    """A column of two as values, by what is compiled alone."""
    data = "".join(f"x,{'' if text is None else text}\n" for text in texts).encode()
    found = split(data, 2, Grammar(",", '"'), True)
    assert found is not None
    return found.fields._made([(1, type)], ())[0]


SIGNS = st.text(st.sampled_from("0123456789.-:T +eZ"), min_size=1, max_size=20)
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,17})?", fullmatch=True)
DATES = st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True)
MOMENTS = st.from_regex(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?", fullmatch=True
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.one_of(st.none(), SIGNS, NUMBERS, DATES, MOMENTS), min_size=1, max_size=3), st.sampled_from(TYPES))
@example(["0001-01-01"], pa.date32())
@example(["0000-01-01"], pa.date32())
@example(["1900-02-29"], pa.date32())
@example(["9999-12-31T23:59:59.999999"], pa.timestamp("us"))
@example(["-0"], pa.int64())
@example(["-0.00"], pa.decimal128(18, 2))
@example(["-0.0"], pa.float64())
@example(["999999999999.999"], pa.float64())
@example(["32768", None], pa.int16())
def test_a_value_is_what_both_careful_ways_read_or_none(texts: list[str | None], type: pa.DataType) -> None:
    found = made(texts, type)
    if found is None:
        return
    found.validate(full=True)
    read, misfits = textform.read(pa.array(texts, pa.string()), type)
    assert not len(misfits)
    assert [str(value) for value in found.to_pylist()] == [str(value) for value in read.to_pylist()]
    admitted = Convention().admit(pa.array(texts, pa.string()), type)[0] if type in TYPES[:1] + TYPES[3:] else read
    assert [str(value) for value in found.to_pylist()] == [str(value) for value in admitted.to_pylist()]


@pytest.mark.parametrize(
    ("type", "texts"),
    [
        (pa.int64(), ["0", "-1", "999999999999999999", None, "-999999999999999999"]),
        (pa.int32(), ["-2147483648", "2147483647"]),
        (pa.int16(), ["-32768", "32767", None]),
        (pa.float64(), ["0", "-0.0", "17.00", "99999999.9999999", "-0.00000000000001", None]),
        (pa.decimal128(18, 2), ["0.5", "-1", "9999999999999999.99", None]),
        (pa.decimal128(38, 9), ["999999999.999999999"]),
        (pa.date32(), ["0001-01-01", "1970-01-01", "2024-02-29", "9999-12-31", None]),
        (pa.timestamp("us"), ["0001-01-01 00:00:00", "2024-02-29T23:59:59.5", "9999-12-31 23:59:59.999999"]),
    ],
)
def test_plain_values_are_not_declined(type: pa.DataType, texts: list[str | None]) -> None:
    assert made(texts, type) is not None


@pytest.mark.parametrize("null", [(), ("NA",)])
def test_blocks_in_order_are_not_declined(null: tuple[str, ...]) -> None:
    for data in (b"a,b\n", b"a,b\r\n\r\n1,2", b'"a\n",""\n"x""y","1"\n\n', b",\n", 'é,"ü"'.encode()):
        assert split(data, 2, Grammar(",", '"'), True) is not None
    found = split(b'NA,"x""y"\n,"NA"\n"",2\n', 2, Grammar(",", '"'), True)
    assert found is not None
    columns = found.fields.columns([(1, None), (0, None)], tuple(word.encode() for word in null))
    assert [column.to_pylist() for column in columns] == [['x"y', "NA", "2"], [None if null else "NA", None, ""]]


def test_the_rest_of_a_stream_is_left_for_the_next_block() -> None:
    for rest in (b"3,", b"3,4", b'3,"4', b'3,"4"', b"3,4\r", b'3,"a\n'):
        found = split(b"1,2\r\n\r\n" + rest, 2, Grammar(",", '"'), False)
        assert found is not None
        assert (found.used, found.line_ends, found.starts.tolist(), found.lines.tolist()) == (7, 2, [0], [0])


def test_what_does_not_fit_together_is_refused_before_memory_is_read() -> None:
    def columns(**other: Any) -> Any:
        given = {
            "data": b"a,b\n",
            "starts": [0],
            "ends": [1, 3],
            "width": 2,
            "words": (),
            "at": 1,
            "into": 2,
            "valid": 1,
        }
        given |= other
        into, valid = np.empty(given["into"], np.int32), np.full(given["valid"], 255, np.uint8)
        return fields.compiled.columns(
            given["data"],
            np.array(given["starts"], np.int64),
            np.array(given["ends"], np.int32),
            given["width"],
            34,
            given["words"],
            ((given["at"], other.get("form", ""), 0, 0, into, valid),),
        )

    assert columns() == [(0, b"b")]
    for other in (
        {"ends": [1, 5]},
        {"ends": [3, 1]},
        {"ends": [-1, 3]},
        {"ends": [1]},
        {"starts": [-1]},
        {"starts": [5]},
        {"starts": [2]},
        {"width": 0},
        {"at": 2},
        {"at": -1},
        {"into": 1},
        {"valid": 0},
        {"form": "nosuch"},
        {"form": "decimal128"},
        {"words": ("text",)},
    ):
        with pytest.raises(ValueError):
            columns(**other)
    with pytest.raises(ValueError):
        room = np.empty(1, np.int64)
        fields.compiled.split(b"a\nb\n", 0, 44, 34, True, 9, 9, room, room, room, np.empty(1, np.int32))
    with pytest.raises(ValueError):
        fields.compiled.split(b"a\nb\n", 2, 44, 34, True, 9, 9, room, room, room, np.empty(1, np.int32))


def test_more_records_than_there_is_room_for_are_declined() -> None:
    room = np.empty(1, np.int64)
    assert fields.compiled.split(b"a\nb\n", 1, 44, 34, True, 9, 9, room, room, room, np.empty(1, np.int32)) is None


def test_quotes_in_odd_places_of_a_field_stay_within_it() -> None:
    """Bounds that no framing gives: the content is as long as it is said to be, whatever its quotes."""
    for data in (b'"', b'""', b'"""', b'"""""', b'"a"b"c"', b'"a""'):
        held = Fields(data, np.array([0], np.int64), np.array([len(data)], np.int32), 1, 34, True)
        (column,) = held.columns([(0, None)], ())
        column.validate(full=True)
        assert len(column[0].as_py()) <= len(data)
