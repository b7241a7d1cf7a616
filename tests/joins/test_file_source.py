"""Many files read as one table."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.descriptors import files_open
from tests.joins.filekit import load, read, rows, source, to_folder
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.jsonl import JSONLines
from towpath.adapters.format.parquet import Parquet
from towpath.adapters.store.stdio import StandardStreams
from towpath.badrows import BadRow
from towpath.errors import DataError, Refused, SourceChanged, TowError, UserError
from towpath.nouns import Checkpoint, Restart, Want


def write(folder: Path, **files: str) -> None:
    """Files by name without `.csv`; `__` stands for a folder."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def settled(path: Path | str, format: object = None, want: Want | None = None) -> pa.Table:
    """All rows, as the mover reads them: with one restart if types were too narrow."""
    made = source(path, format)  # type: ignore[arg-type]
    try:
        return read(made, want)
    except Restart as restart:
        return read(made, Want(schema=restart.schema, columns=want.columns if want else None))


def test_one_file_is_read_with_its_places(tmp_path: Path) -> None:
    write(tmp_path, a="id,v\n1,x\n2,y\n")
    with source(tmp_path / "a.csv").open(None, Want()) as reading:
        (batch,) = reading
        assert str(batch.origin.place(1)) == f"{tmp_path}/a.csv:3"
        assert batch.rows.to_pydict() == {"id": [1, 2], "v": ["x", "y"]}
        assert reading.settled
        assert reading.given == 2


def test_columns_of_all_files_are_united_by_name(tmp_path: Path) -> None:
    write(tmp_path, a="id,v\n1,x\n", b="w,id\n2.5,2\n", c="id\n3\n")
    made = source(f"{tmp_path}/*.csv")
    described = made.describe(Want())
    assert described.schema == pa.schema({"id": pa.int64(), "v": pa.string(), "w": pa.float64()})
    assert described.settled
    assert described.rows == 3
    assert described.size == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert described.parts == tuple(f"{tmp_path}/{name}.csv" for name in "abc")
    assert read(made).to_pylist() == [
        {"id": 1, "v": "x", "w": None},
        {"id": 2, "v": None, "w": 2.5},
        {"id": 3, "v": None, "w": None},
    ]


def test_asked_columns_come_in_the_asked_order_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    write(tmp_path, k__=".", **{"k=1__a": "id,v\n1,x\n"})
    made = source(f"{tmp_path}/k=*/*.csv")
    assert read(made, Want(columns=("k", "v"))).to_pylist() == [{"k": 1, "v": "x"}]
    assert read(made, Want(columns=("k",))).to_pylist() == [{"k": 1}]
    with pytest.raises(UserError, match="no column 'idd'; did you mean 'id'"):
        read(made, Want(columns=("idd",)))


