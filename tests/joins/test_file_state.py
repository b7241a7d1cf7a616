"""The note beside a file: what it keeps of each step, and what it tells of a load that did not come to its end."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.joins.filekit import APPEND, REPLACE, STEP, converted, load, names, rows, state, to_file
from tests.joins.storekit import LOST, Elsewhere, Gone, Late, publishing, raising
from towpath.adapters.store.local import Local
from towpath.errors import Conflict, DataError, Refused, TowError, Transient
from towpath.joins import sealed
from towpath.joins.file_destination import FileDestination
from towpath.nouns import State
from towpath.stream import Batch, Counted

NEW = rows(id=[1])
NOTE = ".a.csv.tow-state"


def left_by(path: Path, after: int, step: str | None = STEP) -> None:
    """A run of the load `dead` that came to so many of its steps: the intent, the file, the state."""
    with pytest.raises(Refused, match="it is gone"):
        load(to_file(path, store=Gone(after)), NEW, REPLACE, "dead", step)


def unanswered(path: Path, step: str | None = STEP, load_id: str = "far") -> Late:
    """A store where the request that publishes a load found no answer, and nothing came of it yet."""
    store = Late()
    with pytest.raises(Transient):
        load(to_file(path, store=store), NEW, REPLACE, load_id, step)
    return store


def note(path: Path) -> dict[str, object]:
    return sealed.loads((path.parent / NOTE).read_bytes())


class TestStateMovedByHand:
    def test_a_state_is_set_moved_and_forgotten_and_others_stay(self, tmp_path: Path) -> None:
        made = to_file(tmp_path / "a.csv")
        made.put_state(STEP, None, state("one"))
        made.put_state("b", None, state("b", "b"))
        made.put_state(STEP, state("one"), state("two"))
        assert made.state(STEP) == state("two")
        assert made.steps() == ["b", STEP]
        made.put_state(STEP, state("two"), None)
        assert made.state(STEP) is None
        assert made.state("b") == state("b", "b")
        made.put_state("b", state("b", "b"), None)
        assert names(tmp_path) == []

    def test_forgetting_what_nobody_knows_changes_nothing(self, tmp_path: Path) -> None:
        to_file(tmp_path / "a.csv").put_state(STEP, None, None)
        assert names(tmp_path) == []

    def test_a_state_that_is_not_the_expected_one_stays(self, tmp_path: Path) -> None:
        made = FileDestination(Local(), to_file("x")._format, str(tmp_path / "a.csv"), shown="file:///a.csv")
        made.put_state(STEP, None, state("one"))
        for expected in (None, state("other")):
            with pytest.raises(Conflict) as found:
                made.put_state(STEP, expected, state("two"))
            assert (found.value.what, found.value.where, found.value.todo) == (
                f"another run of the step {STEP} has loaded it meanwhile; nothing was changed",
                "file:///a.csv",
                "run again",
            )
        assert made.state(STEP) == state("one")

    def test_it_stands_back_while_a_load_is_being_published(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        left_by(path, 1)
        with pytest.raises(Conflict, match="the load dead is being published to it"):
            to_file(path).put_state(STEP, None, state("two"))

    def test_the_state_of_a_file_that_is_published_already_is_the_one_that_is_moved(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        left_by(path, 2)
        made = to_file(path)
        with pytest.raises(Conflict, match="another run of the step"):
            made.put_state(STEP, None, state("two"))
        made.put_state(STEP, state("dead"), state("two"))
        assert made.recover(STEP) == state("two")


class TestDeadRuns:
    def test_one_that_published_nothing_leaves_no_state(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        load(to_file(path), rows(id=[0]), step="b")
        left_by(path, 1)
        made = to_file(path)
        assert made.state(STEP) is None
        assert made.steps() == ["b"]
        assert note(path)["intent"] is not None
        assert made.recover(STEP) is None
        assert note(path)["intent"] is None
        assert made.recover("b") == state("load1", "b")
        assert path.read_text() == "id\n0\n"

    @pytest.mark.parametrize("step", [None, STEP])
    def test_one_that_published_has_its_state_committed(self, tmp_path: Path, step: str | None) -> None:
        path = tmp_path / "a.csv"
        left_by(path, 2, step)
        made = to_file(path)
        committed = None if step is None else state("dead")
        assert made.state(STEP) == committed
        assert made.steps() == ([] if step is None else [STEP])
        assert note(path)["intent"] is not None
        assert made.recover(None) is None
        assert made.recover(STEP) == committed
        assert names(tmp_path) == (["a.csv"] if step is None else [NOTE, "a.csv"])

    def test_recovering_again_changes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        load(to_file(path), NEW, step=STEP)
        swapped: list[str] = []

        class Watched(Local):
            def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
                swapped.append(path)
                return super().swap_note(path, content, expected)

        assert to_file(path, store=Watched()).recover(STEP) == state("load1")
        assert swapped == []

    def test_its_load_is_not_published_twice(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        left_by(path, 2)
        with to_file(path).begin(to_file(path).offer(NEW.schema, APPEND, ()), "dead") as writing:
            writing.write(Batch(converted(NEW, NEW.schema), Counted("rows")))
            assert writing.publish(None, state("dead")).accepted == 1
        assert path.read_text() == "id\n1\n"


class TestPublishing:
    @pytest.mark.parametrize("store", [Local, Elsewhere])
    def test_a_refusal_takes_the_intent_back(self, tmp_path: Path, store: type[Local]) -> None:
        path = tmp_path / "a.csv"
        failing = store()
        load(to_file(path, store=failing), rows(id=[0]), step="b")
        with publishing(failing, before=raising(Refused("no"))), pytest.raises(Refused, match="no"):
            load(to_file(path, store=failing), NEW, REPLACE, "load2", STEP)
        assert note(path)["intent"] is None
        assert to_file(path).state("b") == state("load1", "b")

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), LOST])
    @pytest.mark.parametrize("step", [None, STEP])
    def test_an_interrupt_takes_it_back_only_where_every_request_has_ended_with_its_run(
        self, tmp_path: Path, error: BaseException, step: str | None
    ) -> None:
        for store, kept in ((Local(), False), (Elsewhere(), True)):
            path = tmp_path / type(store).__name__ / "a.csv"
            with publishing(store, before=raising(error)), pytest.raises(type(error)):
                load(to_file(path, store=store), NEW, step=step)
            assert names(path.parent) == ([NOTE] if kept else [])

    @pytest.mark.parametrize("store", [Local, Elsewhere])
    def test_an_interrupt_while_it_is_published_is_heard_when_all_is_done(
        self, tmp_path: Path, store: type[Local]
    ) -> None:
        path, made = tmp_path / "a.csv", store()
        with (
            publishing(made, before=lambda: signal.raise_signal(signal.SIGINT)),
            pytest.raises(KeyboardInterrupt),
        ):
            load(to_file(path, store=made), NEW, step=STEP)
        assert path.read_text() == "id\n1\n"
        assert note(path)["intent"] is None
        assert to_file(path).state(STEP) == state("load1")

    def test_an_error_after_the_file_was_published_leaves_its_state_to_be_found(self, tmp_path: Path) -> None:
        path, store = tmp_path / "a.csv", Local()
        with publishing(store, after=raising(Refused("not confirmed"))), pytest.raises(Refused, match="confirmed"):
            load(to_file(path, store=store), NEW, step=STEP)
        assert to_file(path).state(STEP) == state("load1")
        assert to_file(path).recover(STEP) == state("load1")

    @pytest.mark.parametrize("out", [True, False])
    def test_a_request_without_an_answer_is_asked_again(self, tmp_path: Path, out: bool) -> None:
        path, store = tmp_path / "a.csv", Elsewhere()
        made = to_file(path, store=store)
        published: list[str] = []
        lost = raising(LOST)

        def first() -> None:
            published.append("once")
            if len(published) == 1:
                lost()

        with (
            publishing(store, **{"after" if out else "before": first}),  # type: ignore[arg-type]
            made.begin(made.offer(NEW.schema, APPEND, ()), "load1") as writing,
        ):
            writing.write(Batch(converted(NEW, NEW.schema), Counted("rows")))
            with pytest.raises(Transient):
                writing.publish(None, state("load1"))
            for _ in range(2):
                assert writing.publish(None, state("load1")).accepted == 1
        assert len(published) == (1 if out else 2)
        assert path.read_text() == "id\n1\n"
        assert made.recover(STEP) == state("load1")
        assert note(path)["intent"] is None

    def test_a_file_that_appears_in_the_very_moment_is_kept(self, tmp_path: Path) -> None:
        path, store = tmp_path / "a.csv", Local()
        with publishing(store, before=lambda: path.touch()), pytest.raises(Conflict):
            load(to_file(path, store=store), NEW, step=STEP)
        assert names(tmp_path) == ["a.csv"]
        assert path.read_bytes() == b""

    def test_a_step_whose_state_has_moved_on_publishes_nothing(self, tmp_path: Path) -> None:
        made = to_file(tmp_path / "a.csv")
        made.put_state("b", None, state("b", "b"))
        with (
            pytest.raises(Conflict, match=f"another run of the step {STEP} has loaded it meanwhile"),
            made.begin(made.offer(NEW.schema, APPEND, ()), "load1") as writing,
        ):
            writing.publish(state("b", "b"), state("load1"))
        assert names(tmp_path) == [NOTE]

    def test_a_copy_whose_intent_another_run_has_cleared_is_published_all_the_same(self, tmp_path: Path) -> None:
        path, store = tmp_path / "a.csv", Local()
        load(to_file(path), rows(id=[0]), step="b")
        with publishing(store, after=lambda: to_file(path).put_state("b", state("load1", "b"), None)):
            assert load(to_file(path, store=store), NEW, REPLACE, "load2").accepted == 1
        assert names(tmp_path) == ["a.csv"]

    def test_a_state_that_was_lost_after_the_file_was_published_is_a_conflict(self, tmp_path: Path) -> None:
        path, store = tmp_path / "a.csv", Local()
        with publishing(store, after=(tmp_path / NOTE).unlink), pytest.raises(Conflict, match="meanwhile"):
            load(to_file(path, store=store), NEW, step=STEP)


class TestRunsElsewhere:
    """Where the last request of a dead run may still arrive, its load counts should it come out after all."""

    def test_an_intent_that_nobody_holds_back_for_counts_when_its_bytes_come_out(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        store = unanswered(path)
        made = to_file(path, store=store)
        assert made.recover(STEP) is None
        assert note(path)["intent"] is None
        store.arrive()
        assert made.state(STEP) == state("far")
        assert made.recover(STEP) == state("far")
        assert set(note(path)) == {"steps", "intent"}

    def test_it_holds_no_other_run_back(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        store = unanswered(path)
        assert load(to_file(path, store=Elsewhere()), rows(id=[2]), load_id="near", step=STEP).accepted == 1
        assert to_file(path, store=store).recover(STEP) == state("near")
        (dropped,) = note(path)["dropped"]  # type: ignore[misc]
        assert (dropped["load_id"], dropped["state"]["load_id"]) == ("far", "far")

    def test_several_are_remembered_and_each_is_forgotten_when_its_run_is_over(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        store = unanswered(path)
        other = unanswered(path, "b", "farther")
        to_file(path, store=other).recover(None)
        assert [one["load_id"] for one in note(path)["dropped"]] == ["farther", "far"]  # type: ignore[attr-defined]
        store.over = {"far"}
        to_file(path, store=store).recover(None)
        assert [one["load_id"] for one in note(path)["dropped"]] == ["farther"]  # type: ignore[attr-defined]
        at = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
        assert store.asked == [(str(path), "farther", at), (str(path), "far", at)]
        store.over = {"farther"}
        to_file(path, store=store).recover(None)
        assert not (tmp_path / NOTE).exists()

    def test_one_that_comes_out_while_another_load_is_being_published_does_not_end_that(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        store = unanswered(path)
        unanswered(path, "b", "near")
        store.arrive()
        made = to_file(path, store=store)
        assert made.steps() == [STEP]
        with pytest.raises(Conflict, match="the load near is being published to it"):
            made.put_state(STEP, state("far"), None)

    def test_a_copy_without_a_step_has_nothing_to_be_remembered(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        store = unanswered(path, None)
        to_file(path, store=store).recover(None)
        assert not (tmp_path / NOTE).exists()

    def test_on_a_disk_nothing_is_remembered_of_it(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        to_file(path, store=unanswered(path)).recover(None)
        assert "dropped" in note(path)
        to_file(path).recover(None)
        assert not (tmp_path / NOTE).exists()


class TestTheNote:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"[]",
            b"{}",
            b'{"steps": {}}',
            b'{"steps": {}, "intent": {}}',
            b'{"steps": [], "intent": null}',
            b'{"steps": {"a": 1}, "intent": null}',
            b'{"steps": {}, "intent": null, "dropped": [1]}',
        ],
    )
    def test_one_that_is_damaged_is_told_by_its_name(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / NOTE).write_bytes(content)
        with pytest.raises(DataError, match=r"\.a\.csv\.tow-state: this is no state file of tow's \(.+\)") as found:
            to_file(tmp_path / "a.csv").state(STEP)
        assert found.value.code == "state-damaged"
        assert (tmp_path / NOTE).read_bytes() == content

    def test_one_of_an_earlier_version_is_read(self, tmp_path: Path) -> None:
        steps = {STEP: json.loads(state("load1").dumps())}
        (tmp_path / NOTE).write_text(json.dumps({"steps": steps, "intent": None}))
        assert to_file(tmp_path / "a.csv").recover(STEP) == state("load1")
        assert isinstance(to_file(tmp_path / "a.csv").state(STEP), State)

    def test_it_lies_beside_its_file_in_every_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        load(to_file("a.csv"), NEW, step=STEP)
        load(to_file("deep/a.csv"), NEW, step=STEP)
        assert names(tmp_path) == [NOTE, "a.csv", f"deep/{NOTE}", "deep/a.csv"]


def test_a_store_that_fails_while_an_intent_is_taken_back_tells_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(TowError, match=r"a\.csv: it is gone"):
        load(to_file(tmp_path / "a.csv", store=Gone(1)), NEW, step=STEP)
