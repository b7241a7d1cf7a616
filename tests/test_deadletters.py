from __future__ import annotations

from pathlib import Path

import pytest

from towpath.badrows import BadRow
from towpath.deadletters import DeadLetters, finish, kept, pending
from towpath.errors import DataError, Refused
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.stream import Place

SPEC = JobSpec({"input": InputSpec("a.csv", options={"null": ["NA"]})}, OutputSpec("b.parquet"), key=("id",))
RAW = BadRow(Place("a.csv", 7, b'1,"x\n', b"id,name\n"), "has 3 fields, not 2")
BYTES = BadRow(Place("a.csv", 8, b"\xff\x00"), "is no UTF-8", "name", "\ufffd")
SHAPED = BadRow(Place("a.csv", 9), "is null", "id", None, {"id": None, "name": "é"}, "rules")


def keep(folder: Path, *, publish: bool) -> None:
    letters = DeadLetters(folder, "load1", SPEC)
    for bad in (RAW, BYTES, SHAPED):
        letters.add(bad)
    letters.seal()
    if publish:
        letters.published()


def test_bad_rows_come_back_as_they_were_with_the_job_that_met_them(tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    (load,) = kept(tmp_path)
    assert load.load_id == "load1"
    # Whoever replays them may stand in another folder.
    assert load.spec == SPEC.with_(folder=str(Path.cwd()))
    assert list(load.rows()) == [RAW, BYTES, SHAPED]


def test_rows_of_an_unpublished_load_are_pending_and_not_replayed(tmp_path: Path) -> None:
    keep(tmp_path, publish=False)
    assert kept(tmp_path) == []
    assert pending(tmp_path) == ["load1"]
    finish(tmp_path, "another")
    assert pending(tmp_path) == ["load1"]
    finish(tmp_path, "load1")
    assert [load.load_id for load in kept(tmp_path)] == ["load1"]


def test_a_discarded_load_leaves_nothing(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, "load1", SPEC)
    letters.add(RAW)
    letters.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_load_without_bad_rows_makes_no_folder(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "bad", "load1", SPEC)
    letters.seal()
    letters.published()
    assert not (tmp_path / "bad").exists()


def test_a_dead_try_of_the_same_load_is_written_anew(tmp_path: Path) -> None:
    keep(tmp_path, publish=False)
    keep(tmp_path, publish=True)
    assert len(list(kept(tmp_path)[0].rows())) == 3


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    with open(tmp_path / "load1" / "rows.jsonl", "a") as file:
        file.write("{\n")
    with pytest.raises(DataError, match=r"rows\.jsonl:4"):
        list(kept(tmp_path)[0].rows())


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("a file in the way")
    with pytest.raises(Refused, match="bad rows cannot be kept"):
        DeadLetters(tmp_path / "bad", "load1", SPEC).add(RAW)
