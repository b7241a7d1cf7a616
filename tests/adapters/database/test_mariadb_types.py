"""Every type of MariaDB comes out as what it is, and a table that was copied holds what the other holds."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.adapters.database.mariadbkit import Shop, shop
from tests.movekit import job
from towpath import assemble, copy, move
from towpath.errors import DataError, UserError
from towpath.job import InputSpec
from towpath.nouns import Restart, Want
from towpath.verify import verify

__all__ = ["shop"]
UTC = dt.UTC

COLUMNS: dict[str, tuple[str, list[str], pa.DataType, list[Any]]] = {
    "tiny": ("tinyint", ["-128", "127"], pa.int8(), [-128, 127]),
    "small": ("smallint unsigned", ["0", "65535"], pa.uint16(), [0, 65535]),
    "medium": ("mediumint", ["-8388608", "8388607"], pa.int32(), [-8388608, 8388607]),
    "medium_unsigned": ("mediumint unsigned zerofill", ["5", "16777215"], pa.uint32(), [5, 16777215]),
    "plain": ("int(11)", ["-2147483648", "2147483647"], pa.int32(), [-2147483648, 2147483647]),
    "big": ("bigint(20) unsigned", ["0", "18446744073709551615"], pa.uint64(), [0, 2**64 - 1]),
    "bool": ("boolean", ["0", "1"], pa.bool_(), [False, True]),
    "one_bit": ("bit(1)", ["b'0'", "b'1'"], pa.bool_(), [False, True]),
    "bits": ("bit(64)", ["b'101'", "18446744073709551615"], pa.uint64(), [5, 2**64 - 1]),
    "few_bits": ("bit(10)", ["0", "1023"], pa.uint64(), [0, 1023]),
    "money": ("decimal(10,2)", ["'-0.05'", "'12345678.90'"], pa.decimal128(10, 2), ["-0.05", "12345678.90"]),
    "long": (
        "decimal(65,30)", ["'0.000000000000000000000000000001'", f"'{'9' * 35}.{'9' * 30}'"], pa.decimal256(65, 30),
        ["0.000000000000000000000000000001", f"{'9' * 35}.{'9' * 30}"],
    ),
    "single": ("float", ["16777216", "0.1"], pa.float32(), [16777216.0, 0.10000000149011612]),
    "double": ("double", ["5e-324", "1.7976931348623157e308"], pa.float64(), [5e-324, 1.7976931348623157e308]),
    "fixed": ("char(5)", ["'ab'", "'ä😀 x'"], pa.string(), ["ab", "ä😀 x"]),
    "varied": ("varchar(20)", ["''", "'a  '"], pa.string(), ["", "a  "]),
    "latin": ("varchar(20) character set latin1", ["'é'", "'x'"], pa.string(), ["é", "x"]),
    "latin_texts": ("text character set latin1", ["'é'", "'x'"], pa.string(), ["é", "x"]),
    "swedish": ("varchar(9) collate utf8mb4_swedish_ci", ["'å'", "'Å'"], pa.string(), ["å", "Å"]),
    "wide": ("text character set utf16", ["'日本😀'", "''"], pa.string(), ["日本😀", ""]),
    "texts": ("mediumtext", ["'line\nline'", "'tab\t\\\\N'"], pa.string(), ["line\nline", "tab\t\\N"]),
    "padded": ("binary(4)", ["x'00ff'", "x'61626364'"], pa.binary(), [b"\x00\xff\x00\x00", b"abcd"]),
    "bytes": ("varbinary(10)", ["x''", "x'0a5c09'"], pa.binary(), [b"", b"\n\\\t"]),
    "blob": ("blob", ["x'fffe'", "x'00'"], pa.binary(), [b"\xff\xfe", b"\x00"]),
    "day": ("date", ["'0001-01-01'", "'9999-12-31'"], pa.date32(), [dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    "local": (
        "datetime(6)", ["'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'"], pa.timestamp("us"),
        [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)],
    ),
    "seconds": (
        "datetime", ["'2024-02-29 12:00:00'", "'1970-01-01 00:00:00'"], pa.timestamp("s"),
        [dt.datetime(2024, 2, 29, 12), dt.datetime(1970, 1, 1)],
    ),
    "instant": (
        "timestamp(6) null", ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"], pa.timestamp("us", "UTC"),
        [dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), dt.datetime(2038, 1, 19, 3, 14, 7, 999999, UTC)],
    ),
    "clock": (
        "time(6)", ["'00:00:00'", "'23:59:59.999999'"], pa.time64("us"),
        [dt.time(0), dt.time(23, 59, 59, 999999)],
    ),
    "year": ("year", ["0", "2155"], pa.uint16(), [0, 2155]),
    "choice": ("enum('a','b c','it''s')", ["'b c'", "'it''s'"], pa.string(), ["b c", "it's"]),
    "choices": ("set('a','b','c')", ["'c,a'", "''"], pa.string(), ["a,c", ""]),
    "json": ("json", ["'{\"a\": 1}'", "'[]'"], pa.string(), ['{"a": 1}', "[]"]),
    "uuid": (
        "uuid", ["'123E4567-E89B-12D3-A456-426614174000'", "'00000000-0000-0000-0000-000000000000'"], pa.string(),
        ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000"],
    ),
    "address": ("inet6", ["'2001:DB8::1'", "'::ffff:1.2.3.4'"], pa.string(), ["2001:db8::1", "::ffff:1.2.3.4"]),
    "address4": ("inet4", ["'10.0.0.1'", "'255.255.255.255'"], pa.string(), ["10.0.0.1", "255.255.255.255"]),
}  # fmt: skip


def typed(shop: Shop) -> None:
    """A table `t` with a column of every type: two values and null."""
    inside = ", ".join(f"`{name}` {column[0]}" for name, column in COLUMNS.items())
    rows = [", ".join(column[1][at] for column in COLUMNS.values()) for at in (0, 1)]
    shop.run(
        "set time_zone = '+00:00'",
        f"create table t ({inside})",
        f"insert into t values ({rows[0]}), ({rows[1]}), ({', '.join('null' for _ in COLUMNS)})",
    )


def test_every_type_is_read_as_what_it_is(shop: Shop) -> None:
    typed(shop)
    rows = shop.read()
    for name, (declared, _, type, values) in COLUMNS.items():
        column = rows.column(name)
        assert column.type == type, declared
        expected = [Decimal(value) for value in values] if pa.types.is_decimal(type) else values
        assert column.to_pylist() == [*expected, None], declared


def test_every_type_goes_into_a_table_of_the_same_types_and_is_the_same(shop: Shop) -> None:
    typed(shop)
    shop.run("create table other like t")
    for options in ("", "local_infile=false"):
        shop.run("delete from other")
        copy(shop.address("t"), shop.address("other", options), mode="append")
        assert shop.read("other").equals(shop.read("t"))
        assert shop.run("checksum table t")[0][1] == shop.run("checksum table other")[0][1]


def test_every_type_goes_out_to_parquet_and_into_a_new_table(shop: Shop, tmp_path: Any) -> None:
    typed(shop)
    copy(shop.address("t"), str(tmp_path / "t.parquet"))
    copy(str(tmp_path / "t.parquet"), shop.address("back"))
    sides = [assemble.source(InputSpec(address)) for address in (str(tmp_path / "t.parquet"), shop.address("back"))]
    assert verify(*sides).equal
    back = shop.read("back")
    assert {name: back.column(name).to_pylist() for name in COLUMNS} == {
        name: shop.read().column(name).to_pylist() for name in COLUMNS
    }


@pytest.mark.parametrize("bad", ["0000-00-00", "2024-00-15", "2024-02-00", "0000-05-05"])
@pytest.mark.parametrize("type", ["date", "datetime(6)"])
def test_a_date_with_zeros_makes_its_column_text_and_no_other(shop: Shop, bad: str, type: str) -> None:
    shop.run(
        "set sql_mode = ''",
        f"create table t (id int, d {type}, other date)",
        f"insert into t values (1, '2024-01-02', '2024-01-02'), (2, '{bad}', null)",
    )
    assert shop.column("other") == (pa.date32(), [dt.date(2024, 1, 2), None])
    found, values = shop.column("d")
    assert found == pa.string()
    assert [value[:10] for value in values] == ["2024-01-02", bad]
    shop.run("delete from t where id = 2")
    assert shop.column("d")[0] != pa.string()


def test_a_timestamp_of_zeros_is_text_too(shop: Shop) -> None:
    shop.run("set sql_mode = ''", "create table t (d timestamp null)", "insert into t values ('0000-00-00 00:00:00')")
    assert shop.column("d") == (pa.string(), ["0000-00-00 00:00:00"])


@pytest.mark.parametrize("value", ["-00:00:01", "24:00:00", "838:59:59", "-838:59:59"])
def test_a_time_beyond_the_day_makes_its_column_text(shop: Shop, value: str) -> None:
    shop.run("create table t (t time)", f"insert into t values ('12:00:00'), ('{value}')")
    assert shop.column("t") == (pa.string(), ["12:00:00", value])


def test_a_bool_that_holds_other_numbers_is_a_number(shop: Shop) -> None:
    shop.run("create table t (b tinyint(1))", "insert into t values (0), (1), (null)")
    assert shop.column("b") == (pa.bool_(), [False, True, None])
    shop.run("insert into t values (7)")
    assert shop.column("b") == (pa.int8(), [0, 1, None, 7])


def test_a_query_has_the_types_of_its_columns(shop: Shop) -> None:
    shop.run("create table t (f float, d decimal(5,2), n int unsigned)", "insert into t values (0.1, 1.25, 4000000000)")
    found = shop.read(query="select f, sum(d) as d, max(n) as n, 'x' as c, null as z, count(*) as k from t;")
    assert found.schema.types[0] == pa.float32()
    assert found.to_pylist() == [
        {"f": pytest.approx(0.1), "d": Decimal("1.25"), "n": 4_000_000_000, "c": "x", "z": None, "k": 1}
    ]
    with pytest.raises(UserError, match="one"):
        shop.read(query="select 1 as a, 2 as A")
    with pytest.raises(UserError, match="SQL syntax"):
        shop.read(query="delete from t")


def test_types_that_mariadb_lacks_are_kept_under_a_comment(shop: Shop) -> None:
    rows = pa.record_batch(
        {
            "id": pa.array([1]),
            "tags": pa.array([["a", None]], pa.list_(pa.string())),
            "at": pa.array([dt.datetime(1900, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "span": pa.array([dt.timedelta(days=40)], pa.duration("us")),
        }
    )
    shop.load(rows, table="kept")
    assert "comment" in shop.existing("kept").stored["tags"].native
    assert shop.read("kept").to_pylist() == rows.to_pylist()
    assert shop.read("kept").schema.equals(rows.schema)
    shop.load(rows, table="kept")
    assert len(shop.read("kept")) == 2


def test_a_version_tells_every_change_of_every_type(shop: Shop) -> None:
    typed(shop)
    database = shop.database()

    def version() -> str | None:
        with database.read() as session:
            return database.version(session, "t")

    seen = {version()}
    for name, (_, values, *_) in COLUMNS.items():
        shop.run("set time_zone = '+00:00'", f"update t set `{name}` = {values[0]} where `{name}` is null")
        assert version() not in seen, name
        seen.add(version())


def test_a_version_tells_rows_apart_whose_texts_run_together(shop: Shop) -> None:
    shop.run("create table t (a varchar(9), b varchar(9), c float)", "insert into t values ('a|1|', 'b', 0.1)")
    database, seen = shop.database(), set()
    for row in (
        "'a', '1||b', 0.1",
        "'a|1|b', '', 0.1",
        "'a|1|b', null, 0.1",
        "null, 'a|1|b', 0.1",
        "'a', 'b', 16777218",
        "'a', 'b', 16777220",
    ):
        shop.run("delete from t", f"insert into t values ({row})")
        with database.read() as session:
            seen.add(database.version(session, "t"))
    assert len(seen) == 6


ZEROS = {
    "date": ("2024-01-02", "0000-00-00", pa.date32()),
    "datetime": ("2024-01-02 03:04:05", "0000-05-05 00:00:00", pa.timestamp("us")),
    "time": ("12:00:00", "24:00:00", pa.time32("s")),
    "tinyint(1)": ("1", "7", pa.bool_()),
}


@pytest.mark.parametrize("declared", ZEROS)
def test_declared_types_are_presumed_until_a_value_says_otherwise(shop: Shop, declared: str, tmp_path: Any) -> None:
    usual, odd, type = ZEROS[declared]
    shop.run("set sql_mode = ''", f"create table t (id int, v {declared})", f"insert into t values (1, '{usual}')")
    reads = assemble.source(InputSpec(shop.address("t")))
    assert not reads.describe(Want()).settled
    with reads.open(None, Want()) as reading:
        assert not reading.settled
        assert pa.Table.from_batches([batch.rows for batch in reading]).num_rows == 1
    assert reads.settle(Want()).field("v").type.id == type.id
    shop.run("set sql_mode = ''", f"insert into t values (2, '{odd}')")
    again = assemble.source(InputSpec(shop.address("t")))
    with again.open(None, Want()) as reading, pytest.raises(Restart, match="column v"):
        list(reading)
    receipt = move.run(job(shop.address("t"), tmp_path / "t.parquet"))
    assert len([note for note in receipt.notes if "restarted once" in note and "column v" in note]) == 1
    assert receipt.rows == 2


def test_a_day_that_no_month_has_is_an_error_of_the_data(shop: Shop, tmp_path: Any) -> None:
    shop.run("set sql_mode = 'ALLOW_INVALID_DATES'", "create table t (v date)", "insert into t values ('2023-02-31')")
    with pytest.raises(DataError, match=r"column v: a value is no date .*2023-02-31"):
        move.run(job(shop.address("t"), tmp_path / "t.parquet"))
