"""Columns in paths, both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.joins.filekit import load, names, read, rows, source, to_folder
from towpath.adapters.format.parquet import Parquet
from towpath.errors import DataError, UserError
from towpath.joins import hive, partitions
from towpath.nouns import Want

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
ODD = ["a/b=c%", "", "null", hive.NULL, ".", "..", "%41", "ä ö", "a\nb\0", "*?[x]", "_h", " ", "NaN", "🚣", None]


@given(st.dictionaries(TEXT.filter(bool), st.none() | TEXT, min_size=1, max_size=3))
def test_any_names_and_texts_come_back_from_a_path(texts: dict[str, str | None]) -> None:
    path = hive.folder(texts)
    assert path.count("/") == len(texts) - 1
    assert not any(part.startswith(".") for part in path.split("/"))
    assert hive.values(f"{path}/part.csv") == texts


def test_a_path_is_written_as_hive_and_spark_write_it() -> None:
    assert hive.folder({"year": "2024", "city": "Köln am Rhein", "x": None}) == (
        "year=2024/city=Köln am Rhein/x=__HIVE_DEFAULT_PARTITION__"
    )
    assert hive.folder({"at": "10:30", "k": "a/b=c%"}) == "at=10%3A30/k=a%2Fb%3Dc%25"


def test_paths_of_other_tools_are_read_as_they_mean() -> None:
    assert hive.values("in/a=1/b=/c=x%20y/d=%C3%A4/e=50%/plain/file=1.csv") == {
        "a": "1", "b": "", "c": "x y", "d": "ä", "e": "50%",
    }  # fmt: skip


def test_a_column_that_stands_in_a_path_twice_is_refused() -> None:
    with pytest.raises(DataError, match="in/a=1/a=2/f.csv.*twice"):
        hive.values("in/a=1/a=2/f.csv")


@pytest.mark.parametrize("path", ["k=%FF/f.csv", "k=\udcff/f.csv"])
def test_bytes_that_are_no_text_are_refused(path: str) -> None:
    with pytest.raises(DataError, match="UTF-8"):
        hive.values(path)


@pytest.mark.parametrize(
    ("texts", "type"),
    [
        (["1", "-20", None], pa.int64()),
        (["01", "02"], pa.string()),
        (["1", "x"], pa.string()),
        (["+1"], pa.string()),
        (["9223372036854775808"], pa.string()),
        (["2024-02-29", None], pa.date32()),
        (["2024-2-29"], pa.string()),
        (["2024-02-30"], pa.string()),
        (["1.5"], pa.string()),
        (["true"], pa.string()),
        (["", "1"], pa.string()),
        ([None], pa.string()),
        ([], pa.string()),
    ],
)
def test_a_type_is_taken_only_if_no_text_would_change(texts: list[str | None], type: pa.DataType) -> None:
    assert hive.type_of(texts) == type


def test_odd_values_go_through_a_folder_and_come_back(tmp_path: Path) -> None:
    sent = rows(k=pa.array(ODD, pa.string()), v=list(range(len(ODD))))
    load(to_folder(tmp_path / "out", partition_by=("k",)), sent)
    got = read(source(f"{tmp_path}/out/", Parquet())).sort_by("v")
    assert got.column("k").to_pylist() == ODD
    assert got.schema.equals(sent.schema)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, None, -5], pa.int16()),
        pa.array([0.0, -0.0, float("nan")], pa.float64()),
        pa.array([True, None, False]),
        pa.array([0, 19_000, None], pa.date32()),
        pa.array([0, 1, None], pa.timestamp("us", "UTC")),
        pa.array(["1.50", None, "-3.25"]).cast(pa.decimal128(9, 2)),
        pa.array(["a", None, "a"]).dictionary_encode(),
        pa.array([None, None, None], pa.int32()),
    ],
)
def test_a_partition_column_keeps_its_type_and_its_values(tmp_path: Path, values: pa.Array) -> None:
    sent = rows(k=values, v=[1, 2, 3])
    load(to_folder(tmp_path / "out", partition_by=("k",)), sent)
    got = read(source(f"{tmp_path}/out/", Parquet())).sort_by("v")
    wanted = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    assert got.schema.field("k").type == wanted.type
    assert str(got.column("k").to_pylist()) == str(wanted.to_pylist())


def test_rows_keep_their_order_within_a_partition() -> None:
    batch = rows(k=["b", "a", "b", None, "a"], j=[1, 1, 2, 1, 1], v=[0, 1, 2, 3, 4])
    numbers, texts = partitions.grouped(batch, ("k", "j"))
    found = {texts[one]: part.column("v").to_pylist() for one, part in partitions.parted(batch, numbers)}
    assert found == {("b", "1"): [0], ("a", "1"): [1, 4], ("b", "2"): [2], (None, "1"): [3]}


def test_many_rows_keep_their_order_within_a_partition() -> None:
    batch = rows(v=list(range(20_000)))
    for number, part in partitions.parted(batch, np.arange(20_000) * 7919 % 3):
        values = part.column("v").to_pylist()
        assert values == sorted(values)
        assert {value * 7919 % 3 for value in values} == {number}


@pytest.mark.parametrize("by", [(), ("k",)])
def test_no_rows_have_no_partition(by: tuple[str, ...]) -> None:
    numbers, texts = partitions.grouped(rows(k=["a"]).slice(0, 0), by)
    assert (len(numbers), numbers.dtype, texts) == (0, np.int64, [])


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (("kk",), "did you mean 'k'"),
        (("k", "k"), "twice"),
        (("k", "v"), "every column"),
        (("l",), "cannot stand in a path"),
        (("x",), "cannot stand in a path"),
    ],
)
def test_columns_that_cannot_part_rows_are_refused(tmp_path: Path, by: tuple[str, ...], words: str) -> None:
    other: dict[tuple[str, ...], dict[str, list[object]]] = {("l",): {"l": [[1]]}, ("x",): {"x": [b"1"]}}
    batch = rows(k=["a"], v=[1], **other.get(by, {}))
    with pytest.raises(UserError, match=words):
        load(to_folder(tmp_path / "out", partition_by=by), batch)
    assert names(tmp_path) == []


def test_a_pinned_type_that_a_path_does_not_fit_names_the_file(tmp_path: Path) -> None:
    for key in ("1", "x"):
        path = tmp_path / f"k={key}" / "a.csv"
        path.parent.mkdir()
        path.write_text("v\n1\n")
    with pytest.raises(DataError, match=r"k=x/a\.csv: partition column k \('x'\) is no int64"):
        read(source(f"{tmp_path}/**/*.csv"), Want(types={"k": pa.int64()}))
    assert read(source(f"{tmp_path}/**/*.csv")).column("k").to_pylist() == ["1", "x"]
