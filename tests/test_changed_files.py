"""Files between runs: new ones are read, changed ones replace their rows or stop the run, moved projects go on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.movekit import job, table, write
from towpath import assemble, move
from towpath.errors import Refused
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.joins.files_read import FilesRead
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Checkpoint, Mode, State
from towpath.planning import plan

NAMED = {"step": "p/s", "mode": Mode.APPEND, "load_columns": ("source_file",)}


def step(folder: Path, pattern: str = "in/*.csv", **others: Any) -> JobSpec:
    options = {"step": "p/s", "mode": Mode.APPEND, "folder": str(folder), **others}
    return JobSpec({"input": InputSpec(pattern)}, OutputSpec("duckdb:///w.db#t"), **options)


def destination(spec: JobSpec) -> TableDestination:
    made = assemble.destination(spec.to, spec.connections, spec.folder)
    assert isinstance(made, TableDestination)
    return made


def state(spec: JobSpec) -> State:
    found = destination(spec).state("p/s")
    assert found is not None
    return found


def test_a_changed_file_replaces_its_rows_where_they_carry_its_name(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id,n\n1,a\n2,b\n")
    write(tmp_path / "in/2.csv", "id,n\n3,c\n")
    spec = step(tmp_path, load_columns=("source_file", "run_id"))
    first = move.run(spec)
    write(tmp_path / "in/1.csv", "id,n\n1,a\n2,CHANGED\n9,new\n")
    write(tmp_path / "in/3.csv", "id,n\n4,d\n")
    shown = "\n".join(plan(spec).lines())
    assert "changed files, whose rows make way: in/1.csv" in shown
    second = move.run(spec)
    assert (second.rows, second.inserted) == (4, 4)
    assert "2 rows of changed files made way: in/1.csv" in second.notes
    rows = table(tmp_path / "w.db", "select id, n, _source_file, _run_id from t order by id")
    assert rows == [
        (1, "a", "in/1.csv", second.run),
        (2, "CHANGED", "in/1.csv", second.run),
        (3, "c", "in/2.csv", first.run),
        (4, "d", "in/3.csv", second.run),
        (9, "new", "in/1.csv", second.run),
    ]
    assert move.run(spec).status == "unchanged"


def test_without_the_files_names_a_changed_file_is_refused_with_the_ways_out(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    spec = step(tmp_path)
    move.run(spec)
    write(tmp_path / "in/1.csv", "id\n1\n2\n")
    for act in (move.run, plan):
        with pytest.raises(Refused) as caught:
            act(spec)
        for word in ("in/1.csv", "--full-refresh", "merge", "--load-columns source_file"):
            assert word in str(caught.value)
    assert table(tmp_path / "w.db", "select count(*) from t") == [(1,)]


def test_rows_loaded_before_their_names_were_kept_are_never_doubled(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    move.run(step(tmp_path))
    write(tmp_path / "in/2.csv", "id\n2\n")
    named = step(tmp_path, load_columns=("source_file",))
    assert move.run(named, accept_plan=True).rows == 1
    write(tmp_path / "in/2.csv", "id\n2\n22\n")
    assert move.run(named).rows == 2
    write(tmp_path / "in/1.csv", "id\n1\n11\n")
    with pytest.raises(Refused, match=r"in/1\.csv"):
        move.run(named)
    assert table(tmp_path / "w.db", "select id from t order by id") == [(1,), (2,), (22,)]


def test_a_file_destination_cannot_replace_rows_and_refuses(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id\n1\n")
    spec = job(source, f"{tmp_path}/o/", **NAMED)
    move.run(spec)
    write(source, "id\n1\n2\n")
    with pytest.raises(Refused, match=r"a\.csv"):
        move.run(spec)


def test_a_file_that_changes_between_plan_and_reading_still_replaces_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    write(tmp_path / "in/2.csv", "id\n2\n")
    spec = step(tmp_path, load_columns=("source_file",))
    move.run(spec)
    write(tmp_path / "in/2.csv", "id\n2\n22\n")
    prepare = move.prepare

    def overtaken(*args: Any, **options: Any) -> Any:
        ground = prepare(*args, **options)
        write(tmp_path / "in/1.csv", "id\n1\n11\n")
        return ground

    monkeypatch.setattr(move, "prepare", overtaken)
    move.run(spec)
    assert table(tmp_path / "w.db", "select id from t order by id") == [(1,), (2,), (11,), (22,)]


@pytest.mark.parametrize("named", [False, True])
def test_a_moved_project_goes_on_where_it_was(tmp_path: Path, named: bool) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    more = {"load_columns": ("source_file",)} if named else {}
    write(here / "in/1.csv", "id\n1\n")
    move.run(step(here, **more))
    shutil.move(here, there)
    assert move.run(step(there, **more)).status == "unchanged"
    write(there / "in/2.csv", "id\n2\n")
    assert move.run(step(there, **more)).rows == 1
    if named:
        write(there / "in/1.csv", "id\n1\n11\n")
        move.run(step(there, **more))
        assert table(there / "w.db", "select id from t order by id") == [(1,), (2,), (11,)]


def test_files_outside_the_project_keep_their_absolute_names(tmp_path: Path) -> None:
    source = write(tmp_path / "data/1.csv", "id\n1\n")
    (tmp_path / "p").mkdir()
    spec = step(tmp_path / "p", str(source))
    move.run(spec)
    assert state(spec).checkpoint.value["files"].keys() == {str(source)}
    spec = step(tmp_path / "p", "../data/1.csv", step="p/other", mode=Mode.REPLACE)
    move.run(spec)
    found = destination(spec).state("p/other")
    assert found is not None
    assert found.checkpoint.value["files"].keys() == {"../data/1.csv"}


def test_another_pattern_behind_the_same_address_is_refused_with_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    write(tmp_path / "test/1.csv", "id\n7\n")
    spec = step(tmp_path, "${env:DIR}/*.csv")
    monkeypatch.setenv("DIR", "in")
    move.run(spec)
    monkeypatch.setenv("DIR", "test")
    for act in (move.run, plan):
        with pytest.raises(Refused) as caught:
            act(spec)
        for word in ("in/*.csv", "--full-refresh", "--accept-plan"):
            assert word in str(caught.value)
    assert table(tmp_path / "w.db", "select id from t") == [(1,)]
    assert move.run(spec, accept_plan=True).rows == 1
    assert move.run(spec).status == "unchanged"
    assert move.run(spec, full_refresh=True).rows == 1
    assert table(tmp_path / "w.db", "select id from t") == [(7,)]


def test_a_checkpoint_from_before_patterns_is_still_read(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    spec = step(tmp_path)
    move.run(spec)
    now = state(spec)
    files = {str(tmp_path / name): version for name, version in now.checkpoint.value["files"].items()}
    old = State("p/s", "old", Checkpoint("files", files), now.plan, now.at, now.rows)
    destination(spec).put_state("p/s", now, old)
    write(tmp_path / "in/2.csv", "id\n2\n")
    assert move.run(spec).rows == 1
    assert state(spec).checkpoint.value["pattern"] == "in/*.csv"
    assert state(spec).checkpoint.value["files"].keys() == {"in/1.csv", "in/2.csv"}


def test_a_file_called_files_is_a_file() -> None:
    assert FilesRead.of(Checkpoint("files", {"files": "v1"}), ".", "in/*").files == {"files": "v1"}


def test_a_full_refresh_of_a_shared_table_names_the_other_steps(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    write(tmp_path / "more/1.csv", "id\n2\n")
    for to in ("duckdb:///w.db#t", "o.csv", "./o/"):
        one = step(tmp_path).with_(to=OutputSpec(to))
        other = step(tmp_path, "more/*.csv", step="p/other").with_(to=OutputSpec(to))
        apart = step(tmp_path, "more/*.csv", step="p/apart").with_(to=OutputSpec("duckdb:///w.db#apart"))
        for spec in (one, other, apart):
            move.run(spec)
        with pytest.raises(Refused, match="p/other"):
            move.run(one, full_refresh=True)
        assert move.run(apart, full_refresh=True).rows == 1
    assert table(tmp_path / "w.db", "select id from t order by id") == [(1,), (2,)]


def test_a_full_refresh_of_an_append_that_is_alone_replaces(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    spec = step(tmp_path)
    move.run(spec)
    assert move.run(spec, full_refresh=True).rows == 1
    assert table(tmp_path / "w.db", "select id from t") == [(1,)]


def test_an_aggregating_step_is_skipped_when_no_input_changed_and_reads_all_when_one_did(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id,n\n1,5\n1,6\n")
    write(tmp_path / "shops.csv", "id,name\n1,A\n2,B\n")
    spec = JobSpec(
        {"sales": InputSpec("in/*.csv"), "shops": InputSpec("shops.csv")},
        OutputSpec("duckdb:///w.db#t"),
        Mode.REPLACE,
        sql="select name, sum(n)::bigint as n from sales join shops using (id) group by name order by name",
        step="p/s",
        folder=str(tmp_path),
    )
    assert move.run(spec).rows == 1
    assert move.run(spec).status == "unchanged"
    write(tmp_path / "in/2.csv", "id,n\n2,1\n1,1\n")
    assert move.run(spec).rows == 2
    assert table(tmp_path / "w.db", "select * from t") == [("A", 12), ("B", 1)]
    write(tmp_path / "shops.csv", "id,name\n1,C\n2,B\n")
    move.run(spec)
    assert table(tmp_path / "w.db", "select name from t order by name") == [("B",), ("C",)]


def test_files_that_are_gone_are_no_news_unless_the_step_reads_its_input_whole(tmp_path: Path) -> None:
    for name in ("1", "2"):
        write(tmp_path / f"in/{name}.csv", f"id\n{name}\n")
    spec, whole = step(tmp_path), step(tmp_path, mode=Mode.REPLACE, step="p/whole")
    whole = whole.with_(to=OutputSpec("duckdb:///w.db#whole"))
    for one in (spec, whole):
        move.run(one)
    (tmp_path / "in/1.csv").unlink()
    assert move.run(spec).status == "unchanged"
    assert "nothing new" in "\n".join(plan(spec).lines())
    assert (move.run(whole).status, table(tmp_path / "w.db", "select id from whole")) == ("done", [(2,)])
    write(tmp_path / "in/3.csv", "id\n3\n")
    assert (move.run(spec).rows, move.run(spec).status) == (1, "unchanged")
