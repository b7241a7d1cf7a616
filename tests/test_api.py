"""The Python interface as a user writes it."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import towpath as tow
from towpath.api import copy
from towpath.cli.main import parser
from towpath.errors import StepsStopped
from towpath.progress import Unwatched
from towpath.python.keywords import Vars


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    path = tmp_path / "flights.csv"
    path.write_text("id,zip,delay,day\n1,00501,1.5,2026-01-01\n2,12345,NA,2026-01-02\n3,12345,-2,2026-01-03\n")
    return path


def test_a_copy_takes_paths_and_typed_keywords(flights: Path, tmp_path: Path) -> None:
    receipt = tow.copy(
        flights,
        tmp_path / "out.parquet",
        null="NA",
        types={"id": pa.int32(), "day": "text"},
        where="id < 3",
        select=["id", "delay", "day"],
        rename={"delay": "late"},
        rules=[{"not_null": ["id"]}, "range: {id: [1, null]}"],
        memory="512MiB",
    )
    assert (receipt.status, receipt.rows) == ("done", 2)
    made = pq.read_table(tmp_path / "out.parquet")
    assert made.to_pylist() == [
        {"id": 1, "late": 1.5, "day": "2026-01-01"},
        {"id": 2, "late": None, "day": "2026-01-02"},
    ]
    assert made.schema.field("id").type == pa.int32()


def test_several_sources_come_by_the_names_that_sql_calls_them(flights: Path, tmp_path: Path) -> None:
    (tmp_path / "zips.csv").write_text("zip,town\n00501,Holtsville\n")
    receipt = tow.copy(
        {"f": flights, "z": tmp_path / "zips.csv"},
        tmp_path / "out.parquet",
        null="NA",
        sql="select id, town from f join z using (zip)",
    )
    assert receipt.rows == 1
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{"id": 1, "town": "Holtsville"}]


def test_merging_by_a_key_is_as_on_the_command_line(flights: Path, tmp_path: Path) -> None:
    to = f"duckdb:///{tmp_path}/w.db#f"
    tow.copy(flights, to, null="NA")
    receipt = tow.copy(flights, to, null="NA", mode="merge", key="id")
    assert (receipt.inserted, receipt.unchanged) == (0, 3)


def test_an_argument_that_is_not_there_is_a_type_error(flights: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"copy\(\) got an unexpected keyword argument 'modee'"):
        tow.copy(flights, tmp_path / "x.parquet", modee="append")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="rows_as_"):
        tow.read(flights, rows_as_=dict)  # type: ignore[call-overload]
    assert not (tmp_path / "x.parquet").exists()


@pytest.mark.parametrize("wrong", [{"mode": "apend"}, {"require": "atom"}, {"memory": "much"}, {"sample": 2.0}])
def test_a_wrong_value_is_the_users_mistake(flights: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(tow.UserError) as caught:
        tow.copy(flights, tmp_path / "x.parquet", **wrong)
    assert next(iter(wrong.values())).__str__() in str(caught.value)
    assert not (tmp_path / "x.parquet").exists()


def test_every_option_of_tow_copy_has_its_keyword() -> None:
    """The names differ only where Python says more: --from-opt is a mapping, --rule a list. A program goes on by a loop
    of its own (`step`), not by --follow."""
    command = next(one for one in parser()._actions if one.choices).choices["copy"]  # type: ignore[union-attr]
    said = {one.dest for one in command._actions} - {"help", "source", "destination", "json", "quiet", "verbose", "log"}
    said -= {"follow", "every"}
    called = {"from_opt": "from_options", "to_opt": "to_options", "rule": "rules", "before_sql": "before"}
    called["after_sql"] = "after"
    known = set(inspect.signature(tow.copy).parameters) - {"source", "to", "progress"}
    assert {called.get(name, name) for name in said} == known


def test_help_shows_the_keywords_and_plan_has_the_same() -> None:
    shown = inspect.signature(copy)
    assert shown.parameters["partition_by"].kind is inspect.Parameter.KEYWORD_ONLY
    same = set(shown.parameters) - {"progress"}
    assert same <= set(inspect.signature(tow.plan).parameters)


def test_bounds_may_be_dates(tmp_path: Path) -> None:
    database = tmp_path / "w.db"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create table t as select d::date as d from range(date '2026-01-01', '2026-01-10', '1 day') r(d)"
        )
    receipt = tow.copy(
        f"duckdb:///{database}#t", tmp_path / "t.parquet", cursor="d", since=date(2026, 1, 3), until=date(2026, 1, 5)
    )
    assert receipt.rows == 2


def test_a_plan_says_what_would_happen_and_writes_nothing(flights: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    plan = tow.plan(flights, tmp_path / "x.parquet", null="NA")
    assert isinstance(plan, tow.Plan)
    assert plan.offer is not None
    assert [one.name for one in plan.offer.columns] == ["id", "zip", "delay", "day"]
    assert sorted(tmp_path.iterdir()) == before


def pipeline(tmp_path: Path, second: str = "table: a") -> Path:
    path = tmp_path / "tow.yaml"
    (tmp_path / "a.csv").write_text("id\n1\n2\n")
    path.write_text(
        "pipeline: p\n"
        "steps:\n"
        "  first: {from: a.csv, to: {address: 'duckdb:///w.db', table: a}, mode: replace}\n"
        f"  second: {{from: {{address: 'duckdb:///w.db', {second}}}, to: b.parquet, mode: replace}}\n"
    )
    return path


def test_a_pipeline_is_planned_step_by_step_also_what_waits_for_an_earlier_step(tmp_path: Path) -> None:
    first, second = tow.plan(pipeline(tmp_path))
    assert first.offer is not None
    assert second.offer is None
    assert "once first has run" in second.waiting
    assert second.waiting in "\n".join(second.lines())
    (one,) = tow.plan(tmp_path / "tow.yaml", steps=["first"])
    assert one.spec.step == "p/first"


def test_a_plan_of_a_pipeline_takes_no_options_of_a_copy(tmp_path: Path) -> None:
    with pytest.raises(tow.UserError, match="where"):
        tow.plan(pipeline(tmp_path), where="id > 1")  # type: ignore[call-overload]
    with pytest.raises(tow.UserError, match="destination"):
        tow.plan(tmp_path / "a.csv")


def test_a_run_returns_receipts_and_raises_only_when_asked_to(tmp_path: Path) -> None:
    path = pipeline(tmp_path)
    assert [one.status for one in tow.run(path)] == ["done", "done"]
    assert [one.step for one in tow.run(str(path), "first")] == ["p/first"]
    (tmp_path / "a.csv").unlink()
    assert [one.status for one in tow.run(path, check=False)] == ["stopped", "stopped"]
    with pytest.raises(StepsStopped, match="p/first") as caught:
        tow.run(path, check=True)
    assert len(caught.value.receipts) == 2
    assert isinstance(caught.value, tow.TowError)


def test_a_run_takes_profiles_variables_and_a_part_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n2\n3\n")
    path = tmp_path / "tow.yaml"
    path.write_text(
        "pipeline: p\nvars: {name: out}\nsteps:\n  s: {from: a.csv, to: '${var:name}.parquet', mode: replace}\n"
    )
    made: list[str] = []

    class Noted(Unwatched):
        def begin(self, name: str, rows: int | None, size: int | None) -> None:
            made.append(name)

    (receipt,) = tow.run(path, vars={"name": "other"}, limit=2, progress=Noted)
    assert (receipt.status, receipt.rows, made) == ("done", 2, ["p/s"])
    assert pq.read_table(tmp_path / "other.parquet").num_rows == 2
    assert tow.plan(path)[0].destination == "out.parquet"
    with pytest.raises(tow.UserError, match="nowhere"):
        tow.run(path, env="nowhere")


def test_variables_are_numbers_dates_and_truths_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,day\n1,2026-01-01\n2,2026-01-02\n3,2026-01-03\n")
    path = tmp_path / "tow.yaml"
    path.write_text(
        "pipeline: p\nvars: {most: null, day: null, text: null}\nsteps:\n"
        "  s: {from: a.csv, to: out.parquet, mode: replace, all_text: '${var:text}',\n"
        "      where: \"day > '${var:day}' and id::int < ${var:most}\"}\n"
    )
    given: Vars = {"most": 3, "day": date(2026, 1, 1), "text": True}
    assert tow.plan(path, vars=given)[0].spec.all_text
    assert [one.rows for one in tow.run(path, vars=given)] == [1]
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{"id": "2", "day": "2026-01-02"}]


def test_plans_and_receipts_of_a_pipeline_are_printed_as_the_command_prints_them(tmp_path: Path) -> None:
    path = pipeline(tmp_path)
    assert str(tow.plan(path)).startswith("p/first: ")
    receipts = tow.run(path)
    assert str(receipts).splitlines()[0].split() == ["STEP", "STATUS", "ROWS", "SECONDS", "WHAT"]
    assert isinstance(receipts, list)


def test_a_prompt_shows_plans_and_receipts_in_one_line(flights: Path, tmp_path: Path) -> None:
    to = tmp_path / "out.parquet"
    assert repr(tow.plan(flights, to)) == f"<Plan copy: {flights} -> {to}: create, recoverable>"
    assert repr(tow.copy(flights, to)) == f"<Receipt copy: {flights} -> {to}: done, 3 rows>"


def test_importing_brings_in_no_third_party_package_and_names_are_listed() -> None:
    code = (
        "import sys, towpath\n"
        "assert {name for name in dir(towpath) if name[0] != '_'} == set(towpath.__all__)\n"
        "print(sorted({'pyarrow', 'numpy', 'duckdb', 'pydantic', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_using_the_interface_imports_neither_polars_nor_ipython(flights: Path, tmp_path: Path) -> None:
    code = (
        "import sys, towpath as tow\n"
        f"tow.write([{{'a': 1}}], {str(tmp_path / 'a.parquet')!r})\n"
        f"list(tow.read({str(flights)!r}))\n"
        "print(sorted({'polars', 'IPython', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_mypy_knows_the_interface(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from dataclasses import dataclass\n"
        "import towpath as tow\n"
        "@dataclass\n"
        "class Row:\n"
        "    id: int\n"
        "r: tow.Receipt = tow.copy('a', 'b', mode='merge', key='id')\n"
        "p: tow.Plan = tow.plan('a', 'b', where='x')\n"
        "ps: list[tow.Plan] = tow.plan('tow.yaml')\n"
        "for row in tow.read('a', rows_as=Row): print(row.id)\n"
        "tow.copy('a', 'b', mode='merg')\n"
        "tow.copy('a', 'b', wher='x')\n"
        "for row in tow.read('a', rows_as=Row): print(row.nme)\n"
    )
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--cache-dir",
            str(tmp_path / "cache"),
            str(program),
        ],
        capture_output=True,
        text=True,
        env={"MYPYPATH": str(Path(tow.__file__).parents[1]), "PATH": ""},
    )
    lines = {int(line.split(":")[1]) for line in found.stdout.splitlines() if line.startswith(str(program))}
    assert lines - {2} == {10, 11, 12}, found.stdout


def test_errors_cross_to_another_process_whole() -> None:
    with pytest.raises(tow.Refused) as met:
        tow.read("nowhere.csv")
    stopped = StepsStopped([])
    for error in (met.value, stopped):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_plans_and_receipts_print_as_the_command_shows_them(flights: Path, tmp_path: Path) -> None:
    made = tow.plan(flights, tmp_path / "a.parquet")
    assert str(made) == "\n".join(made.lines())
    receipt = tow.copy(flights, tmp_path / "a.parquet")
    assert str(receipt) == "\n".join(receipt.lines())


def test_the_package_says_its_version() -> None:
    assert tow.__version__ == version("towpath")


def test_a_notebook_shows_the_line_that_called_and_the_message() -> None:
    with pytest.raises(tow.Refused) as met:
        tow.read("nowhere.csv")
    place, message = met.value._render_traceback_()
    assert place.endswith('tow.read("nowhere.csv")')
    assert "towpath" not in place.partition("\n")[2]
    assert message == f"Refused: {met.value}"


def test_a_copy_with_a_step_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    rows = []
    for name in ("a", "b"):
        (tmp_path / "in" / f"{name}.csv").write_text(f"id\n{len(rows)}\n")
        rows.append(tow.copy("in/*.csv", "duckdb:///x.db#t", step="orders", mode="append").rows)
    again = tow.copy("in/*.csv", "duckdb:///x.db#t", step="orders", mode="append")
    assert (rows, again.status) == ([1, 1], "unchanged")
