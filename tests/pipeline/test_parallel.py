"""Steps at the same time, and what follows when one of them does not end well. Real files and databases."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from towpath import history, move
from towpath.errors import UserError
from towpath.pipeline import run as runs
from towpath.pipeline.load import load
from towpath.pipeline.order import meet, order, touched
from towpath.pipeline.run import failed, not_done, run_pipeline
from towpath.receipt import Receipt

MEET = """\
    import threading
    meeting = threading.Barrier(2, timeout=20)
    lock = threading.Lock()
    def meet(table):
        if table.num_rows:
            meeting.wait()
        return table
    def alone(table):
        import time
        assert lock.acquire(blocking=False), "another step is here"
        time.sleep(0.05)
        lock.release()
        return table
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / f"meeting_{tmp_path.name}.py").write_text(dedent(MEET))
    for name in "abcd":
        (tmp_path / f"{name}.csv").write_text(f"id\n{name}\n")
    return tmp_path


def pipeline(folder: Path, steps: str, head: str = "") -> Path:
    path = folder / "tow.yaml"
    text = indent(dedent(steps), "  ").replace("MODULE", f"meeting_{folder.name}")
    path.write_text(f"pipeline: p\nconnections: {{w: 'duckdb:///w.db', l: 'sqlite:///l.db'}}\n{head}\nsteps:\n{text}")
    return path


def ends(receipts: list[Receipt]) -> dict[str, str]:
    return {str(one.step).partition("/")[2]: one.status for one in receipts}


def test_steps_that_do_not_need_each_other_run_at_the_same_time(folder: Path) -> None:
    path = pipeline(
        folder,
        """\
          a: {from: a.csv, python: "MODULE:meet", to: out_a.csv}
          b: {from: b.csv, python: "MODULE:meet", to: w#b}
        """,
        "parallel: 2",
    )
    receipts = run_pipeline(path)
    assert {one.why for one in receipts} == {""}
    assert ends(receipts) == {"a": "done", "b": "done"}


def test_steps_of_one_database_file_never_run_at_the_same_time(folder: Path) -> None:
    path = pipeline(
        folder,
        """\
          a: {from: a.csv, python: "MODULE:alone", to: w#a}
          b: {from: b.csv, python: "MODULE:alone", to: w#b}
          c: {from: w#a, python: "MODULE:alone", to: c_out.csv}
          d: {from: d.csv, python: "MODULE:alone", to: "duckdb:///./w.db#d"}
        """,
    )
    receipts = run_pipeline(path, parallel=4)
    assert {one.why for one in receipts} == {""}
    assert set(ends(receipts).values()) == {"done"}


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("{from: a.csv, to: w#a}", "{from: b.csv, to: w#b}", False),
        ("{from: w#x, to: a_out.csv}", "{from: b.csv, to: w#b}", False),
        ("{from: {address: w, query: select 1}, to: a_out.csv}", "{from: b.csv, to: 'duckdb:///w.db#b'}", False),
        ("{from: a.csv, to: w#a}", "{from: b.csv, to: l#b}", True),
        ("{from: a.csv, to: out/}", "{from: b.csv, to: out/sub/b.csv}", False),
        ("{from: a.csv, to: out/}", "{from: b.csv, to: outer/}", True),
        ("{from: a.csv, to: x.csv}", "{from: b.csv, to: ./y/../x.csv}", False),
        ("{from: a.csv, to: x.csv}", "{from: a.csv, to: y.csv}", True),
        ("{from: a.csv, to: {address: '-', format: csv}}", "{from: b.csv, to: {address: '-', format: csv}}", False),
        ("{from: a.csv, to: x.csv}", "{from: b.csv, to: linked/x.csv}", False),
        ("{from: a.csv, to: w#a}", "{from: b.csv, to: '${env:TOW_TEST_DB}#b'}", False),
    ],
)
def test_what_must_not_be_touched_at_the_same_time_is_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch, one: str, other: str, together: bool
) -> None:
    monkeypatch.setenv("TOW_TEST_DB", "duckdb:///w.db")
    (folder / "linked").symlink_to(folder)
    loaded = load(pipeline(folder, f"  one: {one}\n  other: {other}\n"))
    assert meet(touched(loaded, "one"), touched(loaded, "other")) is not together


