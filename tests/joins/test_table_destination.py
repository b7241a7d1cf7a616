"""Tables beyond the publish protocol: columns, names, types, merging to the bit, dying and living runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from towpath import registry
from towpath.errors import BooksDoNotBalance, Conflict, DataError, Refused, UserError
from towpath.joins import table_waiting
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_source import TableSource
from towpath.nouns import Mode, Published, Want, Way
from towpath.seams.database import StagesRows
from towpath.stream import Batch, Counted
from towpath.values import convert, textform

NAMES = ["duckdb", "sqlite"]


def made(name: str, folder: Path) -> Any:
    return registry.make(registry.find("database", name), {"path": str(folder / "shop.db"), "busy_secs": 0.3})


@pytest.fixture(params=NAMES)
def database(request: pytest.FixtureRequest, tmp_path: Path, waiting: int) -> Any:
    return made(request.param, tmp_path)


def load(database: Any, rows: pa.RecordBatch, mode: Mode = Mode.CREATE, key: tuple[str, ...] = ()) -> Published:
    destination = TableDestination(database, "t")
    destination.recover(None)
    offer = destination.offer(rows.schema, mode, key)
    columns = []
    for plan in offer.columns:
        done = convert.convert(rows.column(plan.name), plan)
        if len(done.bad):
            raise DataError(f"{plan.name}: {plan.why}")
        columns.append(done.values)
    with destination.begin(offer, "load1") as begun:
        begun.write(Batch(pa.record_batch(columns, schema=offer.schema), Counted("rows")))
        return begun.publish(None, None)


def back(database: Any, query: str = "select * from t") -> list[dict[str, Any]]:
    with TableSource(database, query=query).open(None, Want()) as reading:
        return [row for batch in reading for row in batch.rows.to_pylist()]


def rows(**columns: Any) -> pa.RecordBatch:
    return pa.record_batch(
        {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    )


def sql(database: Any, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.execute(statement)
        session.commit()


def test_columns_meet_by_name_and_then_by_case(database: Any) -> None:
    sql(database, "create table t (\"Id\" integer, name text, extra text default 'x')")
    load(database, rows(NAME=["a"], Id=[1]), Mode.APPEND)
    assert back(database) == [{"Id": 1, "name": "a", "extra": "x"}]


def test_columns_that_differ_only_in_case_are_refused_by_name(database: Any) -> None:
    with pytest.raises(Refused, match="'id' and 'ID'"):
        load(database, rows(id=[1], ID=[2]))


def test_an_empty_column_name_is_refused(database: Any) -> None:
    with pytest.raises(Refused, match="name of a column"):
        load(database, pa.record_batch([pa.array([1])], names=[""]))


def test_replace_keeps_the_table_its_key_and_its_views(database: Any) -> None:
    sql(
        database,
        "create table t (id integer primary key, name text)",
        "create view v as select name from t",
        "insert into t values (1, 'old'), (2, 'old')",
    )
    assert load(database, rows(id=[1, 5], name=["a", "b"]), Mode.REPLACE).inserted == 2
    assert back(database, "select * from v order by name") == [{"name": "a"}, {"name": "b"}]
    existing = TableDestination(database, "t").describe()
    assert existing is not None
    assert existing.key == ("id",)


def test_a_broken_constraint_publishes_nothing(database: Any) -> None:
    sql(database, "create table t (id integer primary key, name text not null)", "insert into t values (1, 'old')")
    with pytest.raises(DataError):
        load(database, rows(id=[2, 3], name=["a", None]), Mode.APPEND)
    with pytest.raises(DataError):
        load(database, rows(id=[1], name=["a"]), Mode.APPEND)
    assert back(database) == [{"id": 1, "name": "old"}]


def test_a_narrower_column_is_checked_and_its_way_says_so(database: Any) -> None:
    sql(database, f"create table t (n {database.stored(pa.int64()).native})")
    offer = TableDestination(database, "t").offer(pa.schema({"n": pa.float64()}), Mode.APPEND, ())
    assert offer.columns[0].way is Way.CHECKED
    assert load(database, rows(n=[1.0, None]), Mode.APPEND).inserted == 2
    with pytest.raises(DataError):
        load(database, rows(n=[1.5]), Mode.APPEND)


def test_a_table_changed_since_the_offer_is_a_conflict(database: Any) -> None:
    sql(database, "create table t (id integer)")
    destination = TableDestination(database, "t")
    offer = destination.offer(pa.schema({"id": pa.int64()}), Mode.APPEND, ())
    with destination.begin(offer, "load1") as begun:
        sql(database, "drop table t", "create table t (id text)")
        with pytest.raises(Conflict, match="column id was changed"):
            begun.publish(None, None)
        sql(database, "drop table t")
        with pytest.raises(Conflict, match="dropped"):
            begun.publish(None, None)


def test_rows_that_a_trigger_drops_do_not_pass(tmp_path: Path) -> None:
    database = made("sqlite", tmp_path)
    sql(
        database,
        "create table t (id integer)",
        "create trigger quiet before insert on t when new.id = 2 begin select raise(ignore); end",
    )
    with pytest.raises(BooksDoNotBalance):
        load(database, rows(id=[1, 2, 3]), Mode.APPEND)
    assert back(database) == []


def test_the_state_table_is_no_destination(database: Any) -> None:
    with pytest.raises(UserError, match="state"):
        TableDestination(database, "_towpath_state")


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    for name in NAMES:
        made(name, tmp_path)
        folder = tmp_path / f"none for {name}" / "deeper"
        load(made(name, folder), rows(id=[1]))
        assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] != []


def test_merge_counts_by_the_bit(database: Any) -> None:
    floats = (
        [1.0, 0.0, None, 0.1]
        if database.name and "SQLite" in type(database).__name__
        else [float("nan"), 0.0, None, 0.1]
    )
    before = rows(id=[1, 2, 3, 4], x=floats, s=["a", "b", "", None])
    load(database, before)
    assert load(database, before, Mode.MERGE, ("id",)) == Published(4, 0, 0, 4)
    after = rows(id=[1, 2, 3, 4, 5], x=[*floats, 9.5], s=["a", "B", None, None, "new"])
    assert load(database, after, Mode.MERGE, ("id",)) == Published(5, 1, 2, 2)
    assert [row["s"] for row in back(database, "select s from t order by id")] == ["a", "B", None, None, "new"]


@pytest.mark.parametrize("beside", [{}, {"l": [[0.0], [1.0]]}])
def test_merge_changes_the_sign_of_a_zero(tmp_path: Path, beside: dict[str, Any]) -> None:
    database = made("duckdb", tmp_path)
    load(database, rows(id=[1, 2], x=[0.0, 1.0], **beside))
    for zero in (-0.0, 0.0, -0.0):
        assert load(database, rows(id=[1, 2], x=[zero, 1.0], **beside), Mode.MERGE, ("id",)).updated == 1
        assert str(back(database, "select x from t order by id")) == str([{"x": zero}, {"x": 1.0}])


def test_merge_changes_the_sign_of_a_zero_in_a_list(tmp_path: Path) -> None:
    database = made("duckdb", tmp_path)
    load(database, rows(id=[1], l=[[0.0, 1.0]]))
    assert load(database, rows(id=[1], l=[[-0.0, 1.0]]), Mode.MERGE, ("id",)).updated == 1
    assert str(back(database, "select l from t")) == "[{'l': [-0.0, 1.0]}]"


def test_merge_never_claims_a_sign_that_the_database_did_not_keep(tmp_path: Path) -> None:
    database = made("duckdb", tmp_path)
    load(database, rows(id=[1], s=[{"x": 0.0}]))
    try:
        load(database, rows(id=[1], s=[{"x": -0.0}]), Mode.MERGE, ("id",))
        kept = "-0.0"
    except BooksDoNotBalance:
        kept = "0.0"
    assert str(back(database, "select s from t")) == f"[{{'s': {{'x': {kept}}}}}]"


def test_merge_keeps_columns_and_rows_that_the_stream_lacks(database: Any) -> None:
    load(database, rows(id=[1, 2], a=["x", "y"], b=["p", "q"]))
    assert load(database, rows(id=[2, 3], a=["z", "w"]), Mode.MERGE, ("id",)) == Published(2, 1, 1, 0)
    assert back(database, "select * from t order by id") == [
        {"id": 1, "a": "x", "b": "p"},
        {"id": 2, "a": "z", "b": "q"},
        {"id": 3, "a": "w", "b": None},
    ]


def test_merge_by_several_columns_of_odd_names(database: Any) -> None:
    schema = {"select": [1, 1, 2], 'say "so"': ["a", "b", "a"], "v": [1, 2, 3]}
    load(database, pa.record_batch({name: pa.array(values) for name, values in schema.items()}))
    key = ("select", 'say "so"')
    again = pa.record_batch({**{n: pa.array(v) for n, v in schema.items()}, "v": pa.array([1, 5, 3])})
    assert load(database, again, Mode.MERGE, key) == Published(3, 0, 1, 2)


def test_columns_may_have_the_names_that_sql_likes_for_tables(tmp_path: Path) -> None:
    database = made("duckdb", tmp_path)
    batch = rows(id=[1, 2], s=[{"x": 1}, {"x": 2}], t=[{"y": "a"}, {"y": "b"}], input=[1, 2], rows=["p", "q"])
    load(database, batch)
    assert load(database, batch, Mode.MERGE, ("id",)) == Published(2, 0, 0, 2)
    versions = set()
    for number in (1, 2):
        sql(database, f"update t set id = {number} where rows = 'p'")
        with database.read() as session:
            versions.add(database.version(session, "t"))
    assert len(versions) == 2


def test_merge_of_keys_alone_only_inserts(database: Any) -> None:
    load(database, rows(id=[1, 2]))
    assert load(database, rows(id=[2, 3]), Mode.MERGE, ("id",)) == Published(2, 1, 0, 1)


@pytest.mark.parametrize(
    ("ids", "told"),
    [([1, None], "null in 1 of"), ([5, 5, 7], r"id = 5 comes more than once(.|\n)*--dedupe 'latest COLUMN'")],
)
def test_a_key_that_is_null_or_doubled_publishes_nothing(database: Any, ids: list[int], told: str) -> None:
    batch = rows(id=pa.array(ids, pa.int64()), v=["x"] * len(ids))
    for _ in range(2):
        with pytest.raises(DataError, match=told):
            load(database, batch, Mode.MERGE, ("id",))
        if not database.exists() or TableDestination(database, "t").describe() is None:
            load(database, rows(id=[5], v=["old"]))
    assert back(database) == [{"id": 5, "v": "old"}]


def test_a_key_that_the_table_has_twice_publishes_nothing(database: Any) -> None:
    load(database, rows(id=[1, 1], v=["x", "y"]))
    with pytest.raises(DataError, match="belongs to several rows"):
        load(database, rows(id=[1], v=["z"]), Mode.MERGE, ("id",))
    assert load(database, rows(id=[2], v=["z"]), Mode.MERGE, ("id",)).inserted == 1


@pytest.mark.parametrize("key", [("x",), ("nothing",), ()])
def test_what_cannot_be_a_key_is_the_users_error(database: Any, key: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="key"):
        load(database, rows(id=[1], x=[0.5]), Mode.MERGE, key)


def test_a_collation_that_folds_case_does_not_hide_a_change(database: Any) -> None:
    sql(
        database,
        "create table t (id integer, k text collate nocase, v text collate nocase)",
        "insert into t values (1, 'a', 'x')",
    )
    assert load(database, rows(id=[1], v=["X"]), Mode.MERGE, ("id",)).updated == 1
    assert load(database, rows(k=["A"], v=["y"]), Mode.MERGE, ("k",)).inserted == 1
    assert load(database, rows(k=["A", "a"], v=["y", "z"]), Mode.MERGE, ("k",)) == Published(2, 0, 1, 1)


VALUES = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(allow_nan=False).filter(lambda x: str(x) != "-0.0"),
        "s": st.none() | st.text(),
        "b": st.none() | st.binary(),
        "l": st.none() | st.lists(st.none() | st.text(max_size=3), max_size=3),
    }
)
TYPES = pa.schema({"i": pa.int64(), "f": pa.float64(), "s": pa.string(), "b": pa.binary(), "l": pa.list_(pa.string())})


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.lists(VALUES, min_size=1, max_size=8))
def test_whatever_was_loaded_comes_back_and_merging_it_again_changes_nothing(
    name: str, values: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = made(name, Path(folder))
        columns = [pa.array([row[field.name] for row in values], field.type) for field in TYPES]
        batch = pa.record_batch(
            [*columns, pa.array(range(len(values)))], schema=TYPES.append(pa.field("id", pa.int64()))
        )
        load(database, batch)
        assert load(database, batch, Mode.MERGE, ("id",)).unchanged == len(values)
        with TableSource(database, query="select * from t order by id").open(None, Want()) as reading:
            got = pa.Table.from_batches([one.rows for one in reading])
        for column in batch.schema.names:
            assert (
                textform.write(got.column(column).combine_chunks()).to_pylist()
                == textform.write(batch.column(column)).to_pylist()
            )


CHILD = """
import sys
from pathlib import Path
import pyarrow as pa
from towpath import registry
from towpath.joins import table_waiting
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Checkpoint, Mode, State
from towpath.stream import Batch, Counted
name, path, load_id, when = sys.argv[1:5]
table_waiting.CHUNK_BYTES = int(sys.argv[5])
database = registry.make(registry.find("database", name), {"path": path})
kind = getattr(sys.modules[type(database).__module__], type(database).__name__ + "Session")
commit = kind.commit
def stopping(session):
    if when == "before": print("here", flush=True); sys.stdin.read()
    commit(session)
    if when == "after": print("here", flush=True); sys.stdin.read()
