"""Python steps: the frame that a function asks for by its annotation is the frame that it gets."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.movekit import job
from towpath import move
from towpath.errors import DataError

STEPS = """
import narwhals as nw
import pandas as pd
import polars as pl

def by_polars(rows: pl.DataFrame):
    return rows.filter(pl.col("n") > 1).with_columns(twice=pl.col("n") * 2)

def by_pandas(rows: pd.DataFrame):
    return rows[rows.n > 1].assign(twice=lambda frame: frame.n * 2)

def by_text(rows: "pandas.DataFrame"):
    return rows[rows.n > 1].assign(twice=lambda frame: frame.n * 2)

def by_narwhals(rows: nw.DataFrame):
    return rows.filter(nw.col("n") > 1).with_columns(twice=nw.col("n") * 2)

def unmarked(rows):
    return rows.with_columns(pl.lit(1))

def filtered(rows):
    return rows.to_pandas().query("n > 1")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "marked_steps.py").write_text(STEPS, "utf-8")
    big = 2**60 + 1
    days = pa.array([0, 1, None], pa.date32())
    pq.write_table(pa.table({"n": pa.array([1, big, None]), "day": days}), tmp_path / "in.parquet")
    return tmp_path


@pytest.mark.parametrize("name", ["by_polars", "by_pandas", "by_text", "by_narwhals"])
def test_a_function_gets_the_frame_that_its_annotation_names(folder: Path, name: str) -> None:
    move.run(job(folder / "in.parquet", folder / "out.parquet", python=f"marked_steps:{name}", folder=str(folder)))
    found = pq.read_table(folder / "out.parquet")
    assert found.schema.names == ["n", "day", "twice"]
    assert found.schema.field("day").type == pa.date32()
    assert found["n"].to_pylist() == [2**60 + 1], "an integer beside a null stays an integer"
    assert found["twice"].to_pylist() == [2**61 + 2]


def test_a_function_that_meant_another_frame_is_told_how_to_get_it(folder: Path) -> None:
    with pytest.raises(DataError, match=r"pyarrow\.Table: annotate its parameter"):
        move.run(job(folder / "in.parquet", folder / "out.parquet", python="marked_steps:unmarked", folder=str(folder)))


def test_the_row_numbers_of_a_filtered_pandas_frame_are_no_column(folder: Path) -> None:
    given = folder / "plain.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3]}), given)
    move.run(job(given, folder / "out.parquet", python="marked_steps:filtered", folder=str(folder)))
    assert pq.read_table(folder / "out.parquet").to_pydict() == {"n": [2, 3]}
