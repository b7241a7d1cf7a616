"""Which files of a folder rows go to, and how a load of them is published or not."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.joins.filekit import (
    APPEND,
    CREATE,
    REPLACE,
    STEP,
    converted,
    load,
    names,
    read,
    rows,
    source,
    state,
    to_folder,
)
from tests.joins.storekit import LOST, Elsewhere
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.parquet import Parquet
from towpath.adapters.store.local import Local
from towpath.disk.partitionspool import PartitionSpool
from towpath.errors import BooksDoNotBalance, Conflict, DataError, Transient
from towpath.joins import file_limits, folder_writing, manifest
from towpath.joins.folder_destination import FolderDestination
from towpath.nouns import Mode, Published
from towpath.seams.destination import Completes
from towpath.seams.format import Format
from towpath.seams.store import Staged
from towpath.stream import Batch, Counted

SHOWN = "file:///out/"
OLD = rows(id=[1, 2], k=["a", "b"])
NEW = rows(id=[3], k=["a"])


def shown(path: Path, format: Format | None = None, codec: str | None = None, **given: Any) -> FolderDestination:
    return FolderDestination(Local(), format or CSV(), f"{path}/", codec, shown=SHOWN, **given)


def write(made: FolderDestination, batches: Sequence[pa.RecordBatch], mode: Mode = CREATE) -> Published:
    """One load of several batches."""
    offer = made.offer(batches[0].schema, mode, ())
    with made.begin(offer, "load1") as writing:
        for batch in batches:
            writing.write(Batch(converted(batch, offer.schema), Counted("rows")))
        return writing.publish(None, None)


def counts(folder: Path) -> dict[str, int]:
    """How many rows each file of a folder has, by its path."""
    found = manifest.read(Local(), f"{folder}/")
    assert found is not None
    return {part.path: part.rows for part in found[0].files}


class TestFiles:
    def test_none_has_more_rows_than_it_may_and_partitions_have_their_own(self, tmp_path: Path) -> None:
        batch = rows(id=list(range(12)), k=["a", "a", "a", "b"] * 3)
        published = write(to_folder(tmp_path / "out", CSV(), partition_by=("k",), rows_per_file=4), [batch, NEW])
        assert counts(tmp_path / "out") == {
            "k=a/part-load1-00000.csv": 4,
            "k=a/part-load1-00001.csv": 4,
            "k=b/part-load1-00003.csv": 3,
            "k=a/part-load1-00002.csv": 2,
        }
        assert (published.accepted, published.inserted) == (13, 13)
        out = tmp_path / "out"
        assert published.size == sum((out / part).stat().st_size for part in counts(out))
        assert published.parts == tuple(f"{out}/{part}" for part in counts(out))
        found = manifest.read(Local(), f"{out}/")
        assert found is not None
        assert {part.path: part.size for part in found[0].files} == {
            part: (out / part).stat().st_size for part in counts(out)
        }

    def test_the_one_that_waits_longest_for_rows_makes_room(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_writing, "OPEN_FILES", 2)
        batches = [rows(id=[1], k=[key]) for key in "abaca"]
        write(to_folder(tmp_path / "out", CSV(), partition_by=("k",)), batches)
        assert sorted(counts(tmp_path / "out").values()) == [1, 1, 3]

    def test_the_one_that_holds_most_in_memory_makes_room(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_writing, "_WAITING_BYTES", 10_000)
        many = {"b": 1000}
        batches = [rows(id=[1] * many.get(key, 1), k=[key] * many.get(key, 1)) for key in "abcabcb"]
        write(to_folder(tmp_path / "out", partition_by=("k",)), batches)
        assert sorted(counts(tmp_path / "out").values()) == [2, 2, 1000, 2000]

    def test_scattered_rows_wait_on_disk_for_one_file_each_partition(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_writing, "OPEN_FILES", 3)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "waiting"))
        (tmp_path / "waiting").mkdir()
        (tmp_path / "waiting" / ".towpath-partitions.dead.partitions.tow-tmp").touch()
        keys = [f"k{number % 7}" for number in range(70)]
        batches = [rows(id=list(range(start, start + 35)), k=keys[start : start + 35]) for start in (0, 35)]
        made = to_folder(tmp_path / "out", CSV(), partition_by=("k",))
        with made.begin(made.offer(batches[0].schema, Mode.CREATE, ()), "load1") as load:
            for batch in batches:
                load.write(Batch(batch, Counted("rows")))
            (waiting,) = names(tmp_path / "waiting")
            assert re.fullmatch(r"\.towpath-partitions\.load1-[0-9a-f]{8}\.partitions\.tow-tmp", waiting)
            assert not list(tmp_path.glob("out/k=*"))
            assert isinstance(load, Completes)
            load.complete()
            assert list((tmp_path / "waiting").iterdir()) == []
            assert load.publish(None, None).accepted == 70
        assert list(counts(tmp_path / "out").values()) == [10] * 7
        first = next(tmp_path.glob("out/k=k0/*"))
        assert first.read_text().split() == ["id", *map(str, range(0, 70, 7))]

    def test_as_many_partitions_as_files_may_be_open_need_no_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_writing, "OPEN_FILES", 3)
        monkeypatch.setattr(folder_writing.temporary, "folder", lambda: pytest.fail("rows waited on disk"))
        batches = [rows(id=[1, 2, 3], k=["a", "b", "c"])] * 2
        write(to_folder(tmp_path / "out", CSV(), partition_by=("k",)), batches)
        assert list(counts(tmp_path / "out").values()) == [2, 2, 2]

    def test_rows_that_wait_are_gone_with_their_load(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folder_writing, "OPEN_FILES", 1)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "waiting"))
        (tmp_path / "waiting").mkdir()
        made = to_folder(tmp_path / "out", CSV(), partition_by=("k",))
        with pytest.raises(KeyError), made.begin(made.offer(OLD.schema, Mode.CREATE, ()), "load1") as load:
            load.write(Batch(rows(id=[1, 2], k=["a", "b"]), Counted("rows")))
            raise KeyError
        assert list((tmp_path / "waiting").iterdir()) == []
        assert not list(tmp_path.glob("out/k=*/*"))

    def test_rows_that_waited_are_counted_before_they_are_published(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_writing, "OPEN_FILES", 1)
        whole = PartitionSpool.partitions
        monkeypatch.setattr(PartitionSpool, "partitions", lambda spool: islice(whole(spool), 1))
        made = to_folder(tmp_path / "out", CSV(), partition_by=("k",))
        with pytest.raises(BooksDoNotBalance, match="of 3 rows that waited on disk 2 came back"):
            write(made, [rows(id=[1, 2, 3], k=["a", "b", "a"])])
        assert not (tmp_path / "out" / manifest.NAME).exists()

    def test_a_partition_that_made_room_and_comes_again_waits_on_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_writing, "OPEN_FILES", 2)
        batches = [rows(id=[1], k=[key]) for key in "aabbccbbaabcabcabc"]
        write(to_folder(tmp_path / "out", CSV(), partition_by=("k",)), batches)
        # Up to c their order needs no disk; a, which made room for c, comes again.
        assert sorted(counts(tmp_path / "out").values()) == [2, 2, 3, 3, 4, 4]

    def test_rows_that_are_on_disk_wait_no_longer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folder_writing, "_WAITING_BYTES", 0)
        write(to_folder(tmp_path / "out", CSV(), partition_by=("k",)), [OLD, NEW, OLD])
        assert sorted(counts(tmp_path / "out").values()) == [2, 3]

    def test_a_file_without_a_limit_ends_when_its_rows_took_enough_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_limits, "_MEMORY_BYTES", 24)
        write(to_folder(tmp_path / "out", CSV()), [rows(id=[number]) for number in range(5)])
        assert list(counts(tmp_path / "out").values()) == [3, 2]

    def test_what_a_store_has_not_sent_yet_is_in_memory_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Sending(Local):
            @contextmanager
            def stage(self, path: str, load_id: str) -> Iterator[Staged]:
                with super().stage(path, load_id) as staged:
                    staged.waiting = 100 if "k=a" in path else 0  # type: ignore[attr-defined]
                    yield staged

        monkeypatch.setattr(folder_writing, "_WAITING_BYTES", 99)
        batches = [rows(id=[1], k=[key]) for key in "baba"]
        write(to_folder(tmp_path / "out", CSV(), Sending(), partition_by=("k",)), batches)
        assert sorted(counts(tmp_path / "out").values()) == [1, 1, 2]

    def test_a_size_is_met_by_what_the_files_before_took(self, tmp_path: Path) -> None:
        batches = [
            rows(v=[f"{number * 7919 % 10007}" * 4 for number in range(at, at + 50)]) for at in range(0, 9000, 50)
        ]
        write(to_folder(tmp_path / "out", CSV(), codec="gz", file_bytes=8_000), batches)
        sizes = [path.stat().st_size for path in (tmp_path / "out").glob("part-*")]
        assert len(sizes) > 3
        assert all(size < 20_000 for size in sizes)

    @pytest.mark.parametrize("codec", ["gz", "zst"])
    def test_the_level_is_used_in_every_file(self, tmp_path: Path, codec: str) -> None:
        batch = rows(v=[f"{number * 7919 % 10007} and {number}" for number in range(3000)])
        sizes = [
            load(FolderDestination(Local(), CSV(), f"{tmp_path}/{level}/", codec, level=level), batch).size or 0
            for level in (1, 9)
        ]
        assert sizes[0] > sizes[1]

    def test_a_file_carries_its_load_in_its_name_before_it_is_whole_and_within_a_zip(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        made = to_folder(out, CSV(), codec="zip")
        with made.begin(made.offer(NEW.schema, CREATE, ()), "load1") as writing:
            writing.write(Batch(NEW, Counted("rows")))
            assert ".part-load1-00000.csv.zip.load1.tow-tmp" in names(out)
            writing.publish(None, None)
        with zipfile.ZipFile(out / "part-load1-00000.csv.zip") as packed:
            assert packed.namelist() == ["part-load1-00000.csv"]

    def test_one_that_stands_there_already_is_not_written_over(self, tmp_path: Path) -> None:
        made = to_folder(tmp_path / "out", CSV())
        with (
            pytest.raises(Conflict),
            made.begin(made.offer(NEW.schema, CREATE, ()), "load1") as writing,
        ):
            (tmp_path / "out" / "part-load1-00000.csv").touch()
            writing.write(Batch(NEW, Counted("rows")))
            writing.publish(None, None)

    def test_columns_of_the_path_are_not_in_the_files(self, tmp_path: Path) -> None:
        batch = rows(id=[1, 2], k=["a", None], n=[5, 5])
        load(to_folder(tmp_path / "out", CSV(), partition_by=("n", "k")), batch)
        assert list(counts(tmp_path / "out")) == [
            "n=5/k=a/part-load1-00000.csv",
            "n=5/k=__HIVE_DEFAULT_PARTITION__/part-load1-00001.csv",
        ]
        assert (tmp_path / "out" / "n=5" / "k=a" / "part-load1-00000.csv").read_text() == "id\n1\n"
        assert read(source(f"{tmp_path}/out/")).to_pylist() == batch.to_pylist()

    def test_a_count_that_differs_names_the_file(self, tmp_path: Path) -> None:
        class Forgetful(Parquet):
            def writer(self, sink: Any, schema: pa.Schema) -> Any:
                made = super().writer(sink, schema)
                write = made.write
                made.write = lambda rows: write(rows.slice(1))  # type: ignore[method-assign]
                return made

        made = to_folder(tmp_path / "out", Forgetful(), partition_by=("k",))
        with pytest.raises(BooksDoNotBalance, match=r"out/k=a/part-load1-00000\.forgetful: .* 0 rows, but 1 were"):
            load(made, NEW)
        assert load(to_folder(tmp_path / "packed", Forgetful(), codec="gz"), NEW).accepted == 1
        assert names(tmp_path / "out") == []

    def test_a_value_that_the_manifests_type_does_not_take_is_told_by_the_folder(self, tmp_path: Path) -> None:
        made = shown(tmp_path / "out", Parquet())
        offer = made.offer(OLD.schema, CREATE, ())
        wrong = rows(id=["x"], k=["a"])
        with pytest.raises(DataError, match=SHOWN), made.begin(offer, "load1") as writing:
            writing.write(Batch(wrong, Counted("rows")))


class TestPublishing:
    def test_each_load_is_the_next_generation_and_keeps_the_states_of_others(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        for number, mode in enumerate((CREATE, APPEND, REPLACE), 1):
            load(to_folder(out, CSV()), NEW, mode, f"load{number}", f"step{number}")
            found = manifest.read(Local(), f"{out}/")
            assert found is not None
            assert found[0].generation == number
            assert list(found[0].steps) == [f"step{one}" for one in range(1, number + 1)]
            assert to_folder(out, CSV()).recover(f"step{number}") == found[0].steps[f"step{number}"]
            assert (found[0].format, found[0].schema) == ("csv", NEW.schema)

    def test_a_load_that_comes_again_writes_beside_its_own_files(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        for mode in (CREATE, APPEND, APPEND):
            load(to_folder(out, CSV()), NEW, mode, "load1")
        assert list(counts(out)) == [f"part-load1-0000{number}.csv" for number in range(3)]
        load(to_folder(out, CSV()), NEW, REPLACE, "load1")
        assert names(out) == ["_manifest.json", "part-load1-00003.csv"]

    def test_elsewhere_each_attempt_has_files_of_its_own(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        load(to_folder(out, CSV(), Elsewhere()), NEW, CREATE, "load1")
        load(to_folder(out, CSV(), Elsewhere()), NEW, APPEND, "load1")
        first, second = counts(out)
        assert first.startswith("part-load1-")
        assert first.endswith("-00000.csv")
        assert second.endswith("-00001.csv")
        assert first[:-10] != second[:-10]
        found = manifest.read(Local(), f"{out}/")
        assert found is not None
        assert {part.load_id for part in found[0].files} == {"load1"}

    def test_asked_again_it_answers_the_same_and_a_load_that_is_committed_is_left_alone(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        made = to_folder(out, CSV())
        with made.begin(made.offer(NEW.schema, CREATE, ()), "load1") as writing:
            writing.write(Batch(NEW, Counted("rows")))
            first = writing.publish(None, state("load1"))
            assert writing.publish(None, state("load1")) is first
        before = (out / "_manifest.json").read_bytes()
        with made.begin(made.offer(NEW.schema, APPEND, ()), "load1") as writing:
            writing.write(Batch(NEW, Counted("rows")))
            assert writing.publish(None, state("load1")).accepted == 1
        assert (out / "_manifest.json").read_bytes() == before

    def test_a_step_that_comes_again_moves_its_state_on(self, tmp_path: Path) -> None:
        made = to_folder(tmp_path / "out", CSV())
        for load_id in ("load1", "load2"):
            load(made, NEW, APPEND, load_id, STEP)
            assert made.state(STEP) == state(load_id)

    def test_a_step_whose_state_has_moved_on_publishes_nothing(self, tmp_path: Path) -> None:
        made = shown(tmp_path / "out")
        with made.begin(made.offer(NEW.schema, CREATE, ()), "load1") as writing:
            writing.write(Batch(NEW, Counted("rows")))
            with pytest.raises(Conflict) as found:
                writing.publish(state("other"), state("load1"))
        error = found.value
        assert (error.what, error.where, error.todo) == (
            f"it was loaded by another run of the step {STEP} meanwhile; nothing was published",
            SHOWN,
            "run again",
        )
        assert names(tmp_path) == []

    @pytest.mark.parametrize("another", [True, False])
    @pytest.mark.parametrize("step", [None, STEP])
    def test_an_answer_that_was_lost_is_found_in_the_manifest(
        self, tmp_path: Path, step: str | None, another: bool
    ) -> None:
        class Answering(Elsewhere):
            lost = 1

            def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
                version = super().swap_note(path, content, expected)
                if self.lost and path.endswith("_manifest.json"):
                    self.lost = 0
                    raise LOST
                return version

        out, new = tmp_path / "out", None if step is None else state("load1")
        made = to_folder(out, CSV(), Answering())
        with made.begin(made.offer(NEW.schema, CREATE, ()), "load1") as writing:
            writing.write(Batch(NEW, Counted("rows")))
            with pytest.raises(Transient):
                writing.publish(None, new)
            if another:
                load(to_folder(out, CSV()), OLD, APPEND, "load2")
            assert writing.publish(None, new).accepted == 1
        assert sorted(counts(out).values()) == ([1, 2] if another else [1])
        assert made.state(STEP) == new

    @pytest.mark.parametrize("batch", [NEW, NEW.slice(0, 0)])
    @pytest.mark.parametrize("gone", [True, False])
    def test_another_load_in_between_is_a_conflict(self, tmp_path: Path, batch: pa.RecordBatch, gone: bool) -> None:
        out = tmp_path / "out"
        load(to_folder(out, CSV()), OLD)
        made = to_folder(out, CSV())
        with made.begin(made.offer(NEW.schema, APPEND, ()), "load2") as writing:
            writing.write(Batch(batch, Counted("rows")))
            if gone:
                (out / "_manifest.json").unlink()
            else:
                load(to_folder(out, CSV()), NEW, APPEND, "load3")
            with pytest.raises(Conflict):
                writing.publish(None, None)
        assert not any("load2" in name for name in names(out))

    def test_a_request_without_an_answer_may_still_be_on_its_way(self, tmp_path: Path) -> None:
        class Lost(Elsewhere):
            def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
                if path.endswith("_manifest.json"):
                    raise LOST
                return super().swap_note(path, content, expected)

        for store, fenced in ((Lost(), 1), (Elsewhere(), 0)):
            made = to_folder(tmp_path / "out", CSV(), store)
            with pytest.raises(Transient), made.begin(made.offer(NEW.schema, CREATE, ()), "load1") as writing:
                writing.write(Batch(NEW, Counted("rows")))
                if fenced:
                    writing.publish(None, None)
                raise LOST
            assert len(store.fenced) == fenced
            assert names(tmp_path) == []
