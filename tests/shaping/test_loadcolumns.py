"""Columns about the load: one moment and one run for all of its rows, each row's file, and a digest without them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.movekit import duck, job, table, write
from towpath import assemble, move
from towpath.deadletters import kept
from towpath.errors import Refused, UserError
from towpath.job import InputSpec
from towpath.nouns import Mode
from towpath.planning import plan
from towpath.replay import replay
from towpath.verify import verify

ALL = ("loaded_at", "run_id", "source_file")


def test_every_row_has_the_moment_the_run_and_its_file(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    pq.write_table(pa.table({"id": range(100_000)}), tmp_path / "2.parquet")
    write(tmp_path / "in/2.csv", "id\n2\n3\n")
    begun = datetime.now(UTC)
    receipt = move.run(job(tmp_path / "in/*.csv", f"duckdb:///{tmp_path}/w.db#t", load_columns=ALL))
    rows = table(tmp_path / "w.db", "select id, _run_id, _source_file from t order by id")
    assert rows == [
        (1, receipt.run, f"{tmp_path}/in/1.csv"),
        (2, receipt.run, f"{tmp_path}/in/2.csv"),
        (3, receipt.run, f"{tmp_path}/in/2.csv"),
    ]
    moments = table(tmp_path / "w.db", "select distinct epoch_us(_loaded_at) from t")
    assert len(moments) == 1
    assert begun <= datetime.fromtimestamp(moments[0][0] / 1e6, UTC) <= datetime.now(UTC)
    move.run(job(tmp_path / "2.parquet", tmp_path / "o.parquet", load_columns=ALL))
    made = pq.read_table(tmp_path / "o.parquet")
    assert set(made["_source_file"].to_pylist()) == {str(tmp_path / "2.parquet")}
    assert len(set(made["_loaded_at"].to_pylist())) == 1
    assert made.schema.field("_loaded_at").type == pa.timestamp("us", "UTC")


def test_paths_are_those_of_the_jobs_folder(tmp_path: Path) -> None:
    write(tmp_path / "in/1.csv", "id\n1\n")
    spec = job("in/*.csv", f"duckdb:///{tmp_path}/w.db#t", load_columns=("source_file",), folder=str(tmp_path))
    move.run(spec)
    assert table(tmp_path / "w.db", "select _source_file from t") == [("in/1.csv",)]


def test_the_digest_is_of_the_rows_without_them(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,x\n2,y\n")
    plain = move.run(job(source, tmp_path / "a.parquet"))
    assert move.run(job(source, tmp_path / "b.parquet", load_columns=ALL)).digest == plain.digest
    assert pq.read_table(tmp_path / "b.parquet").column_names == ["id", "n", "_loaded_at", "_run_id", "_source_file"]


def test_they_are_in_the_plan_and_come_after_all_transformations(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,x\n2,y\n1,z\n")
    spec = job(
        source,
        f"duckdb:///{tmp_path}/w.db#t",
        load_columns=("run_id", "source_file"),
        select=("id",),
        rename={"id": "key"},
        key=("key",),
        dedupe="last",
        limit=1,
    )
    offer = plan(spec).offer
    assert offer is not None
    assert offer.schema.names == ["key", "_run_id", "_source_file"]
    assert "_run_id" in offer.ddl[0]
    receipt = move.run(spec)
    assert table(tmp_path / "w.db", "select * from t") == [(2, receipt.run, str(source))]
    assert [column["name"] for column in receipt.columns] == ["key", "_run_id", "_source_file"]


def test_a_table_has_no_files_and_sql_or_python_cannot_tell_them(tmp_path: Path) -> None:
    duck(tmp_path / "s.db", "create table t as select 1 as id")
    address = f"duckdb:///{tmp_path}/s.db#t"
    move.run(job(address, tmp_path / "o.csv", load_columns=("source_file",)))
    assert (tmp_path / "o.csv").read_text() == "id,_source_file\n1,\n"
    for option in ({"sql": "select * from input"}, {"python": "m:f"}):
        with pytest.raises(UserError, match="source_file"):
            plan(job(address, tmp_path / "p.csv", load_columns=("source_file",), **option))
    receipt = move.run(job(address, tmp_path / "p.csv", load_columns=("run_id",), sql="select * from input"))
    assert (tmp_path / "p.csv").read_text() == f"id,_run_id\n1,{receipt.run}\n"


def test_a_column_of_the_same_name_or_an_unknown_one_is_an_error(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,_run_id\n1,x\n")
    with pytest.raises(UserError, match="_run_id already"):
        plan(job(source, tmp_path / "o.csv", load_columns=("run_id",)))
    move.run(job(source, tmp_path / "o.csv", load_columns=("run_id",), rename={"_run_id": "before"}))
    with pytest.raises(UserError, match="did you mean 'loaded_at'"):
        plan(job(source, tmp_path / "p.csv", load_columns=("loaded_att",)))


def test_a_value_that_does_not_fit_is_set_aside_without_them(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "x": [1.5, float("nan")]}), tmp_path / "a.parquet")
    to, bad = f"sqlite:///{tmp_path}/w.sqlite#t", tmp_path / "bad"
    move.run(job(tmp_path / "a.parquet", to, load_columns=("run_id",), bad_rows=str(bad)))
    (load,) = kept(bad)
    assert [row.row for row in load.rows()] == [{"id": "2", "x": "NaN"}]
    file = load.folder / "rows.jsonl"
    file.write_text(file.read_text().replace('"x": "NaN"', '"x": "2.5"'))
    (receipt,) = replay(bad)
    assert (receipt.rows, receipt.set_aside) == (1, 0)


def test_rows_that_carry_their_file_are_not_replayed_under_another_name(tmp_path: Path) -> None:
    source, bad = write(tmp_path / "a.csv", "n\n1\nx\n"), tmp_path / "bad"
    to = f"duckdb:///{tmp_path}/w.db#t"
    move.run(job(source, to, types={"n": "int64"}, load_columns=("source_file",), bad_rows=str(bad)))
    with pytest.raises(Refused, match="name of their file"):
        replay(bad)
    assert len(kept(bad)) == 1


def test_verify_leaves_them_out_when_only_b_has_them_and_says_so(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,x\n2,y\n")
    to = f"duckdb:///{tmp_path}/w.db#t"
    move.run(job(source, to, load_columns=ALL, mode=Mode.CREATE))
    a, b = assemble.source(InputSpec(str(source))), assemble.source(InputSpec(to))
    verdict = verify(a, b)
    assert verdict.equal
    assert verdict.lines()[-1] == "  not compared: _loaded_at, _run_id, _source_file (about the load; only B has them)"
    other = verify(b, a)
    assert not other.equal
    assert other.left_out == ()
    assert verify(b, b).left_out == ()
    duck(tmp_path / "w.db", "update t set n = 'z' where id = 2")
    assert not verify(a, assemble.source(InputSpec(to))).equal


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_row_that_is_merged_again_as_it_was_tells_of_the_load_that_brought_it(tmp_path: Path, kind: str) -> None:
    to = f"{kind}:///{tmp_path}/w.db#t"
    source = write(tmp_path / "a.csv", "id,n\n1,x\n2,y\n")
    options = {"mode": Mode.MERGE, "key": ("id",), "load_columns": ("loaded_at", "run_id")}
    move.run(job(source, to))
    first = move.run(job(source, to, **options))
    assert (first.updated, first.unchanged) == (2, 0)
    write(tmp_path / "a.csv", "id,n\n1,x\n2,z\n3,new\n")
    second = move.run(job(source, to, **options))
    assert (second.inserted, second.updated, second.unchanged) == (1, 1, 1)
    read = move.run(job(to, tmp_path / "out.csv", select=("id", "_run_id")))
    assert read.rows == 3
    assert (tmp_path / "out.csv").read_text() == f"id,_run_id\n1,{first.run}\n2,{second.run}\n3,{second.run}\n"
