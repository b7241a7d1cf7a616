"""Small batches come as fewer ones, whose rows still know their places and, where it is one, their file."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.joins.filekit import source
from towpath.badrows import StopAtFirst
from towpath.errors import DataError
from towpath.joins import gathered as gathering
from towpath.joins.gathered import gathered
from towpath.nouns import Want
from towpath.stream import Batch, Counted


def batches(sizes: Sequence[int], text: int = 1) -> Generator[Batch, None, None]:
    for number, size in enumerate(sizes):
        rows = pa.record_batch({"v": pa.array([f"{number}:{row}" * text for row in range(size)], pa.string())})
        yield Batch(rows, Counted(f"f{number}"), f"f{number}")


def told(found: Iterator[Batch]) -> list[tuple[str, str]]:
    """Every row's value and place."""
    return [
        (value, str(batch.origin.place(row)))
        for batch in found
        for row, value in enumerate(batch.rows.column("v").to_pylist())
    ]


@given(st.lists(st.integers(0, 60), max_size=40), st.sampled_from([1, 50]))
def test_the_rows_are_the_same_in_the_same_order_and_know_their_places(sizes: list[int], text: int) -> None:
    assert told(gathered(batches(sizes, text))) == told(batches(sizes, text))


def test_the_first_comes_at_once_and_later_ones_hold_more_and_more() -> None:
    seen = []

    def watched() -> Generator[Batch, None, None]:
        for batch in batches([10] * 4_000):
            seen.append(batch)
            yield batch

    found, lengths = gathered(watched()), []
    first = next(found)
    assert (len(seen), len(first), first.file) == (1, 10, "f0")
    for batch in found:
        lengths.append(len(batch))
        assert batch.file == ""
    assert lengths[:-1] == sorted(lengths[:-1])
    assert sum(lengths) == 39_990
    assert len(lengths) < 20
    del first, batch


def test_large_ones_pass_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_MOST", 2_000)
    large = next(batches([400]))

    def mixed() -> Generator[Batch, None, None]:
        yield from batches([1, 1])
        yield large
        yield from batches([1])

    found = list(gathered(mixed()))
    assert [len(batch) for batch in found] == [1, 1, 400, 1]
    assert found[2] is large


def test_rows_before_an_error_come_before_it() -> None:
    def failing() -> Generator[Batch, None, None]:
        yield from batches([1] * 10)
        raise DataError("the eleventh")

    found = []
    with pytest.raises(DataError, match="the eleventh"):
        for batch in gathered(failing()):
            found.append(batch)
    assert sum(len(batch) for batch in found) == 10


def test_closing_it_closes_what_it_reads() -> None:
    closed = []

    def watched() -> Generator[Batch, None, None]:
        try:
            yield from batches([1] * 10)
        finally:
            closed.append(True)

    found = gathered(watched())
    next(found)
    found.close()
    assert closed == [True]


def test_batches_of_files_are_gathered_unless_each_file_has_to_be_named(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"f{number:02}.csv").write_text(f"id\n{number}\n")
    for by_file in (False, True):
        with source(f"{tmp_path}/*.csv").open(None, Want(by_file=by_file, bad=StopAtFirst())) as reading:
            found = list(reading)
        assert [value for batch in found for value in batch.rows.column("id").to_pylist()] == list(range(30))
        assert (len(found) == 30) is by_file
        assert all(batch.file for batch in found) is by_file
        last = found[-1]
        assert str(last.origin.place(len(last) - 1)) == f"{tmp_path}/f29.csv:2"