def test_a_step_waits_for_what_it_needs_though_others_run_beside_it(folder: Path) -> None:
    path = pipeline(
        folder,
        """\
          sum: {from: {a: out_a.csv, b: out_b.csv}, sql: select * from a union all select * from b, to: sum.csv}
          a: {from: a.csv, python: "MODULE:meet", to: out_a.csv}
          b: {from: b.csv, python: "MODULE:meet", to: out_b.csv}
          after: {from: c.csv, to: after.csv, depends_on: sum}
        """,
    )
    receipts = run_pipeline(path, parallel=3)
    assert [one.step for one in receipts[2:]] == ["p/sum", "p/after"]
    assert sorted((folder / "sum.csv").read_text().split()) == ["a", "b", "id"]


def test_steps_that_run_at_the_same_time_share_their_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    real = move.run

    def noted(spec: Any, **options: Any) -> Receipt:
        given.append(spec.memory)
        return real(spec, **options)

    monkeypatch.setattr(move, "run", noted)
    steps = "  a: {from: a.csv, to: 1.csv, memory: 90MB}\n  b: {from: b.csv, to: 2.csv, memory: 60MB}\n"
    run_pipeline(pipeline(folder, steps), parallel=8)
    assert sorted(given) == [30_000_000, 45_000_000]


def test_receipts_are_told_in_the_callers_thread_and_share_their_group(folder: Path) -> None:
    path = pipeline(
        folder, "  a: {from: a.csv, to: 1.csv}\n  b: {from: b.csv, to: l#b}\n  c: {from: none.csv, to: 3.csv}\n"
    )
    threads: list[threading.Thread] = []
    receipts = run_pipeline(path, parallel=3, ended=lambda _: threads.append(threading.current_thread()))
    assert set(threads) == {threading.main_thread()}
    assert len({one.group for one in receipts}) == 1
    kept = {one.step: one for one in history.latest(9)}
    assert {one.step: one for one in receipts} == kept
    assert kept["p/a"].file == str(path)


BROKEN = """\
      bad: {from: none.csv, to: x.csv}
      needs: {from: x.csv, to: y.csv}
      other: {from: a.csv, to: other.csv}
      late: {from: b.csv, to: late.csv, depends_on: other}
    """


def test_a_step_that_stops_lets_go_on_what_does_not_need_it(folder: Path) -> None:
    receipts = run_pipeline(pipeline(folder, BROKEN))
    assert ends(receipts) == {"bad": "stopped", "needs": "stopped", "other": "done", "late": "done"}
    assert failed(receipts)


@pytest.mark.parametrize("head", ["on_failure: stop", ""])
def test_stop_begins_no_further_step(folder: Path, head: str) -> None:
    steps = BROKEN if head else BROKEN.replace("to: x.csv}", "to: x.csv, on_failure: stop}", 1)
    receipts = run_pipeline(pipeline(folder, steps, head))
    assert set(ends(receipts).values()) == {"stopped"}
    assert {one.why for one in receipts[1:]} == {"not run: bad stopped, and its on_failure is stop"}
    assert not (folder / "other.csv").exists()


def test_a_step_may_take_its_failure_lighter_than_the_pipeline(folder: Path) -> None:
    steps = BROKEN.replace("to: x.csv}", "to: x.csv, on_failure: continue}", 1)
    assert ends(run_pipeline(pipeline(folder, steps, "on_failure: stop")))["late"] == "done"


