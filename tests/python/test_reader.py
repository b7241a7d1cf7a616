"""The reader: one checked pass for whoever takes it, whose types hold for the whole source."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import towpath as tow
from tests.descriptors import files_open
from towpath.badrows import BadRow
from towpath.deadletters import kept

ROWS = 120_000
PAD = "x" * 100


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose last row shows that a column is text, long after what a sample sees."""
    path = tmp_path_factory.mktemp("late") / "late.csv"
    rows = "".join(f"{10_000 + n % 80_000},{n},{PAD}\n" for n in range(ROWS))
    path.write_text(f"zip,n,pad\n{rows}00501,-1,{PAD}\n")
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("id,name,at\n1,Ann,2026-01-01 10:00:00\n2,,\n3,Bob,2026-01-03 00:00:00.5\n")
    return path


TAKERS = {
    "polars.DataFrame": lambda reader: pl.DataFrame(reader),
    "polars.from_arrow": lambda reader: pl.from_arrow(reader),
    "pandas": lambda reader: pd.DataFrame.from_arrow(reader),
    "pyarrow": lambda reader: pa.table(reader),
    "pyarrow reader": lambda reader: pa.RecordBatchReader.from_stream(reader).read_all(),
    "duckdb": lambda reader: duckdb.sql("from reader").to_arrow_table(),
    "duckdb.from_arrow": lambda reader: duckdb.from_arrow(reader).to_arrow_table(),
    "to_arrow": lambda reader: reader.to_arrow(),
    "to_pandas": lambda reader: reader.to_pandas(),
    "to_polars": lambda reader: reader.to_polars(),
    "to_duckdb": lambda reader: reader.to_duckdb().to_arrow_table(),
    "batches": lambda reader: pa.Table.from_batches(list(reader.batches())),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_everything_that_speaks_arrow_takes_a_reader_directly(small: Path, taker: str) -> None:
    taken = TAKERS[taker](tow.read(small))
    table = pa.table(taken)
    assert table.column_names == ["id", "name", "at"]
    assert table.column("id").to_pylist() == [1, 2, 3]
    assert table.column("name").to_pylist() == ["Ann", None, "Bob"]


@pytest.mark.parametrize("taker", TAKERS)
def test_types_hold_for_the_whole_source_whoever_takes_it(late: Path, taker: str) -> None:
    table = pa.table(TAKERS[taker](tow.read(late)))
    assert table.num_rows == ROWS + 1
    assert table.column("zip")[-1].as_py() == "00501"
    assert table.column("n").type == pa.int64()


def test_the_first_row_has_the_type_that_the_last_one_asks_for(late: Path) -> None:
    with tow.read(late) as reader:
        assert next(iter(reader)) == {"zip": "10000", "n": 0, "pad": PAD}
    with tow.read(late, limit=3) as reader:
        assert reader.to_arrow().column("zip").to_pylist() == ["10000", "10001", "10002"]


def test_iterating_gives_dicts(small: Path) -> None:
    rows = list(tow.read(small, columns=["name", "id"]))
    assert rows == [{"name": "Ann", "id": 1}, {"name": None, "id": 2}, {"name": "Bob", "id": 3}]


def test_conditions_columns_and_limits_narrow_what_comes(small: Path) -> None:
    assert list(tow.read(small, where="id > 1", columns="name")) == [{"name": None}, {"name": "Bob"}]
    assert list(tow.read(small, where="id > 1", limit=1, columns=["id"])) == [{"id": 2}]
    assert list(tow.read(small, limit=0)) == []
    assert tow.read(small, limit=0).to_arrow().num_rows == 0


def test_a_wrong_column_or_address_is_told_when_the_reader_is_made(small: Path, tmp_path: Path) -> None:
    with pytest.raises(tow.UserError, match="'nme'; did you mean 'name'"):
        tow.read(small, columns=["id", "nme"])
    with pytest.raises(tow.UserError, match="did you mean 'id'"):
        tow.read(small, types={"idd": "text"})
    with pytest.raises(tow.Refused):
        tow.read(tmp_path / "missing.csv")


def test_a_table_and_a_query_are_read_too(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("create table t (a integer, b text)")
        connection.executemany("insert into t values (?, ?)", [(n, f"row {n}") for n in range(100_000)])
    connection.close()
    address = f"sqlite:///{tmp_path}/s.db"
    assert pl.DataFrame(tow.read(address, table="t")).height == 100_000
    reader = tow.read(address, query="select a from t where a < 5")
    assert duckdb.sql("select sum(a) from reader").fetchall() == [(10,)]
    assert reader.shown == address
    assert duckdb.from_arrow(tow.read(address + "#t")).count("*").fetchall() == [(100_000,)]


def test_a_reader_is_read_once(small: Path) -> None:
    reader = tow.read(small)
    assert len(list(reader)) == 3
    with pytest.raises(tow.UserError, match="read once"):
        list(reader)
    closed = tow.read(small)
    closed.close()
    with pytest.raises(tow.UserError, match="read once"):
        closed.to_arrow()


@pytest.mark.parametrize("where", [None, "n >= 0"])
def test_leaving_early_closes_every_file_and_thread(late: Path, where: str | None) -> None:
    threads = threading.active_count()
    with tow.read(late, where=where) as reader:
        rows = iter(reader)
        next(rows)
        assert files_open(late.parent)
    assert files_open(late.parent) == []
    assert threading.active_count() == threads


def test_what_a_library_leaves_unread_is_closed_with_the_reader(late: Path) -> None:
    with tow.read(late) as reader:
        stream = pa.RecordBatchReader.from_stream(reader)
        stream.read_next_batch()
        assert files_open(late.parent)
        del stream
        assert files_open(late.parent) == []


def test_the_first_bad_row_stops_with_its_place_and_closes_files(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,n\n1,5\n2,x7\n")
    with pytest.raises(tow.DataError, match=r"a\.csv:3.*x7"):
        list(tow.read(path, types={"n": "int64"}))
    assert files_open(tmp_path) == []


def test_a_row_that_its_class_refuses_closes_files_while_the_error_is_held(late: Path) -> None:
    @dataclass
    class Row:
        zip: str
        n: int
        pad: str

        def __post_init__(self) -> None:
            raise ValueError("refused")

    with pytest.raises(tow.DataError, match="refused") as caught:
        list(tow.read(late, rows_as=Row))
    assert caught.value.__traceback__ is not None
    assert files_open(late.parent) == []


def test_the_readers_own_error_comes_out_of_a_with_block(tmp_path: Path) -> None:
    """Libraries wrap what stopped an Arrow stream in errors of their own."""
    path = tmp_path / "a.csv"
    path.write_text("id,n\n1,5\n2,x7\n")
    with pytest.raises(tow.DataError, match=r"a\.csv:3"), tow.read(path, types={"n": "int64"}) as reader:
        pl.DataFrame(reader)
    with pytest.raises(pl.exceptions.ComputeError, match=r"a\.csv:3"):
        pl.DataFrame(tow.read(path, types={"n": "int64"}))


def test_bad_rows_go_to_a_list_a_function_or_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,n\n1,5\n2,x7\n3,7\n")
    listed: list[BadRow] = []
    assert [row["id"] for row in tow.read(path, types={"n": "int64"}, bad_rows=listed)] == [1, 3]
    assert [str(bad.place) for bad in listed] == [f"{path}:3"]
    told: list[str | None] = []
    tow.read(path, types={"n": "int64"}, bad_rows=lambda bad: told.append(bad.value)).to_polars()
    assert told == ["x7"]
    tow.read(path, types={"n": "int64"}, bad_rows=tmp_path / "bad").to_arrow()
    (load,) = kept(tmp_path / "bad")
    assert [row.value for row in load.rows()] == ["x7"]


def test_bad_rows_are_told_once_though_the_source_is_read_twice(late: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(late.read_text().replace(f"10000,0,{PAD}\n", f"10000,0,{PAD},0\n", 1))
    for take in (lambda reader: reader.to_arrow(), list):
        bad: list[BadRow] = []
        take(tow.read(path, bad_rows=bad))  # type: ignore[operator]
        assert [one.place.line for one in bad] == [2]


def test_a_source_that_changes_while_it_is_read_is_told(late: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(late.read_bytes())
    with pytest.raises(tow.TowError, match="changed"), tow.read(path) as reader:
        for number, _ in enumerate(reader):
            if number == 0:
                path.write_text(path.read_text() + "1,1,x\n")


def test_to_pandas_keeps_integers_with_nulls_and_decimals(tmp_path: Path) -> None:
    table = pa.table({"i": pa.array([2**53 + 1, None]), "d": pa.array([None, 5], pa.decimal128(20, 2))})
    pq.write_table(table, tmp_path / "a.parquet")
    frame = tow.read(tmp_path / "a.parquet").to_pandas()
    assert pa.Table.from_pandas(frame).select(["i", "d"]).to_pylist() == table.to_pylist()


def test_an_empty_source_keeps_its_schema(tmp_path: Path) -> None:
    pq.write_table(pa.table({"i": pa.array([], pa.int32())}), tmp_path / "a.parquet")
    assert tow.read(tmp_path / "a.parquet").to_arrow().schema == pa.schema({"i": pa.int32()})
    assert tow.read(tmp_path / "a.parquet", where="i > 1").schema == pa.schema({"i": pa.int32()})


def test_text_options_are_those_of_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("n;d;b\n1,5;31/01/2026;ja\nNA;01/02/2026;nein\n")
    options: dict[str, Any] = {"decimal": ",", "date_format": "%d/%m/%Y", "null": ["NA"], "true": "ja", "false": "nein"}
    rows = list(tow.read(path, from_options={"delimiter": ";"}, **options))
    assert [row["n"] for row in rows] == [1.5, None]
    assert [row["d"].isoformat() for row in rows] == ["2026-01-31", "2026-02-01"]
    assert [row["b"] for row in rows] == [True, False]
    assert next(iter(tow.read(path, from_options={"delimiter": ";"}, all_text=True)))["n"] == "1,5"


def test_local_times_are_read_in_the_zone_that_they_are_meant_in(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("at\n2026-01-01 12:00:00\n2026-03-29 02:30:00\n")
    bad: list[BadRow] = []
    reader = tow.read(path, timezone="Europe/Berlin", bad_rows=bad)
    assert reader.schema.field("at").type == pa.timestamp("us", "UTC")
    assert [row["at"].isoformat() for row in reader] == ["2026-01-01T11:00:00+00:00"]
    assert [one.place.line for one in bad] == [3]
    assert tow.read(path, timezone="Europe/Berlin", bad_rows=[]).to_arrow().num_rows == 1


def test_a_reader_shows_itself(small: Path, late: Path) -> None:
    assert repr(tow.read(small)) == f"Reader('{small}': id int64, name text, at timestamp)"
    assert "(from sample)" in tow.read(late)._repr_html_()


def test_a_missing_library_is_named_with_its_command(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(tow.UserError, match="pip install polars"):
        tow.read(small).to_polars()


@pytest.mark.parametrize("limit", [-1, "2", 2.5, True])
def test_a_limit_is_a_number_of_rows(small: Path, limit: Any) -> None:
    with pytest.raises(tow.UserError, match="limit"):
        tow.read(small, limit=limit)


@pytest.mark.parametrize(("columns", "told"), [(["id", "id"], "'id' is named twice"), ([], "list of columns is empty")])
def test_columns_are_chosen_once_and_not_by_an_empty_list(small: Path, columns: list[str], told: str) -> None:
    with pytest.raises(tow.UserError, match=told):
        tow.read(small, columns=columns)
