"""One row of each key stays: the right one, with its place, counted, whatever the types and however many rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.movekit import job, table, write
from towpath import move
from towpath.books import Edge
from towpath.deadletters import kept
from towpath.errors import DataError, UserError
from towpath.job import RuleSpec
from towpath.nouns import Mode
from towpath.planning import plan
from towpath.shaping.dedupe import Choice, deduped
from towpath.stream import Batch, Counted, Stream


def dedupe(rows: pa.Table, how: str, key: tuple[str, ...] = ("id",), memory: int = 1 << 30, size: int = 3) -> pa.Table:
    batches = []
    for first in range(0, rows.num_rows, size):
        for part in rows.slice(first, size).combine_chunks().to_batches():
            batches.append(Batch(part, Counted("rows", first + 1)))
    edge = Edge("dedupe")
    stream = deduped(Stream(rows.schema, batches), key, Choice.of(how), edge, memory)
    found = pa.Table.from_batches([batch.rows for batch in stream], rows.schema)
    assert edge.balanced()
    assert (edge.given, edge.accepted) == (rows.num_rows, found.num_rows)
    return found


@pytest.mark.parametrize(
    ("how", "expected"),
    [("latest at", ["b", "d"]), ("earliest at", ["a", "e"]), ("first", ["a", "d"]), ("last", ["c", "e"])],
)
def test_the_row_that_was_asked_for_stays(how: str, expected: list[str]) -> None:
    rows = pa.table({"id": [1, 1, 1, 2, 2], "at": [5, 9, 7, 3, 2], "name": ["a", "b", "c", "d", "e"]})
    assert dedupe(rows, how)["name"].to_pylist() == expected


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 3, 2], pa.uint64()),
        pa.array([1, 2**63 + 5, 2], pa.uint64()),
        pa.array([-1.5, 0.5, 0.0]),
        pa.array([Decimal("-1.10"), Decimal("9.00"), Decimal("8.99")], pa.decimal256(60, 2)),
        pa.array(["a", "é", "b"]),
        pa.array(["a", "é", "b"]).dictionary_encode(),
        pa.array([b"", b"\xff", b"\x00"]),
        pa.array([dt.date(1, 1, 1), dt.date(2024, 1, 2), dt.date(2024, 1, 1)]),
        pa.array([1, 3, 2], pa.timestamp("ns", "UTC")),
        pa.array([1, 3, 2], pa.duration("us")),
        pa.array([dt.time(1), dt.time(3), dt.time(2)]),
        pa.array([False, True, False]),
    ],
    ids=lambda values: str(values.type),
)
def test_every_type_with_an_order_can_decide(values: pa.Array) -> None:
    rows = pa.table({"id": [1, 1, 1], "at": values, "name": ["a", "b", "c"]})
    assert dedupe(rows, "latest at", size=2)["name"].to_pylist() == ["b"]
    if values.type != pa.bool_():
        assert dedupe(rows, "earliest at", size=2)["name"].to_pylist() == ["a"]


@pytest.mark.parametrize(
    "keys",
    [
        pa.array([1, 2, 1]),
        pa.array(["a", "A", "a"]),
        pa.array([b"\x00", b"", b"\x00"]),
        pa.array([Decimal("1.0"), Decimal("1.1"), Decimal("1.0")]),
        pa.array(["x", "y", "x"]).dictionary_encode(),
        pa.array([True, False, True]),
        pa.array([5, 6, 5], pa.timestamp("ns", "UTC")),
    ],
    ids=lambda keys: str(keys.type),
)
def test_every_type_that_can_be_a_key_tells_rows_apart(keys: pa.Array) -> None:
    rows = pa.table({"id": keys, "n": [1, 2, 3]})
    assert dedupe(rows, "last", size=2)["n"].to_pylist() == [2, 3]
    assert dedupe(rows, "first", size=2)["n"].to_pylist() == [1, 2]


def test_a_null_to_go_by_loses_against_any_value() -> None:
    rows = pa.table({"id": [1, 1, 2, 2, 3], "at": [None, -5, 7, None, None], "n": [1, 2, 3, 4, 5]})
    for how in ("latest at", "earliest at"):
        assert dedupe(rows, how)["n"].to_pylist() == [2, 3, 5]


def test_rows_without_a_whole_key_pass() -> None:
    rows = pa.table({"a": [1, None, 1, None], "b": [1, 1, 1, None], "n": [1, 2, 3, 4]})
    assert dedupe(rows, "first", key=("a", "b"))["n"].to_pylist() == [1, 2, 4]


def test_identical_rows_collapse_and_different_ones_that_tie_stop_the_load() -> None:
    same = pa.table({"id": [1, 1, 2], "at": [5, 5, 1], "n": [8, 8, 9]})
    assert dedupe(same, "latest at")["n"].to_pylist() == [8, 9]
    tied = pa.table({"id": [1, 7, 7, 7], "at": [5, 4, 5, 5], "n": [8, 0, 1, 2]})
    with pytest.raises(DataError) as caught:
        dedupe(tied, "latest at", size=2)
    for word in ("id = 7", "at = 5", "rows row 3", "rows row 4"):
        assert word in str(caught.value)
    assert dedupe(tied, "earliest at")["n"].to_pylist() == [8, 0]


def test_zeros_of_either_sign_tie_and_nan_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match="same at = -?0"):
        dedupe(pa.table({"id": [1, 1], "at": [0.0, -0.0]}), "latest at")
    with pytest.raises(DataError, match="rows row 2: dedupe: column at is NaN"):
        dedupe(pa.table({"id": [1, 1], "at": [0.0, float("nan")]}), "latest at")


@pytest.mark.parametrize("text", ["", "latest", "newest at", "first at", "Latest at"])
def test_a_choice_that_is_none_names_the_choices(text: str) -> None:
    with pytest.raises(UserError, match="'latest COL', 'earliest COL', first or last"):
        Choice.of(text)


def test_columns_that_are_not_there_or_cannot_serve_are_refused(tmp_path: Path) -> None:
    rows = pa.table({"id": [1], "x": [0.5], "tags": [["a"]]})
    for key, how, word in [
        (("ids",), "first", "did you mean 'id'"),
        (("id",), "latest y", "no column 'y'"),
        (("x",), "first", "'x' (float64) cannot be a key"),
        (("tags",), "first", "cannot be a key"),
        (("id",), "latest tags", "cannot give an order"),
        ((), "first", "needs a key"),
    ]:
        with pytest.raises(UserError) as caught:
            dedupe(rows, how, key)
        assert word in str(caught.value)
    source = write(tmp_path / "a.csv", "id\n1\n")
    with pytest.raises(UserError, match="needs a key"):
        plan(job(source, tmp_path / "o.csv", dedupe="first"))


@given(
    st.lists(st.tuples(st.integers(0, 5) | st.none(), st.integers(0, 50) | st.none()), max_size=60),
    st.sampled_from(["latest at", "earliest at", "first", "last"]),
    st.integers(1, 70),
    st.sampled_from([1 << 30, 64]),
)
def test_it_chooses_as_a_plain_loop_would(rows: list[tuple[Any, Any]], how: str, size: int, memory: int) -> None:
    expected: list[int] = []
    for id in {id for id, _ in rows}:
        met = [(at, n) for n, (one, at) in enumerate(rows) if one == id]
        if id is None:
            expected += [n for _, n in met]
            continue
        known = [at for at, _ in met if at is not None]
        if how in ("first", "last"):
            expected.append(met[0 if how == "first" else -1][1])
        elif known:
            best = max(known) if how == "latest at" else min(known)
            expected.append(next(n for at, n in met if at == best))
        else:
            expected.append(met[0][1])
    data = pa.table(
        {"id": pa.array([a for a, _ in rows], pa.int64()), "at": pa.array([b for _, b in rows], pa.int64())}
    )
    found = dedupe(data, how, size=size, memory=memory)
    wanted = data.take(pa.array(sorted(expected), pa.int64()))
    assert found.to_pylist() == wanted.to_pylist()


def test_keys_beyond_the_memory_wait_on_disk_with_the_same_result() -> None:
    order = np.random.default_rng(1).permutation(150_000)
    rows = pa.table({"id": order % 60_000, "at": order, "text": pa.array(order).cast(pa.string())})
    whole = dedupe(rows, "latest at", size=20_000)
    assert whole.num_rows == 60_000
    for memory, size in ((1 << 20, 20_000), (16 << 20, 9_000)):  # to disk with every batch; with every third one
        assert dedupe(rows, "latest at", memory=memory, size=size).equals(whole)


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dedupe(pa.table({"id": list(range(1_000))}), "first", memory=64)
    with pytest.raises(DataError):
        dedupe(pa.table({"id": [1, 1], "at": [1, 1], "n": [1, 2]}), "latest at", memory=64)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.MERGE])
def test_doubled_keys_are_loaded_once_in_any_mode_and_the_books_balance(tmp_path: Path, mode: Mode) -> None:
    source = write(tmp_path / "a.csv", "ID,day,n\n1,2024-01-01,a\n2,2024-01-01,b\n1,2024-01-03,c\n1,2024-01-02,d\n")
    to = f"duckdb:///{tmp_path}/w.db#t"
    receipt = move.run(job(source, to, mode=mode, key=("id",), rename={"ID": "id"}, dedupe="latest day"))
    assert "dedupe   4 given = 2 accepted + 2 filtered" in receipt.books_lines
    assert table(tmp_path / "w.db", "select id, n from t order by id") == [(1, "c"), (2, "b")]


def test_rules_come_before_and_the_places_of_rows_outlive_it(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", f"id,x,n\n1,1,9\n1,{2**64 - 1},7\n2,{2**64 - 1},7\n3,5,500\n")
    bad = tmp_path / "bad"
    receipt = move.run(
        job(
            source,
            f"sqlite:///{tmp_path}/w.sqlite#t",
            types={"x": "uint64"},
            rules=(RuleSpec("range", ("n",), (0, 100)),),
            key=("id",),
            dedupe="earliest n",
            bad_rows=str(bad),
        )
    )
    assert [line.split()[0] for line in receipt.books_lines] == ["read", "rules", "dedupe", "write"]
    (load,) = kept(bad)
    places = [(row.edge, row.place.file, row.place.line) for row in load.rows()]
    assert places == [("rules", str(source), 5), ("write", str(source), 3), ("write", str(source), 4)]


def test_the_places_of_parquet_rows_outlive_it_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2, 2], "x": [1.0, 2.0, float("nan")]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet row 3"):
        move.run(job(tmp_path / "a.parquet", f"sqlite:///{tmp_path}/w.sqlite#t", key=("id",), dedupe="last"))
