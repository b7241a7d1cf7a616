"""States moved by hand: the next run goes on from where they were put, and runs under way from the old one fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.movekit import duck, job, table, write
from towpath import assemble, move, stateedit
from towpath.deadletters import kept
from towpath.errors import Conflict, Refused, UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.nouns import Checkpoint, Mode


@pytest.fixture
def step(tmp_path: Path) -> JobSpec:
    duck(tmp_path / "s.db", "create table t as select i as id, 0 as n from range(1, 11) r(i)")
    source = InputSpec(f"duckdb:///{tmp_path}/s.db#t", cursor="id")
    return job(source, f"duckdb:///{tmp_path}/w.db#t", mode=Mode.MERGE, key=("id",), step="p/s")


def test_a_step_shows_how_far_it_has_read_and_whether_it_still_fits(step: JobSpec) -> None:
    assert "no state" in stateedit.show(step).lines()[0]
    assert stateedit.show(step).as_json()["load"] is None
    receipt = move.run(step)
    found = stateedit.show(step)
    text = "\n".join(found.lines())
    for word in (str(receipt.load), "10 rows", "id = 10", "as it was"):
        assert word in text
    assert found.as_json()["plan_fits"]
    changed = stateedit.show(step.with_(where="id > 3"))
    assert not changed.as_json()["plan_fits"]
    assert "--accept-plan" in "\n".join(changed.lines())


def test_a_cursor_set_forward_or_back_is_where_the_next_run_begins(step: JobSpec) -> None:
    move.run(step)
    moved = stateedit.set_cursor(step, "8")
    assert moved.lines() == ["p/s: id = 10 -> id = 8"]
    assert move.run(step).rows == 3
    stateedit.set_cursor(step, "100")
    assert move.run(step).rows == 0


def test_setting_the_cursor_of_a_step_that_never_ran_names_how_its_first_run_may_begin_there(step: JobSpec) -> None:
    with pytest.raises(Refused, match=r"tow run s --since '8 9'"):
        stateedit.set_cursor(step, "8 9")


def test_a_value_of_another_type_is_an_error_that_names_the_type(step: JobSpec) -> None:
    move.run(step)
    for act in (stateedit.set_cursor, lambda spec, text: stateedit.set_cursor(spec, text, backwards_only=True)):
        with pytest.raises(UserError, match="int64"):
            act(step, "yesterday")
    assert stateedit.show(step).lines()[2] == "  read up to id = 10"


def test_rewinding_goes_back_only(step: JobSpec) -> None:
    move.run(step)
    with pytest.raises(UserError, match="tow state set s 11"):
        stateedit.set_cursor(step, "11", backwards_only=True)
    stateedit.set_cursor(step, "4", backwards_only=True)
    assert move.run(step).rows == 7


def test_a_forgotten_step_reads_everything(step: JobSpec, tmp_path: Path) -> None:
    move.run(step)
    assert stateedit.forget(step).lines() == ["p/s: id = 10 -> nothing (the next run reads everything)"]
    assert move.run(step).unchanged == 10
    with pytest.raises(Refused, match="no state"):
        stateedit.forget(step.with_(step="p/other"))


def test_a_run_under_way_from_the_old_state_is_a_conflict(
    step: JobSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move.run(step)
    duck(tmp_path / "s.db", "insert into t values (11, 0)")
    prepare = move.prepare

    def overtaken(*args: Any, **options: Any) -> Any:
        ground = prepare(*args, **options)
        stateedit.set_cursor(step, "3")
        return ground

    monkeypatch.setattr(move, "prepare", overtaken)
    with pytest.raises(Conflict):
        move.run(step)
    assert stateedit.show(step).lines()[2] == "  read up to id = 3"
    assert table(tmp_path / "w.db", "select count(*) from t") == [(10,)]


@pytest.mark.parametrize("to", ["duckdb:///{}/w.db#t", "sqlite:///{}/w.sqlite#t", "{}/o.csv", "{}/o/"])
def test_files_are_forgotten_by_pattern_in_every_destination(tmp_path: Path, to: str) -> None:
    for number in (1, 2, 3):
        write(tmp_path / f"in/{number}.csv", f"id\n{number}\n")
    spec = job("in/*.csv", to.format(tmp_path), mode=Mode.APPEND, step="p/s", folder=str(tmp_path))
    move.run(spec)
    moved = stateedit.forget_files(spec, "in/[12].csv")
    assert moved.lines()[0].startswith("p/s: 3 files, the last by name in/3.csv -> 1 file")
    assert "twice" in moved.lines()[1]
    assert move.run(spec).rows == 2
    with pytest.raises(Refused, match="matches"):
        stateedit.forget_files(spec, "other*")
    with pytest.raises(Refused, match="no cursor"):
        stateedit.set_cursor(spec, "3")


def test_a_create_step_that_forgets_needs_a_full_refresh_and_says_so(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id\n1\n")
    spec = job(source, tmp_path / "o.csv", step="p/s")
    move.run(spec)
    assert "--full-refresh" in stateedit.forget(spec).lines()[1]
    assert move.run(spec, full_refresh=True).rows == 1


def test_bad_rows_of_the_moved_load_are_not_lost(tmp_path: Path, step: JobSpec) -> None:
    source, bad = write(tmp_path / "a.csv", "n\n1\nx\n"), tmp_path / "bad"
    spec = job(source, f"duckdb:///{tmp_path}/w.db#t", types={"n": "int64"}, bad_rows=str(bad), step="p/b")
    receipt = move.run(spec)
    (bad / str(receipt.load)).rename(bad / f"{receipt.load}.pending")
    stateedit.forget(spec)
    assert [load.load_id for load in kept(bad)] == [receipt.load]


def test_checkpoints_of_every_kind_have_words() -> None:
    cursor = Checkpoint("cursor", {"column": "id", "value": None, "type": "int64"})
    assert stateedit.in_words(cursor) == "id = nothing yet"
    assert stateedit.in_words(Checkpoint("files", {"b": "1", "a": "2"})) == "2 files, the last by name b"
    assert stateedit.in_words(Checkpoint("files", {"pattern": "*", "files": {}})) == "0 files"
    assert stateedit.in_words(Checkpoint("version", {"value": "3-5"})) == "version 3-5 of the table"
    both = Checkpoint("inputs", {"a": cursor.as_json(), "b": Checkpoint("files", {"x": "1"}).as_json()})
    assert stateedit.in_words(both) == "a: id = nothing yet; b: 1 file, the last by name x"
    assert stateedit.in_words(Checkpoint("none", None))


def test_the_state_of_standard_output_cannot_be_put() -> None:
    with pytest.raises(UserError, match="standard output"):
        assemble.destination(OutputSpec("-", "csv")).put_state("p/s", None, None)
