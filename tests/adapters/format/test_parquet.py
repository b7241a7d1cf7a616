"""Parquet: declared types, exact conversion, bounded batches, and what is stored comes back."""

from __future__ import annotations

import datetime as dt
import io
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath import codecs
from towpath.adapters.format.parquet import Parquet
from towpath.badrows import BadRow
from towpath.errors import DataError, UserError
from towpath.nouns import Want
from towpath.seams.format import InputFile, TypesTooNarrow


class Kept:
    """Keeps bad rows instead of stopping."""

    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def opened(data: bytes) -> InputFile:
    return InputFile("orders.parquet", lambda: io.BytesIO(data), size=len(data))


def file_of(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def read(data: bytes, **want: Any) -> tuple[pa.Table, int, list[BadRow]]:
    kept = Kept()
    with Parquet().read(opened(data), Want(bad=kept, **want)) as reading:
        table = pa.Table.from_batches([batch.rows for batch in reading], reading.schema)
    assert reading.given == table.num_rows + len(kept.rows)
    return table, reading.given, kept.rows


def written(rows: pa.RecordBatch, **options: Any) -> bytes:
    sink = io.BytesIO()
    writer = Parquet(**options).writer(sink, rows.schema)
    writer.write(rows)
    writer.close()
    assert not sink.closed
    return sink.getvalue()


def test_types_and_rows_are_those_of_the_footer() -> None:
    data = file_of(pa.table({"a": pa.array([1, 2], pa.int8()), "s": pa.array(["x", None]).dictionary_encode()}))
    found = Parquet().inspect(opened(data), Want(), whole=False)
    assert (found.settled, found.rows) == (True, 2)
    assert {name: evidence.type() for name, evidence in found.columns.items()} == {"a": pa.int8(), "s": pa.string()}
    table, _, _ = read(data)
    assert table.to_pylist() == [{"a": 1, "s": "x"}, {"a": 2, "s": None}]


def test_only_the_wanted_columns_come_in_the_wanted_order() -> None:
    data = file_of(pa.table({"a": [1], "b.c": [2], "b": [{"c": 3}], "d": [4]}))
    assert read(data, columns=("d", "b.c", "none", "a"))[0].to_pylist() == [{"d": 4, "b.c": 2, "a": 1}]


def test_batches_keep_to_the_size_that_was_asked_for() -> None:
    table = pa.table({"a": range(200_000), "s": ["the same long text again and again"] * 200_000})
    with Parquet().read(opened(file_of(table, row_group_size=50_000)), Want(batch_bytes=1 << 18)) as reading:
        batches = [batch.rows for batch in reading]
    assert max(batch.nbytes for batch in batches) < (1 << 18) * 1.2
    assert pa.Table.from_batches(batches).equals(table)


def test_rows_know_their_numbers_over_row_groups() -> None:
    data = file_of(pa.table({"a": range(10)}), row_group_size=4)
    with Parquet().read(opened(data), Want()) as reading:
        places = [str(batch.origin.place(row)) for batch in reading for row in range(len(batch))]
    assert places == [f"orders.parquet row {number}" for number in range(1, 11)]


def test_a_value_that_does_not_fit_the_wanted_type_is_a_bad_row() -> None:
    data = file_of(pa.table({"a": [1, 300, 3], "b": ["x", "y", "z"]}))
    table, given_rows, bad = read(data, types={"a": pa.int8()})
    assert (table["a"].to_pylist(), given_rows) == ([1, 3], 3)
    assert (str(bad[0].place), bad[0].column, bad[0].value) == ("orders.parquet row 2", "a", "300")
    assert bad[0].row == {"a": "300", "b": "y"}


def test_a_column_is_widened_to_the_schema_of_all_files() -> None:
    schema = pa.schema([("a", pa.int64()), ("new", pa.string())])
    table, _, _ = read(file_of(pa.table({"a": pa.array([1], pa.int8())})), schema=schema)
    assert table.schema == pa.schema([("a", pa.int64())])


def test_a_column_that_the_schema_lacks_asks_for_another() -> None:
    with pytest.raises(TypesTooNarrow, match="column b is new"):
        read(file_of(pa.table({"a": [1], "b": [2]})), schema=pa.schema([("a", pa.int64())]))


def test_a_path_a_stream_and_a_compressed_stream_give_the_same(tmp_path: Path) -> None:
    data = file_of(pa.table({"a": range(1000)}))
    path = tmp_path / "orders.parquet"
    path.write_bytes(data)
    packed = io.BytesIO()
    with codecs.writer(packed, "gz", "orders.parquet.gz") as out:
        out.write(data)
    files = [
        InputFile("f", lambda: path.open("rb"), path),
        opened(data),
        InputFile("f", lambda: codecs.reader(io.BytesIO(packed.getvalue()), "gz", "f")),
    ]
    for file in files:
        assert Parquet().inspect(file, Want(), whole=True).rows == 1000
        with Parquet().read(file, Want()) as reading:
            assert sum(len(batch) for batch in reading) == 1000


def test_a_file_cut_anywhere_is_an_error_that_names_it() -> None:
    data = file_of(pa.table({"a": range(1000)}))
    for length in range(0, len(data), 97):
        with pytest.raises(DataError, match=r"orders\.parquet"):
            read(data[:length])


def test_damaged_pages_are_an_error_that_names_the_file() -> None:
    data = bytearray(written(pa.record_batch({"a": [f"{number * 7919}" for number in range(5000)]})))
    data[1000] ^= 1
    with pytest.raises(DataError, match=r"orders\.parquet"):
        read(bytes(data))


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_file_with_any_byte_changed_is_read_or_is_an_error_of_the_data(compression: str) -> None:
    rows = pa.record_batch({"number": [1, 2, 2], "näme": ["x", None, "xyz"]})
    data = written(rows, compression=compression)
    for at in range(len(data)):
        for bit in (1, 4, 128):
            with suppress(DataError):
                read(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])


