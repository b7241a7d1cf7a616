from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tests.cli.pseudo import on_terminal
from towpath.badrows import BadRow
from towpath.cli.main import main
from towpath.cli.peek_view import bad_lines, cell, chart_lines, row_lines, schema_lines
from towpath.look.figures import Figures
from towpath.look.histogram import Bars
from towpath.look.peek import Peeked
from towpath.look.screen import width
from towpath.stream import Place


def seen(rows: pa.Table, **options: object) -> Peeked:
    figures = [Figures() for _ in rows.schema]
    for one, column in zip(figures, rows.columns, strict=True):
        one.update(column.combine_chunks())
    settings = {"settled": True, "pinned": frozenset(), "figures": figures, "counted": rows.num_rows, "whole": True}
    return Peeked("x.csv", rows.schema, rows=rows, **{**settings, **options})  # type: ignore[arg-type]


def test_null_empty_text_and_text_that_looks_like_them_are_told_apart() -> None:
    values = [None, "", "∅", '""', " ", "null", r"\n", "\n"]
    shown = [cell(value) for value in values]
    assert shown == ["∅", '""', '"∅"', r'"\"\""', "␠", "null", r"\\n", r"\n"]
    assert len(set(shown)) == len(values)


def test_a_long_cell_is_cut() -> None:
    assert cell("x" * 41) == "x" * 39 + "…"
    assert cell("x" * 40) == "x" * 40


def test_the_columns_have_types_nulls_distinct_values_and_ranges() -> None:
    rows = pa.table({"id": [1, 1000, 7], "name": ["a", None, "abc"], "one": ["x", "y", "z"]})
    assert schema_lines(seen(rows)) == [
        "x.csv",
        "COLUMN  TYPE     NULLS  DISTINCT  RANGE",
        "id      int64        0         3  1 .. 1000",
        "name    text   1 (33%)         2  1 .. 3 letters",
        "one     text         0         3  1 letter",
        "(from all 3 rows)",
    ]


def test_a_narrow_screen_shows_both_ends_of_each_range() -> None:
    import datetime

    begin = datetime.datetime(2024, 1, 1)
    times = [begin, begin + datetime.timedelta(days=20)]
    rows = pa.table({"at": times, "much": pa.array([10**25, 10**25 + 499], pa.decimal128(38, 0)), "note": ["x", None]})
    lines = schema_lines(seen(rows), 72)
    assert all(width(line) <= 72 for line in lines)
    assert lines[2].endswith("2024-01-01 0… .. 2024-01-21 0…")
    assert lines[3].endswith("100000…000000 .. 100000…000499")
    assert lines[4].endswith("1 letter")


def test_a_source_without_columns_is_told() -> None:
    assert schema_lines(seen(pa.table({})))[-1] == "(it has no columns)"


def test_the_figures_say_what_they_are_from_and_types_from_a_sample_are_marked() -> None:
    rows = pa.table({"id": [1], "name": ["a"]})
    some = seen(rows, settled=False, whole=False, counted=10_000, known=336_776, pinned=frozenset({"name"}))
    lines = schema_lines(some)
    assert [line.split()[:2] for line in lines[2:4]] == [["id", "int64*"], ["name", "text"]]
    assert lines[4:] == [
        "(from the first 10,000 of 336,776 rows)",
        "(* type from sample: a later value may widen it)",
    ]
    assert schema_lines(seen(rows, settled=False, whole=False, counted=10_000))[4] == "(from the first 10,000 rows)"


def test_only_the_columns_are_told_without_figures() -> None:
    assert schema_lines(seen(pa.table({"id": [1]}), figures=[])) == ["x.csv", "COLUMN  TYPE", "id      int64"]


def test_a_second_without_a_fraction_is_shown_short() -> None:
    times = pa.table({"at": pa.array([0, 86_400_000_000], pa.timestamp("us", "UTC"))})
    assert "1970-01-01 00:00:00Z .. 1970-01-02 00:00:00Z" in schema_lines(seen(times))[2]
    fine = pa.table({"at": pa.array([1], pa.timestamp("us"))})
    assert "00:00:00.000001" in schema_lines(seen(fine))[2]


def test_numbers_stand_right_and_text_left() -> None:
    rows = pa.table({"id": [1, 1000], "name": ["a", None]})
    assert row_lines(seen(rows)) == ["  id  name", "   1  a", "1000  ∅"]


