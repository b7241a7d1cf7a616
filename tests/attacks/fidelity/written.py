"""Columns of text files and messages: what somebody wrote, in which nothing says of what type it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """Cells as they are in a CSV file; None is nothing. `json`: the same as they are in JSON, where that differs."""

    name: str
    cells: tuple[str | None, ...]
    json: tuple[str, ...] = ()


def _written(name: str, *cells: str | None) -> Written:
    return Written(name, cells)


def _numbers(name: str, *cells: str) -> Written:
    return Written(name, cells, cells)


COLUMNS = (
    _numbers("w_integers", "1", "-20", "9223372036854775807", "-9223372036854775808"),
    _numbers("w_integers_long", "1", "123456789012345678901234567890"),
    _numbers("w_integers_longer", "1", "123456789012345678901234567890123456789"),
    _numbers("w_integers_unsigned", "18446744073709551615", "0"),
    _numbers("w_decimals", "0.5", "0.12345678901234567891"),
    _numbers("w_decimals_tiny", "0.000000000000000001", "12345678901234567890.5"),
    _numbers("w_floats", "0.10", "12.5", "2.5e+16", "1e-05", "-0.0", "5e-324"),
    _numbers("w_floats_much", "1.7976931348623157e+308", "0.1"),
    _numbers("w_floats_too_much", "1.5", "1e400"),
    _numbers("w_floats_too_long", "0.1000000000000000055", "0.1"),
    Written("w_bools", ("true", "false", None), ("true", "false", "null")),
    _written("w_zips", "10000", "00501", None),
    _written("w_signs", "1", "+5", "-0"),
    _written("w_exponents", "1", "1e5"),
    _written("w_special", "1.5", "NaN", "inf", "-inf"),
    _written("w_special_words", "1.5", "nan", "Infinity", "NULL"),
    _written("w_bool_words", "yes", "no", "TRUE", "1"),
    _written("w_blanks", " a", "a ", " ", "\t", "\u00a0"),
    _written("w_empty", "", None, "NA", "\\N", "null"),
    _written("w_lines", "a\nb", "a\rb", "a\r\nb", '"', '""', "a,b", "'"),
    _written("w_signs_wide", "é", "e\u0301", "😀", "\u200b", "日本", "\ufeffx"),
    _written("w_dates", "2024-02-29", "0001-01-01", "9999-12-31"),
    _written("w_dates_odd", "2024-02-29", "2023-02-29", "01/02/2024"),
    _written("w_times", "12:30:00", "23:59:59.999999", "00:00:00"),
    _written("w_times_24", "12:30:00", "24:00:00"),
    _written("w_locals", "2024-02-29 12:30:00", "2024-02-29T12:30:00.000001", "9999-12-31 23:59:59.999999"),
    _written("w_locals_ns", "2024-02-29 12:30:00.123456789", "1969-12-31 23:59:59.999999999"),
    _written("w_instants", "2024-02-29T12:30:00Z", "0001-01-01T00:00:00Z"),
    _written("w_offsets", "2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"),
    _written("w_days_and_times", "2024-02-29", "2024-02-29 00:00:00"),
    _written("w_json", '{"a": 1.50,  "a": null}', "[1,null]", "{}"),
    _written("w_uuids", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
    _written("w_hex", "0x10", "1_000", "1,5"),
    _written("w_nothing", None, None),
)
"""What one column of a text file may hold; each has its number of cells."""
