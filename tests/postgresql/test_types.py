"""Every type of PostgreSQL's out and back, by each of the three libraries; and what would change a value is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.postgresqlkit import Place
from towpath import assemble, copy, write
from towpath.errors import DataError, Refused
from towpath.job import InputSpec
from towpath.nouns import Want
from towpath.postgresql import types
from towpath.postgresql.types import Native

UTC = pa.timestamp("us", "UTC")
TYPES = """
    create type mood as enum ('sad', 'it''s ok');
    create domain price as numeric(8, 2) check (value >= 0);
    create domain code as varchar(4)
"""
# Each type of PostgreSQL's, the type that it comes out as, and values of it.
OUT: tuple[tuple[str, pa.DataType, tuple[str | None, ...]], ...] = (
    ("boolean", pa.bool_(), ("true", "false", None)),
    ("smallint", pa.int16(), ("-32768", "32767", None)),
    ("integer", pa.int32(), ("-2147483648", "2147483647", None)),
    ("bigint", pa.int64(), ("-9223372036854775808", "9223372036854775807", None)),
    ("real", pa.float32(), ("NaN", "Infinity", "-Infinity", "-0", "0.1", "3.4028235e+38", "1e-45", None)),
    ("double precision", pa.float64(), ("NaN", "Infinity", "-Infinity", "-0", "0.1", "1.7976931348623157e+308", None)),
    ("numeric(10,2)", pa.decimal128(10, 2), ("12345678.90", "-0.01", None)),
    ("numeric(38,38)", pa.decimal128(38, 38), ("0.00000000000000000000000000000000000001", None)),
    ("numeric(50,3)", pa.decimal256(50, 3), ("12345678901234567890123456789012345678901234567.891", None)),
    ("numeric(10,2)", pa.string(), ("NaN", "1.50", None)),
    ("numeric", pa.decimal128(38, 3), ("1.5", "-20.125", "0", None)),
    ("numeric", pa.decimal128(38, 0), ("99999999999999999999999999999999999999", "-1", None)),
    ("numeric", pa.string(), ("1.50", "1e40", None)),
    ("numeric", pa.string(), ("NaN", None)),
    ("numeric", pa.string(), (None,)),
    ("text", pa.string(), ("", " ä\n\"'\\", "日本", "\\N", None)),
    ("character varying(5)", pa.string(), ("", "abc  ", "äöüßé", None)),
    ("character(5)", pa.string(), ("abc", "", None)),
    ("bytea", pa.binary(), (r"\x00ff5c", r"\x", None)),
    ("date", pa.date32(), ("0001-01-01", "9999-12-31", "0044-03-15 BC", None)),
    ("date", pa.string(), ("infinity", "-infinity", "2024-02-29", "0044-03-15 BC", None)),
    ("timestamp without time zone", pa.timestamp("us"), ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999",
                                                         "0044-03-15 BC", "1969-12-31 23:59:59.000001",
                                                         "294246-12-31 23:59:59.999999", "4714-11-24 BC", None)),
    ("timestamp without time zone", pa.string(), ("294260-01-01 00:00:00", None)),
    ("timestamp without time zone", pa.string(), ("infinity", "2024-02-29 12:00:00.5", None)),
    ("timestamp with time zone", UTC, ("0001-01-02 00:00:00+00", "9999-12-31 23:59:59.999999+00",
                                       "2024-03-31 03:00:00+02", None)),
    ("timestamp with time zone", pa.string(), ("-infinity", "2024-02-29 12:00:00+00", None)),
    ("timestamp(0) without time zone", pa.timestamp("us"), ("2024-02-29 12:00:00", None)),
    ("timestamp(2) with time zone", UTC, ("2024-02-29 12:00:00.25+00", None)),
    ("time without time zone", pa.time64("us"), ("00:00:00", "23:59:59.999999", None)),
    ("time without time zone", pa.string(), ("24:00:00", "12:00:00.5", None)),
    ("time with time zone", pa.string(), ("12:00:00+02", "23:59:59.999999-11:30", None)),
    ("interval", pa.string(), ("1 year 2 mons -3 days +04:05:06.7", "-00:00:00.000001", None)),
    ("uuid", pa.string(), ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None)),
    ("json", pa.string(), ('{"b": 1,  "a": [1.50, "ü"], "b": 2}', "null", None)),
    ("jsonb", pa.string(), ('{"a": 2, "bb": 1.50}', "1", None)),
    ("mood", pa.string(), ("sad", "it's ok", None)),
    ("price", pa.decimal128(8, 2), ("1.50", None)),
    ("code", pa.string(), ("ab", None)),
    ("int4range", pa.string(), ("[1,3)", "empty", None)),
    ("inet", pa.string(), ("10.0.0.1", "10.0.0.0/8", "::1", None)),
    ("cidr", pa.string(), ("10.0.0.0/8", None)),
    ("macaddr", pa.string(), ("08:00:2b:01:02:03", None)),
    ("bit(3)", pa.string(), ("101", None)),
    ("point", pa.string(), ("(1,-2.5)", None)),
    ("money", pa.string(), ("$1,234.50", None)),
    ("tsvector", pa.string(), ("'a':1 'b':2", None)),
    ("oid", pa.string(), ("4294967295", None)),
    ("integer[]", pa.list_(pa.int32()), ("{1,NULL,-3}", "{}", None)),
    ("integer[]", pa.string(), ("{{1,2},{3,4}}", "{}", None)),
    ("integer[]", pa.string(), ("[0:1]={1,2}", None)),
    ("boolean[]", pa.list_(pa.bool_()), ("{t,NULL,f}", None)),
    ("double precision[]", pa.list_(pa.float64()), ("{NaN,-Infinity,-0,0.1}", None)),
    ("real[]", pa.list_(pa.float32()), ("{0.1,NULL}", None)),
    ("text[]", pa.list_(pa.string()), ('{"",NULL,"NULL","a\\"b\\\\c,{}"}', "{}", None)),
    ("character varying(4)[]", pa.list_(pa.string()), ('{"a b",NULL}', None)),
    ("bytea[]", pa.list_(pa.binary()), (r'{"\\x00ff",NULL,"\\x"}', None)),
    ("date[]", pa.list_(pa.date32()), ("{2024-02-29,NULL,0001-01-01}", None)),
    ("date[]", pa.string(), ("{infinity,2024-02-29}", None)),
    ("timestamp with time zone[]", pa.list_(UTC), ('{"2024-02-29 12:00:00+00",NULL}', None)),
    ("timestamp without time zone[]", pa.list_(pa.timestamp("us")), ('{"1969-12-31 23:59:59.5",NULL}', None)),
    ("time without time zone[]", pa.list_(pa.time64("us")), ("{12:00:00.5,NULL}", None)),
    ("numeric(10,2)[]", pa.list_(pa.decimal128(38, 2)), ("{1.50,NULL,-2.00}", None)),
    ("numeric[]", pa.list_(pa.decimal128(38, 3)), ("{1.500,NULL,-2}", "{}", None)),
    ("numeric[]", pa.list_(pa.string()), ("{}", None)),
    ("numeric[]", pa.string(), ("{NaN,1}", None)),
    ("mood[]", pa.string(), ('{sad,"it\'s ok"}', None)),
    ("uuid[]", pa.string(), ("{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", None)),
)  # fmt: skip
# Values that a column of their own type cannot take again, for it is read as text and written as what it is declared.
ONE_WAY = {
    ("numeric(10,2)", pa.string()), ("date", pa.string()), ("timestamp without time zone", pa.string()),
    ("timestamp with time zone", pa.string()), ("time without time zone", pa.string()), ("integer[]", pa.string()),
    ("date[]", pa.string()), ("numeric[]", pa.string()),
}  # fmt: skip


def literal(value: str | None, type: str) -> str:
    return "null" if value is None else f"cast({types.literal(value)} as {type})"


def read(address: str, **given: Any) -> pa.Table:
    source = assemble.source(InputSpec(address, **given))
    with source.open(None, Want()) as reading:
        return pa.Table.from_batches([batch.rows for batch in reading], reading.schema)


@pytest.fixture
def typed(postgresql: Place) -> Place:
    """The tables `v` (one column for each entry of OUT) and `w` (columns of the same types) with one row a value."""
    postgresql.run(*TYPES.split(";"))
    postgresql.run(*(f"create table {name} ({columns()})" for name in "vw"))
    most = max(len(values) for _, _, values in OUT)
    for row in range(most):
        values = ", ".join(literal(values[row] if row < len(values) else None, type) for type, _, values in OUT)
        postgresql.run(f"insert into v values ({row}, {values})")
    return postgresql


def columns() -> str:
    return ", ".join(["id integer primary key", *(f"c{at} {type}" for at, (type, _, _) in enumerate(OUT))])


def test_every_type_comes_out_whole_and_goes_back_as_it_was(typed: Place, tmp_path: Path) -> None:
    found = read(typed.address("v"))
    told = {f"c{at} {type}": kept for at, (type, kept, _) in enumerate(OUT)}
    assert dict(zip(told, found.schema.types[1:], strict=True)) == told
    kept = ["id", *(f"c{at}" for at, (type, kept, _) in enumerate(OUT) if (type, kept) not in ONE_WAY)]
    copy(typed.address("v"), tmp_path / "v.arrow", select=kept)
    copy(tmp_path / "v.arrow", typed.address("w"), mode="append")
    for name, type in zip(kept, found.select(kept).schema.types, strict=True):
        # A decimal has one scale for all values: 1.5 beside 2.125 is 1.500, the same number.
        texts = f"select id, {name}{'' if 'decimal' in str(type) else '::text'} from"
        assert typed.ask(f"{texts} v order by 1") == typed.ask(f"{texts} w order by 1"), name


def test_values_that_their_type_cannot_have_in_arrow_are_text_as_postgresql_writes_them(typed: Place) -> None:
    found = read(typed.address("v"))
    for at, (type, kept, values) in enumerate(OUT):
        if kept == pa.string() and type not in ("character(5)", "json"):
            assert found.column(f"c{at}").to_pylist()[: len(values)] == list(values) or type == "numeric", type
    assert found.column(f"c{OUT.index(('numeric', pa.string(), ('1.50', '1e40', None)))}").to_pylist()[:2] == [
        "1.50", f"1{'0' * 40}",
    ]  # fmt: skip


def test_a_table_made_for_the_rows_holds_them_all_by_digest(typed: Place) -> None:
    first = copy(typed.address("v"), typed.address("made"))
    again = copy(typed.address("made"), typed.address("again"))
    assert first.digest == again.digest


def test_a_query_has_the_types_of_its_columns(postgresql: Place) -> None:
    query = (
        "select 1.50::numeric(6,2) as n, sum(x) as s, avg(x) as a, count(*) as c, max(now()) > 'epoch' as b, '' as t"
    )
    found = read(postgresql.address(), query=f"{query} from (values (1.5), (2.25)) as v(x)")
    assert found.schema.types == [
        pa.decimal128(6, 2), pa.decimal128(38, 2), pa.decimal128(38, 16), pa.int64(), pa.bool_(), pa.string()
    ]  # fmt: skip
    assert found.to_pylist()[0]["s"] == Decimal("3.75")


@pytest.mark.parametrize(
    ("type", "value", "told"),
    [
        ("uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99"),
        ("jsonb", '{"b":1,"a":2}', '{"a": 2, "b": 1}'),
        ("inet", "10.0.0.1/32", "10.0.0.1"),
        ("interval", "36 hours 70 minutes", "37:10:00"),
        ("name", "x" * 70, "x" * 63),
        ("varchar(3)", "abc  ", "room for 3 characters"),
        ("varchar(3)", "abcd", "room for 3 characters"),
        ("char(5)", "abc ", "hold it whole"),
    ],
)
def test_a_text_that_its_column_would_change_is_refused_by_name(
    postgresql: Place, type: str, value: str, told: str
) -> None:
    postgresql.run(f"create table t (id int, v {type})")
    rows = pa.table({"id": pa.array([1, 2], pa.int32()), "v": [None, value]})
    with pytest.raises(DataError, match="column v") as refused:
        write(rows, postgresql.address("t"), mode="append")
    assert told in str(refused.value)
    assert postgresql.ask("select count(*) from t") == [(0,)]


def test_a_time_finer_than_its_column_is_refused_or_the_column_widened(postgresql: Place) -> None:
    postgresql.run("create table t (v timestamp(1))", "create table u (v timestamp(0))")
    fine = pa.table({"v": pa.array([1_700_000_000_123_456], pa.timestamp("us"))})
    with pytest.raises(DataError, match="column v .*timestamp.1. without time zone does not hold it whole"):
        write(fine, postgresql.address("t"), mode="append")
    write(fine, postgresql.address("u"), mode="append")
    assert postgresql.ask("select v::text from u") == [("2023-11-14 22:13:20.123456",)]
    coarse = pa.table({"v": pa.array([1_700_000_000_100_000], pa.timestamp("us"))})
    write(coarse, postgresql.address("t"), mode="append")
    assert postgresql.ask("select v::text from t") == [("2023-11-14 22:13:20.1",)]


def test_a_name_longer_than_postgresql_keeps_is_refused(default_place: Place) -> None:
    rows = pa.table({"ä" * 32: [1]})
    with pytest.raises(Refused, match="64 bytes"):
        write(rows, default_place.address("t"))


@pytest.mark.parametrize(
    ("native", "kept"),
    [
        (Native("numeric", (5 << 16 | 2) + 4), pa.decimal128(5, 2)),
        (Native("numeric", (2 << 16 | (-3 & 0x7FF)) + 4), pa.string()),  # numeric(2,-3)
        (Native("numeric", (3 << 16 | 5) + 4), pa.string()),  # numeric(3,5)
        (Native("numeric", (100 << 16 | 2) + 4), pa.string()),
        (Native("public.citext"), pa.string()),
        (Native("_int8"), pa.list_(pa.int64())),
        (Native("_interval"), pa.string()),
    ],
)
def test_a_type_is_what_arrow_has_for_it_or_text(native: Native, kept: pa.DataType) -> None:
    assert types.arrow(native) == kept


@pytest.mark.parametrize(
    ("words", "values", "refused"),
    [
        ("date", pa.array([2_145_042_906], pa.date32()), "+5874898-01-01"),
        ("date", pa.array([-2_440_589], pa.date32()), "-4713-11-23"),
        ("timestamp", pa.array([-(2**63)], pa.timestamp("us")), "-290308-12-21 19:59:05.224192"),
        ("varchar(3)[]", pa.array([["abc"], ["abc  "]], pa.list_(pa.string())), "abc  "),
        ("char(3)[]", pa.array([["ab "]], pa.list_(pa.string())), "ab "),
        ("timestamp(0)[]", pa.array([[1_500_000]], pa.list_(pa.timestamp("us"))), "1970-01-01 00:00:01.500000"),
        ("time(0)[]", pa.array([None, [], [None, 1]], pa.list_(pa.time64("us"))), "00:00:00.000001"),
    ],
)
def test_what_a_column_would_cut_or_cannot_hold_is_refused_by_its_name_in_arrays_too(
    postgresql: Place, words: str, values: pa.Array, refused: str
) -> None:
    postgresql.run(f"create table t (x {words})", "create view v as select x from t")
    with pytest.raises(DataError, match="column x") as told:
        write(pa.table({"x": values}), postgresql.address("t"), mode="append")
    assert refused in str(told.value)
    assert postgresql.ask("select count(*) from t") == [(0,)]


def test_the_first_and_last_days_that_there_are_stay(postgresql: Place) -> None:
    days = pa.array([-2_440_588, 2_145_042_905], pa.date32())
    write(pa.table({"x": days}), postgresql.address("t"))
    assert [one for (one,) in postgresql.ask("select x::text from t")] == ["4714-11-24 BC", "5874897-12-31"]


def test_a_plan_says_what_a_column_that_is_there_does_not_keep() -> None:
    narrow = {
        Native("timestamp", 2): "it keeps 2 digits of a second",
        Native("_time", 0): "it keeps 0 digits of a second",
        Native("_varchar", 7): "it has room for 3 characters",
        Native("varchar", 7): "",
        Native("bpchar", 7): "no blanks fit at its end",
        Native("mood", kind="e"): "only its labels fit",
        Native("money"): "a text must be as PostgreSQL writes it",
        Native("json"): "only JSON fits",
        Native("timestamp"): "",
        Native("text"): "",
        Native("numeric", 4 + (10 << 16 | 2)): "",
    }
    assert {native: types.declared(native, "").narrow for native in narrow} == narrow


@pytest.mark.parametrize(
    ("words", "value"),
    [("posint", 0), ("mood", "Sad"), ("uuid", "x"), ("bit(3)", "2"), ("oid", "4294967296"), ("json", "{")],
)
def test_a_value_that_a_type_does_not_take_is_refused_by_its_column(
    postgresql: Place, words: str, value: str | int
) -> None:
    postgresql.run("create domain posint as integer check (value > 0)", "create type mood as enum ('sad')")
    postgresql.run(f"create table t (x {words}, u uuid)")
    rows = pa.table({"x": [value], "u": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]})
    with pytest.raises(DataError, match="column x: "):
        write(rows, postgresql.address("t"), mode="append")
