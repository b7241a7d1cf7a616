from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pyarrow as pa
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
    letters.discard()


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
    assert [name.split(".")[0] for name in pending(tmp_path)] == ["load1"]
    finish(tmp_path, "another")
    assert [name.split(".")[0] for name in pending(tmp_path)] == ["load1"]
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


@pytest.mark.parametrize("line", [b"\xff{}", b"[" * 100_000, b"[]", b'{"file": "a"}'])
def test_a_line_that_holds_no_bad_row_is_named_whatever_it_holds(line: bytes, tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    rows = tmp_path / "load1" / "rows.jsonl"
    rows.write_bytes(rows.read_bytes() + line + b"\n")
    (load,) = kept(tmp_path)
    with pytest.raises(DataError, match=r"rows\.jsonl:[0-9]+: is no bad row"):
        list(load.rows())


def test_rows_of_which_none_is_left_are_damaged(tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    (tmp_path / "load1" / "rows.jsonl").write_text("")
    (load,) = kept(tmp_path)
    with pytest.raises(DataError, match="no row any more"):
        list(load.rows())


def test_lines_that_are_missing_are_told_unless_the_number_kept_is_corrected(tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    rows, job = (tmp_path / "load1" / name for name in ("rows.jsonl", "load.json"))
    whole = rows.read_bytes().splitlines(keepends=True)
    for lines, there in ((whole[:2], 2), (whole[1:], 2), ([*whole, whole[0]], 4)):
        rows.write_bytes(b"".join(lines))
        (load,) = kept(tmp_path)
        with pytest.raises(DataError, match=f"3 bad rows were kept, and {there} are there") as caught:
            list(load.rows())
        assert f'"kept": {there} into load.json' in str(caught.value.todo)
    rows.write_bytes(b"".join(whole[1:]))
    job.write_text(job.read_text().replace('"kept": 3', '"kept": 2'))
    (load,) = kept(tmp_path)
    assert list(load.rows()) == [BYTES, SHAPED]


def test_rows_kept_before_their_number_was_are_read_as_they_are(tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    job = tmp_path / "load1" / "load.json"
    told = json.loads(job.read_text())
    assert told.pop("kept") == 3
    job.write_text(json.dumps(told))
    (load,) = kept(tmp_path)
    assert (load.spec.key, list(load.rows())) == (("id",), [RAW, BYTES, SHAPED])


def test_a_line_without_the_row_itself_is_named(tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    rows = tmp_path / "load1" / "rows.jsonl"
    rows.write_text(rows.read_text("utf-8").replace('"raw', '"law').replace('"row"', '"low"'), "utf-8")
    (load,) = kept(tmp_path)
    with pytest.raises(DataError, match=r"rows\.jsonl:1: is no bad row"):
        list(load.rows())


@pytest.mark.parametrize("job", ["", "[]", "{}", '{"inputs": 7}', '{"kept": "3"}', "[" * 100_000])
def test_a_job_that_is_none_any_more_is_named(job: str, tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    (tmp_path / "load1" / "load.json").write_text(job)
    with pytest.raises(DataError, match=r"load\.json: is no job"):
        kept(tmp_path)


def test_the_types_of_the_rows_are_kept_beside_them(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, "load1", SPEC)
    letters.types("read", pa.schema([("id", pa.int64()), ("Zoë", pa.list_(pa.decimal128(8, 2)))]))
    letters.add(RAW)
    letters.seal()
    letters.published()
    letters.discard()
    (load,) = kept(tmp_path)
    assert load.types("read") == pa.schema([("id", pa.int64()), ("Zoë", pa.list_(pa.decimal128(8, 2)))])
    assert load.types("rows") is None
    (load.folder / "types.json").write_text('{"read": {"id": "int65"}}')
    with pytest.raises(DataError, match=r"types\.json: are no types"):
        load.types("read")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("a file in the way")
    with pytest.raises(Refused, match="cannot keep bad rows in it"):
        DeadLetters(tmp_path / "bad", "load1", SPEC).add(RAW)


def test_two_runs_of_one_load_at_once_keep_their_rows_apart_and_the_refused_one_takes_only_its_own(
    tmp_path: Path,
) -> None:
    first, second = (DeadLetters(tmp_path, "load1", SPEC) for _ in range(2))
    for bad in (RAW, BYTES, SHAPED):
        first.add(bad)
        second.add(bad)
    second.seal()
    first.seal()
    second.unseal()
    second.discard()
    finish(tmp_path, "load1")  # the step's next run looks before the first has named its rows
    first.published()
    first.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["load1"]
    assert list(kept(tmp_path)[0].rows()) == [RAW, BYTES, SHAPED]


def test_what_a_dead_run_was_still_writing_goes_with_the_next_and_what_a_living_one_writes_stays(
    tmp_path: Path,
) -> None:
    dead, living, third = (DeadLetters(tmp_path, name, SPEC) for name in ("load1", "load2", "load3"))
    dead.add(RAW)
    assert dead._file is not None
    dead._file.close()  # as the system does when a process dies
    living.add(RAW)
    third.add(RAW)
    assert sorted(path.name.split(".")[1] for path in tmp_path.iterdir()) == ["load2", "load3"]
    living.discard()
    third.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_died_before_its_rows_had_a_file_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    unborn = tmp_path / ".load1.0123abcd.writing"
    unborn.mkdir()
    beginner = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(beginner, fcntl.LOCK_EX)
    held = DeadLetters(tmp_path, "load2", SPEC)
    held.add(RAW)  # somebody may be just about to make the file
    held.discard()
    assert list(tmp_path.iterdir()) == [unborn]
    os.close(beginner)
    letters = DeadLetters(tmp_path, "load3", SPEC)
    letters.add(RAW)
    letters.discard()
    assert list(tmp_path.iterdir()) == []


def test_rows_that_were_replayed_do_not_come_back_from_a_second_copy_of_them(tmp_path: Path) -> None:
    keep(tmp_path, publish=True)
    (load,) = kept(tmp_path)
    load.replayed("load2")
    keep(tmp_path, publish=False)
    finish(tmp_path, "load1")
    assert kept(tmp_path) == []


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, "load1", SPEC)
    letters.add(RAW)
    assert letters._file is not None
    letters._file.close()
    letters._file = open("/dev/full", "w")  # noqa: SIM115
    letters.add(RAW)
    with pytest.raises(Refused, match="cannot keep bad rows in it: there is no space left") as caught:
        letters.seal()
    assert caught.value.code == "disk-full"
    letters.discard()
    assert list(tmp_path.iterdir()) == []
