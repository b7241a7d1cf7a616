"""Frames of every kind go through the mover as any source does."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import towpath as tow
from towpath.deadletters import kept
from towpath.python.frames import FrameSource
from towpath.python.pandas_frames import is_pandas

TABLE = pa.table({"id": [1, 2], "name": ["Ann", None]})


class OnlyArray:
    """What has Arrow's array interface alone."""

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return TABLE.to_batches()[0].__arrow_c_array__(requested_schema)


FRAMES: dict[str, Callable[[], Any]] = {
    "table": lambda: TABLE,
    "batch": lambda: TABLE.to_batches()[0],
    "batch reader": lambda: TABLE.to_reader(),
    "array interface": OnlyArray,
    "polars": lambda: pl.DataFrame(TABLE),
    "pandas": lambda: TABLE.to_pandas(),
    "pandas of arrow": lambda: TABLE.to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": lambda: duckdb.from_arrow(TABLE),
    "dicts": lambda: TABLE.to_pylist(),
    "generator": lambda: (row for row in TABLE.to_pylist()),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_is_written_with_one_digest_and_balanced_books(kind: str, tmp_path: Path) -> None:
    receipt = tow.write(FRAMES[kind](), tmp_path / "out.parquet")
    expected = tow.write(TABLE, tmp_path / "same.parquet")
    assert receipt.digest == expected.digest
    assert [(edge["given"], edge["accepted"]) for edge in receipt.books] == [(2, 2), (2, 2)]
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == TABLE.to_pylist()


def test_modes_and_shaping_are_those_of_a_copy(tmp_path: Path) -> None:
    to = f"duckdb:///{tmp_path}/w.db#t"
    tow.write(TABLE, to)
    with pytest.raises(tow.UserError, match="exists"):
        tow.write(TABLE, to)
    receipt = tow.write([{"id": 2, "name": "Bob"}, {"id": 3, "name": "Cy"}], to, mode="merge", key="id")
    assert (receipt.inserted, receipt.updated) == (1, 1)
    tow.write(TABLE, to, mode="replace", where="id = 1", rename={"name": "who"}, cast={"id": "int32"}, schema="evolve")
    assert tow.write(TABLE, tmp_path / "out/", partition_by="id").parts


def test_a_frame_may_have_no_rows(tmp_path: Path) -> None:
    assert tow.write(TABLE.slice(0, 0), tmp_path / "out.parquet").rows == 0
    assert pq.read_table(tmp_path / "out.parquet").schema.names == ["id", "name"]


def test_a_pinned_type_is_held_against_every_value(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["1", "x", "3"]})
    with pytest.raises(tow.DataError, match=r"frame row 2: column a \('x'\)"):
        tow.write(frame, tmp_path / "out.parquet", types={"a": "int64"})
    assert list(tmp_path.iterdir()) == []
    receipt = tow.write(frame, tmp_path / "out.parquet", types={"a": "int64"}, bad_rows=tmp_path / "bad")
    assert (receipt.rows, receipt.set_aside) == (2, 1)
    assert [str(row.place) for load in kept(tmp_path / "bad") for row in load.rows()] == ["frame row 2"]


def test_a_reader_is_written_with_its_places(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\nx\n")
    reader = tow.read(tmp_path / "a.csv", types={"id": "int64"})
    with pytest.raises(tow.DataError, match=r"a\.csv:3"):
        tow.write(reader, tmp_path / "out.parquet")
    with pytest.raises(tow.UserError, match=r"towpath\.read"):
        tow.write(tow.read(tmp_path / "a.csv"), tmp_path / "out.parquet", types={"id": "int64"})
    assert tow.write(tow.read(tmp_path / "a.csv"), tmp_path / "out.parquet").rows == 2


def test_rows_that_pass_only_once_are_not_taken_for_none() -> None:
    """A second try of the run must not publish nothing."""
    from towpath.nouns import Want

    source = FrameSource((row for row in [{"a": 1}]), {})
    with source.open(None, Want()) as reading:
        assert sum(len(batch) for batch in reading) == 1
    with pytest.raises(tow.Refused, match="only once"), source.open(None, Want()):
        pass
    again = FrameSource(TABLE, {})
    for _ in range(2):
        with again.open(None, Want()) as reading:
            assert sum(len(batch) for batch in reading) == 2


@pytest.mark.parametrize("what", ["a.csv", {"a": [1]}, 5, None, pl.Series([1]), [1, 2], [(1, 2)]])
def test_what_is_no_frame_is_told(what: Any, tmp_path: Path) -> None:
    with pytest.raises(tow.UserError, match="frame|rows are dicts"):
        tow.write(what, tmp_path / "out.parquet")


def test_a_named_index_is_a_column_and_another_is_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="k"))
    tow.write(frame, tmp_path / "named.parquet")
    assert pq.read_table(tmp_path / "named.parquet").to_pylist() == [{"k": "x", "a": 1}, {"k": "y", "a": 2}]
    tow.write(frame.rename_axis(None), tmp_path / "bare.parquet")
    assert pq.read_table(tmp_path / "bare.parquet").schema.names == ["a"]
    levels = pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, "x")], names=["one", None]))
    tow.write(levels, tmp_path / "levels.parquet")
    assert pq.read_table(tmp_path / "levels.parquet").schema.names == ["one", "a"]
    with pytest.raises(tow.TowError, match="k"):
        tow.write(pd.DataFrame({"k": [1]}, index=pd.Index([2], name="k")), tmp_path / "twice.parquet")


