"""A folder of files as a destination: parts, partitions, the manifest, and whose files are whose."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.joins.filekit import (
    APPEND,
    CREATE,
    REPLACE,
    STEP,
    converted,
    load,
    names,
    read,
    rows,
    source,
    state,
    to_folder,
)
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.jsonl import JSONLines
from towpath.adapters.format.parquet import Parquet
from towpath.adapters.store.local import Local
from towpath.conformance.dying import die_after
from towpath.disk import leftovers
from towpath.errors import Conflict, DataError, Refused, TowError, UserError
from towpath.joins import folder_writing, manifest
from towpath.nouns import Guarantee, Mode
from towpath.stream import Batch, Counted

OLD = rows(id=[1, 2], k=["a", "b"])
NEW = rows(id=[3], k=["a"])


def seen(folder: Path) -> list[int]:
    return sorted(read(source(f"{folder}/", Parquet())).column("id").to_pylist())


def test_a_new_folder_holds_parts_named_by_load_and_a_manifest(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = to_folder(out, partition_by=("k",))
    offer = made.offer(OLD.schema, CREATE, ())
    assert offer.guarantee is Guarantee.ATOMIC
    assert "who lists the folder" in offer.why
    published = load(made, OLD, step=STEP)
    parts = ["k=a/part-load1-00000.parquet", "k=b/part-load1-00001.parquet"]
    assert names(out) == ["_manifest.json", *parts]
    assert (published.accepted, published.parts) == (2, tuple(f"{out}/{part}" for part in parts))
    listed = json.loads((out / "_manifest.json").read_text())
    assert listed["format"] == "parquet"
    assert listed["schema"] == [{"name": "id", "type": "int64"}, {"name": "k", "type": "text"}]
    assert listed["partition_by"] == ["k"]
    assert listed["files"] == [
        {"path": part, "rows": 1, "size": (out / part).stat().st_size, "load_id": "load1"} for part in parts
    ]
    assert listed["generation"] == 1
    assert made.state(STEP) == state("load1", count=2)
    assert read(source(out / parts[0], Parquet())).column_names == ["id"]


def test_appended_rows_come_beside_and_replaced_files_go(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load(to_folder(out), OLD)
    load(to_folder(out), NEW.select(["k", "id"]), APPEND, "load2")
    assert seen(out) == [1, 2, 3]
    existing = to_folder(out).describe()
    assert existing is not None
    assert (existing.schema, existing.rows) == (OLD.schema, 3)
    load(to_folder(out, partition_by=("k",)), NEW, REPLACE, "load3")
    assert seen(out) == [3]
    assert names(out) == ["_manifest.json", "k=a/part-load3-00000.parquet"]
    load(to_folder(out), OLD, APPEND, "load4")
    assert names(out)[1:] == [
        "k=a/part-load3-00000.parquet",
        "k=a/part-load4-00000.parquet",
        "k=b/part-load4-00001.parquet",
    ]


def test_a_file_is_closed_when_it_is_large_enough(tmp_path: Path) -> None:
    made = to_folder(tmp_path / "out", file_bytes=1_000)
    offer = made.offer(OLD.schema, CREATE, ())
    with made.begin(offer, "load1") as writing:
        for number in range(100):
            writing.write(Batch(rows(id=[number] * 10, k=["x"] * 10), Counted("rows")))
        published = writing.publish(None, None)
    assert published.accepted == 1000
    assert 5 < len(published.parts) < 50
    assert seen(tmp_path / "out") == sorted(list(range(100)) * 10)


def test_many_partitions_need_few_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_writing, "OPEN_FILES", 4)
    most = 0

    class Counting(Parquet):
        alive = 0

        def writer(self, sink, schema):  # type: ignore[no-untyped-def]
            nonlocal most
            made, close = super().writer(sink, schema), None
            Counting.alive += 1
            most = max(most, Counting.alive)
            close = made.close

            def closing() -> None:
                Counting.alive -= 1
                close()

            made.close = closing  # type: ignore[method-assign]
            return made

    made = to_folder(tmp_path / "out", Counting(), partition_by=("k",))
    made.format_name = "parquet"
    batch = rows(id=list(range(40)), k=[number % 8 for number in range(40)])
    offer = made.offer(batch.schema, CREATE, ())
    with made.begin(offer, "load1") as writing:
        writing.write(Batch(batch, Counted("rows")))
        writing.write(Batch(batch, Counted("rows")))
        published = writing.publish(None, None)
    assert published.accepted == 80
    assert most == 1  # they wait on disk, and come out one after another
    assert len(published.parts) == 8
    got = read(source(f"{tmp_path}/out/", Parquet()))
    assert sorted(got.column("id").to_pylist()) == sorted(list(range(40)) * 2)
    assert all(row["id"] % 8 == row["k"] for row in got.to_pylist())


def test_rows_that_wait_in_many_open_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_writing, "_WAITING_BYTES", 100_000)
    made = to_folder(tmp_path / "out", partition_by=("k",))
    offer = made.offer(OLD.schema, CREATE, ())
    with made.begin(offer, "load1") as writing:
        for number in range(40):
            writing.write(Batch(rows(id=[number] * 1000, k=["abcd"[number % 4]] * 1000), Counted("rows")))
            waiting = sum(one.waiting for one in writing._open.values())  # type: ignore[attr-defined]
            assert waiting <= 100_000
        assert writing.publish(None, None).accepted == 40_000
    assert seen(tmp_path / "out") == sorted(list(range(40)) * 1000)


def test_too_many_partitions_are_refused_and_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_writing, "_PARTITIONS", 20)
    with pytest.raises(Refused, match="more than 20 partitions"):
        load(to_folder(tmp_path / "out", partition_by=("k",)), rows(id=[1] * 30, k=list(range(30))))
    assert names(tmp_path) == []
    batch = rows(id=[1] * 20, k=list(range(20)))
    assert load(to_folder(tmp_path / "out", CSV(), partition_by=("k",)), batch).accepted == 20


@pytest.mark.parametrize("mode", [CREATE, REPLACE, APPEND])
def test_files_that_tow_did_not_write_are_left_alone(tmp_path: Path, mode: Mode) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-0-00001.parquet").write_text("precious")
    with pytest.raises(Refused, match=r"no manifest of tow's names \(part-0-00001\.parquet\)"):
        load(to_folder(tmp_path / "out"), OLD, mode)
    assert names(tmp_path) == ["out/part-0-00001.parquet"]


def test_a_stranger_in_our_folder_survives_replacing_and_recovering(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load(to_folder(out), OLD)
    (out / "part-0-00001.parquet").write_text("precious")
    load(to_folder(out), NEW, REPLACE, "load2")
    to_folder(out).recover(None)
    assert names(out) == ["_manifest.json", "part-0-00001.parquet", "part-load2-00000.parquet"]


def test_an_unfinished_first_load_is_not_read_as_data_and_not_taken_for_a_strangers(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def half() -> object:
        made = to_folder(out, file_bytes=1)
        opening = made.begin(made.offer(OLD.schema, CREATE, ()), "dead")
        opening.__enter__().write(Batch(OLD, Counted("rows")))
        return opening

    die_after(half)
    assert "part-dead-00000.parquet" in names(out)
    with pytest.raises(Refused, match="never finished"):
        read(source(f"{out}/", Parquet()))
    assert to_folder(out).offer(OLD.schema, CREATE, ()).effect == f"creates {out}/"
    load(to_folder(out), NEW)
    assert names(out) == ["_manifest.json", "part-load1-00000.parquet"]


def test_a_living_load_survives_the_recovering_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE", 0.02)
    out = tmp_path / "out"
    made = to_folder(out, file_bytes=1)
    with made.begin(made.offer(OLD.schema, CREATE, ()), "one") as writing:
        writing.write(Batch(OLD, Counted("rows")))
        assert to_folder(out).recover(None) is None
        assert "part-one-00000.parquet" in names(out)
        writing.publish(None, None)
    assert seen(out) == [1, 2]


@pytest.mark.parametrize("mode", [CREATE, APPEND, REPLACE])
@pytest.mark.parametrize("step", [None, STEP])
def test_of_two_interleaved_runs_one_is_a_conflict(tmp_path: Path, mode: Mode, step: str | None) -> None:
    out = tmp_path / "out"
    if mode is not CREATE:
        load(to_folder(out), OLD)
    one, two = to_folder(out), to_folder(out)
    assert one.recover(step) is two.recover(step) is None
    with (
        one.begin(one.offer(NEW.schema, mode, ()), "one") as first,
        two.begin(two.offer(NEW.schema, mode, ()), "two") as second,
    ):
        for writing, id in ((first, 10), (second, 20)):
            writing.write(Batch(rows(id=[id], k=["x"]), Counted("rows")))
        second.publish(None, None if step is None else state("two"))
        with pytest.raises(Conflict):
            first.publish(None, None if step is None else state("one"))
    assert seen(out) == ([1, 2] if mode is APPEND else []) + [20]
    assert to_folder(out).state(STEP) == (None if step is None else state("two"))
    left = ["part-load1-00000.parquet"] if mode is APPEND else []
    assert names(out) == ["_manifest.json", *left, "part-two-00000.parquet"]


def test_another_format_partitioning_or_column_is_refused_on_append(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load(to_folder(out, partition_by=("k",)), OLD)
    for made, schema, words in [
        (to_folder(out, CSV()), OLD.schema, "its files are parquet, not csv"),
        (to_folder(out, partition_by=("id",)), OLD.schema, "it is partitioned by k"),
        (to_folder(out), pa.schema({"id": pa.int64()}), "k there, but not in the new rows"),
    ]:
        with pytest.raises(Refused, match=words):
            made.offer(schema, APPEND, ())
    with pytest.raises(UserError, match="append.*replace"):
        to_folder(out).offer(OLD.schema, CREATE, ())
    with pytest.raises(UserError, match="keys"):
        to_folder(out).offer(OLD.schema, Mode.MERGE, ("id",))
    assert to_folder(out, CSV()).offer(OLD.schema, REPLACE, ()).mode is REPLACE


@pytest.mark.parametrize("format", [CSV(), JSONLines(), Parquet()])
def test_no_rows_keep_their_columns(tmp_path: Path, format: CSV | JSONLines | Parquet) -> None:
    made = to_folder(tmp_path / "out", format, partition_by=("k",))
    assert load(made, OLD.slice(0, 0)).accepted == 0
    got = read(source(f"{tmp_path}/out/", format))
    assert (len(got), got.schema) == (0, OLD.schema)


def test_a_compressed_folder_says_so_in_its_names(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load(to_folder(out, CSV(), codec="gz"), OLD)
    assert names(out) == ["_manifest.json", "part-load1-00000.csv.gz"]
    assert read(source(f"{out}/")).to_pylist() == OLD.to_pylist()


def test_a_value_that_makes_too_long_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too long"):
        load(to_folder(tmp_path / "out", partition_by=("k",)), rows(id=[1], k=["x" * 300]))
    assert names(tmp_path) == []


def test_old_files_that_cannot_be_removed_do_not_undo_a_published_load(tmp_path: Path) -> None:
    class Keeping(Local):
        def remove(self, path: str) -> None:
            raise Refused("no", where=path)

    out = tmp_path / "out"
    load(to_folder(out), OLD)
    load(to_folder(out, store=Keeping()), NEW, REPLACE, "load2")
    assert seen(out) == [3]
    assert "part-load1-00000.parquet" in names(out)
    to_folder(out).recover(None)
    assert names(out) == ["_manifest.json", "part-load2-00000.parquet"]


def test_notes_that_are_not_ours_are_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "_manifest.json").write_text('{"files": []}')
    with pytest.raises(DataError, match=r"_manifest\.json: this is no manifest"):
        to_folder(out).describe()
    (out / "_manifest.json").unlink()
    (out / ".tow-loads").write_text("[1]")
    with pytest.raises(DataError, match=r"\.tow-loads: this is no note"):
        to_folder(out).recover(None)


def test_a_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    schema = pa.schema({"a b": pa.decimal128(9, 2), "t": pa.timestamp("ns", "UTC"), "l": pa.list_(pa.int8())})
    part = manifest.Part("k=1/x.csv", 3, 10, "load1")
    made = manifest.Manifest("csv", schema, ("t",), (part,), {STEP: state("load1")}, 7)
    assert manifest.Manifest.loads(made.dumps()) == made


def test_a_destination_that_goes_wrong_while_writing_removes_what_it_wrote(tmp_path: Path) -> None:
    class Full(Local):
        count = 0

        def stage(self, path: str, load_id: str):  # type: ignore[no-untyped-def]
            Full.count += path.endswith(".parquet")
            if Full.count == 3:
                raise Refused("no space", where=path)
            return super().stage(path, load_id)

    out = tmp_path / "out"
    load(to_folder(out), OLD)
    before = names(out)
    made = to_folder(out, store=Full(), file_bytes=1)
    offer = made.offer(OLD.schema, APPEND, ())
    with pytest.raises(TowError, match="no space"), made.begin(offer, "load2") as writing:
        for _ in range(5):
            writing.write(Batch(converted(OLD, offer.schema), Counted("rows")))
    assert names(out) == before
