"""Whatever bytes they are given, our own readers answer with values or with Towpath's errors; what they take agrees
with an independent reader, and what is written is read again."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.share import Attack
from towpath import address, url
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.json import JSON
from towpath.adapters.format.jsonl import JSONLines
from towpath.adapters.record.avro import Avro
from towpath.badrows import BadRow
from towpath.errors import TowError
from towpath.nouns import Want
from towpath.pipeline.load import load
from towpath.seams.format import Format, InputFile, TypesTooNarrow
from towpath.text import date_formats, dialect, json_careful, json_numbers
from towpath.text.numerals import Numerals
from towpath.values import textform, type_names

Fuzz = Callable[..., None]


@pytest.fixture
def fuzz(attack: Attack, request: pytest.FixtureRequest) -> Fuzz:
    """Runs a function over so many examples of its arguments."""

    def run(times: int, check: Callable[..., None], **arguments: st.SearchStrategy[Any]) -> None:
        made = settings(
            max_examples=attack.times(times, least=30), deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )(given(**arguments)(check))  # fmt: skip
        hypothesis.seed(attack.random(request.node.name).getrandbits(32))(made)()

    return run


class Kept:
    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def read(format: Format, data: bytes, **want: Any) -> tuple[list[dict[str, Any]], list[BadRow]]:
    kept = Kept()
    file = InputFile("f", lambda: io.BytesIO(data), size=len(data))
    with format.read(file, Want(bad=kept, **want)) as reading:
        rows = [row for batch in reading for row in batch.rows.to_pylist()]
    assert reading.given == len(rows) + len(kept.rows)
    return rows, kept.rows


def pieces(*common: bytes) -> st.SearchStrategy[bytes]:
    """Bytes of parts that mean something to a reader, and of any others."""
    return st.lists(st.sampled_from(common) | st.binary(max_size=3), max_size=30).map(b"".join)


def edited(whole: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes in which a few were changed, put in or taken out."""
    edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2), st.binary(max_size=2)), max_size=3)

    def done(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
        for where, taken, put in changes:
            at = int(where * len(data))
            data = data[:at] + put + data[at + taken :]
        return data

    return st.builds(done, whole, edits)


CSV_PIECES = (
    b",",
    b'"',
    b"\n",
    b"\r\n",
    b"\r",
    b'""',
    b'","',
    b"a",
    b"1",
    b" ",
    b"\0",
    b"\xef\xbb\xbf",
    "é".encode(),
    b";",
    b"\t",
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "ä"]), JSONS, max_size=3), max_size=5)


def strict(text: str) -> list[list[str]] | None:
    """The records by the standard library, None where it finds something wrong."""
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None


def test_delimited_text(fuzz: Fuzz) -> None:
    def check(data: bytes) -> None:
        try:
            rows, bad = read(CSV(delimiter=",", header=False), data, all_text=True)
        except (TowError, TypesTooNarrow):
            return
        try:
            text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        except UnicodeDecodeError:
            assert bad
            return
        theirs = strict(text)
        if theirs is None or bad or "\0" in text:
            return
        found = [[value or "" for value in row.values()] for row in rows]
        width = len(found[0]) if found else 0
        wanted = [one for one in theirs if one] if width != 1 else [one or [""] for one in theirs]
        if all(len(one) == width for one in wanted):
            assert found == wanted

    fuzz(3000, check, data=pieces(*CSV_PIECES))


def test_delimited_text_that_we_wrote_is_read_by_another_reader(fuzz: Fuzz) -> None:
    texts = st.none() | st.text(st.sampled_from("a,;\"\n\r\t é1'\\"), max_size=6)

    def check(rows: list[tuple[str | None, str | None]]) -> None:
        batch = pa.record_batch({"a": [one for one, _ in rows], "b": [one for _, one in rows]},
                                schema=pa.schema([("a", pa.string()), ("b", pa.string())]))  # fmt: skip
        sink = io.BytesIO()
        writer = CSV().writer(sink, batch.schema)
        writer.write(batch)
        writer.close()
        assert strict(sink.getvalue().decode()) == [["a", "b"], *([a or "", b or ""] for a, b in rows)]
        assert read(CSV(), sink.getvalue(), all_text=True)[0] == batch.to_pylist()

    fuzz(1500, check, rows=st.lists(st.tuples(texts, texts), max_size=8))