kind.commit = stopping
destination = TableDestination(database, "t")
before = destination.recover("step")
schema = pa.schema({"v": pa.int64()})
with destination.begin(destination.offer(schema, Mode.REPLACE, ()), load_id) as load:
    for first in range(0, 60_000, 20_000):
        load.write(Batch(pa.record_batch([pa.array([7] * 20_000, pa.int64())], schema=schema), Counted("rows")))
    if when == "written": print("here", flush=True); sys.stdin.read()
    load.publish(before, State("step", load_id, Checkpoint("files", 2), "plan", "now", 60_000))
"""


def child(database: Any, when: str) -> subprocess.Popen[str]:
    given = [type(database).__name__.lower(), str(database.path), "load2", when, str(table_waiting.CHUNK_BYTES)]
    begun = subprocess.Popen(
        [sys.executable, "-c", CHILD, *given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert begun.stdout is not None
    assert begun.stdout.readline() == "here\n"
    return begun


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(("when", "new"), [("written", False), ("before", False), ("after", True)])
def test_a_run_killed_around_its_commit_leaves_the_old_or_the_new(database: Any, when: str, new: bool) -> None:
    load(database, rows(v=[1, 2]))
    killed(child(database, when))
    state = TableDestination(database, "t").state("step")
    assert (state is not None) is new
    assert len(back(database)) == (60_000 if new else 2)
    TableDestination(database, "t").recover("step")
    assert [name for name in os.listdir(database.home) if name.endswith(".tow-tmp")] == []
    assert len(back(database)) == (60_000 if new else 2)


def test_the_leftovers_of_a_dead_run_go_and_those_of_a_living_one_stay(database: Any, waiting: int) -> None:
    load(database, rows(v=[1]))
    living = child(database, "written")
    try:
        TableDestination(database, "t").recover("step")
        left = [name for name in os.listdir(database.home) if name.endswith(".tow-tmp")]
        kind = "stage" if isinstance(database, StagesRows) else "rows"
        assert left == ([f".shop.db.load2.{kind}.tow-tmp"] if waiting == 1 else [])
    finally:
        killed(living)
    TableDestination(database, "t").recover("step")
    assert os.listdir(database.home) == ["shop.db"]


def test_readers_of_another_process_see_the_old_the_new_or_a_lock(database: Any) -> None:
    load(database, rows(v=list(range(50_000))))
    reader = textwrap.dedent("""
        import sys
        from towpath import registry
        from towpath.errors import Refused
        database = registry.make(registry.find("database", sys.argv[1]), {"path": sys.argv[2], "busy_secs": 0.0})
        print("here", flush=True)
        seen = set()
        while not seen >= {100_000, 50_000}:
            try:
                with database.read() as session:
                    seen.add(session.scalar("select count(*) + count(case when v < 0 then 1 end) * 1000000 from t"))
            except Refused as error:
                assert "locked" in str(error), error
            assert seen <= {100_000, 50_000}, seen
    """)
    watching = subprocess.Popen(
        [sys.executable, "-c", reader, type(database).__name__.lower(), str(database.path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    watching.stdout.readline()
    time.sleep(0.3)
    patient = registry.make(
        registry.find("database", type(database).__name__.lower()), {"path": str(database.path), "busy_secs": 30.0}
    )
    load(patient, rows(v=list(range(100_000))), Mode.REPLACE)
    assert watching.wait(60) == 0
    watching.stdout.close()


def test_merging_thousands_of_rows_into_a_table_without_an_index_is_quick(tmp_path: Path) -> None:
    database = made("sqlite", tmp_path)
    load(database, rows(id=list(range(20_000)), v=[0] * 20_000))
    begun = time.monotonic()
    done = load(database, rows(id=list(range(10_000, 30_000)), v=[1] * 20_000), Mode.MERGE, ("id",))
    assert (done.updated, done.inserted) == (10_000, 10_000)
    assert time.monotonic() - begun < 20  # a walk through the table for each row takes minutes
