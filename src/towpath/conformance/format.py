"""The suite of the format seam: every case there and back, counts, order, pinned types, damaged files."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, ClassVar

import pyarrow as pa
import pytest

from towpath.badrows import BadRow
from towpath.conformance.carry import assert_same, offered, table
from towpath.conformance.cases import CASES, Case
from towpath.conformance.suite import Suite, promise
from towpath.errors import DataError, TowError
from towpath.nouns import Want
from towpath.seams.format import Format, InputFile, TypesTooNarrow

GARBAGE = b"\x80\x81\x00neither rows nor columns\xc3(" * 500


class FormatSuite(Suite):
    """Holds a format to `towpath.seams.format`."""

    seam: ClassVar[str] = "format"

    @pytest.fixture
    def format(self, tmp_path: Path) -> Format:
        return self.make(tmp_path)

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "orders.file"

    @promise()
    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
    def test_values_come_back_as_they_were(self, format: Format, path: Path, case: Case) -> None:
        sent = case.rows()
        stored = offered(sent, format.stored)
        write(format, path, [stored])
        assert_same(sent, read(format, local(path), Want(types=types_of(stored.schema))))

    @promise("write/order")
    def test_rows_of_many_batches_keep_their_order(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(100, first) for first in range(0, 1000, 100)])
        got = read(format, local(path), Want(types=types_of(numbered(1).schema)))
        assert got.column("id").to_pylist() == list(range(1000))
        assert got.column("name").to_pylist() == [f"row {number}" for number in range(1000)]

    @promise("write/owner")
    def test_the_writer_leaves_the_stream_to_its_owner(self, format: Format, path: Path) -> None:
        with path.open("wb") as sink:
            writer = format.writer(sink, numbered(1).schema)
            writer.write(numbered(3))
            writer.close()
            assert not sink.closed

    @promise("read/stream")
    def test_a_stream_reads_like_a_local_file(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(500), numbered(500, 500)])
        assert read(format, stream(path)).equals(read(format, local(path)))

    @promise("read/twice")
    def test_a_file_reads_the_same_twice(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(100)])
        assert read(format, local(path)).equals(read(format, local(path)))

    @promise("read/columns")
    def test_asked_columns_come_in_the_asked_order(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(10)])
        got = read(format, local(path), Want(columns=("name", "missing", "id")))
        assert got.schema.names == ["name", "id"]
        assert got.column("name").to_pylist() == [f"row {number}" for number in range(10)]
        assert got.column("id").to_pylist() == list(range(10))

    @promise("read/place")
    def test_a_row_knows_the_file_that_it_came_from(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(10)])
        with format.read(local(path), Want()) as reading:
            for batch in reading:
                places = [str(batch.origin.place(row)) for row in range(len(batch))]
                assert all(path.name in place for place in places)
                assert len(set(places)) == len(places)

    @promise("read/memory")
    def test_only_a_few_batches_are_alive_at_once(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(2_000, first, "x" * 100) for first in range(0, 60_000, 2_000)])
        seen: list[weakref.ref[pa.RecordBatch]] = []
        most = 0
        with format.read(local(path), Want(batch_bytes=256 << 10)) as reading:
            for batch in reading:
                seen.append(weakref.ref(batch.rows))
                del batch
                most = max(most, sum(ref() is not None for ref in seen))
        assert len(seen) >= 8, f"7 MB came in {len(seen)} batches, though 256 KiB were asked for"
        assert most <= 4

    @promise("read/close")
    def test_leaving_early_closes_the_file(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(2_000, first) for first in range(0, 20_000, 2_000)])
        opened: list[BinaryIO] = []
        with format.read(stream(path, opened), Want(batch_bytes=16 << 10)) as reading:
            next(iter(reading))
        assert opened
        assert all(file.closed for file in opened)

    @promise("read/damaged")
    def test_bytes_of_no_such_format_are_an_error_of_ours(self, format: Format, path: Path) -> None:
        path.write_bytes(GARBAGE)
        with pytest.raises(TowError, match=path.name):
            read(format, local(path))
        with pytest.raises(TowError, match=path.name):
            read(format, stream(path))

    @promise("read/cut")
    @pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.99])
    def test_a_file_cut_short_never_raises_the_librarys_error(self, format: Format, path: Path, part: float) -> None:
        write(format, path, [numbered(500), numbered(500, 500)])
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * part)])
        for file in (local(path), stream(path)):
            with contextlib.suppress(TowError):
                assert read(format, file).num_rows < 1000

    @promise("types/pinned")
    def test_a_value_that_does_not_fit_a_pinned_type_is_a_bad_row(self, format: Format, path: Path) -> None:
        write(format, path, [texts("1", "x", None, "3")])
        kept = Kept()
        with format.read(local(path), Want(types={"v": pa.int64()}, bad=kept)) as reading:
            values = [value for batch in reading for value in batch.rows.column("v").to_pylist()]
            assert reading.schema.field("v").type == pa.int64()
        assert values == [1, None, 3]
        assert [bad.column for bad in kept.rows] == ["v"]
        assert "x" in (kept.rows[0].value or "")
        assert path.name in str(kept.rows[0].place)
        assert reading.given == 4

    @promise("types/stop")
    def test_without_a_place_for_bad_rows_the_first_one_stops(self, format: Format, path: Path) -> None:
        write(format, path, [texts("1", "x", "3")])
        with pytest.raises(DataError, match=path.name):
            read(format, local(path), Want(types={"v": pa.int64()}))

    @promise("types/narrow")
    def test_a_value_that_does_not_fit_an_expected_type_asks_for_a_wider_one(self, format: Format, path: Path) -> None:
        write(format, path, [texts("1", "x", "3")])
        with pytest.raises(TypesTooNarrow, match="v"):
            read(format, local(path), Want(schema=pa.schema({"v": pa.int64()})))

    @promise("types/column")
    def test_a_column_that_was_not_expected_asks_for_a_wider_schema(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(3)])
        with pytest.raises(TypesTooNarrow, match="name"):
            read(format, local(path), Want(schema=pa.schema({"id": pa.int64()})))

    @promise("types/missing")
    def test_a_file_may_lack_columns_that_were_expected(self, format: Format, path: Path) -> None:
        write(format, path, [texts("a", "b")])
        wanted = pa.schema({"v": pa.string(), "more": pa.int64()})
        got = read(format, local(path), Want(schema=wanted))
        assert got.column("v").to_pylist() == ["a", "b"]
        assert got.schema.names == ["v"] or got.column("more").null_count == 2

    @promise("inspect/whole")
    def test_types_from_a_whole_scan_hold_every_value(self, format: Format, path: Path) -> None:
        late = [texts(*["1"] * 1000), texts("x", None)]
        write(format, path, late)
        found = format.inspect(local(path), Want(), whole=True)
        types = {name: evidence.type() for name, evidence in found.columns.items()}
        got = read(format, local(path), Want(schema=pa.schema(types)))
        assert got.column("v").to_pylist() == ["1"] * 1000 + ["x", None]
        assert found.rows in (None, 1002)

    @promise("inspect/settled")
    def test_settled_types_are_the_types_that_reading_gives(self, format: Format, path: Path) -> None:
        write(format, path, [numbered(100)])
        found = format.inspect(local(path), Want(), whole=False)
        assert list(found.columns) == ["id", "name"]
        if found.settled:
            types = {name: evidence.type() for name, evidence in found.columns.items()}
            assert read(format, local(path)).schema.equals(pa.schema(types))

    @promise("inspect/merge")
    def test_the_type_of_two_files_does_not_depend_on_their_order(self, format: Format, path: Path) -> None:
        other = path.with_name("other.file")
        write(format, path, [texts("1", "2")])
        write(format, other, [texts("x", None)])
        one, two = (format.inspect(local(file), Want(), whole=True).columns["v"] for file in (path, other))
        assert one.merge(two).type() == two.merge(one).type()
        assert one.merge(one).type() == one.type()
        assert one.merge(two).type() == pa.string()


class Kept:
    """Bad rows kept in a list."""

    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def write(format: Format, path: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """One file of some batches of one schema."""
    batches = list(batches)
    with path.open("wb") as sink:
        writer = format.writer(sink, batches[0].schema)
        for rows in batches:
            writer.write(rows)
        writer.close()


def read(format: Format, file: InputFile, want: Want | None = None) -> pa.Table:
    """The rows of a file; `given` must be their number."""
    with format.read(file, want or Want()) as reading:
        found = table(reading.schema, [batch.rows for batch in reading])
    assert reading.given == found.num_rows
    return found


def local(path: Path) -> InputFile:
    return InputFile(path.name, lambda: path.open("rb"), path, path.stat().st_size)


def stream(path: Path, opened: list[BinaryIO] | None = None) -> InputFile:
    """The file as a stream without a local path; what is opened is added to `opened`."""
    seen: list[BinaryIO] = [] if opened is None else opened
    return InputFile(path.name, _opener(path, seen), None, path.stat().st_size)


def _opener(path: Path, seen: list[BinaryIO]) -> Callable[[], BinaryIO]:
    def opener() -> BinaryIO:
        file = path.open("rb")
        seen.append(file)
        return file

    return opener


def types_of(schema: pa.Schema) -> dict[str, pa.DataType]:
    return {field.name: field.type for field in schema}


def numbered(rows: int, first: int = 0, padding: str = "") -> pa.RecordBatch:
    """Rows with an integer `id` from `first` on and a text `name` that holds it."""
    ids = range(first, first + rows)
    names = [f"row {number}{padding}" for number in ids]
    return pa.record_batch([pa.array(ids, pa.int64()), pa.array(names, pa.string())], names=["id", "name"])


def texts(*values: str | None) -> pa.RecordBatch:
    """One text column `v`."""
    return pa.record_batch([pa.array(values, pa.string())], names=["v"])
