"""Whole runs into tables that exist: what text becomes there, what evolves, what is refused before a row is read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from towpath import move
from towpath.deadletters import kept
from towpath.errors import DataError, Refused
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.nouns import Mode
from towpath.planning import plan
from towpath.receipt import Receipt


def job(folder: Path, text: str, table: str = "duckdb:///{}/shop.db#t", **options: Any) -> JobSpec:
    (folder / "rows.csv").write_text(text)
    to = {name: options.pop(name) for name in ("schema", "before", "after") if name in options}
    source = InputSpec(str(folder / "rows.csv"))
    return JobSpec({"input": source}, OutputSpec(table.format(folder), **to), **{"mode": Mode.APPEND, **options})


def run(*given: Any, **options: Any) -> Receipt:
    return move.run(job(*given, **options))


def tell(folder: Path, *statements: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "shop.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        return connection.fetchall()


def types(folder: Path) -> dict[str, str]:
    return {row[0]: row[1] for row in tell(folder, "describe t")}


@pytest.mark.parametrize("header", ["id", "ID"])
def test_text_is_read_as_the_columns_of_the_table_are(tmp_path: Path, header: str) -> None:
    tell(tmp_path, "create table t (id smallint, zip varchar)")
    run(tmp_path, f"{header},zip\n1,00501\n2,7\n")
    assert types(tmp_path) == {"id": "SMALLINT", "zip": "VARCHAR"}
    assert tell(tmp_path, "from t") == [(1, "00501"), (2, "7")]
    with pytest.raises(DataError, match="rows.csv:2"):
        run(tmp_path, f"{header},zip\n70000,x\n")


def test_a_type_that_the_user_pins_widens_the_column(tmp_path: Path) -> None:
    tell(tmp_path, "create table t (id integer)", "insert into t values (1)")
    spec = job(tmp_path, "id\n5000000000\n", types={"id": "int64"})
    offer = plan(spec).offer
    assert offer is not None
    assert offer.ddl == ('alter table "t" alter column "id" type BIGINT',)
    move.run(spec)
    assert tell(tmp_path, "from t") == [(1,), (5_000_000_000,)]
    with pytest.raises(Refused, match="--schema evolve"):
        run(tmp_path, "id\n1\n", types={"id": "decimal(30,0)"}, schema="freeze")
    run(tmp_path, f"id\n{10**29}\n", types={"id": "decimal(30,0)"})
    assert types(tmp_path) == {"id": "HUGEINT"}


def test_a_late_value_restarts_into_a_wider_new_column(tmp_path: Path) -> None:
    tell(tmp_path, "create table t (id integer)")
    rows = "".join(f"{n},{n}\n" for n in range(120_000))
    receipt = run(tmp_path, f"id,new\n{rows}7,00501\n")
    assert receipt.rows == 120_001
    assert types(tmp_path) == {"id": "INTEGER", "new": "VARCHAR"}
    assert tell(tmp_path, "select new from t where id = 7") == [("7",), ("00501",)]


def test_a_required_column_is_refused_before_the_source_is_read(tmp_path: Path) -> None:
    tell(tmp_path, "create table t (id integer, name varchar not null)")
    broken = 'id\n1\n"unclosed\n'
    with pytest.raises(Refused, match="'name' is not null without a default"):
        run(tmp_path, "id\n" + "1\n" * 100_000 + broken)


def test_minus_zero_is_a_bad_row_for_sqlite_and_not_a_late_stop(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("create table t (id integer, x real)")
    address = "sqlite:///{}/shop.db#t"
    with pytest.raises(DataError, match=r"rows\.csv:3(.|\n)*-0"):
        run(tmp_path, "id,x\n1,0.5\n2,-0.0\n", address, types={"x": "float64"})
    bad = tmp_path / "bad"
    receipt = run(tmp_path, "id,x\n1,0.5\n2,-0.0\n", address, types={"x": "float64"}, bad_rows=str(bad))
    assert (receipt.rows, receipt.set_aside) == (1, 1)
    assert len(list(kept(bad))) == 1
    run(tmp_path, "id,x\n3,-0.0\n", address, types={"x": "float64"}, allow_lossy=("x",))
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        assert connection.execute("select * from t").fetchall() == [(1, 0.5), (3, 0.0)]


def test_sql_around_a_step_runs_only_with_its_rows(tmp_path: Path) -> None:
    tell(tmp_path, "create table log (n integer)")
    after = ("insert into log values (1)",)
    spec = job(tmp_path, "id\n1\n", mode=Mode.REPLACE, step="shop/t", after=after)
    assert [move.run(spec).status for _ in range(2)] == ["done", "unchanged"]
    assert tell(tmp_path, "select count(*) from log") == [(1,)]


def test_merging_rows_of_one_key_advises_to_keep_the_latest(tmp_path: Path) -> None:
    run(tmp_path, "id,at\n1,1\n", mode=Mode.CREATE)
    with pytest.raises(DataError, match=r"key id = 2 comes more than once(.|\n)*--dedupe 'latest COLUMN'") as doubled:
        run(tmp_path, "id,at\n2,1\n2,2\n", mode=Mode.MERGE, key=("id",))
    assert doubled.value.code == "key-doubled"
