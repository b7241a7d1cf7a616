from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from towpath.errors import UserError
from towpath.job import InputSpec
from towpath.peek import Peeked, cell, peek, visible


def peeked(rows: pa.Table, settled: bool = True, pinned: frozenset[str] = frozenset()) -> Peeked:
    return Peeked("x.csv", rows.schema, settled, pinned, rows)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\u200bzero\xa0width\ufeff", r"\u200bzero\xa0width\ufeff"),
        ("  two ", "␠␠two␠"),
        ("   ", "␠␠␠"),
        ("in side", "in side"),
        (r"a\n", r"a\\n"),
        ("naïve ∅ 日本", "naïve ∅ 日本"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_null_empty_text_and_text_that_looks_like_them_are_told_apart() -> None:
    values = [None, "", "∅", '""', " ", "null", r"\n", "\n"]
    shown = [cell(value) for value in values]
    assert shown == ["∅", '""', '"∅"', r'"\"\""', "␠", "null", r"\\n", r"\n"]
    assert len(set(shown)) == len(values)


def test_a_long_cell_is_cut() -> None:
    assert cell("x" * 41) == "x" * 39 + "…"
    assert cell("x" * 40) == "x" * 40


def test_numbers_stand_right_and_text_left() -> None:
    lines = peeked(pa.table({"id": [1, 1000], "name": ["a", None]})).lines()
    assert lines == ["x.csv", "  id    int64", "  name  text", "", "  id  name", "   1  a", "1000  ∅"]


def test_a_type_from_a_sample_says_so_unless_it_was_pinned() -> None:
    lines = peeked(pa.table({"id": [1], "name": ["a"]}), settled=False, pinned=frozenset({"name"})).lines()
    assert lines[1:3] == ["  id    int64  (from sample)", "  name  text"]


def test_wide_letters_keep_the_columns_aligned() -> None:
    lines = peeked(pa.table({"a": ["日本", "xxxx", "e\u0301"], "b": ["1", "2", "3"]})).lines()
    assert lines[-3:] == ["日本  1", "xxxx  2", "e\u0301     3"]


def test_columns_that_do_not_fit_are_counted() -> None:
    lines = peeked(pa.table({"aaaa": ["1"], "bbbb": ["2"], "cccc": ["3"]})).lines(width=10)
    assert lines[-3:] == ["aaaa  bbbb", "1     2", "(1 more columns do not fit the screen)"]


def test_the_first_rows_of_a_file_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,zip\n1,00501\n2,\n3,x\n")
    found = peek(InputSpec(str(path)), 2, {})
    assert found.rows.to_pydict() == {"id": [1, 2], "zip": ["00501", None]}
    assert not any(
        "(from sample)" in line for line in peek(InputSpec(str(path)), 2, {"id": "int64", "zip": "text"}).lines()
    )


def test_no_rows_show_the_columns_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n")
    assert peek(InputSpec(str(path)), 0, {}).rows.num_rows == 0


def test_a_bad_row_is_told_and_the_others_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,n\n1,2\n3,4,5\n6,7\n")
    found = peek(InputSpec(str(path)), 10, {})
    assert found.rows.column("id").to_pylist() == [1, 6]
    assert any(line.startswith("1 rows cannot be read, the first: ") for line in found.lines())
    assert found.lines()[-1].endswith("a.csv:3")


def test_a_pinned_column_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n")
    with pytest.raises(UserError, match="no column 'idd'; did you mean 'id'"):
        peek(InputSpec(str(path)), 1, {"idd": "text"})


def test_fewer_than_no_rows_are_refused() -> None:
    with pytest.raises(UserError, match="-1 rows"):
        peek(InputSpec("a.csv"), -1, {})