def test_any_bytes_as_any_text_format(fuzz: Fuzz) -> None:
    formats: list[Format] = [CSV(), CSV(encoding="utf-16"), CSV(encoding="latin-1", null="1"), JSONLines(), JSON()]

    def check(data: bytes, format: Format) -> None:
        try:
            read(format, data)
        except (TowError, TypesTooNarrow):
            return

    marks = (
        b"\xff\xfe",
        b"\xfe\xff",
        b"[",
        b"]",
        b"{",
        b"}",
        b":",
        b'{"a":',
        b"null",
        b"1e5",
        b"-0",
        b"\\ud800",
        b"true",
    )
    fuzz(4000, check, data=pieces(*CSV_PIECES, *marks), format=st.sampled_from(formats))


def valid(line: bytes) -> dict[str, Any] | None:
    """The object of a line by the standard library, held to what RFC 8259 asks for."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("doubled")
        return dict(pairs)

    def no(word: str) -> Any:
        raise ValueError(word)

    try:
        found = json.loads(line.decode("utf-8"), object_pairs_hook=unique, parse_constant=no, parse_float=Decimal)
        json.dumps(found, ensure_ascii=False, default=str).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def test_lines_of_json_are_taken_when_another_reader_takes_them(fuzz: Fuzz) -> None:
    def check(data: bytes) -> None:
        lines = [line for line in data.split(b"\n") if line.strip(b" \t\r")]
        rows, bad = read(JSONLines(), data, types={"a": pa.string()}, all_text=True)
        right = [found for line in lines if (found := valid(line)) is not None]
        assert len(rows) == len(right), (bad, right)
        for row, found in zip(rows, right, strict=True):
            value = found.get("a")
            if isinstance(value, str) or value is None:
                assert row.get("a") == value
            else:
                assert json.loads(row["a"], parse_float=Decimal) == value

    def written(records: list[Any]) -> bytes:
        return b"".join(json.dumps(one).encode() + b"\n" for one in records)

    fuzz(2500, check, data=edited(RECORDS.map(written)))


def test_one_record_of_json(fuzz: Fuzz) -> None:
    def check(data: bytes) -> None:
        try:
            found = json_careful.parse(data)
        except json_careful.Unreadable:
            assert valid(data) is None
            return
        assert json.loads(json_careful.source(found), parse_float=Decimal) == valid(data)

    fuzz(
        3000,
        check,
        data=edited(st.dictionaries(st.text(max_size=3), JSONS, max_size=3).map(lambda one: json.dumps(one).encode())),
    )


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


def test_numbers_of_json_are_those_of_decimal(fuzz: Fuzz) -> None:
    def check(token: str) -> None:
        exact = Decimal(token)
        whole = json_numbers.integer(token)
        assert whole is None or whole == exact
        double = json_numbers.double(token)
        if double is not None:
            assert Decimal(repr(double)) == exact
            assert math.copysign(1, double) == (-1 if token.startswith("-") else 1)
        found = json_numbers.decimal(token)
        assert found is None or found == exact

    fuzz(4000, check, token=NUMBERS)


SCALARS = [pa.int8(), pa.uint64(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(38, 18), pa.decimal256(60, 10),
           pa.bool_(), pa.date32(), pa.time64("ns"), pa.time32("s"), pa.timestamp("us"), pa.timestamp("ns", "UTC"),
           pa.binary(), pa.duration("ns"), pa.list_(pa.int32()), pa.struct([("a", pa.float64())]),
           pa.map_(pa.string(), pa.int64())]  # fmt: skip
MOMENT = r"[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,10})?)?(Z|[+-][0-9:]{2,6})?)?"
TEXTS = (
    st.text(max_size=12)
    | NUMBERS
    | st.from_regex(MOMENT, fullmatch=True)
    | st.sampled_from(["NaN", "inf", "-0.0", "true", "P1D", "PT1.5S", "0x1F", "[1]", "AQ==", "24:00:00", "23:59:60"])
    | st.just('{"a": 1.0}')
)  # fmt: skip


def test_the_text_form_of_values(fuzz: Fuzz) -> None:
    def check(texts: list[str | None], type: pa.DataType) -> None:
        values, bad = textform.read(pa.array(texts, pa.string()), type)
        assert values.type == type
        if "24:00:00" not in texts:  # which is a time to PostgreSQL, and none to Arrow
            values.validate(full=True)
        assert all(values[row].as_py() is None for row in bad.tolist()) or pa.types.is_nested(type)
        again, worse = textform.read(textform.write(values), type)
        assert not len(worse)
        assert again.equals(values) or textform.write(again).equals(textform.write(values))
        if pa.types.is_decimal(type) or pa.types.is_integer(type):
            for text, value in zip(texts, values.to_pylist(), strict=True):
                assert value is None or Decimal(text or "") == value

    fuzz(4000, check, texts=st.lists(st.none() | TEXTS, max_size=5), type=st.sampled_from(SCALARS))


def test_numbers_with_groups(fuzz: Fuzz) -> None:
    def check(value: int, fraction: str, decimal: str) -> None:
        sign = "." if decimal == "," else ","
        text = f"{value:,}".replace(",", sign) + (f"{decimal}{fraction}" if fraction else "")
        plain = Numerals(decimal, sign).plain(pa.array([text, text[:-1] + "x"]))[0].as_py()
        assert Decimal(plain) == Decimal(f"{value}.{fraction or 0}")

    fuzz(1000, check, value=st.integers(-(10**15), 10**15), fraction=st.from_regex("[0-9]{0,6}", fullmatch=True),
         decimal=st.sampled_from([".", ","]))  # fmt: skip


def refused_or_done(run: Callable[[], Any]) -> Any:
    """What a function gives, None when it refuses in Towpath's words."""
    try:
        return run()
    except TowError:
        return None


