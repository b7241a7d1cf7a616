"""Rows in COPY's binary form: PostgreSQL keeps of them what it keeps of the same rows as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgresqlkit import Place
from towpath.errors import TowError
from towpath.postgresql import copybinary, libpq
from towpath.postgresql.catalog import Relation
from towpath.postgresql.copybinary import forms
from towpath.postgresql.copying import Copying
from towpath.postgresql.types import Native

if copybinary.compiled is None:
    pytest.skip(
        "src/towpath/postgresql/compiled.c is not compiled: no C compiler was found when towpath was installed",
        allow_module_level=True,
    )


def numeric(digits: int, scale: int) -> Native:
    return Native("numeric", 4 + (digits << 16 | scale))


CASES: list[tuple[str, Native, pa.Array]] = [
    ("boolean", Native("bool"), pa.array([True, None, False] * 5)),
    ("smallint", Native("int2"), pa.array([-(2**15), None, 2**15 - 1], pa.int16())),
    ("integer", Native("int4"), pa.array([-(2**31), None, 2**31 - 1], pa.int32())),
    ("bigint", Native("int8"), pa.array([-(2**63), None, 2**63 - 1], pa.int64())),
    ("real", Native("float4"), pa.array([1.5, None, -0.0, float("nan"), float("inf"), 1e-45], pa.float32())),
    ("double precision", Native("float8"), pa.array([0.1, None, -0.0, float("nan"), float("-inf"), 5e-324])),
    ("text", Native("text"), pa.array(["", None, "é\n\\N\t", "x" * 100_000])),
    ("varchar(9)", Native("varchar", 13), pa.array(["", None, "a b "])),
    ("char(4)", Native("bpchar", 8), pa.array(["ab", None, ""])),
    ("json", Native("json"), pa.array(['{"a":  1}', None])),
    ("bytea", Native("bytea"), pa.array([b"", None, b"\x00\xff"])),
    ("date", Native("date"), pa.array([date(1, 1, 1), None, date(9999, 12, 31), date(1999, 12, 31)])),
    ("date", Native("date"), pa.array([-2_440_588, 2_145_042_905], pa.int32()).cast(pa.date32())),
    ("time", Native("time"), pa.array([time(0), None, time(23, 59, 59, 999_999)], pa.time64("us"))),
    ("timestamp", Native("timestamp"), pa.array([datetime(1, 1, 1), None, datetime(9999, 12, 31, 23, 59, 59, 999)])),
    (
        "timestamptz",
        Native("timestamptz"),
        pa.array([datetime(1969, 12, 31, 23, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    ),
    ("numeric(18,2)", numeric(18, 2), pa.array([Decimal("-0.01"), None, Decimal(9 * 10**15)], pa.decimal128(18, 2))),
    ("numeric(38,0)", numeric(38, 0), pa.array([10**38 - 1, None, -(10**38) + 1, -(2**64), 0], pa.decimal128(38, 0))),
    ("numeric(38,38)", numeric(38, 38), pa.array([Decimal(1).scaleb(-38), None], pa.decimal128(38, 38))),
]  # fmt: skip


def kept(place: Place, table: str, type: str, native: Native | None, batches: Sequence[pa.RecordBatch]) -> list[Any]:
    """What the server says of the rows, as text, once they are in a column of the type."""
    place.run(f"drop table if exists {table}", f"create table {table} (at serial, value {type})")
    copying = Copying(Relation(0, place.schema, table, "r"), batches[0].schema, [native])
    assert ("binary" in copying.statement) == (native is not None)
    with place.connect() as connection, connection.cursor() as cursor:
        with cursor.copy(copying.statement.encode()) as copy:
            for piece in copying.pieces(batches):
                copy.write(piece)
        assert cursor.rowcount == sum(len(batch) for batch in batches)
    return place.ask(f"select value::text from {table} order by at")


@pytest.mark.parametrize(("type", "native", "values"), CASES, ids=[case[0] for case in CASES])
def test_a_value_is_kept_as_it_is_as_text(default_place: Place, type: str, native: Native, values: pa.Array) -> None:
    whole = pa.record_batch({"value": values})
    batches = [whole, whole.slice(1), whole.slice(len(whole))]
    as_text = kept(default_place, "text_", type, None, batches)
    assert kept(default_place, "binary_", type, native, batches) == as_text
    assert len(as_text) == 2 * len(values) - 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.integers(1, 38))
def test_decimals_of_any_size_and_scale_are_kept(default_place: Place, data: st.DataObject, digits: int) -> None:
    scale = data.draw(st.integers(0, digits))
    most = 10**digits - 1
    near = st.sampled_from([0, 1, most, 10**scale, 10 ** (digits - 1), 10_000, 2**63, 2**64, 2**64 // 1000])
    numbers = st.one_of(st.integers(-most, most), near.map(lambda number: min(number, most)))
    unscaled = data.draw(st.lists(st.one_of(st.none(), numbers), min_size=1, max_size=20))
    texts = [None if number is None else written(number, scale) for number in unscaled]
    batch = pa.record_batch({"value": pa.array(texts).cast(pa.decimal128(digits, scale))})
    found = kept(default_place, "binary_", f"numeric({digits},{scale})", numeric(digits, scale), [batch])
    assert [text for (text,) in found] == texts


def written(unscaled: int, scale: int) -> str:
    digits = f"{abs(unscaled):0{scale + 1}}"
    point = len(digits) - scale
    return "-" * (unscaled < 0) + digits[:point] + "." * (scale > 0) + digits[point:]


def test_text_that_is_none_is_refused_by_the_server(default_place: Place) -> None:
    with pytest.raises(psycopg.DataError, match="invalid byte sequence"):
        kept(default_place, "binary_", "text", Native("text"), [pa.record_batch({"value": ["a\0b"]})])


@pytest.mark.parametrize(
    ("type", "native"),
    [
        (pa.int64(), Native("int4")),
        (pa.int32(), Native("int8")),
        (pa.string(), Native("uuid")),
        (pa.string(), Native("jsonb")),
        (pa.string(), Native("numeric")),
        (pa.string(), Native("mood", kind="e")),
        (pa.binary(), Native("text")),
        (pa.timestamp("s"), Native("timestamp", 0)),
        (pa.timestamp("us"), Native("timestamptz")),
        (pa.decimal128(18, 3), numeric(18, 2)),
        (pa.decimal256(50, 2), numeric(50, 2)),
        (pa.list_(pa.int32()), Native("_int4")),
        (pa.int32(), None),
    ],
    ids=str,
)  # fmt: skip
def test_rows_of_other_types_than_the_columns_go_as_text(type: pa.DataType, native: Native | None) -> None:
    schema = pa.schema({"id": pa.int64(), "value": type})
    assert forms(schema, [Native("int8"), native]) is None
    assert "csv" in Copying(Relation(1, "s", "t", "r"), schema, [Native("int8"), native]).statement


def test_the_statement_quotes_every_name() -> None:
    into = Relation(1, "My Schema", 'the "table"', "r")
    schema = pa.schema({"id": pa.int64(), "select": pa.int64()})
    assert Copying(into, schema, [Native("int8")] * 2).statement == (
        'copy "My Schema"."the ""table""" ("id", "select") from stdin with (format binary)'
    )


