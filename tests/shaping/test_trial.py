"""Trials: a sample is the same every time, a limit stops reading early, and neither moves a step's checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.movekit import job, table, write
from towpath import assemble, move
from towpath.books import Edge
from towpath.errors import Refused, UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.nouns import Mode
from towpath.planning import plan
from towpath.shaping.trial import sampled
from towpath.stream import Batch, Counted, Stream

ROWS = 120_000


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    return write(tmp_path / "n.csv", "id,n\n" + "".join(f"{n},{n % 7}\n" for n in range(ROWS)))


def rows(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:]


def test_a_sample_is_the_same_every_time_and_counted_as_filtered(tmp_path: Path, numbers: Path) -> None:
    receipts = [move.run(job(numbers, tmp_path / f"{name}.csv", sample=0.01)) for name in "ab"]
    assert rows(tmp_path / "a.csv") == rows(tmp_path / "b.csv")
    kept = receipts[0].rows
    assert 1_000 < kept < 1_400
    assert f"sample   120,000 given = {kept:,} accepted + {ROWS - kept:,} filtered" in receipts[0].books_lines
    assert any("a sample of 0.01" in note for note in receipts[0].notes)


def test_a_sample_does_not_depend_on_how_the_rows_are_cut() -> None:
    schema = pa.schema({"n": pa.int64()})

    def taken(size: int) -> list[int]:
        parts = np.array_split(np.arange(10_000), range(size, 10_000, size))
        batches = [Batch(pa.record_batch([pa.array(part)], schema=schema), Counted("n")) for part in parts]
        edge = Edge("sample")
        found = [n for one in sampled(Stream(schema, batches), 0.25, edge) for n in one.rows.column(0).to_pylist()]
        assert edge.balanced()
        return found

    assert taken(10_000) == taken(999) == taken(1)
    assert 2_300 < len(taken(10_000)) < 2_700


def test_a_whole_sample_keeps_every_row(tmp_path: Path, numbers: Path) -> None:
    assert move.run(job(numbers, tmp_path / "a.csv", sample=1.0)).rows == ROWS


def test_a_sample_comes_before_the_condition(tmp_path: Path, numbers: Path) -> None:
    receipt = move.run(job(numbers, tmp_path / "a.csv", sample=0.01, where="n = 3"))
    assert [line.split()[0] for line in receipt.books_lines] == ["read", "sample", "where", "write"]


def test_every_input_of_a_query_is_sampled(tmp_path: Path, numbers: Path) -> None:
    spec = JobSpec(
        {"a": InputSpec(str(numbers)), "b": InputSpec(str(numbers))},
        OutputSpec(str(tmp_path / "o.csv")),
        sql="select (select count(*) from a) as a, (select count(*) from b) as b",
        sample=0.1,
    )
    receipt = move.run(spec)
    first, second = rows(tmp_path / "o.csv")[0].split(",")
    assert first == second
    assert 11_000 < int(first) < 13_000
    assert [line.split()[0:2] for line in receipt.books_lines[2:4]] == [["sample", "a"], ["sample", "b"]]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5])
def test_a_share_that_is_none_is_refused(tmp_path: Path, numbers: Path, share: float) -> None:
    with pytest.raises(UserError, match="no share"):
        move.run(job(numbers, tmp_path / "a.csv", sample=share))


def test_a_limit_stops_reading_early_and_says_so(tmp_path: Path) -> None:
    big = write(tmp_path / "n.csv", "id,n\n" + "".join(f"{n},{n % 7}\n" for n in range(1_500_000)))
    receipt = move.run(job(big, tmp_path / "a.csv", limit=5, memory=64 << 20))
    assert rows(tmp_path / "a.csv") == [f"{n},{n}" for n in range(5)]
    read, limit, write_ = receipt.books
    assert read["given"] < 1_500_000
    assert not read["row_wise"]
    assert (limit["accepted"], write_["given"], receipt.rows) == (5, 5, 5)
    assert any("at most 5 rows" in note for note in receipt.notes)


def test_a_limit_counts_rows_of_the_result(tmp_path: Path, numbers: Path) -> None:
    receipt = move.run(job(numbers, tmp_path / "a.csv", where="n = 6", limit=3))
    assert rows(tmp_path / "a.csv") == ["6,6", "13,6", "20,6"]
    assert [line.split()[0] for line in receipt.books_lines] == ["read", "where", "limit", "write"]


@pytest.mark.parametrize("limit", [0, 1, 7])
def test_a_limit_ends_a_query_and_its_threads(tmp_path: Path, numbers: Path, limit: int) -> None:
    to = tmp_path / f"{limit}.csv"
    assert move.run(job(numbers, to, sql="select id + 1 as next from input", limit=limit)).rows == limit
    assert rows(to) == [str(n + 1) for n in range(limit)]


def test_a_limit_of_a_table_closes_the_database(tmp_path: Path, numbers: Path) -> None:
    to = f"duckdb:///{tmp_path}/w.db#t"
    move.run(job(numbers, to))
    move.run(job(to, tmp_path / "a.csv", limit=2))
    assert move.run(job(to, to, mode=Mode.APPEND, limit=3)).rows == 3
    assert table(tmp_path / "w.db", "select count(*) from t") == [(ROWS + 3,)]


def test_a_limit_beyond_the_end_takes_all(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id\n1\n2\n")
    assert move.run(job(source, tmp_path / "o.csv", limit=9)).rows == 2


def test_a_negative_limit_is_refused(tmp_path: Path, numbers: Path) -> None:
    with pytest.raises(UserError, match="limit -1"):
        move.run(job(numbers, tmp_path / "o.csv", limit=-1))


def test_types_widen_within_a_limit(tmp_path: Path) -> None:
    lines = "".join(f"{n}\n" for n in range(1_500_000))
    source = write(tmp_path / "a.csv", f"zip\n{lines}00501\n" + "1\n" * 10)
    receipt = move.run(job(source, tmp_path / "o.parquet", limit=1_500_001))
    made = pq.read_table(tmp_path / "o.parquet")
    assert made.schema.field("zip").type == pa.string()
    assert made["zip"][-1].as_py() == "00501"
    assert sum("restarted once" in note for note in receipt.notes) == 1


@pytest.mark.parametrize("trial", [{"limit": 2}, {"sample": 0.9}])
def test_a_trial_of_a_step_keeps_no_checkpoint_and_says_so(tmp_path: Path, trial: dict[str, float]) -> None:
    source = write(tmp_path / "a.csv", "id\n" + "".join(f"{n}\n" for n in range(50)))
    step = job(source, f"duckdb:///{tmp_path}/w.db#t", step="p/s", mode=Mode.REPLACE)
    receipt = move.run(step.with_(**trial))
    assert 0 < receipt.rows < 50
    assert assemble.destination(step.to).state("p/s") is None
    assert any("no checkpoint was kept" in note and "--full-refresh" in note for note in receipt.notes)
    assert any("no checkpoint" in line for line in plan(step.with_(**trial)).lines())
    assert move.run(step, full_refresh=True).rows == 50
    for options in ({}, {"full_refresh": True}):
        with pytest.raises(Refused) as caught:
            move.run(step.with_(**trial), **options)
        assert "tow copy" in str(caught.value)
        assert "--full-refresh" in str(caught.value)
    assert table(tmp_path / "w.db", "select count(*) from t") == [(50,)]


@pytest.mark.parametrize("part", [{"limit": 5}, {"sample": 0.1}])
def test_a_trial_of_a_step_that_appends_is_refused_for_its_rows_would_come_twice(
    tmp_path: Path, numbers: Path, part: dict[str, float]
) -> None:
    to = tmp_path / "o.csv"
    with pytest.raises(Refused, match="the next run would append them once more"):
        move.run(job(numbers, to, mode=Mode.APPEND, step="p/a", **part))
    assert not to.exists()
