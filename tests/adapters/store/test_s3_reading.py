"""Objects of S3 are read by ranges: only what is asked for, in few requests, and never two versions mixed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.s3kit import BUCKET, S3Place, place
from tests.s3proxy import Between
from towpath import api
from towpath.conformance.store import put
from towpath.errors import Refused, SourceChanged, Transient

CONTENT = random.Random(1).randbytes(24 << 20)


@pytest.fixture
def between(s3_place: S3Place) -> Iterator[Between]:
    with Between(s3_place) as between:
        yield between


@pytest.fixture
def path(s3_place: S3Place, tmp_path: Path) -> str:
    path = f"{place(tmp_path)}/a.bin"
    s3_place.client().put_object(Bucket=BUCKET, Key=path.partition("/")[2], Body=CONTENT)
    return path


def test_reading_in_order_is_one_stream(s3_place: S3Place, between: Between, path: str) -> None:
    with s3_place.store(endpoint=between.endpoint).open(path) as file:
        assert b"".join(iter(lambda: file.read(1 << 20), b"")) == CONTENT
    assert len(between.passed) <= 5
    assert between.bytes_read() == len(CONTENT)


def test_any_range_can_be_read(s3_place: S3Place, path: str) -> None:
    chosen = random.Random(2)
    with s3_place.store().open(path) as file:
        for size in (1, 10, 70_000, 3 << 20):
            for _ in range(6):
                begin = chosen.randrange(len(CONTENT))
                file.seek(begin)
                assert file.read(size) == CONTENT[begin : begin + size]
                assert file.tell() == min(begin + size, len(CONTENT))
        file.seek(-3, 2)
        assert file.read() == CONTENT[-3:]
        assert file.read(5) == b""
        file.seek(0)
        assert file.read() == CONTENT


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537])
def test_small_and_empty_objects_are_read_whole(s3_place: S3Place, tmp_path: Path, size: int) -> None:
    store, path = s3_place.store(), f"{place(tmp_path)}/small"
    put(store, path, CONTENT[:size])
    with store.open(path) as file:
        assert file.read() == CONTENT[:size]
        assert file.seek(0, 2) == size


def test_a_stream_that_is_cut_is_taken_up_where_it_was(s3_place: S3Place, between: Between, path: str) -> None:
    with s3_place.store(endpoint=between.endpoint).open(path) as file:
        parts = [file.read(1 << 20) for _ in range(6)]
        file.seek(12 << 20)
        between.cut = 100_000  # a single range
        parts += [file.read(1 << 20)]
        for _ in range(5):
            parts += [file.read(1 << 20)]
    assert b"".join(parts) == CONTENT[: 6 << 20] + CONTENT[12 << 20 : 18 << 20]
    with s3_place.store(endpoint=between.endpoint).open(path) as file:
        between.cut = 5 << 20  # the stream
        assert b"".join(iter(lambda: file.read(1 << 20), b"")) == CONTENT
    assert between.cut is None


def test_an_object_that_was_replaced_or_removed_is_not_mixed_with_what_was_read(s3_place: S3Place, path: str) -> None:
    for change in (lambda: put(s3_place.store(), path, b"new" * 9_000_000), lambda: s3_place.store().remove(path)):
        with s3_place.store().open(path) as file:
            assert file.read(10)
            change()
            with pytest.raises(SourceChanged, match="replaced or removed"):
                while file.read(1 << 20):
                    pass


def test_a_server_that_does_not_answer_any_more_is_worth_another_try(
    s3_place: S3Place, between: Between, path: str
) -> None:
    with s3_place.store(endpoint=between.endpoint).open(path) as file, pytest.raises(Transient, match="a.bin"):
        file.read(10)
        between.loses = lambda method, path: True
        file.seek(5 << 20)
        file.read(10)


def test_what_is_not_there_is_refused_by_name(s3_place: S3Place, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"s3://.*/none\.csv: .*no such object"):
        s3_place.store().open(f"{place(tmp_path)}/none.csv")


def test_two_columns_of_twenty_cost_two_columns_of_twenty(s3_place: S3Place, between: Between, tmp_path: Path) -> None:
    values = np.random.default_rng(1)
    rows = pa.table({f"c{number:02}": values.random(200_000) for number in range(20)})
    pq.write_table(rows, tmp_path / "wide.parquet", row_group_size=50_000, compression="none", use_dictionary=False)
    key = f"{place(tmp_path)}/wide.parquet".partition("/")[2]
    size = (tmp_path / "wide.parquet").stat().st_size
    s3_place.client().put_object(Bucket=BUCKET, Key=key, Body=(tmp_path / "wide.parquet").read_bytes())
    at = s3_place.address(f"{BUCKET}/{key}").replace(s3_place.endpoint, between.endpoint)
    api.copy(at, str(tmp_path / "two.parquet"), select=["c03", "c11"])
    assert pq.read_table(tmp_path / "two.parquet").equals(rows.select(["c03", "c11"]))
    assert between.bytes_read() < size * 0.115


def test_a_whole_row_group_costs_a_request_a_column_or_less(
    s3_place: S3Place, between: Between, tmp_path: Path
) -> None:
    values = np.random.default_rng(1)
    rows = pa.table({f"c{number:02}": values.random(300_000) for number in range(20)})
    pq.write_table(rows, tmp_path / "wide.parquet", compression="none", use_dictionary=False)
    key = f"{place(tmp_path)}/wide.parquet".partition("/")[2]
    size = (tmp_path / "wide.parquet").stat().st_size
    s3_place.client().put_object(Bucket=BUCKET, Key=key, Body=(tmp_path / "wide.parquet").read_bytes())
    at = s3_place.address(f"{BUCKET}/{key}").replace(s3_place.endpoint, between.endpoint)
    api.copy(at, str(tmp_path / "all.parquet"))
    assert pq.read_table(tmp_path / "all.parquet").equals(rows)
    assert len(between.passed) < 32
    assert between.bytes_read() < size * 1.02
