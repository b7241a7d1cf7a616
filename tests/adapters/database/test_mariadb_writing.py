"""Rows on their way into MariaDB: nothing is changed, cut off or left out without a word, by either way of sending."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pymysql
import pytest

from tests.adapters.database.mariadbkit import Shop, shop
from towpath.errors import DataError, Refused
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Mode, Published, Way
from towpath.values.convert import way

__all__ = ["shop"]
BOTH = pytest.mark.parametrize("options", ["", "local_infile=false"])


def rows(**columns: Any) -> pa.RecordBatch:
    return pa.record_batch({name: one if isinstance(one, pa.Array) else pa.array(one) for name, one in columns.items()})


@BOTH
def test_every_sign_of_text_and_bytes_arrives(shop: Shop, options: str) -> None:
    signs = [chr(code) for code in (*range(0x250), 0x2028, 0xFFFD, 0x1F6A3, 0x10FFFF)]
    texts = [*signs, "\\N", "\\", "\\\\t", "NULL", "null", "", " ", "a ", "'", "''", '"', "\\'", "a\tb\nc\r\n", None]
    blobs = [bytes([code]) for code in range(256)] + [b"", b"\\N", b"\t\n", None]
    blobs += [None] * (len(texts) - len(blobs))
    sent = rows(id=list(range(len(texts))), text=texts, blob=pa.array(blobs, pa.binary()))
    shop.load(sent, options=options)
    assert shop.read().sort_by("id").to_pylist() == sent.to_pylist()


@BOTH
@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("char(5)", "a "),
        ("varchar(3)", "four"),
        ("varchar(3)", "abc "),
        ("varchar(9) character set latin1", "日本"),
        ("enum('a','b')", "A"),
        ("enum('a','b')", "1"),
        ("enum('a','b')", ""),
        ("set('a','b')", "b,a"),
        ("set('a','b')", "a,a"),
        ("uuid", "123E4567-E89B-12D3-A456-426614174000"),
        ("uuid", "no uuid"),
        ("inet6", "2001:DB8::1"),
        ("inet6", "::ffff:102:304"),
        ("inet4", "010.0.0.1"),
        ("json", "{"),
        ("binary(4)", b"ab"),
        ("varbinary(2)", b"abc"),
        ("year", 5),
        ("year", 1900),
        ("double(10,2)", 0.125),
        ("float(10,2)", 0.125),
        ("int unsigned check (v < 7)", 7),
        ("datetime(1)", dt.datetime(2024, 1, 1, 0, 0, 0, 120_000)),
        ("timestamp", dt.datetime(2039, 1, 1, tzinfo=dt.UTC)),
        ("timestamp", dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
        ("int not null", None),
        ("int auto_increment primary key", None),
        ("timestamp not null", None),
    ],
)
def test_a_value_that_would_become_another_stops_the_load(shop: Shop, declared: str, value: Any, options: str) -> None:
    shop.run(f"create table t (v {declared})")
    type = shop.existing().schema.field("v").type
    values = pa.array([value]).cast(type) if value is not None else pa.nulls(1, type)
    with pytest.raises((DataError, Refused)) as told:
        shop.load(rows(v=values), options=options)
    assert str(told.value)
    assert shop.run("select count(*) from t") == [(0,)]


@BOTH
def test_zero_is_no_wish_for_a_number(shop: Shop, options: str) -> None:
    shop.run("create table t (id int auto_increment primary key)")
    shop.load(rows(id=pa.array([0, 5], pa.int32())), options=options)
    assert shop.run("select id from t order by id") == [(0,), (5,)]


@BOTH
def test_a_second_row_of_a_unique_key_is_told_and_none_is_left_out(shop: Shop, options: str) -> None:
    shop.run("create table t (id int primary key)", "insert into t values (2)")
    with pytest.raises(DataError, match="Duplicate entry '2'"):
        shop.load(rows(id=pa.array([1, 2, 3], pa.int32())), options=options)
    assert shop.run("select id from t") == [(2,)]


def test_dates_that_no_four_digits_write_are_told(shop: Shop) -> None:
    for days in (-719_163, 2_932_897):
        with pytest.raises(DataError, match="another value"):
            shop.load(rows(d=pa.array([days], pa.int32()).cast(pa.date32())), table=f"d{abs(days)}")


def test_floats_that_mariadb_lacks_are_refused_by_the_way(shop: Shop) -> None:
    stored = shop.database().stored(pa.float64())
    assert stored.refuses == {"nan", "inf", "minus-zero"}


def test_a_merge_tells_capitals_and_blanks_apart(shop: Shop) -> None:
    shop.run("create table t (k varchar(20), n int)", "insert into t values ('a', 1), ('A', 2), ('a ', 3)")
    done = shop.load(rows(k=["a", "A", "a ", "Ä"], n=pa.array([1, 5, 3, 4], pa.int32())), Mode.MERGE)
    assert done == Published(4, 1, updated=1, unchanged=2)
    assert shop.run("select n from t order by n") == [(1,), (3,), (4,), (5,)]


def test_a_merge_into_a_key_that_takes_capitals_for_one_is_told(shop: Shop) -> None:
    shop.run("create table t (k varchar(20) collate utf8mb4_general_ci primary key)", "insert into t values ('a')")
    with pytest.raises(DataError, match="Duplicate entry"):
        shop.load(rows(k=["A"]), Mode.MERGE)
    assert shop.run("select k from t") == [("a",)]


def test_a_merge_knows_nulls_beside_its_key(shop: Shop) -> None:
    sent = rows(id=[1, 2, 3], x=[None, 1.5, None], t=["a", None, None])
    shop.load(sent)
    assert shop.load(sent, Mode.MERGE) == Published(3, 0, unchanged=3)
    assert shop.load(rows(id=[1, 2], x=[1.0, None], t=["a", None]), Mode.MERGE) == Published(2, 0, updated=2)


@pytest.mark.parametrize("engine", ["MyISAM", "Aria", "MEMORY"])
def test_a_table_without_transactions_is_refused_with_what_would_help(shop: Shop, engine: str) -> None:
    shop.run(f"create table t (id bigint) engine = {engine}")
    with pytest.raises(Refused, match=r"no transactions(.|\n)*engine = InnoDB"):
        shop.load(rows(id=[1]))


def test_columns_are_added_and_widened_beforehand(shop: Shop) -> None:
    shop.run("create table t (id int)", "insert into t values (1)")
    shop.load(rows(id=[2**40], note=["x"]))
    assert shop.read().sort_by("id").to_pylist() == [{"id": 1, "note": None}, {"id": 2**40, "note": "x"}]
    shop.run("create table kept (id int not null default 7)")
    with pytest.raises(DataError):
        shop.load(rows(id=pa.array([None], pa.int32())), table="kept")


def test_a_statement_is_no_longer_than_the_server_takes(shop: Shop) -> None:
    (limit,) = shop.run("select @@max_allowed_packet")[0]
    many = rows(id=list(range(3_000)), text=["x" * 5_000] * 3_000)
    shop.load(many, options="local_infile=false")
    assert shop.run("select count(*), sum(length(text)) from t") == [(3_000, 15_000_000)]
    with pytest.raises(DataError, match="longer than a statement may be"):
        shop.load(rows(id=[1], text=["x" * int(limit)]), options="local_infile=false")
    assert shop.run("select count(*) from t") == [(3_000,)]


def test_a_long_text_goes_and_comes(shop: Shop) -> None:
    sent = rows(id=[1, 2, 3], text=["x" * 20_000_000, "", "y" * 70_000])
    shop.load(sent)
    assert shop.run("select length(text) from t order by id") == [(20_000_000,), (0,), (70_000,)]
    assert shop.read().sort_by("id").to_pylist() == sent.to_pylist()


def test_a_plan_says_what_a_column_that_is_there_does_not_keep(shop: Shop) -> None:
    columns = {
        "b": ("binary(3)", "it has room for 3 bytes"),
        "i": ("inet6", "a text must be as MariaDB writes it"),
        "n": ("bit(3)", "it has 3 bits"),
        "e": ("enum('a')", "only its labels fit"),
        "d": ("decimal(10,2) unsigned", "no number below zero fits"),
        "l": ("text character set latin1", "only the signs of latin1 fit"),
        "t": ("datetime(2)", "it keeps 2 digits after the point"),
        "own": ("longblob", ""),
    }
    shop.run(f"create table t ({', '.join(f'{name} {declared}' for name, (declared, _) in columns.items())})")
    stored = shop.existing().stored
    assert {name: one.narrow for name, one in stored.items()} == {name: why for name, (_, why) in columns.items()}
    assert way(pa.uint64(), stored["n"]) == (Way.CHECKED, "it has 3 bits")


def test_a_plan_says_that_a_column_has_a_check_of_its_own(shop: Shop) -> None:
    shop.run(
        "create table t (`a``b` json, s enum('x') check (s <> 'y'), n int check (n > 3), m int, o int,"
        " constraint c check (m > 2))"
    )
    columns = {
        "a`b": "only JSON fits",
        "s": "only its labels fit; only what its check allows fits",
        "n": "only what its check allows fits",
        "m": "",
        "o": "",
    }
    stored = shop.existing().stored
    assert {name: one.narrow for name, one in stored.items()} == columns
    assert way(pa.string(), stored["a`b"]) == (Way.CHECKED, "only JSON fits")


def test_a_column_with_a_check_of_its_own_is_not_widened_for_that_would_drop_it(shop: Shop) -> None:
    shop.run("create table t (id int, n int check (n > 3))")
    shop.load(rows(id=pa.array([1], pa.int64()), n=pa.array([4], pa.int64())))
    assert [str(type) for type in (shop.column("id")[0], shop.column("n")[0])] == ["int64", "int32"]
    with pytest.raises(DataError, match=r"t\.n"):
        shop.load(rows(id=[1], n=[3]))


@BOTH
@pytest.mark.parametrize("shape", [b"", b"xx", bytes(5) + b"\1" + bytes(14), bytes(5) + b"\0\0\0\1" + bytes(16)])
def test_bytes_that_are_no_shape_are_refused_by_their_column(shop: Shop, shape: bytes, options: str) -> None:
    shop.run("create table t (id int, p point, g geometry)")
    point = bytes(4) + b"\1\1\0\0\0" + bytes(16)
    sent = rows(id=[1, 2], p=[point, None], g=[None, point])
    shop.load(sent, options=options)
    with pytest.raises(DataError, match="column p "):
        shop.load(rows(id=[3, 4], p=[point, shape], g=[point, point]), options=options)
    assert shop.read().to_pylist() == sent.to_pylist()


@BOTH
def test_a_shape_that_is_cut_off_further_on_is_refused_by_the_columns_of_shapes(shop: Shop, options: str) -> None:
    shop.run("create table t (id int, g geometry, l linestring)")
    cut = bytes(4) + b"\1\2\0\0\0" + b"\2\0\0\0" + bytes(16)
    with pytest.raises(DataError, match="one of the columns g, l: Cannot get geometry object") as refused:
        shop.load(rows(id=[1], g=[cut], l=[cut]), options=options)
    assert refused.value.code == "constraint-violated"
    with pytest.raises(DataError, match="column g: Cannot get geometry object"):
        shop.load(rows(id=[1], g=[cut]), options=options)


@pytest.mark.parametrize("name", [" ", "trail ", "a\t", "a\n", "\x0b", "\U0001f6a3", "a\U00010000b"])
def test_a_name_that_mariadb_does_not_take_is_refused_by_the_offer(shop: Shop, name: str) -> None:
    for statement in (f"create table t (`{name}` int)", f"create table `{name}` (id int)"):
        with pytest.raises(pymysql.Error, match="Incorrect|Invalid"):
            shop.run(statement)
    for columns, table in (({name: pa.int64()}, "t"), ({"id": pa.int64()}, name)):
        with pytest.raises(Refused) as refused:
            TableDestination(shop.database(), table).offer(pa.schema(columns), Mode.CREATE, ())
        assert refused.value.code == "name-impossible"
        assert refused.value.what.startswith(f"{name!r} cannot be the name of a ")


def test_names_with_blanks_elsewhere_and_all_other_letters_are_taken(shop: Shop) -> None:
    names = [" lead", "a b", "\ta", "a\u00a0", "\u2003", "\uffff", "\ue000", "\x01", "e\u0301"]
    sent = pa.record_batch([pa.array([number]) for number in range(len(names))], names=names)
    shop.load(sent, Mode.CREATE)
    assert shop.read().to_pylist() == sent.to_pylist()


def test_a_text_that_is_no_json_is_refused_by_its_column(shop: Shop) -> None:
    shop.run("create table t (n int, doc json)")
    with pytest.raises(DataError, match="doc"):
        shop.load(pa.record_batch({"n": pa.array([1], pa.int32()), "doc": ["{"]}))
