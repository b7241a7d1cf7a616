"""JSON arrays: elements are cut without parsing, in bounded memory, and know the lines on which they begin."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.adapters.format.json import JSON
from towpath.badrows import BadRow
from towpath.errors import DataError
from towpath.nouns import Want
from towpath.seams.format import InputFile
from towpath.text import json_array


class Kept:
    """Keeps bad rows instead of stopping."""

    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def opened(data: bytes) -> InputFile:
    return InputFile("orders.json", lambda: io.BytesIO(data), size=len(data))


def read(data: bytes) -> tuple[list[dict[str, Any]], int, list[BadRow]]:
    kept = Kept()
    found = JSON().inspect(opened(data), Want(), whole=True)
    schema = pa.schema([(name, evidence.type()) for name, evidence in found.columns.items()])
    with JSON().read(opened(data), Want(bad=kept, schema=schema)) as reading:
        rows = [row for batch in reading for row in batch.rows.to_pylist()]
    assert reading.given == len(rows) + len(kept.rows)
    return rows, reading.given, kept.rows


def written(*batches: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    writer = JSON().writer(sink, pa.schema([("a", pa.int64()), ("s", pa.string())]))
    for rows in batches:
        writer.write(rows)
    writer.close()
    return sink.getvalue()


def test_an_array_printed_over_many_lines_is_read_with_the_line_of_each_row() -> None:
    data = b'[\n  {\n    "a": 1\n  },\n\n  {\n    "a": 2,\n    "s": "],}{"\n  }\n]\n'
    found, given_rows, _ = read(data)
    assert (found, given_rows) == ([{"a": 1, "s": None}, {"a": 2, "s": "],}{"}], 2)
    with JSON().read(opened(data), Want()) as reading:
        (batch,) = list(reading)
    assert [str(batch.origin.place(row)) for row in range(2)] == ["orders.json:2", "orders.json:6"]
    assert batch.origin.place(0).raw == b'{\n    "a": 1\n  }'


def test_one_object_is_one_row() -> None:
    assert read(b' {"a": {"x": [1, 2]}}\n')[0] == [{"a": {"x": [1, 2]}}]


@pytest.mark.parametrize("data", [b"[]", b" [ \n ] \n", b"\xef\xbb\xbf[]"])
def test_an_empty_array_has_no_rows(data: bytes) -> None:
    assert read(data) == ([], 0, [])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "orders.json:1: the file is empty"),
        (b'[{"a":1},\n{"a":2}', "orders.json:2: the array is not closed"),
        (b'[{"a":1},\n{"a":', "orders.json:2: the array is not closed"),
        (b'{"a":1', "orders.json:1: the object is not closed"),
        (b'[{"a":1}]\nx', "orders.json:2: more follows the end: 'x'"),
        (b'[{"a":1}]]', "more follows the end"),
        (b'{"a":1}\n{"a":2}\n', "--from-format jsonl"),
        (b"hello", "begins with 'hello'"),
        (b'[{"a":"x\ny"}]', "orders.json:1: a string is not closed on its line"),
        (b'[{"a":1}}', "} closes what [ opened"),
    ],
)
def test_what_is_not_one_whole_array_or_object_is_an_error(data: bytes, error: str) -> None:
    with JSON().read(opened(data), Want(schema=pa.schema([("a", pa.int64())]))) as reading:  # noqa: SIM117
        with pytest.raises(DataError) as caught:
            list(reading)
    assert error in str(caught.value)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (b"5", "a number, not an object"),
        (b'"x"', "a string, not an object"),
        (b"null", "null, not an object"),
        (b"[1]", "an array, not an object"),
        (b"", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b'{"a":1} {"a":2}', "not JSON"),
        (b'{"a":1,"a":2}', "stands twice"),
        (b'{"s":"\\ud800"}', "surrogate"),
        (b'{"s":"\xff"}', "UTF-8"),
    ],
)
def test_a_bad_element_is_set_aside_with_its_line(element: bytes, reason: str) -> None:
    rows, given_rows, bad = read(b'[{"a":1},\n' + element + b',\n{"a":3}]')
    assert given_rows == 3
    assert [row["a"] for row in rows] == [1, 3]
    assert (str(bad[0].place), bad[0].place.raw) == ("orders.json:2", element)
    assert reason in bad[0].reason


def test_a_comma_before_the_end_is_a_bad_row() -> None:
    rows, given_rows, bad = read(b'[{"a":1},\n]')
    assert (rows, given_rows, bad[0].place.line) == ([{"a": 1}], 2, 2)


ELEMENTS = st.lists(
    st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.one_of(
            st.none(),
            st.integers(-9, 9),
            st.text('\\"{}[],\n\té x', max_size=8),
            st.lists(st.sampled_from([{}, {"x": "]"}, [], ["\\"]]), max_size=2),
        ),
        max_size=2,
    ),
    max_size=5,
)


@settings(max_examples=300)
@given(ELEMENTS, st.sampled_from([None, 2]), st.integers(1, 12), st.booleans())
def test_elements_are_cut_alike_however_the_file_is_chunked(
    elements: list[Any], indent: int | None, size: int, ascii: bool
) -> None:
    text = json.dumps(elements, indent=indent, ensure_ascii=ascii)
    blocks = json_array.cut(io.BytesIO(text.encode()), "f", size)
    cut = [found for block in blocks for found in block.records()]
    assert [json.loads(raw) for _, raw in cut] == elements
    lines = text.split("\n")
    for line, raw in cut:
        assert raw.decode().split("\n")[0] in lines[line - 1]


def test_a_file_cut_anywhere_is_an_error_or_lacks_only_space() -> None:
    data = b'[{"a": "x\\"]"}, {"a": "b"}]\n'
    for length in range(len(data) - 1):
        with pytest.raises(DataError):
            read(data[:length])
    assert len(read(data[:-1])[0]) == 2


def test_an_element_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "LONGEST", 1 << 20)
    with pytest.raises(DataError, match="does not end within"):
        read(b'[{"a":[' + b"1," * (1 << 21))


def test_rows_are_written_as_an_array_with_a_row_on_each_line() -> None:
    rows = pa.RecordBatch.from_pylist([{"a": 1, "s": "x"}, {"a": None, "s": ","}])
    assert written(rows, rows.slice(0, 0), rows.slice(1)).decode() == (
        '[\n{"a":1,"s":"x"},\n{"a":null,"s":","},\n{"a":null,"s":","}\n]\n'
    )
    assert json.loads(written()) == []


def test_many_rows_come_back_over_many_blocks() -> None:
    rows = pa.record_batch({"a": pa.array(range(100_000)), "s": pa.array([f"x{n}" for n in range(100_000)])})
    with JSON().read(opened(written(rows)), Want(batch_bytes=1 << 17)) as reading:
        batches = [batch.rows for batch in reading]
    assert len(batches) > 10
    assert pa.Table.from_batches(batches).equals(pa.Table.from_batches([rows]).combine_chunks())