def test_addresses(fuzz: Fuzz) -> None:
    parts = ["://", "@", ":", "/", "#", "?", "&", "=", "%", "%41", "[", "]", ",", "${env:X}", "${", "}", "$$", "+",
             "..", "9092", "\0", "ä", " ", "*", "a", "postgresql", "s3", "duckdb", "kafka", "sslpassword="]  # fmt: skip
    texts = st.lists(st.sampled_from(parts) | st.text(max_size=2), max_size=14).map("".join)

    def check(text: str, password: str) -> None:
        refused_or_done(lambda: address.parse(text))
        url.shown(text)
        url.plain_secrets(text)
        for scheme in ("postgresql", "s3", "kafka"):
            told = url.shown(f"{scheme}://ann:{password}@host/shop#t")
            assert told == f"{scheme}://ann:***@host/shop#t" or (password not in told and "***" in told), told

    # Behind a plain @ a /, ? or # ends the host as in any address; @ may stand in a table's name or an option's value.
    signs = st.text(st.sampled_from("Aa1@:/#?&%= "), min_size=4, max_size=12)
    passwords = signs.filter(lambda one: re.search("[Aa1]", one) and not re.search("@.*[/?#]|[?&].*=", one))
    fuzz(4000, check, text=texts, password=passwords)


def test_names_of_types(fuzz: Fuzz) -> None:
    words = [
        "int64",
        "text",
        "decimal",
        "(",
        ")",
        "<",
        ">",
        ",",
        ":",
        "list",
        "struct",
        "map",
        "38",
        "10",
        " ",
        "timestamp",
        "us",
        "[",
        "]",
    ]
    texts = st.lists(st.sampled_from(words) | st.text(max_size=2), max_size=10).map("".join)

    def check(text: str) -> None:
        found = refused_or_done(lambda: type_names.parse_type(text))
        if found is not None:
            assert type_names.parse_type(type_names.type_name(found)) == found

    fuzz(3000, check, text=texts)


def test_formats_of_dates(fuzz: Fuzz) -> None:
    signs = [
        "%Y",
        "%m",
        "%d",
        "%H",
        "%M",
        "%S",
        "%f",
        "%z",
        "%p",
        "%I",
        "%%",
        "%",
        "-",
        "/",
        " ",
        "T",
        "%j",
        "%y",
        "%b",
    ]

    def check(text: str, values: list[str]) -> None:
        if refused_or_done(lambda: date_formats.check(text) is None):
            date_formats.read(pa.array(values, pa.string()), text, date_formats.type_of(text)).validate(full=True)

    fuzz(
        1500,
        check,
        text=st.lists(st.sampled_from(signs) | st.text(max_size=1), max_size=8).map("".join),
        values=st.lists(TEXTS, max_size=3),
    )


