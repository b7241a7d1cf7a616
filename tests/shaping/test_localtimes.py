"""Timestamps without a zone are read in the zone that was given, whatever they come from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from towpath.errors import DataError, UserError
from towpath.ground import prepare
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.look.peek import peek
from towpath.move import run
from towpath.nouns import Mode, Way
from towpath.replay import replay

JULY, WINTER = datetime(2024, 7, 1, 8, tzinfo=UTC), datetime(2024, 1, 1, 9, tzinfo=UTC)


def job(source: Path, to: str, *, timezone: str | None = "Europe/Berlin", **others: Any) -> JobSpec:
    return JobSpec({"input": InputSpec(str(source), timezone=timezone)}, OutputSpec(to), **others)


def csv(folder: Path, *times: str) -> Path:
    path = folder / "in.csv"
    path.write_text("id,moment\n" + "".join(f"{row},{time}\n" for row, time in enumerate(times, 1)))
    return path


def stored(path: Path) -> list[Any]:
    table = pq.read_table(path)
    assert table.schema.field("moment").type == pa.timestamp("us", "UTC")
    return table["moment"].to_pylist()


def test_a_csv_files_local_times_become_instants(tmp_path: Path) -> None:
    source = csv(tmp_path, "2024-07-01 10:00", "2024-01-01 10:00", "")
    run(job(source, str(tmp_path / "out.parquet")))
    assert stored(tmp_path / "out.parquet") == [JULY, WINTER, None]


def test_without_a_zone_they_stay_local(tmp_path: Path) -> None:
    run(job(csv(tmp_path, "2024-07-01 10:00"), str(tmp_path / "out.parquet"), timezone=None))
    assert pq.read_table(tmp_path / "out.parquet")["moment"].to_pylist() == [datetime(2024, 7, 1, 10)]


def test_times_that_name_their_zone_keep_it(tmp_path: Path) -> None:
    run(job(csv(tmp_path, "2024-07-01T10:00Z"), str(tmp_path / "out.parquet")))
    assert stored(tmp_path / "out.parquet") == [datetime(2024, 7, 1, 10, tzinfo=UTC)]


def test_the_plan_shows_the_instant_and_the_column_is_exact(tmp_path: Path) -> None:
    ground = prepare(job(csv(tmp_path, "2024-07-01 10:00"), str(tmp_path / "out.parquet")), recovering=False)
    plan = {one.name: one for one in ground.offer().columns}["moment"]
    assert (plan.source, plan.way) == (pa.timestamp("us", "UTC"), Way.EXACT)


def test_a_parquet_file_and_a_table_are_read_so_too(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"moment": pa.array([datetime(2024, 7, 1, 10)], pa.timestamp("us"))}), tmp_path / "in.parquet"
    )
    run(job(tmp_path / "in.parquet", str(tmp_path / "one.parquet")))
    with duckdb.connect(str(tmp_path / "in.duckdb")) as there:
        there.execute("create table t as select timestamp '2024-01-01 10:00:00' as moment")
    source = InputSpec(f"duckdb:///{tmp_path}/in.duckdb#t", timezone="Europe/Berlin")
    run(JobSpec({"input": source}, OutputSpec(str(tmp_path / "two.parquet"))))
    assert stored(tmp_path / "one.parquet") + stored(tmp_path / "two.parquet") == [JULY, WINTER]


@pytest.mark.parametrize("time", ["2024-03-31 02:30", "2024-10-27 02:30"])
def test_a_time_without_one_instant_stops_the_load_at_its_line(tmp_path: Path, time: str) -> None:
    source = csv(tmp_path, "2024-07-01 10:00", time)
    with pytest.raises(DataError, match=r"in\.csv:3: column moment \('2024-.*Europe/Berlin (skipped|showed)"):
        run(job(source, str(tmp_path / "out.parquet")))
    assert not (tmp_path / "out.parquet").exists()


def test_such_rows_are_kept_aside_counted_and_sent_on_when_they_are_mended(tmp_path: Path) -> None:
    source = csv(tmp_path, "2024-07-01 10:00", "2024-03-31 02:30", "2024-01-01 10:00")
    to = f"duckdb:///{tmp_path}/out.duckdb#t"
    receipt = run(job(source, to, bad_rows=str(tmp_path / "bad")))
    assert receipt.set_aside == 1
    assert [(edge["name"], edge["given"], edge["aside"]) for edge in receipt.books] == [
        ("read", 3, 0),
        ("timezone", 3, 1),
        ("write", 2, 0),
    ]
    (kept,) = (tmp_path / "bad").glob("*/rows.jsonl")
    row = json.loads(kept.read_text())
    assert (row["line"], row["column"], row["value"]) == (3, "moment", "2024-03-31 02:30:00.000000")
    kept.write_text(kept.read_text().replace('02:30"', '03:30"').replace("02:30\\n", "03:30\\n"))
    replay(tmp_path / "bad")
    with duckdb.connect(str(tmp_path / "out.duckdb")) as there:
        there.execute("set timezone='UTC'")
        assert there.execute("select id from t where moment = '2024-03-31 01:30:00+00'").fetchall() == [(2,)]


def test_a_bad_time_of_a_typed_source_is_kept_with_its_values(tmp_path: Path) -> None:
    times = pa.array([datetime(2024, 3, 31, 2, 30), datetime(2024, 7, 1, 10)], pa.timestamp("us"))
    pq.write_table(pa.table({"id": [1, 2], "moment": times}), tmp_path / "in.parquet")
    to = f"duckdb:///{tmp_path}/out.duckdb#t"
    run(job(tmp_path / "in.parquet", to, bad_rows=str(tmp_path / "bad"), rename={"id": "number"}))
    (kept,) = (tmp_path / "bad").glob("*/rows.jsonl")
    assert json.loads(kept.read_text())["row"] == {"id": "1", "moment": "2024-03-31 02:30:00.000000"}
    kept.write_text(
        kept.read_text().replace('"moment": "2024-03-31 02:30:00.000000"', '"moment": "2024-03-31 01:30:00Z"')
    )
    replay(tmp_path / "bad")
    with duckdb.connect(str(tmp_path / "out.duckdb")) as there:
        assert there.execute("select number from t order by number").fetchall() == [(1,), (2,)]


@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.REPLACE])
def test_local_times_go_into_an_existing_column_of_instants(tmp_path: Path, mode: Mode) -> None:
    with duckdb.connect(str(tmp_path / "out.duckdb")) as there:
        there.execute("create table t (id bigint, moment timestamptz)")
    spec = job(csv(tmp_path, "2024-07-01 10:00"), f"duckdb:///{tmp_path}/out.duckdb#t", mode=mode)
    plan = {one.name: one for one in prepare(spec, recovering=False).offer().columns}["moment"]
    assert plan.way is Way.EXACT
    run(spec)
    with duckdb.connect(str(tmp_path / "out.duckdb")) as there:
        assert there.execute("select epoch(moment) from t").fetchall() == [(JULY.timestamp(),)]


def test_conditions_and_queries_see_instants(tmp_path: Path) -> None:
    source = csv(tmp_path, "2024-07-01 10:00", "2024-01-01 10:00")
    run(job(source, str(tmp_path / "where.parquet"), where="moment = timestamptz '2024-07-01 08:00:00+00'"))
    assert stored(tmp_path / "where.parquet") == [JULY]
    run(job(source, str(tmp_path / "sql.parquet"), sql="select max(moment) as moment from input"))
    assert stored(tmp_path / "sql.parquet") == [JULY]


def test_each_input_has_its_own_zone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("moment\n2024-07-01 10:00\n")
    inputs = {
        name: InputSpec(str(tmp_path / f"{name}.csv"), timezone=zone)
        for name, zone in (("a", "Asia/Tokyo"), ("b", None))
    }
    sql = "select a.moment as moment, b.moment as local from a, b"
    receipt = run(JobSpec(inputs, OutputSpec(str(tmp_path / "out.parquet")), sql=sql))
    assert receipt.rows == 1
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.to_pylist() == [{"moment": datetime(2024, 7, 1, 1, tzinfo=UTC), "local": datetime(2024, 7, 1, 10)}]


def test_an_unknown_zone_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    spec = job(csv(tmp_path, "2024-07-01 10:00"), str(tmp_path / "out.parquet"), timezone="Europe/Berlim")
    with pytest.raises(UserError, match="did you mean 'Europe/Berlin'"):
        prepare(spec, recovering=False).offer()


def test_peek_shows_instants_and_tells_of_bad_times(tmp_path: Path) -> None:
    source = csv(tmp_path, "2024-07-01 10:00", "2024-03-31 02:30")
    found = peek(InputSpec(str(source), timezone="Europe/Berlin"), 10, {})
    assert found.rows["moment"].to_pylist() == [JULY]
    assert [bad.column for bad in found.bad] == ["moment"]
