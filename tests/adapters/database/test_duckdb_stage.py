"""Rows that wait for a DuckDB file in one of their own, which becomes the database where there is none."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import towpath as tow
from tests.descriptors import files_open
from towpath.adapters.database.duckdb import DuckDB
from towpath.adapters.database.duckdb_stage import DuckDBStage
from towpath.disk import leftovers
from towpath.errors import BooksDoNotBalance, Conflict, Refused
from towpath.joins import table_waiting
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Checkpoint, Mode, Published, State
from towpath.stream import Batch, Counted

ROWS = pa.record_batch(
    {
        "id": pa.array(range(1_000), pa.uint64()),
        "price": pa.array([None, 1, 2, 3] * 250, pa.int32()).cast(pa.decimal128(18, 2)),
        "seen": pa.array([None, 10**15] * 500, pa.timestamp("us", "UTC")),
        "names": pa.array([["a", None], None] * 500, pa.list_(pa.string())),
    }
)
STATE = State("shop/orders", "load1", Checkpoint("files", {}), "plan", "2026-01-01T00:00:00Z", 1_000)


@pytest.fixture(autouse=True)
def _put_down_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 1)


def load(
    path: Path,
    table: str = "orders",
    mode: Mode = Mode.CREATE,
    meanwhile: Callable[[], object] = lambda: None,
    load_id: str = "load1",
    **options: Any,
) -> Published:
    """Loads the rows; `meanwhile` happens when all of them wait."""
    destination = TableDestination(DuckDB(str(path)), table, **options)
    before = destination.recover(STATE.step)
    with destination.begin(destination.offer(ROWS.schema, mode, ("id",)), load_id) as load:
        load.write(Batch(ROWS, Counted("rows")))
        meanwhile()
        return load.publish(before, replace(STATE, load_id=load_id))


def told(path: Path, sql: str) -> list[Any]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_stage_becomes_the_database_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DuckDBStage, "relation", None)  # nobody takes the rows over
    inodes = set[int]()
    path = tmp_path / "shop.db"

    def look() -> None:
        (staged,) = tmp_path.glob(".shop.db.load1.stage*")
        inodes.add(staged.stat().st_ino)

    assert load(path, meanwhile=look) == Published(1_000, 1_000)
    assert inodes == {path.stat().st_ino}
    assert os.listdir(tmp_path) == ["shop.db"]
    assert told(path, "select count(*), sum(id), sum(price), min(names) from orders") == [
        (1_000, 499_500, 1_500, ["a", None])
    ]
    assert told(path, "select step, load_id from _towpath_state") == [("shop/orders", "load1")]


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.APPEND, Mode.REPLACE, Mode.MERGE])
def test_what_became_the_database_is_what_would_have_been_made_in_it(tmp_path: Path, mode: Mode) -> None:
    taken, became = tmp_path / "taken.db", tmp_path / "became.db"
    duckdb.connect(str(taken)).close()
    for path in (taken, became):
        assert load(path, mode=mode) == Published(1_000, 1_000)
    described = "select table_name, sql from duckdb_tables() order by 1"
    assert told(became, described) == told(taken, described)
    for sql in (
        "select * replace (seen::varchar as seen) from orders order by id",
        "select step, load_id from _towpath_state",
    ):
        assert told(became, sql) == told(taken, sql)
    with duckdb.connect(str(became)) as connection:  # nothing else is in it, and it takes more
        assert connection.execute("select distinct schema_name from duckdb_tables()").fetchall() == [("main",)]
        connection.execute("insert into orders select id + 1000, price, seen, names from orders")
    assert told(became, "select count(distinct id) from orders") == [(2_000,)]


def test_a_database_that_was_made_meanwhile_takes_the_rows_over(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"

    def other() -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table other as select 7 as x")

    assert load(path, meanwhile=other) == Published(1_000, 1_000)
    assert told(path, "select count(*), max(x) from orders, other") == [(1_000, 7)]


def _refusing(number: int) -> Callable[..., None]:
    def link(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return link


def _beaten(monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    """Another program makes the database in the moment before the stage would become it."""
    link = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        with duckdb.connect(str(target)) as connection:
            connection.execute(sql)
        link(source, target)

    monkeypatch.setattr(os, "link", late)


def test_a_database_that_is_made_at_the_last_moment_takes_the_rows_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.db"
    _beaten(monkeypatch, "create table other as select 7 as x")
    assert load(path) == Published(1_000, 1_000)
    assert told(path, "select count(*), max(x) from orders, other") == [(1_000, 7)]
    assert told(path, "select load_id from _towpath_state") == [("load1",)]
    assert os.listdir(tmp_path) == ["shop.db"]


def test_a_table_that_is_made_at_the_last_moment_is_a_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.db"
    _beaten(monkeypatch, "create table orders as select 7 as x")
    with pytest.raises(Conflict, match="the table was made meanwhile"):
        load(path)
    assert told(path, "from orders") == [(7,)]
    assert os.listdir(tmp_path) == ["shop.db"]


def test_no_descriptor_of_ours_outlasts_the_becoming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing one later would take away the locks of another thread, which has the database open by then."""
    link, held = os.link, list[list[str]]()

    def look(source: Path, target: Path) -> None:
        held.append(files_open(tmp_path))
        link(source, target)

    monkeypatch.setattr(os, "link", look)
    load(tmp_path / "shop.db", meanwhile=lambda: held.append(files_open(tmp_path)))
    waiting, becoming = held
    assert waiting
    assert becoming == []


