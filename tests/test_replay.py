"""Bad rows sent on: read as the load that met them read its files, once, and told by the place where they stood."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.movekit import job, table, write
from towpath import move
from towpath.deadletters import kept
from towpath.errors import DataError, Refused
from towpath.job import InputSpec, RuleSpec
from towpath.move import run as move_run
from towpath.receipt import Receipt
from towpath.replay import replay


def loaded(folder: Path, source: Path | str | InputSpec, aside: int, **others: Any) -> Path:
    """Loads a source into the table t of `folder`/w.db; so many rows were bad, and are in the folder returned."""
    receipt = move.run(job(source, f"duckdb:///{folder}/w.db#t", bad_rows=str(folder / "bad"), **others))
    assert receipt.set_aside == aside
    return folder / "bad"


def mend(bad: Path, changes: Mapping[str, str]) -> None:
    """Changes texts in the kept rows, each of which must be there."""
    (load,) = kept(bad)
    file = load.folder / "rows.jsonl"
    text = file.read_text("utf-8")
    for wrong, right in changes.items():
        assert wrong in text, (wrong, text)
        text = text.replace(wrong, right)
    file.write_text(text, "utf-8")


def rows(folder: Path) -> list[tuple[Any, ...]]:
    return table(folder / "w.db", "select * from t order by all")


def test_rows_of_partition_folders_keep_the_values_of_their_folders(tmp_path: Path) -> None:
    write(tmp_path / "in/year=2025/a.csv", "id,n\n1,1\n2,x\n")
    write(tmp_path / "in/year=2026/a.csv", "id,n\n3,y\n4,4\n")
    bad = loaded(tmp_path, f"{tmp_path}/in/**/*.csv", 2, types={"n": "int64"})
    mend(bad, {'"2,x"': '"2,2"', '"3,y"': '"3,3"'})
    assert sum(one.rows for one in replay(bad)) == 2
    assert table(tmp_path / "w.db", "select id, n, year from t order by id") == [
        (1, 1, 2025), (2, 2, 2025), (3, 3, 2026), (4, 4, 2026),
    ]  # fmt: skip


def test_records_of_a_file_without_a_header_have_as_many_fields_as_the_file_had(tmp_path: Path) -> None:
    source = InputSpec(str(write(tmp_path / "a.csv", "1;a;1,5\n2\n3;c;x\n")), options={"header": False, "decimal": ","})
    bad = loaded(tmp_path, source, 2, types={"c3": "float64"})
    mend(bad, {'"3;c;x"': '"3;c;3,5"'})
    (again,) = replay(bad)
    # The short one was not mended: it is bad again, not a row of nulls.
    assert (again.rows, again.set_aside) == (1, 1)
    assert rows(tmp_path) == [(1, "a", 1.5), (3, "c", 3.5)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig", "latin-1"])
def test_records_of_any_encoding_are_read_again(encoding: str, tmp_path: Path) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "a.csv").write_bytes(f"{mark}id,naïve\r\n1,é\r\nx,ü\r\n".encode(encoding))
    options = {"encoding": "latin-1"} if encoding == "latin-1" else {}
    bad = loaded(tmp_path, InputSpec(str(tmp_path / "a.csv"), options=options), 1, types={"id": "int64"})
    (load,) = kept(bad)
    (row,) = load.rows()
    assert row.place.raw == "x,ü".encode("utf-16-le" if encoding == "utf-16" else encoding.removesuffix("-sig"))
    mended = json.loads((load.folder / "rows.jsonl").read_text())
    raw = row.place.raw.replace(b"x", b"2")
    mended = {name: value for name, value in mended.items() if not name.startswith("raw")}
    mended |= {"raw_base64": base64.b64encode(raw).decode()}
    (load.folder / "rows.jsonl").write_text(json.dumps(mended) + "\n")
    (again,) = replay(bad)
    assert (again.rows, again.set_aside) == (1, 0)
    assert rows(tmp_path) == [(1, "é"), (2, "ü")]


def test_a_column_that_only_other_rows_have_is_null_and_types_are_those_of_the_load(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", '{"id":1,"zip":"00501","n":1}\n{"id":2,"zip":501,"n":"x"}\n{"id":3,"n":3}\n')
    parquet = tmp_path / "o.parquet"
    move.run(job(source, parquet, bad_rows=str(tmp_path / "bad"), types={"n": "int64", "zip": "text"}))
    mend(tmp_path / "bad", {'\\"zip\\":501,\\"n\\":\\"x\\"': '\\"n\\":2'})
    (again,) = replay(tmp_path / "bad")
    assert again.rows == 1
    assert sorted(pq.read_table(parquet).to_pylist(), key=lambda row: row["id"]) == [
        {"id": 1, "zip": "00501", "n": 1}, {"id": 2, "zip": None, "n": 2}, {"id": 3, "zip": None, "n": 3},
    ]  # fmt: skip


def test_elements_of_a_json_array_are_sent_on_one_by_one(tmp_path: Path) -> None:
    source = write(tmp_path / "a.json", '[{"id": 1, "n": 1},\n {"id": 2,\n  "n": "x"},\n {"id": 3, "n": "y"}]\n')
    bad = loaded(tmp_path, source, 2, types={"n": "int64"})
    mend(bad, {'\\"x\\"': "2", '\\"y\\"': "3"})
    assert [one.rows for one in replay(bad)] == [2]
    assert rows(tmp_path) == [(1, 1), (2, 2), (3, 3)]


def test_rows_that_are_bad_again_are_told_by_the_place_where_they_stood_first(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", 'n,t\n1,a\nx,"b\nb"\ny,c\n')
    write(tmp_path / "b.csv", "n,t\n2,a\nz,d\n")
    bad = loaded(tmp_path, f"{tmp_path}/?.csv", 3, types={"n": "int64"}, rules=(RuleSpec("range", ("n",), (0, 9)),))
    mend(bad, {'"z,d"': '"10,d"', '"y,c"': '"5,c"'})
    replay(bad)
    (load,) = kept(bad)
    found = [(Path(row.place.file).name, row.place.line, row.place.raw, row.edge) for row in load.rows()]
    assert found == [("a.csv", 3, b'x,"b\nb"', "read"), ("b.csv", 3, b"10,d", "rules")]
    mend(bad, {"x,": "3,", "10,d": "4,d"})
    assert [one.rows for one in replay(bad)] == [2]
    assert sorted(n for n, _ in rows(tmp_path)) == [1, 2, 3, 4, 5]


def test_values_of_a_typed_source_that_a_rule_refused_have_their_types_again(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["00501", "7"], "n": [1, 500], "on": [True, False]}), tmp_path / "a.parquet")
    to = tmp_path / "o.jsonl"
    rules = (RuleSpec("range", ("n",), (0, 100)),)
    move.run(job(tmp_path / "a.parquet", to, bad_rows=str(tmp_path / "bad"), rules=rules))
    mend(tmp_path / "bad", {'"500"': '"50"'})
    replay(tmp_path / "bad")
    assert to.read_text() == '{"id":"00501","n":1,"on":true}\n{"id":"7","n":50,"on":false}\n'


@pytest.mark.parametrize("key", [("id",), ("id", "t")])
def test_a_doubled_key_that_was_not_mended_is_bad_again(key: tuple[str, ...], tmp_path: Path) -> None:
    rules = (RuleSpec("unique", key),)
    source = write(tmp_path / "a.csv", "id,t\n1,a\n2,b\n1,a\n2,b\n")
    bad = loaded(tmp_path, source, 2, rules=rules)
    mend(bad, {'"raw": "2,b"': '"raw": "3,b"'})
    for _ in range(2):
        replay(bad)
        (load,) = kept(bad)
        assert [(row.place.line, row.place.raw, row.value) for row in load.rows()] == [
            (4, b"1,a", ", ".join(["1", "a"][: len(key)]))
        ]
        assert rows(tmp_path) == [(1, "a"), (2, "b"), (3, "b")]


def test_records_with_an_open_quote_stay_apart_although_they_stand_together_now(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", 'n,t,u\n1,"a,x\n2,b,x\n3,"c"d,x\n4,e,x\n5,f\n6,g,x\n7,"h\nh",y\n')
    bad = loaded(tmp_path, source, 4, rules=(RuleSpec("one_of", ("u",), ("x",)),))
    for _ in range(2):
        (again,) = replay(bad)
        assert (again.rows, again.set_aside) == (0, 4)
        (load,) = kept(bad)
        found = [(row.place.line, row.place.raw) for row in load.rows()]
        assert found == [(2, b'1,"a,x'), (4, b'3,"c"d,x'), (6, b"5,f"), (8, b'7,"h\nh",y')]
    mend(bad, {'1,\\"a,x': "1,a,x"})
    assert [(one.rows, one.set_aside) for one in replay(bad)] == [(1, 3)]
    assert rows(tmp_path) == [(1, "a", "x"), (2, "b", "x"), (4, "e", "x"), (6, "g", "x")]


def test_two_bad_rows_that_read_as_one_are_refused(tmp_path: Path) -> None:
    bad = loaded(tmp_path, write(tmp_path / "a.csv", "n,t\n1,a\nx,b\n3,c\ny,d\n"), 2, types={"n": "int64"})
    mend(bad, {'"x,b"': '"2,\\"b"', '"y,d"': '"4,d\\""'})
    with pytest.raises(DataError, match="2 bad rows are kept, and read again they are 1"):
        replay(bad)
    assert rows(tmp_path) == [(1, "a"), (3, "c")]


def test_a_replay_that_died_is_finished_by_the_next_and_its_own_bad_rows_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = loaded(tmp_path, write(tmp_path / "a.csv", "n\n1\nx\ny\n"), 2, types={"n": "int64"})
    mend(bad, {'"x"': '"2"'})

    def dying(*given: Any, **others: Any) -> Receipt:
        from towpath.deadletters import DeadLetters

        def died(letters: DeadLetters) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(DeadLetters, "published", died)
            return move_run(*given, **others)

    monkeypatch.setattr("towpath.replay.run", dying)
    with pytest.raises(KeyboardInterrupt):
        replay(bad)
    assert rows(tmp_path) == [(1,), (2,)]
    (again,) = replay(bad)
    assert again.status == "unchanged"
    assert rows(tmp_path) == [(1,), (2,)]
    assert [row.place.raw for load in kept(bad) for row in load.rows()] == [b"y"]
    assert [path.name for path in bad.iterdir() if path.name.startswith(".")] == []


def test_parts_are_known_by_what_they_are_not_by_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.csv", "n\n1\nx\n")
    write(tmp_path / "b.csv", "m,n\n5,2\n6,y\n")
    bad = loaded(tmp_path, f"{tmp_path}/?.csv", 2, types={"n": "int64"})
    mend(bad, {'"x"': '"3"', '"6,y"': '"6,4"'})
    sent: list[str] = []

    def once(spec: Any, **others: Any) -> Receipt:
        if sent:
            raise KeyboardInterrupt
        sent.append(str(spec.step))
        return move_run(spec, **others)

    with monkeypatch.context() as patched:
        patched.setattr("towpath.replay.run", once)
        with pytest.raises(KeyboardInterrupt):
            replay(bad)
    # What was sent is taken out by hand, which has to be said: the other part is not taken for it.
    (load,) = kept(bad)
    file, told = load.folder / "rows.jsonl", load.folder / "load.json"
    file.write_text(file.read_text().splitlines(keepends=True)[1])
    with pytest.raises(DataError, match="2 bad rows were kept, and 1 are there"):
        replay(bad)
    assert table(tmp_path / "w.db", "select n from t order by n") == [(1,), (2,), (3,)]
    told.write_text(told.read_text().replace('"kept": 2', '"kept": 1'))
    replay(bad)
    assert table(tmp_path / "w.db", "select n from t order by n") == [(1,), (2,), (3,), (4,)]


def test_there_is_nothing_to_send_twice(tmp_path: Path) -> None:
    bad = loaded(tmp_path, write(tmp_path / "a.csv", "n\n1\nx\n"), 1, types={"n": "int64"})
    mend(bad, {'"x"': '"2"'})
    replay(bad)
    with pytest.raises(Refused, match="holds no bad rows"):
        replay(bad)
    assert rows(tmp_path) == [(1,), (2,)]