def test_the_delimiter_of_any_text(fuzz: Fuzz) -> None:
    def check(data: bytes, whole: bool) -> None:
        assert len(dialect.sniff(data, whole, '"')) == 1

    fuzz(1500, check, data=pieces(*CSV_PIECES), whole=st.booleans())


PIPELINE = b"""pipeline: shop
vars: {day: 2026-01-01}
connections:
  store: duckdb:///shop.db
steps:
  load: &one
    from: {address: in.csv, options: {null: NA}}
    to: store#t
    mode: merge
    key: [id]
    types: {id: int64, d: decimal(10,2)}
    rules: [{not_null: id}, {between: [n, 1, 5]}]
  more: {from: "in-${day}.csv", to: out.parquet, depends_on: load}
"""


def test_pipelines(fuzz: Fuzz, tmp_path: Path) -> None:
    file = tmp_path / "tow.yaml"

    def check(data: bytes) -> None:
        file.write_bytes(data)
        refused_or_done(lambda: load(file))

    signs = (b"&a ", b"*a", b"*one", b"<<: ", b"!!python/object:os.system ", b"!!set ", b"? ", b"|", b"{", b"[", b"\t",
             b"\0", b"- ", b"\n", b": ", b"1e999", b"2026-13-45", b"${day}", b"${env:X}", b"0x", b"~", b"%YAML",
             b"---\n")  # fmt: skip
    changed = edited(st.just(PIPELINE))
    spliced = st.builds(
        lambda at, put: PIPELINE[:at] + put + PIPELINE[at:], st.integers(0, len(PIPELINE)), st.sampled_from(signs)
    )
    fuzz(1500, check, data=changed | spliced | pieces(*signs, b"steps:", b"pipeline: a\n"))


def test_a_pipeline_that_multiplies_itself_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (tmp_path / "tow.yaml").write_text(
        "pipeline: a\nvars:\n" + "".join(f"  {line}\n" for line in lines) + "steps: {}\n"
    )
    with pytest.raises(TowError):
        load(tmp_path / "tow.yaml")


SCHEMA = {
    "type": "record", "name": "r", "fields": [
        {"name": "i", "type": "long"}, {"name": "s", "type": ["null", "string"]}, {"name": "b", "type": "bytes"},
        {"name": "l", "type": {"type": "array", "items": "int"}},
        {"name": "m", "type": {"type": "map", "values": "double"}},
        {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["A", "B"]}},
        {"name": "t", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("framing", ["none", "confluent"])
def test_avro_records(framing: str, fuzz: Fuzz, tmp_path: Path) -> None:
    (tmp_path / "r.avsc").write_text(json.dumps(SCHEMA))
    given_id = {"framing": "confluent", "schema_id": 7} if framing == "confluent" else {}
    avro = Avro(str(tmp_path / "r.avsc"), **given_id)
    values = {"i": 5, "s": "ä", "b": b"\0\1", "l": [1, 2], "m": [("k", 1.5)], "e": "B", "d": Decimal("1.25")}
    days = {"t": pa.array([0], pa.int64()), "day": pa.array([0], pa.int32())}
    columns = [
        days[one.name].cast(one.type) if one.name in days else pa.array([values[one.name]], one.type)
        for one in avro.schema
    ]
    whole = pa.record_batch(columns, schema=avro.schema)
    made = avro.encode(whole)
    assert not made.bad
    value = made.values[0].as_py()
    assert avro.decode(made.values).rows.equals(whole)

    def check(data: bytes) -> None:
        found = avro.decode(pa.array([value, data, None], pa.binary()))
        found.rows.validate(full=True)
        assert found.rows.num_rows == 3
        assert found.bad.keys() <= {1}
        assert found.rows.slice(0, 1).equals(whole)
        if 1 not in found.bad:
            assert not avro.encode(found.rows.slice(1, 1)).bad

    fuzz(4000, check, data=edited(st.just(value)) | st.binary(max_size=40))
