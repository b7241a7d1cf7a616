"""Loads under way in a folder: what is noted of them, and what becomes of their files when they are over."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from tests.joins.filekit import APPEND, CREATE, REPLACE, converted, load, names, rows, to_folder
from tests.joins.storekit import LOST, Elsewhere
from towpath.adapters.store.local import Local
from towpath.disk import leftovers
from towpath.errors import Conflict, DataError, Refused, Transient
from towpath.joins import folder_loads
from towpath.joins.manifest import Manifest, Part
from towpath.seams.store import Staged
from towpath.stream import Batch, Counted

NOTE = ".tow-loads"
OWN, OLD = "part-load1-00000.csv", "part-load0-00000.csv"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A folder whose name could be read as a glob."""
    (tmp_path / "out[1]").mkdir()
    return f"{tmp_path}/out[1]/"


def files(folder: str, *made: str) -> list[str]:
    """All that lies in the folder, after these files were put there."""
    for name in made:
        Path(folder, name).parent.mkdir(exist_ok=True)
        Path(folder, name).write_text("1\n")
    return names(Path(folder))


def publish(folder: str, *parts: str) -> None:
    listed = tuple(Part(part, 1, 2, "some") for part in parts)
    Path(folder, "_manifest.json").write_bytes(Manifest("csv", pa.schema({"id": pa.int64()}), files=listed).dumps())


def noted(folder: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path(folder, NOTE).read_bytes())
    return found


def died(folder: str, load_id: str = "load1", *replaced: str, since: float = 7.5) -> None:
    """A load that was under way when its process ended."""
    loads = noted(folder) if Path(folder, NOTE).exists() else {}
    Path(folder, NOTE).write_text(json.dumps({**loads, load_id: {"replaced": replaced, "since": since}}))


class TestNames:
    def test_a_file_is_a_loads_by_the_whole_load_id(self) -> None:
        name = folder_loads.part_name("load1", 7, ".csv.gz")
        assert name == "part-load1-00007.csv.gz"
        assert folder_loads.is_part(f"out/k=a/{name}", ["load0", "load1"])
        assert folder_loads.is_part(name, ["load1"])
        for other in (["load"], ["oad1"], ["load1-0"], []):
            assert not folder_loads.is_part(name, other)
        assert not folder_loads.is_part("part-load1-/a.csv", ["load1"])

    def test_an_attempt_is_its_load_where_all_runs_are_of_this_machine_and_its_own_elsewhere(self) -> None:
        assert folder_loads.attempt(Local(), "load1") == "load1"
        first, second = (folder_loads.attempt(Elsewhere(), "load1") for _ in range(2))
        assert first != second
        assert first.startswith("load1-")
        assert len(first) == len("load1-01234567")


