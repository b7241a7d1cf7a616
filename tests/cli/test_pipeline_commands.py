"""The commands about a tow.yaml: run, plan, lint, schema. Real files and databases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from towpath.cli.main import main

Run = Callable[..., tuple[int, str, str]]

SHOP = """\
    pipeline: shop
    vars: {low: 0, folder: in}
    connections: {w: "duckdb:///w.db"}
    profiles: {prod: {vars: {folder: prod}, connections: {w: "sqlite:///prod.db"}}}
    steps:
      orders: {from: "${var:folder}/orders.csv", where: "amount >= ${var:low}", to: w#orders, mode: replace}
      totals: {from: w#orders, sql: select count(*) as n from input, to: "${var:folder}/totals.csv", mode: replace}
    """


@pytest.fixture
def tow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOW_ENV", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for folder, rows in (("in", "1,5\n2,7\n3,-1\n"), ("prod", "1,5\n")):
        Path(folder).mkdir()
        Path(folder, "orders.csv").write_text(f"id,amount\n{rows}")
    Path("tow.yaml").write_text(dedent(SHOP))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def receipts(out: str) -> list[tuple[str, str, int]]:
    found = [json.loads(line) for line in out.splitlines()]
    return [(one["step"], one["status"], one["rows"]) for one in found]


def test_without_a_name_the_tow_yaml_of_this_folder_is_meant(tow: Run) -> None:
    code, out, _ = tow("run", "--json")
    assert (code, receipts(out)) == (0, [("shop/orders", "done", 2), ("shop/totals", "done", 1)])
    assert tow("plan")[0] == 0
    assert tow("lint")[0] == 0
    Path("tow.yaml").rename("other.yaml")
    for command in ("run", "plan", "lint"):
        code, _, err = tow(command)
        assert (code, "there is no tow.yaml in this folder" in err, "tow init" in err) == (2, True, True)
    assert tow("run", "other.yaml")[0] == 0


def test_steps_alone_are_those_of_the_tow_yaml_of_this_folder(tow: Run) -> None:
    assert receipts(tow("run", "orders", "--json")[1]) == [("shop/orders", "done", 2)]


def test_variables_and_profiles_are_chosen_alike_by_every_command(tow: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sqlite" in tow("plan", "tow.yaml", "orders", "--env", "prod", "--var", "low=1", "--json")[1]
    assert receipts(tow("run", "--json", "--var", "low=-5")[1])[0] == ("shop/orders", "done", 3)
    assert receipts(tow("run", "--json", "--env", "prod")[1])[0] == ("shop/orders", "done", 1)
    assert Path("prod.db").exists()
    monkeypatch.setenv("TOW_ENV", "prod")
    assert receipts(tow("run", "--json")[1]) == [("shop/orders", "unchanged", 0), ("shop/totals", "unchanged", 0)]
    for command in ("run", "plan", "lint"):
        code, _, err = tow(command, "--env", "prd")
        assert (code, "no profile 'prd'; did you mean 'prod'?" in err) == (2, True)
        code, _, err = tow(command, "--var", "lo=1")
        assert (code, "no variable 'lo'; did you mean 'low'?" in err) == (2, True)


def test_a_dry_run_is_the_plan_and_writes_nothing(tow: Run) -> None:
    before = sorted(os.listdir())
    code, out, err = tow("run", "--dry-run")
    assert code == 0
    assert "shop/orders: in/orders.csv -> w#orders" in out
    assert "shop/totals: can be planned once orders has run" in err
    assert sorted(os.listdir()) == before
    tow("run")
    assert "would move 0 rows" in tow("run", "orders", "--dry-run")[1]
    assert "would move 0 rows" not in tow("run", "orders", "--dry-run", "--full-refresh")[1]


def test_failed_runs_what_did_not_end_well_and_says_so(tow: Run) -> None:
    code, _, err = tow("run", "--failed")
    assert (code, "no run is in the history" in err) == (2, True)
    Path("in/orders.csv").rename("in/away.csv")
    assert tow("run")[0] == 1
    Path("in/away.csv").rename("in/orders.csv")
    code, out, err = tow("run", "--failed", "--json")
    assert (code, receipts(out)) == (0, [("shop/orders", "done", 2), ("shop/totals", "done", 1)])
    assert "runs what did not end well: orders, totals" in err
    code, out, _ = tow("run", "--failed")
    assert (code, out) == (0, "shop: nothing failed in the latest run\n")
    assert tow("run", "--failed", "orders")[0] == 2


def test_a_step_whose_failure_is_ignored_exits_with_0(tow: Run) -> None:
    Path("tow.yaml").write_text("pipeline: p\nsteps: {a: {from: none.csv, to: a.csv, on_failure: ignore}}")
    code, out, err = tow("run")
    assert code == 0
    assert "stopped" in err
    assert "1 stopped" in out


def test_from_and_to_choose_by_what_needs_what(tow: Run) -> None:
    assert [one[0] for one in receipts(tow("run", "--to", "orders", "--json")[1])] == ["shop/orders"]
    assert [one[0] for one in receipts(tow("run", "--from", "totals", "--json")[1])] == ["shop/totals"]


def test_a_part_of_the_data_is_chosen_for_one_run(tow: Run) -> None:
    Path("tow.yaml").write_text("pipeline: p\nsteps: {a: {from: in/orders.csv, to: {address: '-', format: csv}}}")
    code, _, err = tow("run", "--since", "1")
    assert (code, "these steps have none: a" in err) == (2, True)
    assert tow("run", "--limit", "-1")[0] == 2
    assert tow("run", "--sample", "200%")[0] == 2
    assert tow("run", "--parallel", "0")[0] == 2


def test_lines_of_parallel_steps_are_whole(tow: Run) -> None:
    steps = "\n".join(f"  s{n}: {{from: in/orders.csv, to: out{n}.csv}}" for n in range(6))
    Path("tow.yaml").write_text(f"pipeline: p\nparallel: 4\nsteps:\n{steps}\n")
    code, out, _ = tow("run", "--json")
    assert code == 0
    assert sorted(receipts(out)) == [(f"p/s{n}", "done", 3) for n in range(6)]


SLOW = """\
    import time
    def slow(table):
        time.sleep(0.1 if table.num_rows else 0)
        return table
    """


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_an_interrupt_stops_all_steps_and_leaves_nothing(tow: Run, tmp_path: Path, parallel: str) -> None:
    Path("many.csv").write_text("id,text\n" + "".join(f"{n},{'x' * 40}\n" for n in range(60_000)))
    Path("slowly.py").write_text(dedent(SLOW))
    steps = "\n".join(
        f"  s{n}: {{from: many.csv, python: 'slowly:slow', to: out{n}.csv, memory: 8MB}}" for n in range(3)
    )
    Path("tow.yaml").write_text(f"pipeline: p\nsteps:\n{steps}\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen(
        [sys.executable, "-m", "towpath.cli.main", "run", "--parallel", parallel],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path,
    )  # fmt: skip
    until = time.monotonic() + 30
    while not list(tmp_path.glob(".out*")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert b"tow: interrupted" in err
    assert b"Traceback" not in err
    assert not list(tmp_path.glob("*out*.csv*"))
    assert "runs what did not end well: s0, s1, s2" in tow("run", "--failed", "--dry-run")[1]


def test_lint_tells_mistakes_and_warnings_with_their_places_and_codes(tow: Run) -> None:
    assert tow("lint") == (0, "tow.yaml: no mistakes, no warnings\n", "")
    Path("tow.yaml").write_text(Path("tow.yaml").read_text().replace("mode: replace}", "}", 1))
    code, out, _ = tow("lint")
    assert code == 0
    assert out.splitlines()[0].startswith("tow.yaml:6:3: warning: mode create stops every run after the first")
    assert out.splitlines()[0].endswith("[create-again]")
    assert out.splitlines()[1] == "tow.yaml: no mistakes, 1 warning"
    assert tow("lint", "--strict")[0] == 1
    found = json.loads(tow("lint", "--json")[1])
    assert (found["level"], found["code"], found["line"]) == ("warning", "create-again", 6)


def test_lint_lists_all_mistakes_and_exits_with_2(tow: Run) -> None:
    Path("tow.yaml").write_text("pipeline: p\nsteps: {a: {form: a.csv, to: b.csv, mode: x}}")
    code, out, _ = tow("lint", "--json")
    assert code == 2
    assert [json.loads(line)["code"] for line in out.splitlines()] == ["yaml-wrong"] * 3
    assert tow("lint")[1].splitlines()[-1] == "tow.yaml: 3 mistakes, no warnings"


@pytest.mark.parametrize("what", ["tow.yaml", "receipt", "plan", "log"])
def test_schemas_are_printed(tow: Run, what: str) -> None:
    code, out, _ = tow("schema", what)
    assert code == 0
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_without_a_name_the_schema_is_that_of_tow_yaml(tow: Run) -> None:
    assert tow("schema")[1] == tow("schema", "tow.yaml")[1]


def test_a_step_alone_is_planned_as_it_is_run(tow: Run) -> None:
    code, out, _ = tow("plan", "orders")
    assert (code, out.startswith("shop/orders: ")) == (0, True)
    code, _, err = tow("plan", "orderz")
    assert (code, "there is no step 'orderz'" in err) == (2, True)


def test_a_plan_that_is_refused_names_its_step_once(tow: Run) -> None:
    tow("run")
    code, _, err = tow("plan", "tow.yaml", "orders", "--var", "low=1")
    assert (code, err.count("shop/orders")) == (1, 1)
