"""all_text: every column of a text source is text, as it stands in the source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from towpath.errors import UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.look.peek import peek
from towpath.move import run
from towpath.nouns import Mode


def copied(tmp_path: Path, name: str, content: str, **others: Any) -> tuple[pa.Schema, list[dict[str, Any]]]:
    (tmp_path / name).write_text(content)
    to = tmp_path / "out.parquet"
    run(JobSpec({"input": InputSpec(str(tmp_path / name))}, OutputSpec(str(to)), all_text=True, **others))
    table = pq.read_table(to)
    return table.schema, table.to_pylist()


def test_csv_is_taken_letter_by_letter(tmp_path: Path) -> None:
    schema, rows = copied(tmp_path, "in.csv", 'n,t,z,i\n1.0,true,,7\n 007 ,2024-01-01,"",8\n')
    assert set(schema.types) == {pa.string()}
    assert rows == [
        {"n": "1.0", "t": "true", "z": None, "i": "7"},
        {"n": " 007 ", "t": "2024-01-01", "z": "", "i": "8"},
    ]


def test_json_numbers_keep_their_digits_and_all_else_is_its_json_text(tmp_path: Path) -> None:
    lines = '{"a": 1.0, "b": true, "c": {"x": [1, 2.50]}, "d": "s", "e": null}\n{"a": 1e400, "d": "7", "f": -0}\n'
    schema, rows = copied(tmp_path, "in.jsonl", lines)
    assert set(schema.types) == {pa.string()}
    assert rows == [
        {"a": "1.0", "b": "true", "c": '{"x":[1,2.50]}', "d": "s", "e": None, "f": None},
        {"a": "1e400", "b": None, "c": None, "d": "7", "e": None, "f": "-0"},
    ]
    assert copied(tmp_path, "in.json", '[{"a": 1.0}]', mode=Mode.REPLACE)[1] == [{"a": "1.0"}]


def test_json_columns_that_come_late_are_text_too(tmp_path: Path) -> None:
    lines = '{"a": "%s"}\n' % ("x" * 1000) * 2000 + '{"b": 1.50}\n'
    schema, rows = copied(tmp_path, "in.jsonl", lines)
    assert (schema.types, rows[-1]) == ([pa.string()] * 2, {"a": None, "b": "1.50"})


def test_the_users_pins_win(tmp_path: Path) -> None:
    _, rows = copied(tmp_path, "in.csv", "n,m\n1,1.50\n", types={"n": "int32"})
    assert rows == [{"n": 1, "m": "1.50"}]


def test_partitions_are_text_too(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "year=2024"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("n\n1\n")
    to = tmp_path / "out.parquet"
    run(JobSpec({"input": InputSpec(f"{tmp_path}/in/**/*.csv")}, OutputSpec(str(to)), all_text=True))
    assert pq.read_table(to).to_pylist() == [{"n": "1", "year": "2024"}]


def test_existing_columns_do_not_pin_and_every_value_is_tested_on_its_way(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("n\n00501\n")
    with duckdb.connect(str(tmp_path / "out.duckdb")) as there:
        there.execute("create table t (n varchar); create table u (n integer)")
    source = {"input": InputSpec(str(tmp_path / "in.csv"))}
    run(JobSpec(source, OutputSpec(f"duckdb:///{tmp_path}/out.duckdb#t"), mode=Mode.APPEND, all_text=True))
    with duckdb.connect(str(tmp_path / "out.duckdb")) as there:
        assert there.execute("select n from t").fetchall() == [("00501",)]
    with pytest.raises(Exception, match="INTEGER cannot hold it"):
        run(JobSpec(source, OutputSpec(f"duckdb:///{tmp_path}/out.duckdb#u"), mode=Mode.APPEND, all_text=True))


@pytest.mark.parametrize("source", ["in.parquet", "duckdb:///{}/in.duckdb#t"])
def test_a_source_with_types_of_its_own_is_refused(tmp_path: Path, source: str) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "in.parquet")
    with duckdb.connect(str(tmp_path / "in.duckdb")) as there:
        there.execute("create table t as select 1 as a")
    spec = InputSpec(source.format(tmp_path) if "{" in source else str(tmp_path / source))
    with pytest.raises(UserError, match="types are known(.|\n)*--cast"):
        run(JobSpec({"input": spec}, OutputSpec(str(tmp_path / "out.csv")), all_text=True))
    with pytest.raises(UserError, match="types are known"):
        peek(spec, 1, {}, all_text=True)


def test_peek_shows_text(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("n\n1.0\n")
    found = peek(InputSpec(str(tmp_path / "in.csv")), 5, {}, all_text=True)
    assert (found.schema.types, found.rows.to_pylist()) == ([pa.string()], [{"n": "1.0"}])
