"""Rows as CSV for COPY: quotes, nulls, bytes, arrays and years that ISO 8601 writes with a sign."""

from __future__ import annotations

import pyarrow as pa
import pytest

from towpath.postgresql.copytext import copied, text


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (pa.array([b"\x00\xff", None, b""]), [r"\x00ff", None, r"\x"]),
        (pa.array([b"skipped", b"\x01", None])[1:], [r"\x01", None]),
        (pa.array([True, None, False]), ["true", None, "false"]),
        (pa.array([-719529, 0, 2932897], pa.int32()).cast(pa.date32()), ["0002-12-31 BC", "1970-01-01", "10000-01-01"]),
        (pa.array([-719163], pa.int32()).cast(pa.date32()), ["0001-12-31 BC"]),
        (pa.array([[1, None], [], None], pa.list_(pa.int64())), ['{"1",NULL}', "{}", None]),
        (pa.array([["x"], ["a,b", '"', "\\", "NULL", None, ""]])[1:], [r'{"a,b","\"","\\","NULL",NULL,""}']),
        (pa.array([[b"\x00"]]), [r'{"\\x00"}']),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_is_written_as_postgresql_reads_it(values: pa.Array, written: list[str | None]) -> None:
    assert text(values).to_pylist() == written


def test_null_is_nothing_and_empty_text_is_in_quotes() -> None:
    rows = pa.record_batch({"a": pa.array([1, None, -2]), "b": ["", None, 'say "x",\n']})
    assert copied(rows) == b'1,""\n,\n-2,"say ""x"",\n"\n'
