"""The suite of the store seam: names, bytes, and when they become visible."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from towpath.conformance.dying import die_after
from towpath.conformance.suite import Suite, promise
from towpath.errors import Conflict, Refused
from towpath.seams.store import Store

NAMES = ("plain.csv", "two words.csv", "50%.csv", "a#b.csv", "äöü-日本.csv", "🚣.csv", "-dash.csv", "o'clock\".csv")


class StoreSuite(Suite):
    """Holds a store to `towpath.seams.store`."""

    seam: ClassVar[str] = "store"

    def root(self, folder: Path) -> str:
        """The path, in the store's own form, below which a test may write."""
        return str(folder)

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return self.make(tmp_path)

    @pytest.fixture
    def path(self, tmp_path: Path) -> str:
        return f"{self.root(tmp_path)}/orders.csv"

    @promise("name/any")
    @pytest.mark.parametrize("name", NAMES)
    def test_an_object_keeps_its_name_and_its_bytes(self, store: Store, tmp_path: Path, name: str) -> None:
        path = f"{self.root(tmp_path)}/{name}"
        put(store, path, b"bytes\x00\xff")
        assert get(store, path) == b"bytes\x00\xff"
        assert [(entry.path, entry.size) for entry in store.entries(path)] == [(path, 7)]

    @promise("name/deep")
    def test_an_object_may_lie_in_folders_that_are_not_there_yet(self, store: Store, tmp_path: Path) -> None:
        path = f"{self.root(tmp_path)}/a/b/orders.csv"
        put(store, path, b"1")
        assert get(store, path) == b"1"

    @promise("list/sorted")
    def test_a_glob_lists_its_objects_sorted_by_path(self, store: Store, tmp_path: Path) -> None:
        root = self.root(tmp_path)
        for name in ("b.csv", "a.csv", "c.txt", "B.csv", "a10.csv", "a2.csv"):
            put(store, f"{root}/{name}", b"1")
        found = [entry.path for entry in store.entries(f"{root}/*.csv")]
        assert found == [f"{root}/{name}" for name in ("B.csv", "a.csv", "a10.csv", "a2.csv", "b.csv")]

    @promise("list/deep")
    def test_two_stars_list_objects_of_every_depth_and_no_folders(self, store: Store, tmp_path: Path) -> None:
        root = self.root(tmp_path)
        for name in ("a.csv", "x/b.csv", "x/y/c.csv"):
            put(store, f"{root}/{name}", b"1")
        deep = [entry.path for entry in store.entries(f"{root}/**/*.csv")]
        assert deep == [f"{root}/{name}" for name in ("a.csv", "x/b.csv", "x/y/c.csv")]
        assert [entry.path for entry in store.entries(f"{root}/*")] == [f"{root}/a.csv"]

    @promise("list/signs")
    def test_a_question_mark_and_brackets_match_one_character(self, store: Store, tmp_path: Path) -> None:
        root = self.root(tmp_path)
        for name in ("a1.csv", "a2.csv", "a12.csv"):
            put(store, f"{root}/{name}", b"1")
        assert len(store.entries(f"{root}/a?.csv")) == 2
        assert [entry.path for entry in store.entries(f"{root}/a[2-9].csv")] == [f"{root}/a2.csv"]

    @promise("list/hidden")
    def test_a_wildcard_leaves_hidden_names_out_and_a_plain_path_does_not(self, store: Store, tmp_path: Path) -> None:
        root = self.root(tmp_path)
        for name in ("a.csv", ".b.csv", "_c.csv", "_d/e.csv"):
            put(store, f"{root}/{name}", b"1")
        assert [entry.path for entry in store.entries(f"{root}/**/*.csv")] == [f"{root}/a.csv"]
        assert [entry.path for entry in store.entries(f"{root}/*.csv")] == [f"{root}/a.csv"]
        assert [entry.path for entry in store.entries(f"{root}/_c.csv")] == [f"{root}/_c.csv"]
        assert [entry.path for entry in store.entries(f"{root}/_d/*.csv")] == [f"{root}/_d/e.csv"]

    @promise("list/none")
    def test_nothing_there_lists_as_nothing(self, store: Store, tmp_path: Path) -> None:
        root = self.root(tmp_path)
        assert store.entries(f"{root}/none.csv") == []
        assert store.entries(f"{root}/none/**/*.csv") == []

    @promise("list/version")
    def test_a_version_changes_with_the_bytes_and_only_then(self, store: Store, path: str) -> None:
        put(store, path, b"one")
        first = store.entries(path)[0].version
        assert store.entries(path)[0].version == first
        put(store, path, b"two")
        assert store.entries(path)[0].version != first

    @promise("read/ranges")
    def test_a_stream_reads_ranges_of_bytes(self, store: Store, path: str) -> None:
        content = bytes(range(256)) * 1000
        put(store, path, content)
        with store.open(path) as file:
            assert file.read(3) == content[:3]
            file.seek(100_000)
            assert file.read(10) == content[100_000:100_010]
            file.seek(-5, 2)
            assert file.read() == content[-5:]

    @promise("read/missing")
    def test_opening_what_is_not_there_is_refused_by_name(self, store: Store, path: str) -> None:
        with pytest.raises(Refused, match=r"orders\.csv"):
            store.open(path)

    @promise("read/old")
    def test_an_open_stream_goes_on_reading_what_it_opened(self, store: Store, path: str) -> None:
        put(store, path, b"old" * 100_000)
        with store.open(path) as file:
            head = file.read(10)
            put(store, path, b"new" * 100_000)
            assert head + file.read() == b"old" * 100_000

    @promise("read/local")
    def test_a_local_path_holds_the_same_bytes(self, store: Store, path: str) -> None:
        put(store, path, b"bytes")
        local = store.local(path)
        assert local is None or local.read_bytes() == b"bytes"

    @promise("stage/invisible")
    def test_staged_bytes_are_invisible_before_publish(self, store: Store, tmp_path: Path, path: str) -> None:
        with store.stage(path, "load1") as staged:
            staged.file.write(b"new")
            staged.file.flush()
            assert store.entries(path) == []
            staged.seal()
            assert store.entries(path) == []
            assert store.entries(f"{self.root(tmp_path)}/**/*") == []
            staged.publish(create=False)
            assert get(store, path) == b"new"
        assert get(store, path) == b"new"

    @promise("stage/old-until-published")
    def test_the_old_bytes_stay_until_publish(self, store: Store, path: str) -> None:
        put(store, path, b"old")
        with store.stage(path, "load1") as staged:
            staged.file.write(b"new")
            staged.seal()
            assert get(store, path) == b"old"
            staged.publish(create=False)
        assert get(store, path) == b"new"

    @promise("stage/sealed")
    def test_seal_closes_the_file(self, store: Store, path: str) -> None:
        with store.stage(path, "load1") as staged:
            staged.file.write(b"new")
            staged.seal()
            assert staged.file.closed

    @promise("stage/discard")
    def test_leaving_without_publish_leaves_nothing(self, store: Store, path: str) -> None:
        put(store, path, b"old")
        with store.stage(path, "load1") as staged:
            staged.file.write(b"new")
        with pytest.raises(KeyError), store.stage(path, "load2") as staged:
            staged.file.write(b"new")
            staged.seal()
            raise KeyError
        assert get(store, path) == b"old"
        assert store.sweep(path) == []

    @promise("stage/create-conflict")
    def test_create_on_a_name_that_exists_by_then_is_a_conflict(self, store: Store, path: str) -> None:
        with store.stage(path, "load1") as staged:
            staged.file.write(b"mine")
            staged.seal()
            put(store, path, b"theirs", load_id="load2", create=True)
            with pytest.raises(Conflict):
                staged.publish(create=True)
        assert get(store, path) == b"theirs"

    @promise("stage/token")
    def test_a_token_recognises_the_published_bytes(self, store: Store, path: str) -> None:
        with store.stage(path, "load1") as staged:
            staged.file.write(b"same")
            staged.seal()
            token = staged.token
            assert not store.published(path, token)
            staged.publish(create=True)
        assert store.published(path, token)
        put(store, path, b"same", load_id="load2")
        assert not store.published(path, token)

    @promise("sweep/dead")
    def test_a_sweep_removes_what_a_dead_run_left_and_names_its_load(self, store: Store, path: str) -> None:
        def write() -> object:
            staging = store.stage(path, "loadofthedead")
            staged = staging.__enter__()
            staged.file.write(b"half")
            staged.file.flush()
            return staging

        die_after(write)
        assert store.entries(path) == []
        swept = store.sweep(path)
        assert swept
        assert all("loadofthedead" in name for name in swept)
        assert store.sweep(path) == []

    @promise("sweep/living")
    def test_a_sweep_spares_what_a_living_run_writes(self, store: Store, tmp_path: Path, path: str) -> None:
        with store.stage(path, "load1") as staged:
            staged.file.write(b"new")
            assert self.make(tmp_path).sweep(path) == []
            staged.seal()
            assert self.make(tmp_path).sweep(path) == []
            staged.publish(create=True)
        assert get(store, path) == b"new"
        assert store.sweep(path) == []
        assert get(store, path) == b"new"

    @promise("remove")
    def test_removing_is_done_once_and_no_error_twice(self, store: Store, path: str) -> None:
        put(store, path, b"1")
        store.remove(path)
        assert store.entries(path) == []
        store.remove(path)

    @promise("note/swap")
    def test_a_note_is_swapped_only_from_the_expected_version(self, store: Store, path: str) -> None:
        assert store.read_note(path) is None
        first = store.swap_note(path, b"one", None)
        assert store.read_note(path) == (b"one", first)
        second = store.swap_note(path, b"two", first)
        assert second != first
        for stale in (None, first):
            with pytest.raises(Conflict):
                store.swap_note(path, b"three", stale)
        assert store.read_note(path) == (b"two", second)

    @promise("note/remove")
    def test_a_note_is_removed_only_from_the_expected_version(self, store: Store, path: str) -> None:
        first = store.swap_note(path, b"one", None)
        second = store.swap_note(path, b"two", first)
        with pytest.raises(Conflict):
            store.swap_note(path, None, first)
        assert store.swap_note(path, None, second) is None
        assert store.read_note(path) is None
        with pytest.raises(Conflict):
            store.swap_note(path, b"three", second)
        assert store.read_note(path) is None

    @promise("note/race")
    def test_of_many_swaps_from_one_version_exactly_one_wins(self, store: Store, tmp_path: Path, path: str) -> None:
        first = store.swap_note(path, b"start", None)

        def swap(number: int) -> bool:
            try:
                self.make(tmp_path).swap_note(path, f"run {number}".encode(), first)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(swap, range(16)))
        assert sum(won) == 1
        note = store.read_note(path)
        assert note is not None
        assert note[0] == f"run {won.index(True)}".encode()


def put(store: Store, path: str, content: bytes, *, load_id: str = "load0", create: bool = False) -> None:
    """Stages, seals and publishes one object."""
    with store.stage(path, load_id) as staged:
        staged.file.write(content)
        staged.seal()
        staged.publish(create=create)


def get(store: Store, path: str) -> bytes:
    with store.open(path) as file:
        return file.read()
