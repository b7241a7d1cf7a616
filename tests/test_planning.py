"""The plan, word for word as people and programs read it, and what it is found from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.movekit import duck, job, write
from towpath import move
from towpath.columnways import column_json
from towpath.errors import Refused, UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.nouns import Checkpoint, ColumnPlan, Guarantee, Mode, Offer, State, Stored, Way
from towpath.pipeline import jobs as steps
from towpath.pipeline.load import Loaded, load
from towpath.pipeline.order import order
from towpath.planning import Plan, plan, plan_pipeline
from towpath.receipt import listed
from towpath.secrets import redact

COLUMNS = (
    ColumnPlan("id", pa.int64(), "id", Stored(pa.int64(), "BIGINT"), Way.EXACT),
    ColumnPlan("Note", pa.int32(), "note", Stored(pa.string(), "VARCHAR"), Way.EXACT, "int32 written as text"),
    ColumnPlan("ratio", pa.float64(), "ratio", Stored(pa.float32()), Way.CHECKED, "it has fewer bits"),
    ColumnPlan("x", pa.float64(), "x", Stored(pa.int8()), Way.LOSSY),
)
OFFER = Offer(
    pa.schema([]),
    pa.schema([]),
    COLUMNS,
    Mode.MERGE,
    ("id", "day"),
    Guarantee.ATOMIC,
    "one transaction",
    "rows of equal key are updated",
    ddl=("create table a", "create table b"),
    instead_of=("_source_file", ("a.csv", "b.csv")),
    lacking=("note", "day"),
)
STATE = State("shop/orders", "00ff", Checkpoint("version", {"value": 7}), "plan", "2026-11-29T12:00:00Z", 1)


def spec(**others: Any) -> JobSpec:
    return JobSpec({"input": InputSpec("a.csv")}, OutputSpec("w.db"), **others)


def shown(offer: Offer | None = OFFER, job: JobSpec | None = None, **others: Any) -> Plan:
    return Plan(job or spec(), "a.csv", "w.db#t", offer, **others)


def test_a_plan_says_all_that_is_known_line_by_line() -> None:
    job = spec(step="shop/orders", bad_rows="bad", max_bad="2%")
    full = shown(
        job=job,
        route=["read: a file", "write: a table"],
        unsettled=("ratio",),
        rows=2000,
        size=1,
        state=STATE,
        notes=("first", "second"),
    )
    assert str(full).splitlines() == [
        "shop/orders: a.csv -> w.db#t  (2,000 rows, 1 byte)",
        "  read: a file",
        "  write: a table",
        "  mode: merge by id, day: rows of equal key are updated",
        "  guarantee: atomic: one transaction",
        "  state: load 00ff at 2026-11-29T12:00:00Z (1 row), read up to version 7 of the table",
        "  columns:",
        "    id            int64                  ->  BIGINT   exact",
        "    Note -> note  int32                  ->  VARCHAR  exact",
        "    ratio         float64 (from sample)  ->  float32  checked: it has fewer bits",
        "    x             float64                ->  int8     lossy",
        "  ddl: create table a",
        "  ddl: create table b",
        "  not in the rows: note, day (null or the default in new rows)",
        "  bad rows: set aside in bad, at most 2% of the rows read",
        "  changed files, whose rows make way: a.csv, b.csv",
        "  note: first",
        "  note: second",
    ]
    assert full.lines() == str(full).splitlines()


def test_a_plan_of_which_little_is_known_says_only_that() -> None:
    bare = replace(OFFER, columns=COLUMNS[:1], mode=Mode.CREATE, key=(), ddl=(), instead_of=None, lacking=())
    rest = [
        "  mode: create: rows of equal key are updated",
        "  guarantee: atomic: one transaction",
        "  columns:",
        "    id  int64  ->  BIGINT  exact",
    ]
    assert shown(bare).lines() == ["copy: a.csv -> w.db#t", *rest]
    assert shown(bare, rows=0, size=0).lines()[0] == "copy: a.csv -> w.db#t  (0 rows)"
    assert shown(bare, size=2).lines()[0] == "copy: a.csv -> w.db#t  (2 bytes)"
    assert shown(bare, spec(step="p/s")).lines()[3] == "  state: none yet: everything is read"
    assert shown(bare, spec(bad_rows="kafka://u:word@h#t")).lines()[-1] == "  bad rows: set aside in kafka://u:***@h#t"


def test_a_plan_without_an_offer_says_why() -> None:
    assert shown(None, route=["read"], unchanged="nothing new").lines() == [
        "copy: a.csv -> w.db#t",
        "  read",
        "  would move 0 rows: nothing new",
    ]
    assert shown(None, waiting="once it has run").lines()[1:] == ["  once it has run"]


def test_a_plan_says_shortly_what_it_does() -> None:
    assert repr(shown()) == "<Plan copy: a.csv -> w.db#t: merge, atomic>"
    assert repr(shown(None, spec(step="p/s"))) == "<Plan p/s: a.csv -> w.db#t: moves nothing>"
    assert repr(shown(None, waiting="once it has run")) == "<Plan copy: a.csv -> w.db#t: once it has run>"


def test_a_notebook_shows_the_plan_as_a_table() -> None:
    assert "it has fewer bits" in shown()._repr_html_()


def test_the_json_of_a_plan_has_each_fact_of_it() -> None:
    job = spec(step="shop/orders", bad_rows="kafka://u:word@h#t", max_bad="2%")
    full = shown(job=job, route=["read"], unsettled=("ratio",), rows=2, size=9, state=STATE, notes=("first",))
    head = {
        "step": "shop/orders",
        "source": "a.csv",
        "destination": "w.db#t",
        "route": ["read"],
        "rows": 2,
        "size": 9,
        "unchanged": "",
        "waiting": "",
        "state": {"load": "00ff", "at": "2026-11-29T12:00:00Z"},
    }
    names = ("name", "type", "to", "stored", "way", "why", "from_sample")
    columns = [
        ("id", "int64", "id", "BIGINT", "exact", "", False),
        ("Note", "int32", "note", "VARCHAR", "exact", "int32 written as text", False),
        ("ratio", "float64", "ratio", "float32", "checked", "it has fewer bits", True),
        ("x", "float64", "x", "int8", "lossy", "", False),
    ]
    assert full.as_json() == head | {
        "mode": "merge",
        "key": ["id", "day"],
        "effect": "rows of equal key are updated",
        "guarantee": "atomic",
        "why": "one transaction",
        "columns": [dict(zip(names, one, strict=True)) for one in columns],
        "ddl": ["create table a", "create table b"],
        "lacking": ["note", "day"],
        "bad_rows": "kafka://u:***@h#t",
        "max_bad": "2%",
        "instead": ["a.csv", "b.csv"],
        "notes": ["first"],
    }
    assert column_json(COLUMNS[0])["from_sample"] is False
    few = shown(replace(OFFER, instead_of=None)).as_json()
    assert (few["state"], few["bad_rows"], few["max_bad"], few["instead"]) == (None, None, None, [])
    idle = shown(None, job, route=["read"], rows=2, size=9, state=STATE, unchanged="nothing new", waiting="later")
    assert idle.as_json() == head | {"unchanged": "nothing new", "waiting": "later"}


def test_names_are_listed_up_to_the_fifth() -> None:
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert listed([*"abcdef", *map(str, range(1000))]) == "a, b, c, d, e and 1,001 more"
    assert listed(["a", "b"], most=1) == "a and 1 more"


def test_a_plan_is_found_without_a_trace(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,zip\n1,00501\n2,7\n")
    found = plan(job(source, tmp_path / "o.parquet", where="id > 1"))
    assert (found.source, found.destination) == (str(source), str(tmp_path / "o.parquet"))
    assert (found.rows, found.size, found.state, found.unchanged, found.notes) == (2, 19, None, "", ())
    assert found.route == [
        "read input: files on this machine's disks [towpath/adapters/store/local.py]",
        "read input: comma-separated text (pyarrow) [towpath/adapters/format/csv.py]",
        "transform: SQL over streams by DuckDB [towpath/adapters/engine/duckdb.py]",
        "write: files on this machine's disks [towpath/adapters/store/local.py]",
        "write: Apache Parquet (pyarrow) [towpath/adapters/format/parquet.py]",
    ]
    assert found.offer is not None
    assert [one.name for one in found.offer.columns] == ["id", "zip"]
    assert list(tmp_path.iterdir()) == [source]


def test_a_step_is_planned_onwards_from_its_state(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id\n1\n2\n")
    made = job(source, f"duckdb:///{tmp_path}/w.db#t", mode=Mode.REPLACE, step="p/s")
    receipt = move.run(made)
    idle = plan(made)
    assert idle.state is not None
    assert (idle.state.load_id, idle.state.rows, idle.offer) == (receipt.load, 2, None)
    assert idle.unchanged.startswith("nothing new in ")
    again = plan(made, full_refresh=True)
    assert (again.unchanged, again.offer is None) == ("", False)
    changed = replace(made, where="id > 1")
    with pytest.raises(Refused, match="--accept-plan"):
        plan(changed)
    assert plan(changed, accept_plan=True).spec == changed


def test_columns_that_may_yet_widen_are_marked_by_the_names_that_the_plan_gives_them(tmp_path: Path) -> None:
    line = '{"id": 1, "zip": 2, "n": 3, "day": 4, "note": 5}\n'
    source = write(tmp_path / "a.jsonl", line * (1 + (1 << 19) // len(line)))  # one line more than the sample
    to = f"duckdb:///{tmp_path}/w.db#t"
    shaped: dict[str, Any] = {"types": {"id": "int64"}, "rename": {"zip": "code"}, "cast": {"n": "text"}}
    assert plan(job(source, to, **shaped)).unsettled == ("code", "day", "note")
    duck(tmp_path / "w.db", "create table t (id integer, zip varchar, DAY integer, other date default current_date)")
    met = plan(job(source, to, mode=Mode.APPEND))
    assert met.unsettled == ("n", "note")
    assert met.offer is not None
    assert met.offer.lacking == ("other",)
    assert plan(job(source, to, mode=Mode.APPEND, all_text=True)).unsettled == ()


def test_a_table_that_judges_rows_itself_is_announced_where_bad_rows_are_kept(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id\n1\n")
    table = job(source, f"duckdb:///{tmp_path}/w.db#t", mode=Mode.APPEND, bad_rows=str(tmp_path / "bad"))
    assert plan(table).notes == ()
    move.run(table)
    assert plan(table).notes == (
        "a row that only the table's own constraints and triggers refuse stops the load; "
        "a rule (--rule) finds it beforehand",
    )
    assert plan(replace(table, bad_rows=None)).notes == ()
    file = job(source, tmp_path / "o.csv", bad_rows=str(tmp_path / "bad"))
    move.run(file)
    assert plan(replace(file, mode=Mode.REPLACE)).notes == ()


def test_a_failing_plan_tells_no_secret(tmp_path: Path) -> None:
    redact.known("hush-hush")
    with pytest.raises(UserError) as caught:
        plan(job(write(tmp_path / "a.csv", "id\n1\n"), tmp_path / "o.csv", select=("hush-hush",)))
    assert "hush-hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def shop(folder: Path) -> Loaded:
    write(folder / "a.csv", "id\n1\n")
    path = write(
        folder / "tow.yaml",
        "pipeline: p\n"
        "steps:\n"
        "  last: {from: {b: c.csv, a: 'duckdb:///w.db#t'}, sql: 'select a.id from a, b', to: d.csv, mode: replace}\n"
        "  first: {from: a.csv, to: 'duckdb:///w.db#t', mode: replace}\n"
        "  other: {from: a.csv, to: c.csv, mode: replace}\n",
    )
    return load(path)


def test_a_pipeline_is_planned_in_the_order_of_its_steps(tmp_path: Path) -> None:
    first, other, last = plan_pipeline(shop(tmp_path))
    assert [first.spec.step, other.spec.step, last.spec.step] == ["p/first", "p/other", "p/last"]
    assert first.offer is not None
    assert other.offer is not None
    assert (last.offer, last.source, last.destination) == (None, "c.csv, duckdb:///w.db#t", "d.csv")
    assert last.waiting.startswith(f"can be planned once first, other has run: {tmp_path}/c.csv: there is no such file")
    assert [one.spec.step for one in plan_pipeline(shop(tmp_path), ["other"])] == ["p/other"]


def test_a_step_that_was_changed_waits_for_no_other(tmp_path: Path) -> None:
    loaded = shop(tmp_path)
    for name in order(loaded):
        move.run(steps.job(loaded, name))
    text = (tmp_path / "tow.yaml").read_text()
    (tmp_path / "tow.yaml").write_text(text.replace("from a, b", "from b, a"))
    with pytest.raises(Refused, match="p/last: the step was changed since its last load"):
        plan_pipeline(load(tmp_path / "tow.yaml"))


def test_a_step_whose_needs_are_not_planned_with_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="c.csv"):
        plan_pipeline(shop(tmp_path), ["last"])