class TestUnderWay:
    def test_it_is_noted_with_the_files_that_go_with_it_until_it_is_over(self, folder: str) -> None:
        before = time.time()
        with folder_loads.under_way(Local(), folder, "load1", [OLD]) as fate:
            assert fate.sure
            with folder_loads.under_way(Local(), folder, "load2", []):
                assert folder_loads.unfinished(Local(), folder) == ["load1", "load2"]
            (known,) = noted(folder).values()
            assert known["replaced"] == [OLD]  # type: ignore[index]
            assert before <= known["since"] <= time.time()  # type: ignore[index]
        assert files(folder) == []

    def test_one_that_was_not_published_takes_its_own_files_along(self, folder: str) -> None:
        publish(folder, OLD)
        with folder_loads.under_way(Local(), folder, "load1", [OLD]):
            files(folder, OLD, OWN, f"k=a/{OWN}", "part-load11-00000.csv", "mine.csv")
        assert files(folder) == ["_manifest.json", "mine.csv", OLD, "part-load11-00000.csv"]

    def test_one_that_was_published_takes_the_files_along_that_it_replaced(self, folder: str) -> None:
        with folder_loads.under_way(Local(), folder, "load1", [OLD, f"k=a/{OLD}"]):
            files(folder, OLD, f"k=a/{OLD}", OWN)
            publish(folder, OWN)
        assert files(folder) == ["_manifest.json", OWN]

    def test_no_two_of_one_id_live_at_once(self, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(leftovers, "_PATIENCE", 0.02)
        with (
            folder_loads.under_way(Local(), folder, "load1", []),
            pytest.raises(Conflict),
            folder_loads.under_way(Local(), folder, "load1", []),
        ):
            pass
        assert files(folder) == []

    def test_what_a_dead_run_of_the_same_load_left_is_gone_before_it_begins(self, folder: str) -> None:
        for store in (Local(), Elsewhere()):
            died(folder, "load1", OLD)
            files(folder, OWN, OLD)
            with folder_loads.under_way(store, folder, "load1", []):
                assert files(folder) == [f"._manifest.json.load1{leftovers.SUFFIX}", NOTE]
                assert noted(folder)["load1"]["replaced"] == []  # type: ignore[index]
        assert store.fenced == [f"{folder}_manifest.json"]

    def test_what_cannot_be_removed_stays_noted_and_does_not_undo_the_load(self, folder: str) -> None:
        remembered: list[str] = []

        class Keeping(Local):
            remembers = False

            def remove(self, path: str) -> None:
                raise Refused("no", where=path)

            @contextmanager
            def stage(self, path: str, load_id: str) -> Iterator[Staged]:
                with super().stage(path, load_id) as staged:
                    if self.remembers:
                        staged.remember = lambda: remembered.append(load_id)  # type: ignore[attr-defined]
                    yield staged

        for remembers in (False, True):
            store = Keeping()
            store.remembers = remembers
            with folder_loads.under_way(store, folder, "load1", [OLD]):
                files(folder, OLD)
            assert list(noted(folder)) == ["load1"]
            assert remembered == (["load1"] if remembers else [])
            folder_loads.clear(Local(), folder)
            assert files(folder) == []

    @pytest.mark.parametrize(
        ("error", "asked", "sure"),
        [
            (None, True, True),
            (LOST, False, True),
            (LOST, True, False),
            (KeyboardInterrupt(), True, False),
            (KeyboardInterrupt(), False, True),
            (Refused("no"), True, True),
        ],
    )
    def test_a_request_that_may_still_arrive_is_kept_from_naming_files_that_are_gone(
        self, folder: str, error: BaseException | None, asked: bool, sure: bool
    ) -> None:
        store, ended = Elsewhere(), None
        try:
            with folder_loads.under_way(store, folder, "load1", []) as fate:
                fate.sure = not asked
                if error is not None:
                    raise error
        except BaseException as raised:
            ended = raised
        assert ended is error
        assert store.fenced == ([] if sure else [f"{folder}_manifest.json"])
        assert files(folder) == []


class TestClearing:
    def test_a_dead_load_takes_its_files_along_and_a_living_one_stays(self, folder: str) -> None:
        died(folder, "load1", OLD)
        died(folder, "load0")
        with folder_loads.under_way(Local(), folder, "load2", []):
            files(folder, OWN, OLD, "part-load2-00000.csv")
            folder_loads.clear(Local(), folder)
            assert list(noted(folder)) == ["load2"]
            assert "part-load2-00000.csv" in files(folder)
            assert not {OWN, OLD} & set(files(folder))
        assert files(folder) == []

    def test_files_that_the_manifest_names_stay(self, folder: str) -> None:
        died(folder, "load1", OLD)
        files(folder, OWN, OLD)
        publish(folder, OWN)
        folder_loads.clear(Local(), folder)
        assert files(folder) == ["_manifest.json", OWN]

    def test_half_written_files_are_swept_with_and_without_a_note(self, folder: str) -> None:
        for _ in range(2):
            files(folder, f".{OWN}.load1{leftovers.SUFFIX}", f"k=a/.{OWN}.load1{leftovers.SUFFIX}")
            folder_loads.clear(Local(), folder)
            assert files(folder) == []
            died(folder)

    def test_elsewhere_a_load_is_over_when_its_run_is_known_to_be_or_it_is_published(self, folder: str) -> None:
        store = Elsewhere()
        for load_id in ("load1", "load2", "load3"):
            died(folder, load_id)
            files(folder, f"part-{load_id}-00000.csv")
        folder_loads.clear(store, folder)
        assert list(noted(folder)) == ["load1", "load2", "load3"]
        assert store.asked == [(f"{folder}_manifest.json", load_id, 7.5) for load_id in noted(folder)]
        assert store.fenced == []
        publish(folder, "part-load3-00000.csv")
        store.over = {"load1"}
        folder_loads.clear(store, folder)
        assert list(noted(folder)) == ["load2"]
        assert files(folder) == [NOTE, "_manifest.json", "part-load2-00000.csv", "part-load3-00000.csv"]
        assert store.fenced == [f"{folder}_manifest.json"] * 2

    def test_one_that_cannot_be_taken_over_leaves_the_others_to_be_cleared(
        self, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leftovers, "_PATIENCE", 0.02)
        died(folder, "load1")
        died(folder, "load2")
        with Local().stage(f"{folder}_manifest.json", "load1"):
            folder_loads.clear(Local(), folder)
            assert list(noted(folder)) == ["load1"]


class TestTheNote:
    @pytest.mark.parametrize(
        "content", [b"", b"[1]", b'{"a": 1}', b'{"a": {}}', b'{"a": {"replaced": [], "since": "then"}}']
    )
    def test_one_that_is_damaged_is_told_by_its_name(self, folder: str, content: bytes) -> None:
        Path(folder, NOTE).write_bytes(content)
        with pytest.raises(DataError) as found:
            folder_loads.unfinished(Local(), folder)
        error = found.value
        assert (error.what, error.where, error.todo, error.code) == (
            "this is no note of tow's",
            f"{folder}{NOTE}",
            "remove it",
            "state-damaged",
        )

    def test_one_of_an_earlier_version_names_the_files_alone(self, folder: str) -> None:
        Path(folder, NOTE).write_text(json.dumps({"load1": [OLD]}))
        store = Elsewhere()
        folder_loads.clear(store, folder)
        assert store.asked == [(f"{folder}_manifest.json", "load1", 0.0)]
        files(folder, OLD)
        folder_loads.clear(Local(), folder)
        assert files(folder) == []

    def test_loads_that_are_noted_at_the_same_time_are_all_noted(self, folder: str) -> None:
        class Raced(Local):
            races = 2

            def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
                if self.races:
                    self.races -= 1
                    died(folder, f"other{self.races}")
                return super().swap_note(path, content, expected)

        with folder_loads.under_way(Raced(), folder, "load1", []):
            assert sorted(noted(folder)) == ["load1", "other0", "other1"]
        assert sorted(noted(folder)) == ["other0", "other1"]

    def test_a_load_that_ends_twice_changes_nothing(self, folder: str) -> None:
        with folder_loads.under_way(Local(), folder, "load1", []):
            Path(folder, NOTE).unlink()
        assert files(folder) == []


def test_an_error_without_an_answer_is_passed_on(folder: str) -> None:
    with pytest.raises(Transient), folder_loads.under_way(Local(), folder, "load1", []):
        raise LOST


def _folders(place: Path) -> list[str]:
    return sorted(path.name for path in place.rglob("*") if path.is_dir())


def test_folders_of_partitions_go_with_the_files_that_were_their_last(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load(to_folder(out, partition_by=("k",)), rows(id=[1, 2], k=["a", "b"]), CREATE)
    assert _folders(out) == ["k=a", "k=b"]
    load(to_folder(out, partition_by=("k",)), rows(id=[3], k=["b"]), REPLACE)
    assert _folders(out) == ["k=b"]


def test_a_load_that_is_given_up_leaves_no_folder_of_its_partitions(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load(to_folder(out, partition_by=("k",)), rows(id=[1], k=["a"]), CREATE)
    (out / "k=mine").mkdir()
    made = to_folder(out, partition_by=("k",), rows_per_file=1)
    batch = rows(id=[2, 3], k=["c", "c"])  # the first file is complete when the second begins
    offer = made.offer(batch.schema, APPEND, ())
    with pytest.raises(KeyboardInterrupt), made.begin(offer, "load2") as writing:
        writing.write(Batch(converted(batch, offer.schema), Counted("rows")))
        assert _folders(out) == ["k=a", "k=c", "k=mine"]
        raise KeyboardInterrupt
    assert _folders(out) == ["k=a", "k=mine"]
