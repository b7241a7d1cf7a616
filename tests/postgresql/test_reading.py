"""Declared types are presumed to hold what stands in a table, and made sure of when a value says otherwise."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.movekit import job
from tests.postgresqlkit import Place
from towpath import assemble, move
from towpath.errors import SourceChanged
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.joins.table_source import TableSource
from towpath.nouns import Mode, Restart, Want
from towpath.planning import plan

BEYOND = {
    "numeric(5,2)": ("1.50", "NaN", pa.decimal128(5, 2)),
    "date": ("2024-02-29", "infinity", pa.date32()),
    "time": ("12:00:00", "24:00:00", pa.time64("us")),
    "timestamp": ("2024-02-29 12:00:00", "-infinity", pa.timestamp("us")),
    "timestamptz": ("2024-02-29 12:00:00+00", "infinity", pa.timestamp("us", "UTC")),
}
"""For each type a value that Arrow's holds, one that it does not, and Arrow's."""


def source(place: Place, **options: str) -> TableSource:
    made = assemble.source(InputSpec(place.address("t"), **options))
    assert isinstance(made, TableSource)
    return made


def values(made: TableSource) -> list[object]:
    with made.open(None, Want()) as reading:
        return [value for batch in reading for value in batch.rows.column(0).to_pylist()]


@pytest.fixture(params=BEYOND)
def beyond(request: pytest.FixtureRequest, default_place: Place) -> tuple[str, str, pa.DataType]:
    """A table `t` with one column, and its value within, the one beyond, and the type of the one within."""
    inside, outside, type = BEYOND[request.param]
    default_place.run(f"create table t (v {request.param})", f"insert into t values ('{inside}'), (null)")
    return inside, outside, type


def test_values_are_not_looked_at_before_they_are_read(
    default_place: Place, beyond: tuple[str, str, pa.DataType]
) -> None:
    _, outside, type = beyond
    default_place.run(f"insert into t values ('{outside}')")
    presuming = source(default_place)
    found = presuming.describe(Want())
    assert found.schema.field("v").type == type
    assert not found.settled


def test_a_value_beyond_makes_the_reading_begin_again_with_text(
    default_place: Place, beyond: tuple[str, str, pa.DataType]
) -> None:
    _, outside, type = beyond
    reads = source(default_place)
    with reads.open(None, Want()) as reading:
        assert not reading.settled
        list(reading)
    default_place.run(f"insert into t values ('{outside}')")
    with reads.open(None, Want()) as reading:
        assert reading.schema.field("v").type == type
        with pytest.raises(Restart, match=r"#t: a value does not fit the type of column v, .*") as restart:
            list(reading)
    assert restart.value.schema.field("v").type == pa.string()
    with reads.open(None, Want(schema=restart.value.schema)) as reading:
        assert reading.settled
        assert outside in [value for batch in reading for value in batch.rows.column(0).to_pylist()]


def test_settled_types_hold_until_the_source_changes(
    default_place: Place, beyond: tuple[str, str, pa.DataType]
) -> None:
    _, outside, type = beyond
    reads = source(default_place)
    assert reads.settle(Want()).field("v").type == type
    assert reads.describe(Want()).settled
    assert len(values(reads)) == 2
    default_place.run(f"insert into t values ('{outside}')")
    with pytest.raises(SourceChanged, match="does not fit the type of column v"):
        values(reads)
    default_place.run("alter table t add column other int")
    with reads.open(None, Want()) as reading:
        assert reading.schema.names == ["v", "other"]


def test_who_has_settled_types_is_not_asked_to_begin_again(default_place: Place) -> None:
    default_place.run("create table t (v int)", "insert into t values (1)")
    reads = source(default_place)
    settled = reads.settle(Want())
    default_place.run("alter table t add column day date default 'infinity'")
    with (
        reads.open(None, Want(schema=settled)) as reading,
        pytest.raises(SourceChanged, match="does not fit the type of column day"),
    ):
        list(reading)


def test_a_run_restarts_once_and_says_so_and_a_plan_says_it_beforehand(
    default_place: Place, beyond: tuple[str, str, pa.DataType], tmp_path: Path
) -> None:
    _, outside, type = beyond
    spec = job(default_place.address("t"), tmp_path / "t.parquet", mode=Mode.REPLACE)
    first = move.run(spec)
    assert not [note for note in first.notes if "restarted" in note]
    assert pq.read_schema(tmp_path / "t.parquet").field("v").type == type
    default_place.run(f"insert into t values ('{outside}')")
    offer = plan(spec).offer
    assert offer is not None
    assert offer.schema.field("v").type == pa.string()
    assert not plan(spec).unsettled
    receipt = move.run(spec)
    assert len([note for note in receipt.notes if "restarted once" in note and "column v" in note]) == 1
    kept = pq.read_table(tmp_path / "t.parquet").column("v")
    assert kept.type == pa.string()
    assert kept[2].as_py() == outside
    by_adbc = Place(default_place.server, "+adbc")
    by_adbc.run(f"drop schema {by_adbc.schema}")
    by_adbc.schema = default_place.schema
    assert move.run(job(by_adbc.address("t"), tmp_path / "adbc.parquet")).digest == receipt.digest
    by_adbc.leave()


def test_what_cannot_be_taken_back_is_settled_before(
    default_place: Place, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    rows = 400_000
    default_place.run(
        "create table t (id int, day date)",
        f"insert into t select i, '2024-01-01' from generate_series(1, {rows}) i",
        "insert into t values (0, 'infinity')",
    )
    move.run(JobSpec({"input": InputSpec(default_place.address("t"))}, OutputSpec("-", format="csv")))
    lines = capfdbinary.readouterr().out.splitlines()
    assert len(lines) == rows + 2
    assert lines[-1] == b"0,infinity"


def test_the_type_of_a_cursor_is_never_presumed(default_place: Place) -> None:
    default_place.run(
        "create table t (v date, price numeric(5,2))", "insert into t values ('2024-01-01', 1), ('infinity', 'NaN')"
    )
    found = source(default_place, cursor="v").describe(Want())
    assert found.schema.field("v").type == pa.string()
    assert found.schema.field("price").type == pa.decimal128(5, 2)
    assert found.bound is not None
    assert found.bound.value["value"] == "infinity"


def test_types_that_hold_whatever_may_stand_there_are_settled(default_place: Place) -> None:
    default_place.run("create table t (id int, name text, body jsonb, ratio float8, code char(3))")
    assert source(default_place).describe(Want()).settled


def test_a_numeric_without_digits_is_looked_at(default_place: Place) -> None:
    default_place.run("create table t (v numeric)", "insert into t values (1.25), (10)")
    found = source(default_place).describe(Want())
    assert found.settled
    assert found.schema.field("v").type == pa.decimal128(38, 2)


def test_where_a_library_does_not_test_each_value_all_are_looked_at(default_place: Place) -> None:
    default_place.run("create table t (v date, many int[])", "insert into t values ('infinity', '{1}')")
    found = source(default_place).describe(Want())
    assert found.settled
    assert found.schema.field("v").type == pa.string()