def test_a_footer_whose_rows_are_not_those_of_its_row_groups_is_an_error() -> None:
    data = file_of(pa.table({"a": pa.nulls(20_000, pa.int64())}), row_group_size=10_000)
    # Thrift's compact form of 20,000 and of 30,000, in zigzag.
    assert data.count(b"\xc0\xb8\x02") == 1
    with pytest.raises(DataError, match="its footer says 30000 rows, its row groups 20000"):
        read(data.replace(b"\xc0\xb8\x02", b"\xe0\xd4\x03"))


def test_midnight_at_the_end_of_a_day_is_read() -> None:
    rows = pa.record_batch({"t": pa.array([86_400_000_000], pa.int64()).view(pa.time64("us"))})
    assert read(written(rows))[0]["t"].cast(pa.int64()).to_pylist() == [86_400_000_000]


def test_text_that_is_none_is_an_error() -> None:
    plain = pa.array(["ab", "cd"])
    broken = pa.Array.from_buffers(pa.string(), 2, [None, plain.buffers()[1], pa.py_buffer(b"a\xffcd")])
    with pytest.raises(DataError, match="UTF8"):
        read(file_of(pa.table({"s": broken})))


def test_two_columns_of_one_name_are_an_error() -> None:
    data = file_of(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]))
    with pytest.raises(DataError, match="two columns are named 'a'"):
        read(data)


def test_row_groups_are_sized_by_bytes() -> None:
    sink = io.BytesIO()
    rows = pa.record_batch({"a": pa.array(range(10_000))})
    writer = Parquet(row_group_bytes=200_000).writer(sink, rows.schema)
    for _ in range(6):
        writer.write(rows)
    writer.close()
    groups = pq.ParquetFile(sink).metadata
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [30_000, 30_000]


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "brotli", "lz4", "none"])
def test_each_compression_is_used(compression: str) -> None:
    data = written(pa.record_batch({"a": [1]}), compression=compression)
    used = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0).compression
    assert used == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())


def test_a_compression_level_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match="from 1 to 9, not 99"):
        Parquet(compression="gzip", compression_level=99)
    with pytest.raises(UserError, match="has no levels"):
        Parquet(compression="none", compression_level=1)
    assert written(pa.record_batch({"a": [1]}), compression="zstd", compression_level=19)