def test_rows_that_a_sweep_took_in_the_moment_of_becoming_are_a_conflict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(source: Path, target: Path) -> None:
        assert leftovers.sweep(tmp_path, "shop.db") == [source.name]
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(Conflict, match=": another run took the rows .*; nothing was published \\[") as told:
        load(tmp_path / "shop.db")
    assert told.value.where == str(tmp_path / "shop.db")
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_links_gets_the_rows_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _refusing(errno.EPERM))
    assert load(tmp_path / "shop.db") == Published(1_000, 1_000)
    assert told(tmp_path / "shop.db", "select count(*), sum(id) from orders") == [(1_000, 499_500)]
    assert os.listdir(tmp_path) == ["shop.db"]


def test_a_disk_that_does_not_keep_the_file_is_told_and_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", _refusing(errno.EIO))
    with pytest.raises(Refused, match="cannot write it") as told:
        load(tmp_path / "shop.db")
    assert told.value.where == str(tmp_path / "shop.db")
    assert os.listdir(tmp_path) == []


def test_a_state_that_went_with_its_database_is_a_conflict(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    destination = TableDestination(DuckDB(str(path)), "orders")
    with destination.begin(destination.offer(ROWS.schema, Mode.CREATE, ()), "load1") as load:
        load.write(Batch(ROWS, Counted("rows")))
        with pytest.raises(Conflict):
            load.publish(replace(STATE, load_id="load0"), STATE)
    assert os.listdir(tmp_path) == []


def test_rows_that_a_stage_loses_upset_the_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = DuckDBStage.insert
    monkeypatch.setattr(
        DuckDBStage, "insert", lambda self, schema, batches: insert(self, schema, (one[:-1] for one in batches))
    )
    path = tmp_path / "shop.db"
    with pytest.raises(BooksDoNotBalance, match="took 999 rows of 1,000") as told:
        load(path)
    assert told.value.where == "shop.db#orders"
    assert os.listdir(tmp_path) == []


def test_what_a_stage_refuses_names_the_database(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with DuckDBStage(path, "load1", {"id": "INTEGER"}, {}) as stage:
        stage.seal()
        with stage.becoming("orders") as session, pytest.raises(tow.errors.TowError) as told:
            session.execute("nonsense")
        assert told.value.where == str(path)
        with pytest.raises(tow.errors.TowError) as told:
            stage.insert(pa.schema({"id": pa.int32()}), iter([pa.record_batch({"id": pa.array([1], pa.int32())})]))
        assert told.value.where == str(path)


def test_a_name_that_cannot_be_given_up_is_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "unlink", _refusing(errno.EIO))
    assert load(tmp_path / "shop.db") == Published(1_000, 1_000)
    with DuckDBStage(tmp_path / "other.db", "load2", {"id": "INTEGER"}, {}):
        pass
    monkeypatch.undo()
    assert leftovers.sweep(tmp_path, "shop.db") == [".shop.db.load1.stage.tow-tmp"]
    assert leftovers.sweep(tmp_path, "other.db") == [".other.db.load2.stage.tow-tmp"]


def test_a_file_that_cannot_be_held_again_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(leftovers.os, "open", _refusing(errno.EACCES))
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(Refused, match="cannot write it: permission was denied") as told:
        load(tmp_path / "shop.db")
    assert told.value.where == str(tmp_path / "shop.db")


def test_a_connection_that_does_not_close_keeps_nothing_else_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def close(self) -> None:
            raise duckdb.IOException("the disk is gone")

    stage = DuckDBStage(tmp_path / "shop.db", "load1", {"id": "INTEGER"}, {})
    connection = stage._connection
    monkeypatch.setattr(stage, "_connection", Broken())
    stage.close()
    connection.close()
    assert os.listdir(tmp_path) == []


def test_scripts_run_in_the_transaction_that_publishes(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    load(path, after=["create table told as select count(*) as n, current_database() as name from shop.main.orders"])
    assert told(path, "from told") == [(1_000, "shop")]
    with pytest.raises(tow.errors.UserError):
        load(tmp_path / "other.db", after=["insert into nowhere values (1)"])
    assert not (tmp_path / "other.db").exists()
    load(tmp_path / "third.db", table="main.orders", before=["create table first as select 7 as x"])
    assert told(tmp_path / "third.db", "select count(*), max(x) from orders, first") == [(1_000, 7)]


def test_a_table_named_with_its_schema_becomes_the_database_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DuckDBStage, "relation", None)
    assert load(tmp_path / "shop.db", table="main.orders") == Published(1_000, 1_000)
    assert told(tmp_path / "shop.db", "select count(*) from main.orders") == [(1_000,)]


def test_doubled_keys_are_found_in_what_becomes_the_database(tmp_path: Path) -> None:
    database = DuckDB(str(tmp_path / "shop.db"))
    destination = TableDestination(database, "orders")
    with destination.begin(destination.offer(ROWS.schema, Mode.MERGE, ("id",)), "load1") as load:
        for _ in range(2):
            load.write(Batch(ROWS.slice(0, 3), Counted("rows")))
        with pytest.raises(tow.errors.DataError, match="comes more than once"):
            load.publish(None, None)
    assert os.listdir(tmp_path) == []


def test_two_runs_of_one_load_do_not_share_a_file(tmp_path: Path) -> None:
    path, columns = tmp_path / "shop.db", {"id": "INTEGER"}
    with DuckDBStage(path, "load1", columns, {}) as stage:
        with pytest.raises(Refused, match="another run is writing the same load"):
            DuckDBStage(path, "load1", columns, {})
        assert leftovers.sweep(tmp_path, "shop.db") == []
        assert stage.insert(pa.schema({"id": pa.int32()}), iter([])) == 0
    assert os.listdir(tmp_path) == []


def test_what_a_dead_run_left_makes_way(tmp_path: Path) -> None:
    (tmp_path / ".shop.db.load1.stage.tow-tmp").write_bytes(b"half a file")
    assert load(tmp_path / "shop.db") == Published(1_000, 1_000)
    assert os.listdir(tmp_path) == ["shop.db"]


def test_a_sweep_that_takes_the_file_before_it_is_held_does_no_harm(tmp_path: Path) -> None:
    made = list[Path]()

    def make(path: Path) -> Any:
        file = path.open("w+b")
        made.append(path)
        if len(made) == 1:
            assert leftovers.sweep(tmp_path, "shop.db") == [path.name]
        return file

    file, held, path = leftovers.create_by(make, lambda file: file.close(), tmp_path, "shop.db", "load1", ".stage")
    with file, held:
        assert made == [path, path]
        assert leftovers.sweep(tmp_path, "shop.db") == []
    assert leftovers.sweep(tmp_path, "shop.db") == [path.name]


def test_constraints_of_the_table_that_is_there_hold(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table orders (id ubigint, price decimal(18,2), seen timestamptz, names varchar[])")
        connection.execute("alter table orders add constraint k primary key (id)")
    load(path, mode=Mode.APPEND)
    with pytest.raises(tow.errors.DataError, match="choose --mode merge with --key"):
        load(path, mode=Mode.APPEND, load_id="load2")
    assert told(path, "select count(*) from orders") == [(1_000,)]
    assert os.listdir(tmp_path) == ["shop.db"]


def test_a_disk_that_does_not_let_the_file_be_held_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers.os, "open", _refusing(errno.ENOSPC))
    with pytest.raises(Refused, match="no space left"):
        DuckDBStage(tmp_path / "shop.db", "load1", {"id": "INTEGER"}, {})
    monkeypatch.undo()
    assert os.listdir(tmp_path) == []