def test_ignore_runs_even_what_needs_the_step_and_is_no_failure(folder: Path) -> None:
    steps = BROKEN.replace("to: x.csv}", "to: x.csv, on_failure: ignore}", 1).replace("from: x.csv", "from: [x.csv]")
    steps = steps.replace("from: [x.csv], to: y.csv", "from: c.csv, to: y.csv, depends_on: bad")
    receipts = run_pipeline(pipeline(folder, steps))
    assert ends(receipts) == {"bad": "stopped", "needs": "done", "other": "done", "late": "done"}
    assert not failed(receipts)
    assert next(one for one in history.latest(9) if one.step == "p/bad").status == "stopped"


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_defect_in_one_step_keeps_the_receipts_of_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, parallel: int
) -> None:
    real = move.run

    def broken(spec: Any, **options: Any) -> Receipt:
        if spec.step == "p/b":
            raise RuntimeError("the wheel came off")
        return real(spec, **options)

    monkeypatch.setattr(move, "run", broken)
    steps = (
        "  a: {from: a.csv, to: 1.csv}\n  b: {from: b.csv, to: 2.csv, on_failure: ignore}\n"
        "  c: {from: c.csv, to: 3.csv}\n  d: {from: 2.csv, to: 4.csv}\n"
    )
    with caplog.at_level(logging.ERROR):
        receipts = run_pipeline(pipeline(folder, steps), parallel=parallel)
    assert ends(receipts) == {"a": "done", "b": "failed", "c": "done", "d": "stopped"}
    assert failed(receipts)
    assert "Traceback" in caplog.text
    assert {one.status for one in history.latest(9) if one.step == "p/b"} == {"failed"}
    assert not_done(load(folder / "tow.yaml")) == ["b", "d"]


def test_only_what_did_not_end_well_is_left_to_do(folder: Path) -> None:
    path = pipeline(folder, BROKEN)
    with pytest.raises(UserError, match="no run is in the history"):
        not_done(load(path))
    run_pipeline(path)
    assert not_done(load(path)) == ["bad", "needs"]
    (folder / "none.csv").write_text("id\n1\n")
    assert set(ends(run_pipeline(path, not_done(load(path)))).values()) == {"done"}
    assert not_done(load(path)) == []


def test_what_a_kill_left_out_is_left_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pipeline(
        folder, "  a: {from: a.csv, to: 1.csv}\n  b: {from: b.csv, to: 2.csv}\n  c: {from: c.csv, to: 3.csv}\n"
    )
    real = move.run

    def dies(spec: Any, **options: Any) -> Receipt:
        if spec.step == "p/b":
            raise SystemExit(9)
        return real(spec, **options)

    monkeypatch.setattr(move, "run", dies)
    with pytest.raises(SystemExit):
        run_pipeline(path)
    assert not_done(load(path)) == ["b", "c"]


def test_profiles_have_latest_runs_of_their_own(folder: Path) -> None:
    path = pipeline(folder, BROKEN, "profiles: {prod: {}}")
    run_pipeline(path)
    with pytest.raises(UserError, match="no run in the profile prod"):
        not_done(load(path, env="prod"))


def test_profiles_with_other_destinations_have_states_of_their_own(folder: Path) -> None:
    path = pipeline(
        folder, "  a: {from: a.csv, to: w#a, mode: replace}\n", "profiles: {prod: {connections: {w: 'sqlite:///p.db'}}}"
    )
    assert ends(run_pipeline(load(path))) == {"a": "done"}
    assert ends(run_pipeline(load(path))) == {"a": "unchanged"}
    assert ends(run_pipeline(load(path, env="prod"))) == {"a": "done"}
    with closing(sqlite3.connect(folder / "p.db")) as database:
        assert database.execute("select * from a").fetchall() == [("a",)]


def test_steps_from_one_on_and_up_to_one(folder: Path) -> None:
    steps = (
        "  a: {from: a.csv, to: 1.csv}\n  b: {from: 1.csv, to: 2.csv}\n  c: {from: 2.csv, to: 3.csv}\n"
        "  d: {from: d.csv, to: 4.csv}\n  e: {from: e.csv, to: 5.csv, depends_on: [c, d]}\n"
    )
    loaded = load(pipeline(folder, steps))
    assert order(loaded, begin="b") == ["b", "c", "e"]
    assert order(loaded, end="c") == ["a", "b", "c"]
    assert order(loaded, begin="b", end="c") == ["b", "c"]
    with pytest.raises(UserError, match="no step 'bb'"):
        order(loaded, begin="bb")


def test_the_module_of_runs_has_no_unfinished_threads(folder: Path) -> None:
    before = set(threading.enumerate())  # an earlier test's thread may end meanwhile: it is the new ones that count
    run_pipeline(pipeline(folder, BROKEN), parallel=4)
    assert set(threading.enumerate()) - before == set()
    assert runs.total([], 0.0).startswith("0 steps")