def test_buffers_that_are_too_short_are_refused_before_memory_is_read() -> None:
    rows = copybinary.compiled.rows
    two = bytes(16)
    assert rows(2, (("int8", None, two, None, 0, 0),)) == (
        b"\0\1\0\0\0\x08" + bytes(8) + b"\0\1\0\0\0\x08" + bytes(8),
        28,
    )
    for column in (
        ("int8", None, two, None, 1, 0),
        ("int8", None, two, None, -1, 0),
        ("int8", b"", two, None, 0, 0),
        ("int4", None, bytes(7), None, 0, 0),
        ("bool", None, b"", None, 0, 0),
        ("numeric", None, two, None, 0, 0),
        ("numeric", None, two * 2, None, 0, 39),
        ("numeric", None, two * 2, None, 0, -1),
        ("bytes", None, b"\0\0\0\0\1\0\0\0", b"ab", 0, 0),
        ("bytes", None, b"\0\0\0\0\1\0\0\0\3\0\0\0", b"ab", 0, 0),
        ("bytes", None, b"\0\0\0\0\2\0\0\0\1\0\0\0", b"ab", 0, 0),
        ("bytes", None, b"\xff\xff\xff\xff\0\0\0\0\1\0\0\0", b"ab", 0, 0),
        ("bytes", None, b"\0\0\0\0\1\0\0\0\2\0\0\0", None, 0, 0),
        ("nosuch", None, two, None, 0, 0),
        ("int8", None, "text", None, 0, 0),
        (),
    ):
        with pytest.raises(ValueError):
            rows(2, (column,))
    with pytest.raises(ValueError):
        rows(-1, ())


def both_ways(values: pa.Array, native: Native) -> pa.Array:
    """What comes back of the rows that were made of the values."""
    schema = pa.schema({"value": values.type})
    found = forms(schema, [native])
    assert found is not None
    data = bytes(copybinary.rows(pa.record_batch([values], schema=schema), found))
    for end in (b"", copybinary.END):
        back = copybinary.batch(data + end, schema, found)
        back.validate(full=True)
        assert back.num_rows == len(values)
    return back.column(0)


