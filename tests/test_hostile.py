"""Hostile columns that were once changed without a word, or stopped by a library: what becomes of them now."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import towpath
from tests.movekit import write
from towpath.conformance import hostile
from towpath.errors import DataError, Refused
from towpath.nouns import Way


def sent(folder: Path, *names: str) -> Path:
    rows = hostile.table([hostile.column(name) for name in names])
    path = folder / "sent.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    return path


@pytest.mark.parametrize("name", ["local_limits_us", "date_far", "local_ns", "map_double"])
def test_what_duckdb_takes_for_infinity_or_for_one_key_is_refused_by_row_and_column(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"row \\d+: column {name}") as stopped:
        towpath.copy(sent(tmp_path, name), f"duckdb:///{tmp_path}/it.db#t")
    assert stopped.value.code == "value-refused"
    assert not (tmp_path / "it.db").exists()


def test_the_plan_says_what_duckdb_checks(tmp_path: Path) -> None:
    offer = towpath.plan(sent(tmp_path, "map", "local_ns", "local_us"), f"duckdb:///{tmp_path}/it.db#t").offer
    assert offer is not None
    assert [column.way for column in offer.columns] == [Way.CHECKED, Way.CHECKED, Way.EXACT]


def test_a_table_that_is_there_checks_as_a_new_one_does(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "it.db")) as connection:
        connection.execute("create table t (date_far date)")
    with pytest.raises(DataError, match="column date_far"):
        towpath.copy(sent(tmp_path, "date_far"), f"duckdb:///{tmp_path}/it.db#t", mode="append")


@pytest.mark.parametrize("name", ["struct_case", "struct_empty", "decimal_hundreds", "union"])
@pytest.mark.parametrize("to", ["duckdb:///{}/it.db#t", "{}/it.parquet"])
def test_a_type_without_a_way_is_refused_by_its_columns_name(tmp_path: Path, name: str, to: str) -> None:
    if name.startswith("struct") and to.endswith("parquet"):
        towpath.copy(sent(tmp_path, name), to.format(tmp_path))
        return
    with pytest.raises(Refused, match=f"column {name}"):
        towpath.plan(sent(tmp_path, name), to.format(tmp_path))


def test_bytes_of_the_fixed_width_0_are_bytes_of_any_width_in_parquet(tmp_path: Path) -> None:
    towpath.copy(sent(tmp_path, "binary_fixed_0"), tmp_path / "it.parquet")
    assert pq.read_table(tmp_path / "it.parquet").column("binary_fixed_0").to_pylist() == [b"", None]


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_midnight_at_the_end_of_a_day_is_no_time_in_files_of_arrows_types(tmp_path: Path, ending: str) -> None:
    times = write(tmp_path / "times.csv", "t\n12:00:00\n24:00:00\n")
    with pytest.raises(DataError, match=r"times.csv:3: column t \('24:00:00"):
        towpath.copy(times, tmp_path / f"it.{ending}", types={"t": "time"})
    towpath.copy(times, f"duckdb:///{tmp_path}/it.db#t", types={"t": "time"})
    with duckdb.connect(str(tmp_path / "it.db")) as connection:
        assert connection.execute("select t::varchar from t").fetchall() == [("12:00:00",), ("24:00:00",)]


@pytest.mark.parametrize("to", ["it.csv", "it.tsv.gz", "many/"])
def test_a_column_without_a_name_has_no_header(tmp_path: Path, to: str) -> None:
    pq.write_table(pa.table({"": [1], "n": [2]}), tmp_path / "sent.parquet")
    options = {"to_format": "csv"} if to.endswith("/") else {}
    with pytest.raises(Refused, match="'' cannot be the name of a column"):
        towpath.plan(tmp_path / "sent.parquet", f"{tmp_path}/{to}", **options)
    towpath.copy(tmp_path / "sent.parquet", f"{tmp_path}/{to}", to_options={"header": False}, **options)
