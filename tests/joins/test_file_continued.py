"""What is said of a file beforehand, and new rows behind the old ones: by the old bytes, or by the old rows again."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pytest

from tests.joins.filekit import APPEND, CREATE, REPLACE, STEP, converted, load, read, rows, source, state, to_file
from towpath import codecs
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.json import JSON
from towpath.adapters.format.jsonl import JSONLines
from towpath.adapters.format.parquet import Parquet
from towpath.adapters.store.local import Local
from towpath.adapters.store.stdio import StandardStreams
from towpath.errors import BooksDoNotBalance, Conflict, Refused
from towpath.joins.file_destination import FileDestination
from towpath.joins.files import Counted as CountedBytes
from towpath.nouns import Existing, Guarantee, Mode, Published
from towpath.seams.format import Format
from towpath.seams.store import Staged
from towpath.stream import Batch, Counted

SHOWN = "file:///out"
NEW = rows(id=[7])
LONG = '{"id":1,"v":"%s"}' % ("x" * 600_000)  # longer than what is read to guess types
LAST = '{"id":0.5,"v":"y"}'
LONG_SCHEMA = pa.schema({"id": pa.int64(), "v": pa.string()})


def shown(path: Path, format: Format, codec: str | None = None, **given: Any) -> FileDestination:
    return FileDestination(Local(), format, str(path), codec, shown=SHOWN, **given)


class TestThePlan:
    def test_an_offer_tells_the_columns_and_what_the_guarantee_rests_on(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        schema = pa.schema({"id": pa.int64(), "v": pa.string()})
        offer = shown(path, CSV()).offer(schema, REPLACE, ("id",))
        assert (offer.source, offer.schema) == (schema, schema)
        assert [(plan.name, plan.to, plan.stored.type) for plan in offer.columns] == [
            ("id", "id", pa.int64()),
            ("v", "v", pa.string()),
        ]
        assert (offer.mode, offer.key, offer.guarantee) == (REPLACE, ("id",), Guarantee.RECOVERABLE)
        assert offer.why == (
            "a note beside the file names what is to be published, then it is renamed into place, "
            "then its state is kept; the next run finishes or discards what lies between"
        )
        assert offer.ddl == (f"write beside {path}, then rename",)

    def test_a_store_of_another_guarantee_says_what_that_rests_on(self) -> None:
        class Bucket(Local):
            guarantee = Guarantee.ATOMIC

        for store, why, ddl in (
            (
                Bucket(),
                "one request, made only if nobody changed the object, shows the rows, which name the state that "
                "was noted for them before",
                ("upload no/a.csv, complete it to publish",),
            ),
            (StandardStreams(), "what was written cannot be taken back, and nothing is remembered of it", ()),
        ):
            offer = FileDestination(store, CSV(), "no/a.csv").offer(NEW.schema, CREATE, ())
            assert (offer.guarantee, offer.why, offer.ddl) == (store.guarantee, why, ddl)

    @pytest.mark.parametrize(
        ("content", "mode", "effect"),
        [
            (None, CREATE, "creates {}"),
            (None, APPEND, "creates {}"),
            (None, REPLACE, "creates {}"),
            (b"id\n" + b"1\n" * 600, REPLACE, "replaces {} (1,203 bytes) whole"),
            (b"id\n" + b"1\n" * 1200, APPEND, "keeps the 1,200 rows of {}; new rows follow them"),
            (b"", APPEND, "begins {}, which is empty"),
        ],
    )
    def test_the_effect_on_what_stands_there(
        self, tmp_path: Path, content: bytes | None, mode: Mode, effect: str
    ) -> None:
        path = tmp_path / "a.csv"
        if content is not None:
            path.write_bytes(content)
        assert to_file(path).offer(NEW.schema, mode, ()).effect == effect.format(path)

    def test_rows_on_standard_output_are_written_as_they_come(self) -> None:
        made = FileDestination(StandardStreams(), CSV(), "-")
        assert made.offer(NEW.schema, CREATE, ()).effect == "rows are written as they come"
        assert made.steps() == []

    def test_what_is_refused_names_the_address_that_the_user_gave(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        load(to_file(path, Parquet()), rows(a=pa.array([1], pa.int8())))
        made = shown(path, Parquet())
        assert (made.shown, to_file(path).shown) == (SHOWN, str(path))
        with pytest.raises(Refused, match=f"{SHOWN}: column a"):
            made.offer(pa.schema({"a": pa.struct({"x": pa.int8()})}), APPEND, ())
        with pytest.raises(Refused, match=f"{SHOWN}: its columns are others"):
            made.offer(NEW.schema, APPEND, ())
        with pytest.raises(Refused, match=f"{SHOWN}: "):
            shown(tmp_path / "a.csv", CSV()).offer(pa.schema({"": pa.int8()}), CREATE, ())

    def test_only_a_beginning_is_read_of_what_is_described_or_continued(self, tmp_path: Path) -> None:
        for format, content in ((JSON(), f"[{LONG},{LONG},{LAST}]"), (JSONLines(), f"{LONG}\n{LONG}\n{LAST}\n")):
            path = tmp_path / "a.x"
            path.write_text(content)
            found = to_file(path, format).describe()
            assert found is not None
            assert (found.schema.field("id").type, found.rows) == (pa.int64(), None)
        effect = to_file(path, format).offer(LONG_SCHEMA, APPEND, ()).effect
        assert effect == f"keeps the rows of {path}; new rows follow them"

    def test_what_cannot_be_read_has_no_columns(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        path.write_bytes(b"garbage")
        assert to_file(path, Parquet()).describe() == Existing(pa.schema([]), {})
        path.write_bytes(b"")
        assert to_file(path, Parquet()).describe() == Existing(pa.schema([]), {}, 0)


class TestOldBytes:
    @pytest.mark.parametrize("codec", ["gz", "zip", "zst", "bz2", "xz"])
    def test_a_codec_that_the_name_does_not_tell_is_continued_by_its_own(self, tmp_path: Path, codec: str) -> None:
        path = tmp_path / "rows"
        for number in (1, 2):
            load(to_file(path, CSV(), codec), rows(id=[number]), APPEND)
        with codecs.reader(path.open("rb"), codec, "rows") as file:
            assert file.read() == b"id\n1\n2\n"

    @pytest.mark.parametrize("mode", [REPLACE, APPEND])
    @pytest.mark.parametrize("codec", ["gz", "zip", "zst"])
    def test_the_level_is_used_for_every_row(self, tmp_path: Path, codec: str, mode: Mode) -> None:
        batch = rows(v=[f"{number * 7919 % 10007} and {number}" for number in range(3000)])
        sizes = []
        for level in (1, 9):
            path = tmp_path / f"{level}.csv.{codec}"
            load(to_file(path, CSV(), codec), batch.slice(0, 1))
            load(FileDestination(Local(), CSV(), str(path), codec, level=level), batch, mode)
            sizes.append(path.stat().st_size)
        assert sizes[0] > sizes[1]

    def test_a_zip_is_packed_anew_with_one_file_of_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv.zip"
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("other.csv", "id\n1")
        load(to_file(path, CSV(), "zip"), NEW, APPEND)
        with zipfile.ZipFile(path) as packed:
            assert [(one.filename, packed.read(one)) for one in packed.infolist()] == [("a.csv", b"id\n1\n7\n")]
        assert b"other.csv" not in path.read_bytes()

    @pytest.mark.parametrize("codec", [None, "gz", "zip"])
    @pytest.mark.parametrize(("old", "new"), [(b"id\n1", b"id\n1\n7\n"), (b"id\n1\n", b"id\n1\n7\n")])
    def test_a_last_line_without_an_end_gets_one(
        self, tmp_path: Path, codec: str | None, old: bytes, new: bytes
    ) -> None:
        path = tmp_path / "a.csv"
        with path.open("wb") as file, codecs.writer(file, codec, "a.csv") as packed:
            packed.write(old)
        published = load(to_file(path, CSV(), codec), NEW, APPEND)
        with codecs.reader(path.open("rb"), codec, "a.csv") as unpacked:
            assert unpacked.read() == new
        assert published == Published(1, 1, size=path.stat().st_size, parts=(str(path),))

    def test_a_large_file_is_copied_whole_and_piece_by_piece(self, tmp_path: Path) -> None:
        pieces: list[int] = []

        class Told(Local):
            def open(self, path: str) -> BinaryIO:
                return cast(BinaryIO, CountedBytes(super().open(path), pieces.append))

        path = tmp_path / "a.jsonl"
        old = b'{"id":12345678}\n' * 200_000
        path.write_bytes(old)
        load(to_file(path, JSONLines(), store=Told()), NEW, APPEND)
        assert path.read_bytes() == old + b'{"id":7}\n'
        assert max(pieces) <= 1 << 20

    @pytest.mark.parametrize(("format", "old"), [(CSV(), b""), (JSONLines(), b""), (JSONLines(), b"\n")])
    @pytest.mark.parametrize("codec", ["gz", "zip"])
    def test_a_packed_file_without_a_row_or_a_column_is_begun_anew(
        self, tmp_path: Path, format: Format, old: bytes, codec: str
    ) -> None:
        path = tmp_path / "a.x"
        with path.open("wb") as file, codecs.writer(file, codec, "a.x") as packed:
            packed.write(old)
        made = to_file(path, format, codec)
        assert made.offer(NEW.schema, APPEND, ()).effect == f"begins {path}, which is empty"
        load(made, NEW, APPEND)
        assert read(source(path, format, codec=codec)).to_pylist() == [{"id": 7}]

    def test_rows_without_a_column_are_not_taken_for_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(b"{}\n")
        with pytest.raises(Refused, match="its columns are others"):
            load(to_file(path, JSONLines()), NEW, APPEND)
        assert path.read_bytes() == b"{}\n"


class TestAStoreThatCopies:
    """A store may put the old bytes before the new ones itself, where they are many enough."""

    class Copying(Local):
        least = 0

        @contextmanager
        def stage(self, path: str, load_id: str) -> Iterator[Staged]:
            with super().stage(path, load_id) as staged:

                def begin_with_old() -> int:
                    old = Path(path).read_bytes()
                    if len(old) < self.least:
                        return 0
                    staged.file.write(old)
                    self.copied = len(old)
                    return self.copied

                staged.begin_with_old = begin_with_old  # type: ignore[attr-defined]
                yield staged

        def open(self, path: str) -> Any:
            self.read = super().open(path)
            return self.read

    @pytest.mark.parametrize("least", [0, 100])
    @pytest.mark.parametrize("old", [b"id\n1", b"id\n1\n"])
    def test_its_copy_counts_and_its_last_line_gets_an_end(self, tmp_path: Path, old: bytes, least: int) -> None:
        path, store = tmp_path / "a.csv", self.Copying()
        path.write_bytes(old)
        store.least, store.copied = least, 0
        published = load(to_file(path, store=store), NEW, APPEND)
        assert path.read_bytes() == b"id\n1\n7\n"
        assert (published.size, store.copied) == (7, 0 if least else len(old))
        assert store.read.closed


class TestOldRows:
    def test_types_that_only_the_whole_file_settles_are_found_before_rows_follow(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.write_text(f"[{LONG},{LONG},{LAST}]")
        assert to_file(path, JSON()).offer(LONG_SCHEMA, APPEND, ()).schema.field("id").type == pa.float64()
        load(to_file(path, JSON()), rows(id=[7], v=["z"]), APPEND)
        assert read(source(path, JSON())).column("id").to_pylist() == [1, 1, 0.5, 7]

    def test_a_format_that_says_nothing_of_it_is_written_again(self, tmp_path: Path) -> None:
        class Plain:
            def __init__(self) -> None:
                made = JSON()
                self.inspect, self.read, self.stored, self.writer = made.inspect, made.read, made.stored, made.writer

        path = tmp_path / "a.json"
        for number in (1, 2):
            load(to_file(path, Plain()), rows(id=[number]), APPEND)
        assert json.loads(path.read_text()) == [{"id": 1}, {"id": 2}]

    def test_a_codec_that_the_name_does_not_tell_is_read_and_written_by_its_own(self, tmp_path: Path) -> None:
        path = tmp_path / "rows"
        for number in (1, 2):
            load(to_file(path, JSON(), "gz"), rows(id=[number]), APPEND)
        assert json.loads(gzip.decompress(path.read_bytes())) == [{"id": 1}, {"id": 2}]

    def test_a_packed_file_is_not_asked_for_its_own_count(self, tmp_path: Path) -> None:
        path = tmp_path / "rows"
        assert load(to_file(path, Parquet(), "gz"), NEW).accepted == 1

    def test_a_count_that_differs_names_the_file(self, tmp_path: Path) -> None:
        class Forgetful(Parquet):
            def writer(self, sink: Any, schema: pa.Schema) -> Any:
                made = super().writer(sink, schema)
                write = made.write
                made.write = lambda rows: write(rows.slice(1))  # type: ignore[method-assign]
                return made

        with pytest.raises(BooksDoNotBalance, match=r"a\.parquet: the file says that it holds 0 rows, but 1 were"):
            load(to_file(tmp_path / "a.parquet", Forgetful()), NEW)

    def test_only_new_rows_are_told_and_all_are_counted(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        load(to_file(path, Parquet()), rows(id=[1, 2]))
        published = load(to_file(path, Parquet()), NEW, APPEND)
        assert published == Published(1, 1, size=path.stat().st_size, parts=(str(path),))

    def test_old_rows_that_are_not_all_written_again_stop_the_load(self, tmp_path: Path) -> None:
        class Losing(JSON):
            @contextmanager
            def read(self, file: Any, want: Any) -> Iterator[Any]:
                with super().read(file, want) as reading:
                    reading.given = 1
                    yield reading

        path = tmp_path / "a.json"
        path.write_text('[{"id":1}]')
        with pytest.raises(BooksDoNotBalance, match="2 old rows were read, but 1 written again"):
            load(to_file(path, Losing()), NEW, APPEND)


@pytest.mark.parametrize("format", [CSV(), JSON(), Parquet()])
@pytest.mark.parametrize("now", [{"v": "a", "id": 1}, {"id": 1}, {"id": 1, "w": "a"}, {"id": "x", "v": "a"}])
def test_columns_that_somebody_changed_after_they_were_planned_are_a_conflict(
    tmp_path: Path, format: Format, now: dict[str, object]
) -> None:
    path = tmp_path / "a.x"
    batch = rows(id=[1], v=["a"])
    load(to_file(path, format), batch)
    made = to_file(path, format)
    offer = made.offer(batch.schema, APPEND, ())
    load(to_file(path, format), rows(**{name: [value] for name, value in now.items()}), REPLACE)
    before = path.read_bytes()
    if isinstance(format, CSV) and now["id"] == "x":
        return  # numbers may follow text there
    with (
        pytest.raises(Conflict, match="its columns were changed meanwhile") as found,
        made.begin(offer, "load1"),
    ):
        pass
    assert found.value.todo == "run again"
    assert path.read_bytes() == before


def test_a_name_that_is_also_a_glob_is_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_text("id\n1\n")
    made = to_file(tmp_path / "a[0-9].csv")
    assert made.describe() is None
    load(made, NEW)
    assert (tmp_path / "a[0-9].csv").read_text() == "id\n7\n"


def test_a_publication_that_failed_is_asked_for_again_with_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    made = to_file(path, JSON())
    with made.begin(made.offer(NEW.schema, CREATE, ()), "load1") as writing:
        writing.write(Batch(converted(NEW, NEW.schema), Counted("rows")))
        with pytest.raises(Conflict):
            writing.publish(state("other"), state("load1"))
        first = writing.publish(None, state("load1"))
        assert writing.publish(None, state("load1")) is first
    assert (first.accepted, made.steps(), json.loads(path.read_text())) == (1, [STEP], [{"id": 7}])


def test_standard_output_takes_a_load_without_a_step(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    made = FileDestination(StandardStreams(), CSV(), "-", "gz", level=9)
    published = load(made, NEW)
    out = capfdbinary.readouterr().out
    assert gzip.decompress(out) == b"id\n7\n"
    assert (published.accepted, published.size) == (1, len(out))
    assert io.BytesIO(out).read(9)[8] == 2  # gzip's mark of the best level


@pytest.mark.parametrize("values", ['1},{"v":"x"', '[1]},{"v":["x"]', '{"a":1}},{"v":{"a":null}},{"v":{"a":"x"}'])
def test_old_values_of_several_kinds_are_not_written_again_as_text(tmp_path: Path, values: str) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"v":' + values + "}]")
    with pytest.raises(Refused, match="column v are of several kinds") as refused:
        shown(path, JSON()).offer(pa.schema({"v": pa.string()}), APPEND, ())
    assert (refused.value.where, refused.value.code) == (SHOWN, "type-impossible")
    assert shown(path, JSON()).offer(pa.schema({"v": pa.string()}), REPLACE, ()).mode is REPLACE
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"v":1}\n{"v":"x"}\n')
    load(to_file(lines, JSONLines()), rows(v=["y"]), APPEND)
    assert lines.read_text() == '{"v":1}\n{"v":"x"}\n{"v":"y"}\n'