def told(values: pa.Array) -> list[str]:
    """Each value; days far from ours as numbers."""
    return [str(one) for one in (values.cast(pa.int32()) if values.type == pa.date32() else values).to_pylist()]


@pytest.mark.parametrize(("type", "native", "values"), CASES, ids=[case[0] for case in CASES])
def test_rows_come_back_as_they_went(type: str, native: Native, values: pa.Array) -> None:
    for part in (values, values[1:], values[:0], pa.nulls(9, values.type)):
        assert told(both_ways(part, native)) == told(part)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 38))
def test_decimals_come_back_as_they_went(data: st.DataObject, digits: int) -> None:
    scale = data.draw(st.integers(0, digits))
    most = 10**digits - 1
    numbers = data.draw(st.lists(st.one_of(st.none(), st.integers(-most, most)), min_size=1, max_size=20))
    texts = [None if number is None else written(number, scale) for number in numbers]
    values = pa.array(texts).cast(pa.decimal128(digits, scale))
    assert both_ways(values, numeric(digits, scale)).equals(values)


DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("type", "form", "value"),
    [
        (pa.date32(), "date", (2**31 - 1).to_bytes(4, "big")),
        (pa.date32(), "date", (2**31).to_bytes(4, "big")),
        (pa.timestamp("us"), "timestamp", (2**63 - 1).to_bytes(8, "big")),
        (pa.timestamp("us"), "timestamp", (2**63).to_bytes(8, "big")),
        (pa.time64("us"), "time", DAY.to_bytes(8, "big")),
        (pa.decimal128(4, 2), "numeric", b"\0\0\0\0\xc0\0\0\0"),  # NaN
        (pa.decimal128(4, 2), "numeric", b"\0\0\0\0\xd0\0\0\0"),  # infinity
        (pa.decimal128(4, 2), "numeric", b"\0\1\0\0\0\0\0\0\0\x64"),  # 100
        (pa.decimal128(4, 2), "numeric", b"\0\1\xff\xff\0\0\0\3\0\x0a"),  # 0.001
        (pa.decimal128(38, 0), "numeric", b"\0\1\0\x0a\0\0\0\0\0\1"),  # 10**40
    ],
    ids=str,
)
def test_a_value_that_its_type_does_not_hold_is_told(type: pa.DataType, form: str, value: bytes) -> None:
    row = b"\0\1" + len(value).to_bytes(4, "big") + value
    with pytest.raises(ValueError, match="does not fit"):
        copybinary.batch(row, pa.schema({"value": type}), (form,))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_bytes_that_are_no_rows_are_refused_or_read_within_their_bounds(data: st.DataObject) -> None:
    columns = {str(at): pa.concat_arrays([values, values])[:2] for at, (_, _, values) in enumerate(CASES)}
    rows = pa.record_batch(columns)
    found = forms(rows.schema, [native for _, native, _ in CASES])
    assert found is not None
    whole = bytearray(copybinary.rows(rows, found))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    try:
        back = copybinary.batch(bytes(whole), rows.schema, found)
    except ValueError:
        return
    assert back.num_rows <= 2


def test_without_psycopgs_own_libpq_rows_come_by_a_cursor(
    default_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    default_place.run(
        "create table t (id int, price numeric(5,2), day date)", "insert into t values (1, 2.50, '2026-01-31')"
    )
    tables = []
    for calls in (libpq.copy_calls, lambda: None):
        monkeypatch.setattr(libpq, "copy_calls", calls)
        with default_place.database().read() as session:
            schema, batches = session.select("select * from t", 10)
            tables.append(pa.Table.from_batches(list(batches), schema))
    assert libpq.copy_calls() is None
    assert tables[0].equals(tables[1])
    assert tables[0].to_pylist() == [{"id": 1, "price": Decimal("2.50"), "day": date(2026, 1, 31)}]


def test_psycopgs_own_libpq_is_found() -> None:
    assert libpq.copy_calls() is not None


def test_an_error_in_the_midst_of_rows_is_told(default_place: Place) -> None:
    with default_place.database().read() as session:
        _, batches = session.select("select 100 / (100000 - i) as n from generate_series(1, 200000) i", 1_000)
        with pytest.raises(TowError, match="division by zero"):
            list(batches)


def test_a_server_that_goes_in_the_midst_of_rows_is_told(default_place: Place) -> None:
    with (
        pytest.raises(TowError, match="terminating connection|server closed"),
        default_place.database().read() as session,
    ):
        pid = session.scalar("select pg_backend_pid()")
        _, batches = session.select("select i, repeat('x', 1000) as t from generate_series(1, 1000000) i", 1_000)
        next(batches)
        default_place.run(f"select pg_terminate_backend({pid})")
        list(batches)