def test_an_unknown_compression_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="did you mean 'zstd'"):
        Parquet(compression="zst")


SAMPLES: list[tuple[pa.DataType, Any]] = [
    (pa.bool_(), True),
    *[(type, 5) for type in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())],
    (pa.uint64(), 2**64 - 1),
    (pa.float16(), 1.5),
    (pa.float32(), 0.1),
    (pa.float64(), 0.1),
    (pa.decimal32(7, 2), Decimal("1.50")),
    (pa.decimal128(38, 2), Decimal("1.50")),
    (pa.decimal256(20, 2), Decimal("1.50")),
    (pa.decimal256(76, 2), Decimal("1.50")),
    (pa.string(), "é"),
    (pa.large_string(), "x"),
    (pa.string_view(), "x"),
    (pa.binary(), b"\xff"),
    (pa.large_binary(), b"x"),
    (pa.binary(3), b"abc"),
    (pa.date32(), dt.date(2024, 2, 29)),
    (pa.date64(), dt.date(2024, 2, 29)),
    (pa.time32("s"), dt.time(1, 2, 3)),
    (pa.time64("us"), dt.time(1, 2, 3, 4)),
    (pa.timestamp("s"), dt.datetime(2024, 1, 1)),
    (pa.timestamp("ns"), dt.datetime(2024, 1, 1)),
    (pa.timestamp("us", "UTC"), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
    (pa.timestamp("us", "Europe/Berlin"), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
    (pa.list_(pa.int8()), [1, None]),
    (pa.large_list(pa.timestamp("s")), [dt.datetime(2024, 1, 1)]),
    (pa.list_(pa.int8(), 2), [1, 2]),
    (pa.struct([("x", pa.date64())]), {"x": dt.date(2024, 1, 1)}),
    (pa.map_(pa.string(), pa.int8()), [("x", 1)]),
    (pa.null(), None),
    (pa.dictionary(pa.int8(), pa.string()), "x"),
]


@pytest.mark.parametrize(("type", "value"), SAMPLES, ids=str)
def test_what_is_stored_for_a_type_is_read_back_as_it(type: pa.DataType, value: Any) -> None:
    held = Parquet().stored(type).type
    rows = pa.record_batch({"a": pa.array([value, None], type).cast(held)})
    table, _, _ = read(written(rows))
    assert table.schema.types == [held]
    assert table.to_pylist() == rows.to_pylist()


@pytest.mark.parametrize("type", [pa.duration("s"), pa.month_day_nano_interval(), pa.struct([])], ids=str)
def test_what_other_readers_would_not_see_is_stored_as_text(type: pa.DataType) -> None:
    assert Parquet().stored(type).type == pa.string()


def test_what_is_written_is_the_same_for_another_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    values = {"t": pa.array([1], pa.timestamp("ns")), "d": pa.array([Decimal("1.50")], pa.decimal128(20, 2))}
    path.write_bytes(written(pa.record_batch(values | {"u": pa.array([2**64 - 1], pa.uint64())})))
    (row,) = duckdb.sql(f"select epoch_ns(t), d, u from '{path}'").fetchall()
    assert row == (1, Decimal("1.50"), 2**64 - 1)


@settings(max_examples=60)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "n": st.none() | st.integers(-(2**63), 2**63 - 1),
                "f": st.none() | st.floats(),
                "s": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
                "l": st.none() | st.lists(st.none() | st.dates().map(lambda day: {"day": day}), max_size=3),
            }
        ),
        max_size=20,
    ),
    st.integers(1, 400),
)
def test_what_is_written_is_read_again(rows: list[dict[str, Any]], row_group_bytes: int) -> None:
    schema = pa.schema(
        [
            ("n", pa.int64()),
            ("f", pa.float64()),
            ("s", pa.string()),
            ("l", pa.list_(pa.struct([("day", pa.date32())]))),
        ]
    )
    batch = pa.RecordBatch.from_pylist(rows, schema)
    table, given_rows, _ = read(written(batch, row_group_bytes=row_group_bytes), batch_bytes=100)
    assert given_rows == len(rows)
    assert repr(table.to_pylist()) == repr(batch.to_pylist())
