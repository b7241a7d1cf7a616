"""Columns that are there already and hold less than what is sent to them: each with values that fit and values that the
system itself would round, cut, fold or wrap without a word."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

UTC = dt.UTC
_US, _ZONED = pa.timestamp("us"), pa.timestamp("us", "UTC")
_MONEY = pa.decimal128(14, 4)
_NUMBERS = [Decimal("1.5"), Decimal("1.555"), Decimal("99999999.99"), Decimal("100000000"), Decimal("-0.0001")]
_DOUBLES = [0.5, 0.1, float("nan"), float("inf"), -0.0, 1e300, 16777217.0, 1e-46, 0.125]
_TIMES = [
    dt.datetime(2024, 2, 29, 12),
    dt.datetime(2024, 2, 29, 12, 0, 0, 500_000),
    dt.datetime(9999, 12, 31, 23, 59, 59, 999_999),
]
_CLOCKS = [dt.time(12), dt.time(12, 0, 0, 500_000), dt.time(23, 59, 59, 999_999)]
_WORDS = ["abc", "abcd", "ab ", "abc ", "äöü", "äöüß", "", "ab  ", "\t"]


@dataclass(frozen=True)
class Narrow:
    name: str
    declared: str
    values: pa.Array


def _narrow(name: str, declared: str, type: pa.DataType, *values: Any) -> Narrow:
    return Narrow(name, declared, pa.array(values, type))


def _texts(name: str, declared: str, *values: str) -> Narrow:
    return _narrow(name, declared, pa.string(), *values)


POSTGRESQL = (
    _narrow("n_smallint", "smallint", pa.int64(), 32767, 32768, -32769, 65537, None),
    _texts("n_smallint_text", "smallint", "1", "32768", "1.5", "", "abc", "00501", " 1", "1e2"),
    _narrow("n_integer_double", "integer", pa.float64(), *_DOUBLES, 2.0**31),
    _narrow("n_bigint_unsigned", "bigint", pa.uint64(), 2**64 - 1, 5),
    _narrow("n_bigint_decimal", "bigint", pa.decimal128(38, 2), Decimal("5.00"), Decimal("5.50"), Decimal(10**30)),
    _narrow("n_numeric", "numeric(10,2)", _MONEY, *_NUMBERS),
    _narrow("n_numeric_double", "numeric(10,2)", pa.float64(), *_DOUBLES),
    _texts("n_numeric_text", "numeric(10,2)", "1.5", "1.50", "1.555", "NaN", "1e2", "007", "100000000"),
    _texts("n_numeric_free", "numeric", "1.50", "1.5", "NaN", "1e2", "Infinity", "007", " 1", "+1"),
    _narrow("n_numeric_free_decimal", "numeric", _MONEY, *_NUMBERS),
    _narrow("n_numeric_free_double", "numeric", pa.float64(), *_DOUBLES),
    _narrow("n_numeric_negative_scale", "numeric(5,-2)", pa.int64(), 12300, 12345, 10**9),
    _narrow("n_real", "real", pa.float64(), *_DOUBLES),
    _narrow("n_real_integer", "real", pa.int64(), 16777216, 16777217),
    _narrow("n_double_integer", "double precision", pa.int64(), 2**53, 2**53 + 1),
    _narrow("n_double_decimal", "double precision", _MONEY, *_NUMBERS),
    _texts("n_double_text", "double precision", "0.1", "0.1000000000000000055", "1e400", "1.50", "abc"),
    _narrow("n_money", "money", _MONEY, *_NUMBERS),
    _texts("n_money_text", "money", "$1.00", "1.005", "1"),
    _narrow("n_boolean", "boolean", pa.int64(), 0, 1, 2),
    _texts("n_boolean_text", "boolean", "true", "t", "yes", "1"),
    _texts("n_varchar", "varchar(3)", *_WORDS),
    _texts("n_char", "char(3)", *_WORDS),
    _narrow("n_varchar_integer", "varchar(3)", pa.int64(), 999, 1000, -10),
    _texts("n_name", "name", "n" * 63, "n" * 64, "ä" * 32),
    _texts("n_internal_char", '"char"', "x", "xy", "", "ä"),
    _narrow("n_date", "date", _US, *_TIMES, dt.datetime(2024, 2, 29)),
    _texts("n_date_text", "date", "2024-02-29", "2024-02-30", "infinity", "29.02.2024", "2024-2-9"),
    _narrow("n_timestamp_0", "timestamp(0)", _US, *_TIMES),
    _narrow("n_timestamp_2", "timestamp(2)", pa.timestamp("ns"), 10**18, 10**18 + 10**7, 10**18 + 1, 10**18 + 10**6),
    _narrow("n_timestamptz_0", "timestamptz(0)", _ZONED, *(one.replace(tzinfo=UTC) for one in _TIMES)),
    _texts("n_timestamp_text", "timestamp(0)", "2024-02-29 12:00:00", "2024-02-29 12:00:00.5", "2024-02-29 12:00:00Z"),
    _narrow("n_time_0", "time(0)", pa.time64("us"), *_CLOCKS),
    _narrow("n_time_ns", "time", pa.time64("ns"), 10**9, 10**9 + 1, 86_400 * 10**9 - 1),
    _texts("n_timetz", "timetz(0)", "12:00:00+00", "12:00:00.5+00", "12:00:00Z"),
    _texts("n_interval", "interval", "1 day", "24:00:00", "36:00:00", "P1D", "1 mon -1 days"),
    _texts("n_interval_0", "interval(0)", "00:00:01", "00:00:01.5"),
    _texts("n_interval_day", "interval day", "1 day", "1 day 01:00:00"),
    _texts("n_enum", "mood", "sad", "Sad", "sad ", ""),
    _narrow("n_domain", "posint", pa.int64(), 1, 0, -1, 2**40),
    _texts("n_domain_varchar", "code", "abcd", "abcde", "abcd ", "ab"),
    _texts("n_domain_char", "fixed", "abc", "ab ", "abcd", "a"),
    _narrow("n_domain_timestamp", "second", _US, *_TIMES),
    _texts("n_bit", "bit(3)", "101", "10", "1010", "2", "B101"),
    _texts("n_varbit", "varbit(3)", "101", "1010", ""),
    _texts("n_uuid", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "x"),
    _texts("n_json", "json", '{"a":1}', '{"a": 1,  "a":2}', "{", "1e400"),
    _texts("n_jsonb", "jsonb", '{"a": 1}', '{"a":1}', '{"a": 1, "a": 2}', "1.0", "1e2"),
    _texts("n_xml", "xml", "<a/>", "<a>", "text"),
    _texts("n_inet", "inet", "10.0.0.1", "10.0.0.1/32", "10.0.0.0/8", "2001:DB8::1"),
    _texts("n_cidr", "cidr", "10.0.0.0/8", "10", "10.0.0.1/8"),
    _texts("n_macaddr", "macaddr", "08:00:2b:01:02:03", "08-00-2b-01-02-03"),
    _texts("n_point", "point", "(1,2)", "1,2", "(0.1,1e-300)"),
    _texts("n_range", "int4range", "[1,6)", "[1,5]", "empty"),
    _texts("n_tsvector", "tsvector", "'a' 'cat'", "a cat a"),
    _narrow("n_oid", "oid", pa.int64(), 1, -1, 2**32 - 1, 2**32),
    _narrow("n_bytea", "bytea", pa.binary(), b"\x00\\", b""),
    _narrow("n_varchars", "varchar(3)[]", pa.list_(pa.string()), *([one, None] for one in _WORDS)),
    _narrow("n_chars", "char(3)[]", pa.list_(pa.string()), *([one] for one in _WORDS)),
    _narrow("n_timestamps_0", "timestamp(0)[]", pa.list_(_US), *([one] for one in _TIMES)),
    _narrow("n_times_0", "time(0)[]", pa.list_(pa.time64("us")), *([one] for one in _CLOCKS)),
    _narrow("n_numerics", "numeric(10,2)[]", pa.list_(_MONEY), *([one] for one in _NUMBERS)),
    _narrow("n_smallints", "smallint[]", pa.list_(pa.int64()), [1], [32768], [None]),
    _narrow("n_reals", "real[]", pa.list_(pa.float64()), *([one] for one in _DOUBLES)),
    _narrow("n_names", "name[]", pa.list_(pa.string()), ["n" * 63], ["n" * 64]),
    _narrow("n_bits", "bit(3)[]", pa.list_(pa.string()), ["101"], ["10"], ["1010"]),
    _narrow("n_uuids", "uuid[]", pa.list_(pa.string()), ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]),
    _narrow("n_enums", "mood[]", pa.list_(pa.string()), ["sad"], ["Sad"]),
    _narrow("n_domain_array", "codes", pa.list_(pa.string()), ["abc"], ["abc "], ["abcd"]),
)
POSTGRESQL_TYPES = (
    "create type mood as enum ('sad', 'ok')",
    "create domain posint as integer check (value > 0)",
    "create domain code as varchar(4)",
    "create domain fixed as char(3)",
    "create domain second as timestamp(0)",
    "create domain codes as varchar(3)[]",
)

MARIADB = (
    _narrow("n_bool", "tinyint(1)", pa.int64(), 0, 1, 2, -1, 128),
    _narrow("n_tinyint", "tinyint", pa.int64(), 127, 128, -129, None),
    _narrow("n_tinyint_unsigned", "tinyint unsigned", pa.int64(), 255, 256, -1),
    _texts("n_smallint_text", "smallint", "1", "32768", "1.5", "", "abc", "00501", " 1", "1e2"),
    _narrow("n_int_unsigned", "int unsigned", pa.int64(), -1, 2**32 - 1, 2**32),
    _narrow("n_int_zerofill", "int(5) unsigned zerofill", pa.int64(), 1, 123456, -1),
    _narrow("n_int_double", "int", pa.float64(), *_DOUBLES),
    _narrow("n_bigint_unsigned", "bigint unsigned", pa.decimal128(38, 0), 2**64 - 1, 2**64, -1),
    _narrow("n_bigint", "bigint", pa.uint64(), 2**64 - 1, 5),
    _narrow("n_decimal", "decimal(10,2)", _MONEY, *_NUMBERS),
    _narrow("n_decimal_unsigned", "decimal(10,2) unsigned", _MONEY, *_NUMBERS, Decimal(-1)),
    _narrow("n_decimal_double", "decimal(10,2)", pa.float64(), *_DOUBLES),
    _texts("n_decimal_text", "decimal(10,2)", "1.5", "1.50", "1.555", "NaN", "1e2", "007", ""),
    _narrow("n_float", "float", pa.float64(), *_DOUBLES),
    _narrow("n_float_integer", "float", pa.int64(), 16777216, 16777217),
    _narrow("n_float_7_2", "float(7,2)", pa.float64(), 0.125, 1.5, 0.1, 123456.0, 12345.67),
    _narrow("n_float_7_2_single", "float(7,2)", pa.float32(), 0.125, 1.5, 0.1, 12345.67),
    _narrow("n_double_7_2", "double(7,2)", pa.float64(), 0.125, 1.5, 0.1, 123456.0),
    _narrow("n_double_unsigned", "double unsigned", pa.float64(), 1.5, -1.5, -0.0),
    _narrow("n_double_integer", "double", pa.int64(), 2**53, 2**53 + 1),
    _texts("n_double_text", "double", "0.1", "0.1000000000000000055", "1e400", "1.50", "abc", ""),
    _texts("n_varchar", "varchar(3)", *_WORDS),
    _texts("n_char", "char(3)", *_WORDS),
    _texts("n_varchar_latin1", "varchar(3) character set latin1", "é", "€", "日", "😀", "e\u0301", "?"),
    _texts("n_text_latin1", "text character set latin1", "é", "日", "\x81", "\x80"),
    _texts("n_text_ascii", "text character set ascii", "e", "é"),
    _texts("n_text_utf8mb3", "text character set utf8mb3", "é", "日", "😀"),
    _texts("n_tinytext", "tinytext", "x" * 255, "x" * 256, "ä" * 128, "x" * 255 + " "),
    _texts("n_text", "text", "x" * 65535, "x" * 65536),
    _narrow("n_varchar_integer", "varchar(3)", pa.int64(), 999, 1000, -10),
    _narrow("n_binary", "binary(3)", pa.binary(), b"abc", b"ab", b"abcd", b"ab\0", b""),
    _narrow("n_varbinary", "varbinary(3)", pa.binary(), b"abc", b"abcd", b"abc\0", b"abc "),
    _narrow("n_tinyblob", "tinyblob", pa.binary(), b"x" * 255, b"x" * 256),
    _narrow("n_date", "date", _US, *_TIMES, dt.datetime(2024, 2, 29)),
    _texts("n_date_text", "date", "2024-02-29", "2024-02-30", "0000-00-00", "20240229", "2024-2-9", "29.02.2024"),
    _narrow("n_datetime_0", "datetime", _US, *_TIMES),
    _narrow("n_datetime_2", "datetime(2)", pa.timestamp("ns"), 10**18, 10**18 + 10**7, 10**18 + 1, 10**18 + 10**6),
    _texts("n_datetime_text", "datetime", "2024-02-29 12:00:00", "2024-02-29 12:00:00.5", "2024-02-29 12:00:00Z"),
    _narrow(
        "n_timestamp",
        "timestamp null",
        _ZONED,
        dt.datetime(2024, 2, 29, tzinfo=UTC),
        dt.datetime(1969, 12, 31, tzinfo=UTC),
        dt.datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
        dt.datetime(1970, 1, 1, tzinfo=UTC),
        dt.datetime(2024, 2, 29, 0, 0, 0, 1, UTC),
        dt.datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC),
    ),
    _narrow("n_time_0", "time", pa.time64("us"), *_CLOCKS),
    _narrow("n_time_ns", "time(6)", pa.time64("ns"), 10**9, 10**9 + 1, 86_400 * 10**9 - 1),
    _texts("n_time_text", "time", "12:00:00", "12:00:00.5", "838:59:59", "-01:00:00", "120000"),
    _narrow("n_year", "year", pa.int64(), 1901, 2155, 0, 70, 99, 1900, 2156),
    _texts("n_year_text", "year", "2024", "24", "0"),
    _narrow("n_bit", "bit(3)", pa.uint64(), 7, 8, 0),
    _narrow("n_bit_bool", "bit(1)", pa.int64(), 0, 1, 2),
    _texts("n_enum", "enum('sad','ok','1')", "sad", "Sad", "sad ", "", "1", "2", "ok\0"),
    _texts("n_set", "set('a','b')", "a,b", "b,a", "a", "", "A", "a,a", "c"),
    _texts("n_uuid", "uuid", "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000", "x"),
    _texts("n_inet6", "inet6", "2001:db8::1", "2001:DB8::1", "::1.2.3.4", "1.2.3.4"),
    _texts("n_inet4", "inet4", "10.0.0.1", "010.0.0.1", "10.1"),
    _texts("n_json", "json", '{"a":1}', '{"a": 1,  "a":2}', "{", "1e400"),
    _narrow("n_point", "point", pa.binary(), b"xx", bytes(4) + b"\1\1\0\0\0" + bytes(16)),
    _narrow("n_default_null", "int default 7", pa.int64(), 1, None),
)
