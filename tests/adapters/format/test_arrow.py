"""Arrow IPC: both forms are read, cut ones are noticed, and what is written comes back."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.adapters.format.arrow import Arrow
from towpath.badrows import BadRow
from towpath.errors import DataError, Refused, UserError
from towpath.nouns import Want
from towpath.seams.format import InputFile, TypesTooNarrow


class Kept:
    """Keeps bad rows instead of stopping."""

    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def opened(data: bytes) -> InputFile:
    return InputFile("orders.arrow", lambda: io.BytesIO(data), size=len(data))


def read(data: bytes, **want: Any) -> tuple[pa.Table, int, list[BadRow]]:
    kept = Kept()
    with Arrow().read(opened(data), Want(bad=kept, **want)) as reading:
        table = pa.Table.from_batches([batch.rows for batch in reading], reading.schema)
    assert reading.given == table.num_rows + len(kept.rows)
    return table, reading.given, kept.rows


def written(*batches: pa.RecordBatch, **options: Any) -> bytes:
    sink = io.BytesIO()
    writer = Arrow(**options).writer(sink, batches[0].schema)
    for rows in batches:
        writer.write(rows)
    writer.close()
    assert not sink.closed
    return sink.getvalue()


ROWS = pa.record_batch({"a": pa.array([1, 2, None]), "s": pa.array(["x", None, "z"])})
FORMS = pytest.mark.parametrize("stream", [False, True])


@FORMS
@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_both_forms_are_read_with_every_compression(stream: bool, compression: str) -> None:
    data = written(ROWS, ROWS, stream=stream, compression=compression)
    assert data.startswith(b"ARROW1") != stream
    table, given_rows, _ = read(data)
    assert (table.to_pylist(), given_rows) == (ROWS.to_pylist() * 2, 6)
    found = Arrow().inspect(opened(data), Want(), whole=True)
    assert (found.settled, found.rows) == (True, 6)
    assert [evidence.type() for evidence in found.columns.values()] == [pa.int64(), pa.string()]


@FORMS
def test_a_file_cut_anywhere_is_an_error_that_names_it(stream: bool) -> None:
    data = written(ROWS, ROWS, ROWS, stream=stream)
    for length in range(len(data)):
        with pytest.raises(DataError, match=r"orders\.arrow"):
            read(data[:length])


@FORMS
def test_bytes_that_are_no_text_where_text_should_be_are_an_error(stream: bool) -> None:
    data = written(pa.record_batch({"s": ["a name that is plainly seen"]}), stream=stream)
    at = data.index(b"plainly")
    with pytest.raises(DataError, match=r"orders\.arrow.*UTF8"):
        read(data[:at] + b"\xff" + data[at + 1 :])


@FORMS
def test_a_column_whose_name_is_no_text_is_an_error(stream: bool) -> None:
    data = written(pa.record_batch({"a name that is plainly seen": [1]}), stream=stream)
    broken = data.replace(b"plainly", b"pla\xffnly")
    with pytest.raises(DataError, match=r"orders\.arrow.*no UTF-8"):
        read(broken)
    with pytest.raises(DataError, match=r"orders\.arrow.*utf-8"):
        Arrow().inspect(opened(broken), Want(), whole=True)


@FORMS
def test_offsets_that_point_outside_of_their_column_are_an_error(stream: bool) -> None:
    data = written(pa.record_batch({"s": ["x" * 77, "y" * 88]}), stream=stream)
    at = data.index((77).to_bytes(4, "little") + (165).to_bytes(4, "little"))
    for length in (-5, 166, 1 << 30):
        with pytest.raises(DataError, match=r"orders\.arrow"):
            read(data[:at] + length.to_bytes(4, "little", signed=True) + data[at + 4 :])


def test_a_length_that_is_more_than_the_file_has_takes_no_memory() -> None:
    tracemalloc.start()
    with pytest.raises(DataError, match=r"orders\.arrow"):
        read(b"\xff\xff\xff\xff" + (2**31 - 8).to_bytes(4, "little") + bytes(1000))
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()


def test_bytes_after_the_end_of_a_stream_are_an_error() -> None:
    with pytest.raises(DataError, match="more follows"):
        read(written(ROWS, stream=True) * 2)


@FORMS
def test_dictionaries_are_read_as_their_values(stream: bool) -> None:
    rows = pa.record_batch({"a": ROWS["s"].dictionary_encode(), "l": pa.array([["x"], None, ["y", "x"]])})
    sink = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, rows.schema) as writer:
        writer.write_batch(rows)
    table, _, _ = read(sink.getvalue())
    assert table.schema == pa.schema([("a", pa.string()), ("l", pa.list_(pa.string()))])
    assert table["a"].to_pylist() == ["x", None, "z"]


def test_large_batches_are_cut_to_size() -> None:
    rows = pa.record_batch({"a": pa.array(range(100_000))})
    with Arrow().read(opened(written(rows)), Want(batch_bytes=1 << 16)) as reading:
        batches = list(reading)
    assert max(batch.rows.nbytes for batch in batches) <= (1 << 16) + 100
    assert pa.Table.from_batches([batch.rows for batch in batches]).combine_chunks().to_batches()[0].equals(rows)
    assert str(batches[-1].origin.place(len(batches[-1]) - 1)) == "orders.arrow row 100000"


def test_a_value_that_does_not_fit_a_pinned_type_is_a_bad_row() -> None:
    table, _, bad = read(written(pa.record_batch({"a": [1, 300, 3]})), types={"a": pa.int8()})
    assert table["a"].to_pylist() == [1, 3]
    assert (str(bad[0].place), bad[0].value) == ("orders.arrow row 2", "300")


def test_a_column_that_the_schema_lacks_asks_for_another_unless_it_is_not_wanted() -> None:
    schema = pa.schema([("a", pa.int64())])
    with pytest.raises(TypesTooNarrow, match="column s is new"):
        read(written(ROWS), schema=schema)
    assert read(written(ROWS), schema=schema, columns=("a",))[0]["a"].to_pylist() == [1, 2, None]


def test_a_local_path_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.arrow"
    path.write_bytes(written(ROWS))
    with Arrow().read(InputFile("f", lambda: path.open("rb"), path), Want()) as reading:
        assert [len(batch) for batch in reading] == [3]


def test_every_type_is_stored_as_its_plain_self() -> None:
    for type in (pa.duration("s"), pa.float16(), pa.large_list(pa.int8()), pa.month_day_nano_interval()):
        assert Arrow().stored(type).type == type
    assert Arrow().stored(pa.list_(pa.dictionary(pa.int8(), pa.string()))).type == pa.list_(pa.string())
    with pytest.raises(Refused):
        Arrow().stored(pa.dense_union([pa.field("x", pa.int8())]))


def test_an_unknown_compression_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="did you mean 'zstd'"):
        Arrow(compression="zst")


@settings(max_examples=60)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "n": st.none() | st.integers(0, 2**64 - 1),
                "f": st.none() | st.floats(width=32),
                "d": st.none() | st.timedeltas().filter(lambda span: abs(span.days) < 10**6),
                "m": st.none() | st.lists(st.tuples(st.text("abc"), st.none() | st.booleans()), max_size=3),
            }
        ),
        max_size=20,
    ),
    st.booleans(),
)
def test_what_is_written_is_read_again(rows: list[dict[str, Any]], stream: bool) -> None:
    schema = pa.schema(
        [("n", pa.uint64()), ("f", pa.float32()), ("d", pa.duration("us")), ("m", pa.map_(pa.string(), pa.bool_()))]
    )
    batch = pa.RecordBatch.from_pylist(rows, schema)
    table, given_rows, _ = read(written(batch, stream=stream), batch_bytes=100)
    assert given_rows == len(rows)
    assert repr(table.to_pylist()) == repr(batch.to_pylist())
