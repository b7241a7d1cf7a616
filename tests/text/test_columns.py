"""The bad rows of a block of records: in the order of the file, told by what is wrong, and made one at a time."""

from __future__ import annotations

import io
import tracemalloc

import pyarrow as pa

from towpath.text.columns import Columns, Parser
from towpath.text.conventions import Conventions
from towpath.text.records import Records
from towpath.text.scan import Grammar


def parsed(text: bytes) -> Columns:
    """The first block, of the columns `n` (an integer) and `t`."""
    grammar = Grammar(",", '"')
    pinned = {"n": pa.int64(), "t": pa.date32()}
    parser = Parser("a.csv", ("n", "t"), ("n", "t"), pinned, grammar, ("",), Conventions(), lambda raw: raw)
    return parser(next(Records(io.BytesIO(text), grammar, "a.csv", 64 << 20).blocks(2)))


def test_each_bad_row_is_told_once_in_the_order_of_the_file() -> None:
    columns = parsed(b'1,2024-01-01\nx,2024-01-01\n2\n3,\xff\ny,z\n4,"a"b\n5,2024-01-02\n6,w\n')
    assert columns.rows.to_pydict()["n"] == [1, 5]
    assert [columns.origin.place(row).line for row in range(2)] == [1, 7]
    expected = [(2, "n", "x"), (3, None, None), (4, None, None), (5, "n", "y"), (6, None, None), (8, "t", "w")]
    for _ in range(2):  # as often as it is asked for
        assert [(bad.place.line, bad.column, bad.value) for bad in columns.bad] == expected
    reasons = {bad.place.line: bad.reason for bad in columns.bad}
    assert reasons[3] == "it has 1 fields instead of 2"
    assert "no text" in reasons[4]
    assert "does not end properly" in reasons[6]


def test_a_block_of_bad_rows_alone_takes_little_more_memory_than_its_bytes() -> None:
    text = b"".join(b"x,%060d\n" % number for number in range(50_000))
    tracemalloc.start()
    columns = parsed(text)
    count = sum(1 for _ in columns.bad)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 50_000
    assert peak < 4 * len(text), f"{peak:,} bytes for {len(text):,}"  # as objects they take eight times theirs
