"""Windows and look-backs: what one run reads by the cursor, and where the step's checkpoint stands afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import towpath as tow
from tests.movekit import duck, job, lite, table, write
from towpath import assemble, move
from towpath.errors import Refused, UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.nouns import Mode
from towpath.planning import plan
from towpath.window import windowed


@pytest.fixture
def source(tmp_path: Path) -> Path:
    database = tmp_path / "s.db"
    duck(database, "create table t as select i as id, date '2024-01-01' + i::int as day, 0 as n from range(1, 11) r(i)")
    return database


def spec(source: Path, mode: Mode = Mode.MERGE, **read: Any) -> JobSpec:
    read = {"cursor": "id", "monotonic": mode is Mode.APPEND, **read}
    one = InputSpec(f"duckdb:///{source}#t", **read)
    key = ("id",) if mode is Mode.MERGE else ()
    return JobSpec({"input": one}, OutputSpec(f"duckdb:///{source.parent}/w.db#t"), mode, key, step="p/s")


def reached(spec: JobSpec) -> str:
    state = assemble.destination(spec.to).state("p/s")
    assert state is not None
    return str(state.checkpoint.value["value"])


def ids(source: Path) -> list[int]:
    return [id for (id,) in table(source.parent / "w.db", "select id from t order by id")]


def test_a_copy_of_a_window_takes_the_first_bound_and_leaves_the_last(tmp_path: Path, source: Path) -> None:
    for number, (cursor, since, until) in enumerate([("id", "3", "6"), ("day", "2024-01-04", "2024-01-07")]):
        read = InputSpec(f"duckdb:///{source}#t", cursor=cursor, since=since, until=until)
        receipt = move.run(job(read, tmp_path / f"{number}.csv", select=("id",)))
        assert (tmp_path / f"{number}.csv").read_text() == "id\n3\n4\n5\n"
        assert receipt.books_lines[0] == "read     3 given = 3 accepted"
        assert any("not counted" in note and since in note for note in receipt.notes)
        made = plan(job(read, tmp_path / f"{number}.jsonl"))
        assert made.rows == 3
        assert any("not counted" in line for line in made.lines())


def test_an_sqlite_table_and_a_query_have_windows_too(tmp_path: Path) -> None:
    lite(tmp_path / "s.sqlite", "create table t (id integer, at text)")
    days = [(n, f"2024-01-0{n} 00:00:00.000000") for n in range(1, 6)]
    lite(tmp_path / "s.sqlite", "insert into t values (?, ?)", rows=days)
    address = f"sqlite:///{tmp_path}/s.sqlite"
    read = InputSpec(f"{address}#t", cursor="at", since="2024-01-04")
    assert move.run(job(read, tmp_path / "a.csv")).rows == 2
    read = InputSpec(address, query="select id * 10 as id from t", cursor="id", until="30")
    assert move.run(job(read, tmp_path / "b.csv")).rows == 2
    assert (tmp_path / "b.csv").read_text() == "id\n10\n20\n"


def test_a_window_without_a_cursor_names_the_way_out(tmp_path: Path, source: Path) -> None:
    with pytest.raises(UserError, match="--cursor"):
        move.run(job(InputSpec(f"duckdb:///{source}#t", since="3"), tmp_path / "a.csv"))
    with pytest.raises(UserError, match="--where"):
        move.run(job(InputSpec(str(write(tmp_path / "a.csv", "id\n1\n")), since="3"), tmp_path / "b.csv"))


def test_a_bad_bound_is_an_error_that_names_the_cursors_type(tmp_path: Path, source: Path) -> None:
    for change in ({"since": "x"}, {"until": "2024-01-01"}):
        with pytest.raises(UserError, match="int64"):
            plan(job(InputSpec(f"duckdb:///{source}#t", cursor="id", **change), tmp_path / "a.csv"))


@pytest.mark.parametrize("mode", [Mode.MERGE, Mode.APPEND])
def test_the_window_of_a_step_without_state_is_its_first_load(source: Path, mode: Mode) -> None:
    whole = spec(source, mode)
    receipt = move.run(windowed(whole, "3", "6"))
    assert receipt.rows == 3
    assert reached(whole) == "5"
    move.run(whole)
    assert ids(source) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert reached(whole) == "10"


def test_a_window_of_a_loaded_step_is_a_backfill_that_leaves_the_checkpoint(source: Path) -> None:
    whole = spec(source)
    move.run(windowed(whole, "5", None))
    before = assemble.destination(whole.to).state("p/s")
    duck(source, "update t set n = 7 where id in (2, 6)")
    receipt = move.run(windowed(whole, "2", "7"))
    assert (receipt.inserted, receipt.updated, receipt.unchanged) == (3, 1, 1)
    after = assemble.destination(whole.to).state("p/s")
    assert before is not None
    assert after is not None
    assert after.checkpoint == before.checkpoint
    assert after.load_id != before.load_id
    assert any("the checkpoint stays" in note for note in receipt.notes)
    assert ids(source) == list(range(2, 11))
    duck(source, "insert into t values (11, '2024-02-01', 0)")
    assert move.run(whole).inserted == 1


def test_the_same_backfill_can_be_done_again(source: Path) -> None:
    whole = spec(source)
    move.run(whole)
    for number in (1, 2):
        duck(source, f"update t set n = {number}")
        assert move.run(windowed(whole, "1", "4")).updated == 3


@pytest.mark.parametrize(("mode", "why"), [(Mode.APPEND, "add rows again"), (Mode.REPLACE, "drop all other rows")])
def test_a_backfill_needs_a_key_to_go_by(source: Path, mode: Mode, why: str) -> None:
    whole = spec(source, mode)
    move.run(whole)
    with pytest.raises(Refused, match=why):
        move.run(windowed(whole, "2", "4"))
    assert ids(source) == list(range(1, 11))


def test_a_window_with_no_row_leaves_all_to_the_next_run(source: Path) -> None:
    whole = spec(source)
    assert move.run(windowed(whole, "100", None)).rows == 0
    assert move.run(whole).rows == 10


def test_a_step_that_reads_its_whole_input_has_no_window(source: Path) -> None:
    whole = spec(source).with_(sql="select id, n from input")
    with pytest.raises(UserError, match="no window"):
        move.run(windowed(whole, "2", None))


def test_windows_are_laid_over_the_inputs_that_have_a_cursor() -> None:
    two = JobSpec(
        {"a": InputSpec("duckdb:///s.db#a", cursor="id"), "b": InputSpec("b.csv")}, OutputSpec("o.csv"), sql="select 1"
    )
    found = windowed(two, "1", "2").inputs
    assert (found["a"].since, found["a"].until, found["b"].since) == ("1", "2", None)
    assert windowed(two, "1", None).plan_hash() == two.plan_hash()
    assert windowed(two, None, None) is two


def test_a_lookback_takes_rows_that_came_late_and_keeps_the_greatest_checkpoint(source: Path) -> None:
    step = spec(source, lookback="3")
    move.run(step)
    assert reached(step) == "10"
    duck(
        source, "delete from t where id in (8, 10)", "insert into t values (8, '2024-01-09', 99), (5, '2024-01-06', 9)"
    )
    receipt = move.run(step)
    assert (receipt.rows, receipt.updated, receipt.unchanged) == (3, 1, 2)
    assert reached(step) == "10"
    duck(source, "insert into t values (12, '2024-01-13', 0)")
    assert move.run(step).rows == 4
    assert reached(step) == "12"


@pytest.mark.parametrize(
    ("native", "first", "late", "last", "lookback"),
    [
        ("date", "2024-01-10", "2024-01-09", "2024-01-07", "2d"),
        ("timestamp", "2024-01-10 10:00:00", "2024-01-10 09:30:00", "2024-01-10 08:59:59", "1h"),
        ("timestamp_s", "2024-01-10 10:00:00", "2024-01-10 09:58:30", "2024-01-10 09:58:29", "90s"),
        ("timestamp_ns", "2024-01-10 10:00:00", "2024-01-10 09:30:00", "2024-01-10 09:29:59.999999999", "30m"),
        ("timestamptz", "2024-01-10 10:00:00+02", "2024-01-10 07:00:00+00", "2024-01-10 06:59:59+00", "1h"),
    ],
)
def test_a_lookback_works_on_the_times_of_a_real_table(
    tmp_path: Path, native: str, first: str, late: str, last: str, lookback: str
) -> None:
    source = tmp_path / "s.db"
    duck(source, f"create table t (id int, moment {native})", f"insert into t values (1, '{first}')")
    step = spec(source, cursor="moment", lookback=lookback)
    move.run(step)
    duck(source, f"insert into t values (2, '{late}'), (3, '{last}')")
    assert move.run(step).rows == 2
    assert ids(source) == [1, 2]


def test_a_lookback_asks_for_merge_with_a_key(source: Path) -> None:
    for mode in (Mode.APPEND, Mode.REPLACE):
        with pytest.raises(UserError, match="merge"):
            move.run(spec(source, mode, lookback="3"))
    with pytest.raises(UserError, match="'3h' does not fit the cursor 'id'"):
        step = spec(source, lookback="3h")
        move.run(step)
        move.run(step)


def test_rows_that_come_late_with_the_last_cursor_value_are_read(tmp_path: Path) -> None:
    source, step = f"duckdb:///{tmp_path}/a.db", tmp_path / "tow.yaml"
    step.write_text(
        f"pipeline: p\nsteps:\n  s:\n    from: {{address: '{source}#t', cursor: day}}\n"
        f"    to: duckdb:///{tmp_path}/b.db#t\n    mode: merge\n    key: id\n"
    )
    for rows in ([{"id": 1, "day": 5}], [{"id": 1, "day": 5}, {"id": 2, "day": 5}]):
        tow.write(rows, f"{source}#t", mode="replace")
        assert [one.status for one in tow.run(step)] == ["done"]
    assert list(tow.read(f"duckdb:///{tmp_path}/b.db#t", columns="id")) == [{"id": 1}, {"id": 2}]


def test_another_lookback_is_no_other_plan_and_may_be_given_for_one_run(tmp_path: Path, source: Path) -> None:
    write(
        tmp_path / "tow.yaml",
        'pipeline: p\nsteps:\n  s:\n    from: {address: "duckdb:///s.db#t", cursor: id, monotonic: true}\n'
        "    to: duckdb:///w.db#t\n    mode: merge\n    key: id\n",
    )
    pipeline = tmp_path / "tow.yaml"
    tow.run(pipeline, check=True)
    duck(source, "insert into t values (0, date '2024-01-01', 0)")
    duck(tmp_path / "w.db", "delete from t where id in (3, 8)")
    assert tow.run(pipeline, check=True)[0].status != "done"
    (receipt,) = tow.run(pipeline, check=True, lookback=3)
    assert (receipt.rows, receipt.inserted) == (4, 1)
    assert any("from 3 before the checkpoint on" in note for note in receipt.notes)
    assert ids(source) == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert reached(spec(source)) == "10"
    with pytest.raises(UserError, match="the look-back 'x' is no span"):
        tow.run(pipeline, lookback="x")
    (refused,) = tow.run(pipeline, lookback="3h")
    assert "does not fit the cursor 'id'" in refused.why


def test_a_lookback_of_a_step_without_a_cursor_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "id\n1\n")
    write(tmp_path / "tow.yaml", "pipeline: p\nsteps:\n  s: {from: a.csv, to: b.csv}\n")
    with pytest.raises(UserError, match="--lookback are about a cursor"):
        tow.run(tmp_path / "tow.yaml", lookback="1h")


def test_a_lookback_works_on_times_that_sqlite_keeps_as_text(tmp_path: Path) -> None:
    lite(tmp_path / "s.sqlite", "create table t (id integer primary key, at text)")
    lite(tmp_path / "s.sqlite", "insert into t values (?, ?)", rows=[(1, "2024-01-01 10:00:00")])
    one = InputSpec(f"sqlite:///{tmp_path}/s.sqlite#t", cursor="at", lookback="1h")
    step = JobSpec({"input": one}, OutputSpec(f"duckdb:///{tmp_path}/w.db#t"), Mode.MERGE, ("id",), step="p/s")
    move.run(step)
    late = [(2, "2024-01-01 09:30:00"), (3, "2024-01-01 08:59:59")]
    lite(tmp_path / "s.sqlite", "insert into t values (?, ?)", rows=late)
    receipt = move.run(step)
    assert (receipt.inserted, receipt.unchanged) == (1, 1)
    assert ids(tmp_path / "s.db") == [1, 2]
    assert reached(step) == "2024-01-01 10:00:00"