def test_wide_letters_keep_the_columns_aligned() -> None:
    lines = row_lines(seen(pa.table({"a": ["日本", "xxxx", "e\u0301"], "b": ["1", "2", "3"]})))
    assert lines[-3:] == ["日本  1", "xxxx  2", "e\u0301     3"]


def test_a_table_that_does_not_fit_is_folded_to_a_value_a_line() -> None:
    rows = pa.table({"aaaa": ["1", "x" * 30], "bbbb": [2, 3]})
    assert row_lines(seen(rows), 40)[0] == "aaaa                            bbbb"
    assert row_lines(seen(rows), 20) == [
        "row 1", "  aaaa  1", "  bbbb  2", "row 2", "  aaaa  xxxxxxxxxxx…", "  bbbb  3",
    ]  # fmt: skip


@pytest.mark.parametrize("most", [20, 34, 80])
def test_nothing_is_wider_than_the_terminal(most: int) -> None:
    rows = pa.table({"名前" * 30: ["日本" * 40], "b" * 90: [10**18], "c": [[{"d": "e" * 99}]]})
    one = seen(rows, chart=Bars([("x" * 90, 3), ("日本" * 9, 100_000)]), known=10**9, whole=False)
    lines = [*schema_lines(one, most), *row_lines(one, most), *chart_lines(one, "c", most, blocks=True)]
    assert max(map(width, lines)) <= most


def test_rows_that_cannot_be_read_are_counted_and_the_first_is_told() -> None:
    bad = [BadRow(Place("x.csv", 3), "3 values for 2 columns")]
    assert bad_lines(seen(pa.table({"a": [1]}), bad=bad, bad_count=7)) == [
        "7 rows cannot be read, the first: 3 values for 2 columns",
        "  at x.csv:3",
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    names = [f"column_{at}" for at in range(12)]
    lines = [",".join(f"value {row}.{at}" for at in range(12)) for row in range(3)]
    Path("wide.csv").write_text("\n".join([",".join(names), *lines]) + "\n")
    Path("n.csv").write_text("delay,carrier\n" + "".join(f"{at % 50},{'ABC'[at % 3]}\n" for at in range(500)))
    return tmp_path


def test_on_a_terminal_a_wide_table_folds_and_wide_forces_it(folder: Path) -> None:
    shown = on_terminal("peek", "wide.csv", folder=folder)
    assert max(map(width, shown.lines)) <= 80
    assert "  column_11  value 2.11" in shown.lines
    assert b"\x1b" not in shown.raw
    assert max(map(width, on_terminal("peek", "wide.csv", "--wide", folder=folder).lines)) > 80


def test_a_pipe_gets_the_table_as_wide_as_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peek", "wide.csv"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) > 80


def test_the_schema_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peek", "n.csv", "--schema"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == ["n.csv", "COLUMN   TYPE", "delay    int64"]


def test_peek_in_json_is_one_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peek", "n.csv", "-n", "2", "--json", "--all"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == [{"delay": 0, "carrier": "A"}, {"delay": 1, "carrier": "B"}]
    assert (found["counted"], found["columns"][1]["distinct"]) == (500, 3)


def test_a_chart_in_eighty_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peek", "n.csv", "--chart", "carrier"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "carrier of n.csv: from all 500 rows"
    assert lines[1].startswith("A  █")
    assert lines[1].endswith("167  33.4%")
    assert {width(line) for line in lines[1:]} == {80}


def test_a_chart_for_an_output_that_is_not_utf8_is_plain(folder: Path) -> None:
    shown = on_terminal("peek", "n.csv", "--chart", "delay", folder=folder, PYTHONIOENCODING="ascii")
    assert shown.raw.isascii()
    assert "####" in shown.lines[1]


def test_letters_that_the_output_cannot_hold_do_not_end_the_command(folder: Path) -> None:
    Path("u.csv").write_text("id,name\n1,日本\n,x\n")
    shown = on_terminal("peek", "u.csv", folder=folder, PYTHONIOENCODING="ascii")
    assert (shown.code, shown.raw.isascii()) == (0, True)
    assert any(r"\u65e5\u672c" in line for line in shown.lines)


def test_what_is_typed_at_a_pipe_is_looked_at_too(folder: Path) -> None:
    import subprocess

    command = [sys.executable, "-m", "towpath.cli.main", "peek", "-", "--from-format", "csv", "--all", "--chart", "id"]
    done = subprocess.run(
        command, input="id\n1\n2\n2\n", capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "id of -: from all 3 rows"
