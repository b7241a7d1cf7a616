"""The suite of the publish protocol, which every destination keeps: invisible until published, all or nothing, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from towpath import assemble
from towpath.conformance.dying import count_lines, die_after, die_at_line
from towpath.conformance.loads import NEW, OLD, SCHEMA, STEP, Rows, fill, opened, state
from towpath.conformance.suite import Suite, promise
from towpath.errors import Conflict, Refused, UserError
from towpath.job import InputSpec, OutputSpec
from towpath.nouns import Guarantee, Mode, Published, Want
from towpath.seams.destination import Destination
from towpath.seams.source import Source


class DestinationSuite(Suite):
    """Holds a destination to `towpath.seams.destination`. A subclass gives an `address` with `{folder}` in it, or
    overrides `make` and `source`, which must reach the same place for the same folder. Where that is not on a local
    disk it overrides `place` and `tree` too. GAPS stand in the subclass."""

    seam: ClassVar[str] = "destination"
    address: ClassVar[str]
    format: ClassVar[str | None] = None
    GAPS: ClassVar[Mapping[str, str]] = {}
    deaths: ClassVar[int] = 12
    """At how many lines of the code that `publish` runs the process is killed."""
    mode: ClassVar[Mode] = Mode.REPLACE
    """How a second load comes: by APPEND where nothing can be replaced."""

    def place(self, folder: Path) -> str:
        """What stands for a test's folder in the address."""
        return str(folder)

    def at(self, folder: Path) -> str:
        """The address of the destination that belongs to a test's folder."""
        return self.address.replace("{folder}", self.place(folder))

    def make(self, folder: Path) -> Destination:
        return assemble.destination(OutputSpec(self.at(folder), self.format))

    def source(self, folder: Path) -> Source:
        """Reads what the destination's readers see."""
        return assemble.source(InputSpec(self.at(folder), self.format))

    def tree(self, folder: Path) -> dict[str, bytes]:
        """Everything at the place by name, with its bytes where it has some: staged and hidden things too."""
        found = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
        return {name: path.read_bytes() if path.is_file() else b"" for name, path in found.items()}

    def lasting(self, tree: dict[str, bytes]) -> dict[str, bytes]:
        """What of a tree is the same again when a dead run was cleared from it."""
        return tree

    def leftovers(self, folder: Path, load_id: str) -> list[str]:
        return [name for name in self.tree(folder) if load_id in name]

    def gaps(self) -> Mapping[str, str]:
        return self.GAPS

    @pytest.fixture
    def destination(self, tmp_path: Path) -> Destination:
        return self.make(tmp_path)

    def seen(self, folder: Path) -> Rows | None:
        """The rows that a reader sees now, sorted; None when there is nothing to read or it is cleanly locked."""
        source = self.source(folder)
        try:
            with source.open(None, Want(types={field.name: field.type for field in SCHEMA})) as reading:
                rows = [row for batch in reading for row in batch.rows.select(SCHEMA.names).to_pylist()]
        except Refused:
            return None
        return sorted((row["id"], row["name"]) for row in rows)

    def after(self, *loads: Rows) -> Rows:
        """The rows that readers see after these loads."""
        return sorted(row for rows in (loads if self.mode is Mode.APPEND else loads[-1:]) for row in rows)

    def load(self, folder: Path, rows: Rows, mode: Mode = Mode.CREATE, **given: Any) -> Published:
        """One whole load as the mover does it, in an object of its own."""
        destination = self.make(folder)
        step = given.pop("step", STEP)
        before = destination.recover(step)
        with opened(destination, mode, **given) as load:
            fill(load, rows)
            return load.publish(before, None if step is None else state(given.get("load_id", "load1"), len(rows)))

    @promise("offer/quiet")
    def test_looking_at_a_destination_changes_nothing(self, destination: Destination, tmp_path: Path) -> None:
        assert destination.describe() is None
        assert destination.state(STEP) is None
        offer = destination.offer(SCHEMA, Mode.CREATE, ())
        assert offer.schema.names == SCHEMA.names
        assert offer.mode is Mode.CREATE
        assert offer.guarantee in Guarantee
        assert offer.why
        assert offer.effect
        assert self.tree(tmp_path) == {}
        self.load(tmp_path, OLD)
        before = self.tree(tmp_path)
        destination = self.make(tmp_path)
        destination.describe()
        destination.state(STEP)
        destination.offer(SCHEMA, self.mode, ())
        assert self.tree(tmp_path) == before

    @promise("mode/create")
    def test_a_created_destination_holds_the_rows_and_the_state(self, tmp_path: Path) -> None:
        published = self.load(tmp_path, OLD)
        assert (published.accepted, published.inserted, published.updated, published.unchanged) == (2, 2, 0, 0)
        assert self.seen(tmp_path) == OLD
        found = self.make(tmp_path)
        assert found.state(STEP) == state("load1", 2)
        existing = found.describe()
        assert existing is not None
        assert existing.schema.names == SCHEMA.names
        assert existing.rows in (None, 2)

    @promise("mode/create-exists")
    def test_create_on_what_exists_is_refused_and_names_the_choices(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        with pytest.raises(UserError) as refused:
            self.make(tmp_path).offer(SCHEMA, Mode.CREATE, ())
        for choice in ("append", "replace", "merge"):
            assert choice in str(refused.value) or f"mode/{choice}" in self.gaps()
        assert self.seen(tmp_path) == OLD

    @promise("mode/empty")
    def test_a_load_of_no_rows_makes_an_empty_destination(self, tmp_path: Path) -> None:
        assert self.load(tmp_path, []).accepted == 0
        assert self.seen(tmp_path) == []
        assert self.make(tmp_path).state(STEP) == state("load1", 0)

    @promise("mode/replace")
    def test_replace_leaves_the_new_rows_alone(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        published = self.load(tmp_path, NEW, Mode.REPLACE, load_id="load2")
        assert (published.accepted, published.inserted) == (3, 3)
        assert self.seen(tmp_path) == NEW
        assert self.make(tmp_path).state(STEP) == state("load2", 3)

    @promise("mode/append")
    def test_append_keeps_the_old_rows(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        published = self.load(tmp_path, NEW, Mode.APPEND, load_id="load2")
        assert (published.accepted, published.inserted) == (3, 3)
        assert self.seen(tmp_path) == sorted(OLD + NEW)

    @promise("mode/merge")
    def test_merge_counts_inserted_updated_and_unchanged_rows(self, tmp_path: Path) -> None:
        self.load(tmp_path, [*OLD, (9, "nine")], key=("id",))
        rows = [*NEW, (1, "one")]
        published = self.load(tmp_path, rows, Mode.MERGE, load_id="load2", key=("id",))
        assert published.accepted == 4
        assert (published.inserted, published.updated, published.unchanged) == (2, 1, 1)
        assert self.seen(tmp_path) == sorted([*NEW, (1, "one"), (9, "nine")])

    @promise("mode/merge")
    def test_merge_without_a_key_is_the_users_error(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        if "mode/merge" in self.gaps():
            self.make(tmp_path).offer(SCHEMA, Mode.MERGE, ("id",))
        with pytest.raises(UserError, match="key"):
            self.make(tmp_path).offer(SCHEMA, Mode.MERGE, ())

    @promise("load/invisible")
    def test_written_rows_are_invisible_until_published(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        destination = self.make(tmp_path)
        before = destination.recover(STEP)
        with opened(destination, self.mode, load_id="load2") as load:
            for part in (NEW[:1], NEW[1:]):
                fill(load, part)
                assert self.seen(tmp_path) == OLD
            load.publish(before, state("load2", 3))
        assert self.seen(tmp_path) == self.after(OLD, NEW)

    @promise("load/invisible-new")
    def test_a_new_destination_is_not_there_until_published(self, tmp_path: Path) -> None:
        destination = self.make(tmp_path)
        destination.recover(STEP)
        with opened(destination, Mode.CREATE) as load:
            fill(load, OLD)
            assert not self.seen(tmp_path)
            assert self.make(tmp_path).describe() is None
            load.publish(None, state("load1", 2))
        assert self.seen(tmp_path) == OLD

    @promise("load/discard")
    @pytest.mark.parametrize("mode", [Mode.REPLACE, Mode.APPEND])
    def test_a_stream_that_fails_half_way_leaves_the_old_rows(self, tmp_path: Path, mode: Mode) -> None:
        self.load(tmp_path, OLD)
        if f"mode/{mode}" in self.gaps():
            return
        files = self.tree(tmp_path)
        destination = self.make(tmp_path)
        destination.recover(STEP)
        with pytest.raises(KeyError), opened(destination, mode, load_id="load2") as load:
            fill(load, NEW)
            raise KeyError
        assert self.seen(tmp_path) == OLD
        assert self.make(tmp_path).state(STEP) == state("load1", 2)
        assert self.tree(tmp_path) == files

    @promise("load/discard-new")
    def test_a_discarded_first_load_leaves_nothing(self, tmp_path: Path) -> None:
        destination = self.make(tmp_path)
        destination.recover(STEP)
        with opened(destination, Mode.CREATE) as load:
            fill(load, OLD)
        assert not self.seen(tmp_path)
        assert self.make(tmp_path).describe() is None
        assert self.leftovers(tmp_path, "load1") == []

    @promise("publish/conflict")
    def test_of_two_loads_from_one_state_the_second_is_a_conflict(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        mine = self.make(tmp_path)
        before = mine.recover(STEP)
        with opened(mine, self.mode, load_id="load3") as load:
            fill(load, [(7, "mine")])
            self.load(tmp_path, NEW, self.mode, load_id="load2")
            with pytest.raises(Conflict):
                load.publish(before, state("load3", 1))
        assert self.seen(tmp_path) == self.after(OLD, NEW)
        assert self.make(tmp_path).state(STEP) == state("load2", 3)

    @promise("publish/conflict-new")
    def test_of_two_loads_that_create_the_second_is_a_conflict(self, tmp_path: Path) -> None:
        for step in (None, STEP):
            folder = tmp_path / str(step is None)
            folder.mkdir()
            mine = self.make(folder)
            mine.recover(step)
            with opened(mine, Mode.CREATE, load_id="load3") as load:
                fill(load, [(7, "mine")])
                self.load(folder, OLD, step=step)
                with pytest.raises(Conflict):
                    load.publish(None, None if step is None else state("load3", 1))
            assert self.seen(folder) == OLD

    @promise("publish/changed")
    def test_a_copy_into_what_changed_since_its_offer_is_a_conflict(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD, step=None)
        mine = self.make(tmp_path)
        mine.recover(None)
        with opened(mine, Mode.REPLACE, load_id="load3") as load:
            fill(load, [(7, "mine")])
            self.load(tmp_path, NEW, Mode.REPLACE, load_id="load2", step=None)
            with pytest.raises(Conflict):
                load.publish(None, None)
        assert self.seen(tmp_path) == NEW

    @promise("publish/once")
    @pytest.mark.parametrize("mode", [Mode.REPLACE, Mode.APPEND])
    def test_publishing_a_load_again_adds_nothing(self, tmp_path: Path, mode: Mode) -> None:
        self.load(tmp_path, OLD)
        if f"mode/{mode}" in self.gaps():
            return
        before = self.make(tmp_path).state(STEP)
        for _ in range(2):
            destination = self.make(tmp_path)
            with opened(destination, mode, load_id="load2") as load:
                fill(load, NEW)
                assert load.publish(before, state("load2", 3)).accepted == 3
            assert self.seen(tmp_path) == (NEW if mode is Mode.REPLACE else sorted(OLD + NEW))
            assert self.make(tmp_path).state(STEP) == state("load2", 3)

    @promise("publish/same-object")
    def test_publishing_twice_gives_the_same_answer(self, tmp_path: Path) -> None:
        destination = self.make(tmp_path)
        destination.recover(STEP)
        with opened(destination, Mode.CREATE) as load:
            fill(load, OLD)
            first = load.publish(None, state("load1", 2))
            assert load.publish(None, state("load1", 2)) == first
        assert self.seen(tmp_path) == OLD

    @promise("state/steps")
    def test_states_of_several_steps_stand_side_by_side(self, tmp_path: Path) -> None:
        if "mode/append" in self.gaps():
            return
        self.load(tmp_path, OLD)
        destination = self.make(tmp_path)
        other = state("load2", 3, step="shop/other")
        assert destination.recover("shop/other") is None
        with opened(destination, Mode.APPEND, load_id="load2") as load:
            fill(load, NEW)
            load.publish(None, other)
        destination = self.make(tmp_path)
        assert destination.state("shop/other") == other
        assert destination.state(STEP) == state("load1", 2)

    @promise("state/put")
    def test_a_state_set_by_hand_takes_the_place_of_the_expected_one_only(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        before, moved = self.make(tmp_path).state(STEP), state("by-hand", 2)
        destination = self.make(tmp_path)
        with opened(destination, self.mode, load_id="load2") as load:
            fill(load, NEW)
            self.make(tmp_path).put_state(STEP, before, moved)
            with pytest.raises(Conflict):
                load.publish(before, state("load2", 3))
        for stale in (before, None):
            with pytest.raises(Conflict):
                self.make(tmp_path).put_state(STEP, stale, state("other", 2))
        assert self.make(tmp_path).state(STEP) == moved
        self.make(tmp_path).put_state(STEP, moved, None)
        assert self.make(tmp_path).state(STEP) is None
        assert self.seen(tmp_path) == OLD

    @promise("recover/dead")
    def test_what_a_dead_run_left_is_unseen_and_cleared_by_the_next(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        files = self.tree(tmp_path)

        def half() -> object:
            destination = self.make(tmp_path)
            destination.recover(STEP)
            opening = opened(destination, self.mode, load_id="loadofthedead")
            fill(opening.__enter__(), NEW)
            return opening

        die_after(half)
        assert self.seen(tmp_path) == OLD
        left = self.tree(tmp_path)
        assert self.make(tmp_path).state(STEP) == state("load1", 2)
        assert self.tree(tmp_path) == left, "state() has side effects"
        assert self.make(tmp_path).recover(STEP) == state("load1", 2)
        assert self.lasting(self.tree(tmp_path)) == self.lasting(files)
        self.load(tmp_path, NEW, self.mode, load_id="load3")
        assert self.seen(tmp_path) == self.after(OLD, NEW)

    @promise("recover/living")
    def test_recovering_spares_a_living_run(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        destination = self.make(tmp_path)
        before = destination.recover(STEP)
        with opened(destination, self.mode, load_id="load2") as load:
            fill(load, NEW)
            assert self.make(tmp_path).recover(STEP) == before
            load.publish(before, state("load2", 3))
        assert self.seen(tmp_path) == self.after(OLD, NEW)

    @promise("recover/anywhere")
    def test_a_run_that_dies_anywhere_in_publish_leaves_the_old_or_the_new(self, tmp_path: Path) -> None:
        work = partial(self.publish_new, self.filled(tmp_path / "whole"))
        lines = count_lines(work)
        for line in sorted({lines * death // self.deaths for death in range(self.deaths)} | {lines - 1}):
            folder = self.filled(tmp_path / str(line))
            die_at_line(line, partial(self.publish_new, folder))
            self.assert_old_or_new(folder)

    def filled(self, folder: Path) -> Path:
        folder.mkdir()
        self.load(folder, OLD)
        return folder

    def publish_new(self, folder: Path, start: Callable[[], None]) -> None:
        destination = self.make(folder)
        before = destination.recover(STEP)
        with opened(destination, self.mode, load_id="load2") as load:
            fill(load, NEW)
            start()
            load.publish(before, state("load2", 3))

    def assert_old_or_new(self, folder: Path) -> None:
        """After a death in publish: readers, the next run and its state agree; the load can be done again."""
        assert self.seen(folder) in (OLD, self.after(OLD, NEW))
        found = self.make(folder).recover(STEP)
        assert found in (state("load1", 2), state("load2", 3))
        assert self.seen(folder) == (self.after(OLD, NEW) if found == state("load2", 3) else OLD)
        if found == state("load1", 2):
            assert self.leftovers(folder, "load2") == []
            self.load(folder, NEW, self.mode, load_id="load2")
        assert self.seen(folder) == self.after(OLD, NEW)
        assert self.make(folder).state(STEP) == state("load2", 3)
