"""Columns that a job drops are neither read nor typed, and nothing else changes by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.movekit import duck, job, table, write
from towpath import ground, move
from towpath.deadletters import kept
from towpath.errors import DataError, TowError, UserError
from towpath.job import JobSpec, RuleSpec
from towpath.nouns import Mode
from towpath.receipt import Receipt
from towpath.replay import replay


def asked(spec: JobSpec) -> tuple[str, ...] | None:
    return ground.prepare(spec, recovering=False).wants["input"].columns


def test_only_selected_columns_are_asked_for_and_only_where_no_other_decides(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n,note\n1,2,x\n")
    to = tmp_path / "o.csv"
    assert asked(job(source, to)) is None
    assert asked(job(source, to, select=("n", "id"))) == ("n", "id")
    shaped: dict[str, Any] = {"rename": {"n": "m"}, "cast": {"m": "text"}, "rules": (RuleSpec("not_null", ("m",)),)}
    assert asked(job(source, to, select=("n",), key=("m",), dedupe="last", **shaped)) == ("n",)
    for option in ({"where": "id > 0"}, {"sql": "select * from input"}, {"types": {"note": "text"}}):
        assert asked(job(source, to, select=("n",), **option)) is None
    assert asked(job(source, to, select=("n",), types={"n": "int8"})) == ("n",)


def test_a_select_of_what_is_not_there_says_so_as_before(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,2\n")
    with pytest.raises(UserError, match="did you mean 'id'"):
        move.run(job(source, tmp_path / "o.csv", select=("idd",)))
    with pytest.raises(UserError, match="twice"):
        move.run(job(source, tmp_path / "o.csv", select=("id", "id")))


ROWS = {"id": [1, 2, 3], "n": ["00501", None, ""], "note": [1.5, None, -2.0], "tags": [["a"], None, []]}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet", "a.arrow", "k=7/a.csv"])
def test_the_result_is_that_of_dropping_them_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    columns = ["id", "n", "note"] if name.endswith("csv") else list(ROWS)
    pq.write_table(pa.table({name: ROWS[name] for name in columns}), tmp_path / "s.parquet")
    (tmp_path / "k=7").mkdir()
    move.run(job(tmp_path / "s.parquet", tmp_path / name))
    source = tmp_path / "*/a.csv" if "/" in name else tmp_path / name
    chosen = ("note", "k", "id") if "/" in name else ("note", "id")
    receipts: list[Receipt] = []
    for number in range(2):
        if number:
            monkeypatch.setattr(ground, "_narrowed", lambda spec, found, want: want)
        receipts.append(move.run(job(source, tmp_path / f"{number}.csv", select=chosen)))
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()
    first, second = receipts
    assert (first.digest, first.books, first.columns) == (second.digest, second.books, second.columns)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"id,n\n1,2\n2\n3,4\n"),
        ("a.csv", b'id,n\n1,2\n2,"x\n3,4\n'),
        ("a.csv", b"id,n\n1,2\n2,\xff\n3,4\n"),
        ("a.csv", b"id,n\n1,2\n2,9,9\n3,4\n"),
        ("a.jsonl", b'{"id":1,"n":2}\n{"id":2,"n":\n{"id":3,"n":4}\n'),
        ("a.jsonl", b'{"id":1,"n":2}\n{"id":2,"n":"\xff"}\n{"id":3,"n":4}\n'),
        ("a.jsonl", b'{"id":1,"n":2}\n{"id":2,"n":1,"n":2}\n{"id":3,"n":4}\n'),
    ],
)
def test_broken_rows_are_found_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    found = []
    for number in range(2):
        if number:
            monkeypatch.setattr(ground, "_narrowed", lambda spec, found, want: want)
        bad = tmp_path / f"bad{number}"
        try:
            receipt = move.run(job(tmp_path / name, tmp_path / f"{number}.csv", select=("id",), bad_rows=str(bad)))
            rows = [(row.place, row.reason) for load in kept(bad) for row in load.rows()] if receipt.set_aside else []
            found.append((receipt.digest, receipt.books, rows))
        except TowError as error:
            found.append((str(error), None, None))
    assert found[0] == found[1]


def test_a_late_value_of_a_dropped_column_asks_for_no_restart(tmp_path: Path) -> None:
    lines = "".join(f"{n},{n}\n" for n in range(900_000))
    source = write(tmp_path / "a.csv", f"id,zip\n{lines}1,00501\n")
    receipt = move.run(job(source, tmp_path / "o.parquet", select=("id",)))
    assert receipt.rows == 900_001
    assert receipt.notes == []


def test_a_late_value_of_a_kept_column_still_does(tmp_path: Path) -> None:
    lines = "".join(f"{n},{n}\n" for n in range(900_000))
    source = write(tmp_path / "a.csv", f"id,zip\n{lines}1,00501\n")
    receipt = move.run(job(source, tmp_path / "o.parquet", select=("zip",)))
    assert any("restarted once" in note for note in receipt.notes)
    assert pq.read_table(tmp_path / "o.parquet")["zip"][-1].as_py() == "00501"


def test_a_row_of_a_table_that_does_not_fit_is_kept_and_replayed(tmp_path: Path) -> None:
    duck(tmp_path / "s.db", "create table t as select * from (values (1, '5', 'a'), (2, 'x', 'b')) r(id, n, note)")
    bad, to = tmp_path / "bad", f"duckdb:///{tmp_path}/w.db#t"
    spec = job(f"duckdb:///{tmp_path}/s.db#t", to, select=("n", "id"), types={"n": "int64"}, bad_rows=str(bad))
    assert move.run(spec).set_aside == 1
    (load,) = kept(bad)
    file = load.folder / "rows.jsonl"
    assert json.loads(file.read_text())["row"] == {"n": "x", "id": "2"}
    file.write_text(file.read_text().replace('"n": "x"', '"n": "7"'))
    (again,) = replay(bad)
    assert again.rows == 1
    assert table(tmp_path / "w.db", "select n, id from t order by id") == [(5, 1), (7, 2)]


def test_a_bad_value_of_a_dropped_column_that_the_user_typed_still_counts(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,5\n2,x\n")
    with pytest.raises(DataError, match=r"a\.csv:3"):
        move.run(job(source, tmp_path / "o.csv", select=("id",), types={"n": "int64"}))


def test_rows_without_any_column_of_the_file_itself_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "in/k=1/a.csv", "id\n1\n2\n")
    write(tmp_path / "in/k=2/a.csv", "id\n3\n")
    receipt = move.run(job(tmp_path / "in/**/*.csv", tmp_path / "o.csv", select=("k",), mode=Mode.CREATE))
    assert receipt.rows == 3
    assert (tmp_path / "o.csv").read_text() == "k\n1\n1\n2\n"
