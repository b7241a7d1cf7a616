"""Files of a folder end where they should: never a row too late, and about at their size on disk."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath import assemble
from towpath.adapters.store.local import Local
from towpath.errors import UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.joins.manifest import read
from towpath.move import run
from towpath.nouns import Mode
from towpath.stream import Batch, Counted


def write(to: Path, batches: list[pa.RecordBatch], **output: Any) -> list[tuple[int, int]]:
    """Rows and bytes of each file, by the manifest."""
    made = assemble.destination(OutputSpec(f"{to}/", **output))
    offer = made.offer(batches[0].schema, Mode.CREATE, ())
    with made.begin(offer, "load") as load:
        for rows in batches:
            load.write(Batch(rows, Counted("rows")))
        published = load.publish(None, None)
    found = read(Local(), f"{to}/")
    assert found is not None
    assert published.accepted == sum(part.rows for part in found[0].files) == sum(len(rows) for rows in batches)
    for part in found[0].files:
        assert (to / part.path).stat().st_size == part.size
    return [(part.rows, part.size) for part in found[0].files]


def numbers(rows: int, start: int = 0) -> pa.RecordBatch:
    return pa.record_batch(
        {"n": pa.array(range(start, start + rows), pa.int64()), "k": ["a", "b"] * (rows // 2) + ["a"] * (rows % 2)}
    )


def noise(rows: int) -> pa.RecordBatch:
    return pa.record_batch({"x": [secrets.token_hex(50) for _ in range(rows)]})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=6), st.integers(1, 50))
def test_a_file_has_never_more_rows_and_all_but_the_last_have_as_many(sizes: list[int], most: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = write(Path(folder) / "out", [numbers(size) for size in sizes], format="csv", rows_per_file=most)
        assert [rows for rows, _ in found[:-1]] == [most] * (len(found) - 1)
        assert 1 <= found[-1][0] <= most


def test_each_partition_has_files_of_its_own(tmp_path: Path) -> None:
    found = write(tmp_path / "out", [numbers(25)], rows_per_file=5, partition_by=("k",))
    assert sorted(rows for rows, _ in found) == [2, 3, 5, 5, 5, 5]


def test_rows_stay_in_their_order_over_the_files(tmp_path: Path) -> None:
    write(tmp_path / "out", [numbers(7), numbers(8, 7)], format="csv", rows_per_file=4)
    run(JobSpec({"input": InputSpec(f"{tmp_path}/out/")}, OutputSpec(str(tmp_path / "back.csv")), select=("n",)))
    assert (tmp_path / "back.csv").read_text().split() == ["n", *map(str, range(15))]


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "arrow"])
@pytest.mark.parametrize("codec", [None, "zstd"])
def test_files_have_about_the_size_that_was_asked_for(tmp_path: Path, format: str, codec: str | None) -> None:
    found = write(tmp_path / "out", [noise(500) for _ in range(24)], format=format, codec=codec, file_bytes=100_000)
    assert len(found) > 3
    for _, size in found[1:-1]:
        assert 60_000 < size < 180_000


def test_a_batch_larger_than_a_file_is_split(tmp_path: Path) -> None:
    found = write(tmp_path / "out", [noise(20_000)], format="csv", file_bytes=200_000)
    assert len(found) > 5
    assert max(size for _, size in found) < 500_000


@pytest.mark.parametrize("limit", [{"rows_per_file": 5}, {"file_bytes": 5}])
@pytest.mark.parametrize("to", ["out.csv", "-", "duckdb:///x.duckdb#t"])
def test_limits_are_for_folders_only(to: str, limit: dict[str, int]) -> None:
    format = "csv" if to == "-" else None
    with pytest.raises(UserError, match="is for a folder of files"):
        assemble.destination(OutputSpec(to, format, **limit))  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [{"rows_per_file": 0}, {"file_bytes": -1}])
def test_a_limit_that_no_file_can_keep_is_refused(limit: dict[str, int]) -> None:
    with pytest.raises(UserError, match="at least 1"):
        assemble.destination(OutputSpec("out/", **limit))  # type: ignore[arg-type]