def test_what_pandas_counts_as_missing_is_null_and_arrow_keeps_nan(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "f": [1.5, np.nan],
            "o": pd.Series(["x", None], dtype=object),
            "t": pd.to_datetime(["2026-01-01", None]),
            "I": pd.array([2**53 + 1, None], dtype="Int64"),
            "c": pd.Categorical(["u", None]),
            "n": pd.Series(pa.array([math.nan, None]), dtype=pd.ArrowDtype(pa.float64())),
        }
    )
    tow.write(frame, tmp_path / "out.parquet")
    made = pq.read_table(tmp_path / "out.parquet")
    assert made.to_pylist()[1] == dict.fromkeys(frame.columns)
    assert made.column("I")[0].as_py() == 2**53 + 1
    assert math.isnan(made.column("n")[0].as_py())
    tow.write(pl.DataFrame({"f": [math.nan, None]}), tmp_path / "nan.parquet")
    nan, null = pq.read_table(tmp_path / "nan.parquet").column("f").to_pylist()
    assert math.isnan(nan)
    assert null is None


@pytest.mark.parametrize(
    ("values", "row"),
    [
        (["a", "b", 3], 3),
        ([None, date(2026, 1, 1), datetime(2026, 1, 1, 5)], 3),
        ([True, 1], 2),
        ([b"x", "x"], 2),
        ([2**60 + 1, 0.5], 1),
        ([datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)], 2),
        ([{"a": 1}, {"a": "x"}], 2),
        ([1, object()], 2),
        ([pd.Timestamp("2026-01-01 00:00:00.000000001")], 1),
    ],
)
def test_mixed_objects_are_told_by_column_and_row(values: list[Any], row: int, tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": range(len(values)), "mix": pd.Series(values, dtype=object)})
    with pytest.raises(tow.DataError, match=rf"frame row {row}: column mix"):
        tow.write(frame, tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []


def test_objects_of_one_kind_keep_their_kind(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "d": pd.Series([Decimal("1.5"), None], dtype=object),
            "day": pd.Series([date(2026, 1, 1), np.nan], dtype=object),
            "l": pd.Series([[1, 2], None], dtype=object),
            "big": pd.Series([2**70, 1], dtype=object),
            "none": pd.Series([None, np.nan], dtype=object),
        }
    )
    tow.write(frame, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [
        {"d": Decimal("1.5"), "day": date(2026, 1, 1), "l": [1, 2], "big": Decimal(2**70), "none": None},
        {"d": None, "day": None, "l": None, "big": Decimal(1), "none": None},
    ]


@pytest.mark.parametrize(
    "column",
    [pd.period_range("2026", periods=1, freq="M"), pd.interval_range(0, 1), pd.arrays.SparseArray([1]), [1 + 2j]],
)
def test_what_pandas_alone_knows_is_refused(column: Any, tmp_path: Path) -> None:
    with pytest.raises(tow.TowError, match="column a"):
        tow.write(pd.DataFrame({"a": column}), tmp_path / "out.parquet")


def test_a_frame_with_column_levels_or_twins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tow.UserError, match="several levels"):
        tow.write(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), tmp_path / "out.parquet")
    with pytest.raises(tow.TowError, match="a"):
        tow.write(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / "out.parquet")


def test_numpy_structured_arrays_are_frames(tmp_path: Path) -> None:
    kinds = [("a", ">i4"), ("f", "f4"), ("s", "U5"), ("d", "M8[s]")]
    values = np.array([(1, 1.5, "x", "2026-01-01T00:00:01"), (2, np.nan, "", "NaT")], dtype=kinds)
    tow.write(values, tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert rows[0] == {"a": 1, "f": 1.5, "s": "x", "d": datetime(2026, 1, 1, 0, 0, 1)}
    assert math.isnan(rows[1]["f"])
    assert rows[1]["d"] is None
    with pytest.raises(tow.UserError, match="no named columns"):
        tow.write(np.array([1, 2]), tmp_path / "x.parquet")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "i": st.none() | st.integers(-(2**63), 2**63 - 1),
                "t": st.none() | st.text(st.characters(codec="utf-8")),
                "f": st.floats(allow_nan=False),
                "d": st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**9),
                "l": st.lists(st.integers(0, 9)),
            }
        ),
        min_size=1,
    )
)
def test_what_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("trip") / "out.parquet"
    tow.write(rows, path)
    assert list(tow.read(path)) == rows
    again = tow.read(path).to_polars()
    assert tow.write(again, path.with_name("again.parquet")).digest == tow.write(rows, path, mode="replace").digest


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["a", "b"]), pl.List(pl.Categorical)])
def test_categories_of_polars_are_text(tmp_path: Path, kind: Any) -> None:
    values: list[Any] = [["a"], None, ["b", None]] if kind == pl.List(pl.Categorical) else ["a", None, "b"]
    tow.write(pl.DataFrame({"c": pl.Series(values, dtype=kind)}), tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet")["c"].to_pylist() == values


def test_what_stops_a_lazy_frame_on_its_way_is_told_and_nothing_is_published(tmp_path: Path) -> None:
    query = "select case when i > 500000 then error('full up') end as x from range(1000000) t(i)"
    with pytest.raises(tow.DataError, match="full up"):
        tow.write(duckdb.sql(query), tmp_path / "a.parquet")
    with pytest.raises(tow.UserError, match="no frame with columns"):
        tow.write(duckdb.sql("select 'x'::int as x"), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_pandas_that_another_thread_is_still_importing_knows_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", ModuleType("pandas"))
    assert not is_pandas(pa.table({"id": [1]}))