def test_each_file_is_unpacked_as_its_own_name_says(tmp_path: Path) -> None:
    write(tmp_path, a="id\n1\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"id\n2\n") + gzip.compress(b"3\n"))
    with zipfile.ZipFile(tmp_path / "c.csv.zip", "w") as packed:
        packed.writestr("c.csv", "id\n4\n")
    assert read(source(f"{tmp_path}/*")).column("id").to_pylist() == [1, 2, 3, 4]
    assert read(source(f"{tmp_path}/")).column("id").to_pylist() == [1, 2, 3, 4]


def test_types_that_do_not_hold_ask_for_one_restart_that_reads_every_row(tmp_path: Path) -> None:
    many = "".join(f"{number}\n" for number in range(300_000))
    write(tmp_path, a=f"id\n{many}", b=f"id\n{many}00501\n", c="id\n7\n")
    made = source(f"{tmp_path}/*.csv")
    small = Want(batch_bytes=1 << 16)
    assert made.describe(small).schema.field("id").type == pa.int64()
    with pytest.raises(Restart, match=r"b\.csv:300002.*'00501'") as restart, made.open(None, small) as reading:
        assert not reading.settled
        for _ in reading:
            pass
    assert restart.value.schema.field("id").type == pa.string()
    with made.open(None, Want(schema=restart.value.schema)) as reading:
        assert reading.settled
        ids = [id for batch in reading for id in batch.rows.column("id").to_pylist()]
    assert len(ids) == 600_002
    assert ids[-2:] == ["00501", "7"]


def test_a_file_that_no_longer_fits_the_settled_types_has_changed(tmp_path: Path) -> None:
    write(tmp_path, a="id\nx\n")
    with pytest.raises(SourceChanged, match=r"a\.csv:2"):
        read(source(tmp_path / "a.csv"), Want(schema=pa.schema({"id": pa.int64()})))


def test_columns_and_types_of_files_that_no_sample_met_are_not_lost(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{number:02}": "id\n1\n" for number in range(40)})
    write(tmp_path, f14="id,extra\n2.5,x\n")
    table = settled(f"{tmp_path}/*.csv")
    assert table.schema == pa.schema({"id": pa.float64(), "extra": pa.string()})
    assert table.column("extra").drop_null().to_pylist() == ["x"]
    assert len(table) == 40


def test_a_column_that_the_sample_saw_no_value_of_gets_the_type_of_all_its_values(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{number:02}": "id,v\n1,\n" for number in range(40)})
    write(tmp_path, f14="id,v\n2,7\n")
    table = settled(f"{tmp_path}/*.csv")
    assert table.schema.field("v").type == pa.int64()
    assert table.column("v").drop_null().to_pylist() == [7]


def test_declared_types_of_files_that_no_sample_met_are_looked_up_before_reading(tmp_path: Path) -> None:
    for number in range(40):
        values = pa.array([2**40 if number == 14 else number], pa.int64() if number == 14 else pa.int32())
        pq.write_table(pa.table({"v": values}), tmp_path / f"f{number:02}.parquet")
    table = settled(f"{tmp_path}/*.parquet", Parquet())
    assert table.schema.field("v").type == pa.int64()
    assert sorted(table.column("v").to_pylist())[-1] == 2**40


def test_declared_types_that_do_not_unite_name_both_files_and_can_be_pinned(tmp_path: Path) -> None:
    pq.write_table(pa.table({"v": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"v": [1.5]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet.*int64 in .*a\.parquet"):
        read(source(f"{tmp_path}/*.parquet", Parquet()))
    got = read(source(f"{tmp_path}/*.parquet", Parquet()), Want(types={"v": pa.float64()}))
    assert got.column("v").to_pylist() == [1.0, 1.5]


def test_bad_rows_of_pinned_columns_go_aside_in_order_and_are_counted(tmp_path: Path) -> None:
    class Kept(list[BadRow]):
        def add(self, bad: BadRow) -> None:
            self.append(bad)

    write(tmp_path, a="id\nx\n1\n", b="id\n2\ny\n")
    bad = Kept()
    with source(f"{tmp_path}/*.csv").open(None, Want(types={"id": pa.int64()}, bad=bad)) as reading:
        assert sum(len(batch) for batch in reading) == 2
        assert reading.given == 4
    assert [str(one.place) for one in bad] == [f"{tmp_path}/a.csv:2", f"{tmp_path}/b.csv:3"]


def test_without_a_file_the_nearest_name_is_told(tmp_path: Path) -> None:
    write(tmp_path, orders="id\n1\n")
    for path, words in [
        (tmp_path / "order.csv", r"did you mean 'orders\.csv'"),
        (tmp_path / "*.parquet", "no file matches"),
        (tmp_path / "none" / "*.csv", "no file matches"),
    ]:
        with pytest.raises(Refused, match=words):
            source(path).describe(Want())
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("1")
    with pytest.raises(Refused, match=r"no file in it ends in \.csv"):
        source(f"{tmp_path}/empty/").describe(Want())


def test_a_name_that_exists_is_not_read_as_a_glob(tmp_path: Path) -> None:
    write(tmp_path, **{"a[1]": "id\n1\n", "a1": "id\n2\n"})
    assert read(source(tmp_path / "a[1].csv")).column("id").to_pylist() == [1]


def test_a_folder_is_all_files_of_its_format_at_every_depth(tmp_path: Path) -> None:
    write(tmp_path, **{"in[1]__a": "id\n1\n", "in[1]__x__b": "id\n2\n", "in[1]___c": "id\n3\n", "in[1]__.d": "id\n4\n"})
    (tmp_path / "in[1]" / "readme.md").write_text("id\n9\n")
    assert read(source(tmp_path / "in[1]")).column("id").to_pylist() == [1, 2]


def test_partition_columns_come_from_the_part_of_the_path_that_was_not_written_out(tmp_path: Path) -> None:
    write(tmp_path, **{"y=2024__m=01__a": "v\nx\n"})
    path = tmp_path / "y=2025" / "m=__HIVE_DEFAULT_PARTITION__" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_text("v\ny\n")
    assert read(source(f"{tmp_path}/y=*/m=*/*.csv")).to_pylist() == [
        {"v": "x", "y": 2024, "m": "01"},
        {"v": "y", "y": 2025, "m": None},
    ]
    one = f"{tmp_path}/y=2024/m=01/a.csv"
    assert read(source(one)).to_pylist() == [{"v": "x"}]
    assert read(source(one, hive=True)).to_pylist() == [{"v": "x", "y": 2024, "m": "01"}]
    assert read(source(f"{tmp_path}/y=2024/**/*.csv")).to_pylist() == [{"v": "x", "m": "01"}]
    assert read(source(f"{tmp_path}/y=*/**/*.csv", hive=False)).column_names == ["v"]


def test_files_of_different_layouts_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, **{"y=1__a": "v\nx\n", "b": "v\ny\n"})
    with pytest.raises(DataError, match=r"y=1/a\.csv: its path has the partition columns y, .*b\.csv has \(none\)"):
        read(source(f"{tmp_path}/**/*.csv"))


@pytest.mark.parametrize("format", [CSV(), JSONLines()])
def test_a_column_in_the_file_and_in_its_path_is_refused(tmp_path: Path, format: CSV | JSONLines) -> None:
    path = tmp_path / "y=1" / "a.x"
    path.parent.mkdir()
    path.write_text('{"y": 2}\n' if isinstance(format, JSONLines) else "y\n2\n")
    with pytest.raises(DataError, match="the column y stands in the file and in its path"):
        read(source(f"{tmp_path}/**/*.x", format))


def test_only_files_that_the_checkpoint_lacks_are_read(tmp_path: Path) -> None:
    write(tmp_path, a="id\n1\n")
    made = source(f"{tmp_path}/*.csv")
    with made.open(None, Want()) as reading:
        assert sum(len(batch) for batch in reading) == 1
        first = reading.checkpoint()
    assert first == made.describe(Want()).bound
    assert first is not None
    write(tmp_path, b="id,more\n2,x\n")
    with made.open(Checkpoint.from_json(first.as_json()), Want()) as reading:
        assert [row for batch in reading for row in batch.rows.to_pylist()] == [{"id": 2, "more": "x"}]
        second = reading.checkpoint()
    assert second == made.describe(Want()).bound
    (tmp_path / "a.csv").unlink()
    table = read(made, since=second)
    assert (len(table), table.column_names) == (0, ["id", "more"])


def test_a_file_that_changed_since_the_checkpoint_is_refused_by_name_or_read_again_whole(tmp_path: Path) -> None:
    write(tmp_path, a="id\n1\n", b="id\n2\n")
    made = source(f"{tmp_path}/*.csv")
    since = made.describe(Want()).bound
    write(tmp_path, b="id\n2\n3\n")
    with pytest.raises(Refused, match=r"b\.csv: this file was loaded before and has changed since.*\n.*merge"):
        read(made, since=since)
    again = source(f"{tmp_path}/*.csv", reread_changed=True)
    assert read(again, since=since).column("id").to_pylist() == [2, 3]


def test_a_checkpoint_of_another_kind_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a="id\n1\n")
    with pytest.raises(Refused, match="'cursor'"):
        read(source(tmp_path / "a.csv"), since=Checkpoint("cursor", 5))


def rewrite(path: Path) -> None:
    path.write_text(path.read_text())


@pytest.mark.parametrize("change", [rewrite, Path.unlink, lambda path: os.utime(path, (1, 1))])
def test_a_file_that_changes_while_it_is_read_stops_the_run(tmp_path: Path, change: object) -> None:
    write(tmp_path, a="id\n1\n", b="id\n2\n")
    with source(f"{tmp_path}/*.csv").open(None, Want()) as reading:
        assert sum(len(batch) for batch in reading) == 2
        change(tmp_path / "b.csv")  # type: ignore[operator]
        with pytest.raises(SourceChanged):
            reading.checkpoint()


def test_a_file_that_vanishes_or_breaks_before_its_turn_stops_the_run(tmp_path: Path) -> None:
    for change in (Path.unlink, lambda path: path.write_bytes(b"PAR1")):
        for name in "ab":
            pq.write_table(pa.table({"id": [1]}), tmp_path / f"{name}.parquet")
        with source(f"{tmp_path}/*.parquet", Parquet()).open(None, Want()) as reading:
            iterator = iter(reading)
            next(iterator)
            change(tmp_path / "b.parquet")
            with pytest.raises(SourceChanged, match=r"b\.parquet"):
                next(iterator)


def test_a_broken_file_that_did_not_change_is_the_datas_fault(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"a\.parquet"):
        read(source(tmp_path / "a.parquet", Parquet()))


def test_a_new_file_that_appears_while_reading_waits_for_the_next_run(tmp_path: Path) -> None:
    write(tmp_path, a="id\n1\n")
    with source(f"{tmp_path}/*.csv").open(None, Want()) as reading:
        assert sum(len(batch) for batch in reading) == 1
        write(tmp_path, b="id\n2\n")
        checkpoint = reading.checkpoint()
    assert checkpoint is not None
    assert list(checkpoint.value["files"]) == [f"{tmp_path}/a.csv"]


def test_leaving_early_closes_every_file(tmp_path: Path) -> None:
    write(tmp_path, **dict.fromkeys("abc", "id\n" + "1\n" * 200000))

    with source(f"{tmp_path}/*.csv").open(None, Want(batch_bytes=1 << 16)) as reading:
        next(iter(reading))
        assert files_open(tmp_path)
    assert files_open(tmp_path) == []


def test_standard_input_is_described_and_read_and_has_no_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    late = "".join(f"{number}\n" for number in range(200_000)) + "00501\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"id\n{late}".encode())))
    made = source("-", store=StandardStreams())
    assert made.describe(Want(batch_bytes=1 << 16)).bound is None
    with pytest.raises(Restart) as restart:
        read(made, Want(batch_bytes=1 << 16))
    with made.open(None, Want(schema=restart.value.schema)) as reading:
        assert sum(len(batch) for batch in reading) == 200_001
        assert reading.checkpoint() is None


@pytest.mark.parametrize("content", ["id,v\n", "", "\n"])
def test_files_without_rows_are_read_as_such(tmp_path: Path, content: str) -> None:
    write(tmp_path, a=content, b="id,v\n1,x\n")
    assert read(source(f"{tmp_path}/*.csv")).to_pylist() == [{"id": 1, "v": "x"}]
    alone = read(source(tmp_path / "a.csv"))
    assert (len(alone), alone.column_names) == (0, ["id", "v"] if content.startswith("id") else [])


def test_a_thousand_files_are_one_table(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{number:04}": f"id\n{number}\n" for number in range(1000)})
    assert read(source(f"{tmp_path}/*.csv")).column("id").to_pylist() == list(range(1000))


def test_a_folder_with_a_manifest_is_exactly_the_files_that_it_names(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load(to_folder(out), rows(id=pa.array([1, 2], pa.int8()), v=["a", "b"]))
    pq.write_table(pa.table({"id": [9], "v": ["stray"]}), out / "stray.parquet")
    for path in (out, f"{out}/"):
        got = read(source(path, Parquet()))
        assert got.to_pylist() == [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}]
        assert got.schema.field("id").type == pa.int8()
    described = source(out, Parquet()).describe(Want())
    assert (described.rows, described.settled) == (2, True)


def test_a_manifest_of_text_files_gives_back_their_types(tmp_path: Path) -> None:
    out = tmp_path / "out"
    sent = rows(
        zip=["00501", "1"],
        day=pa.array([0, None], pa.date32()),
        price=pa.array(["1.50", None]).cast(pa.decimal128(9, 2)),
        small=pa.array([1, 2], pa.int8()),
        text=["", None],
    )
    load(to_folder(out, CSV(), partition_by=("small",)), sent)
    got = read(source(out)).sort_by("small")
    assert got.schema == sent.schema
    assert got.to_pylist() == sent.to_pylist()
    with pytest.raises(UserError, match="its files are csv, not parquet"):
        read(source(out, Parquet()))


def test_a_manifest_whose_files_are_gone_or_changed_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load(to_folder(out, CSV()), rows(id=[1, 2]))
    (part,) = out.glob("part-*")
    text = part.read_text()
    part.write_text(text + "3\n")
    with pytest.raises(DataError, match="the manifest names part-load1-00000.csv, which has"):
        read(source(out))
    part.unlink()
    with pytest.raises(DataError, match="which is not there"):
        read(source(out))
    part.write_text(text.replace("2", "x"))
    with pytest.raises(TowError, match="part-load1-00000.csv:3"):
        read(source(out))
    (out / "_manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"_manifest\.json: this is no manifest"):
        read(source(out))


def test_json_values_of_several_types_have_the_one_type_of_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"s": "x", "m": 1, "l": [1], "o": {"n": 1}}\n{"s": "y", "m": "z", "l": ["x"], "o": {"n": true}}\n'
    )
    made = source(tmp_path / "a.jsonl", JSONLines())
    text = pa.string()
    expected = pa.schema({"s": text, "m": text, "l": pa.list_(text), "o": pa.struct([("n", text)])})
    assert made.describe(Want()).schema == expected
    table = read(made)
    assert table.schema == expected
    assert table["m"].to_pylist() == ["1", '"z"']
    assert table["l"].to_pylist() == [["1"], ['"x"']]


def test_json_values_that_turn_out_to_have_several_types_become_text_by_a_restart(tmp_path: Path) -> None:
    lines = '{"m": 12345}\n' * 60_000 + '{"m": "z"}\n'
    (tmp_path / "a.jsonl").write_text(lines)
    table = settled(tmp_path / "a.jsonl", JSONLines())
    assert (table.schema.types, table["m"][0].as_py(), table["m"][-1].as_py()) == ([pa.string()], "12345", '"z"')
