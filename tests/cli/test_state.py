"""tow state: what people see of a step's checkpoint, and how they move it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from towpath.cli.main import main

Run = Callable[..., tuple[int, str, str]]

PIPELINE = """
pipeline: shop
steps:
  orders:
    from: {address: 'duckdb:///s.db#t', cursor: id}
    to: 'duckdb:///w.db#t'
    mode: merge
    key: id
  files:
    from: 'in/*.csv'
    to: 'duckdb:///w.db#files'
    mode: append
"""


@pytest.fixture
def tow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("tow.yaml").write_text(PIPELINE)
    Path("in").mkdir()
    Path("in/1.csv").write_text("id\n1\n")
    with duckdb.connect("s.db") as connection:
        connection.execute("create table t as select i as id from range(1, 6) r(i)")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_all_steps_or_one_are_shown(tow: Run) -> None:
    code, out, _ = tow("state", "show")
    assert code == 0
    assert out.count("no state: the next run reads everything") == 2
    tow("run")
    _, out, _ = tow("state", "show", "tow.yaml")
    assert "read up to id = 5" in out
    assert "1 file, the last by name in/1.csv" in out
    _, out, _ = tow("state", "show", "files", "--json")
    found = json.loads(out)
    assert (found["step"], found["rows"], found["plan_fits"]) == ("shop/files", 1, True)


def test_a_cursor_is_set_and_rewound_and_the_change_is_printed(tow: Run) -> None:
    tow("run", "orders")
    assert tow("state", "set", "orders", "3")[:2] == (0, "shop/orders: id = 5 -> id = 3\n")
    assert tow("state", "rewind", "tow.yaml", "orders", "--to", "2")[:2] == (0, "shop/orders: id = 3 -> id = 2\n")
    _, out, _ = tow("state", "rewind", "orders", "--json")
    assert json.loads(out)["after"] is None
    _, out, _ = tow("state", "show", "orders")
    assert "no state" in out


def test_files_are_forgotten_with_a_warning_where_rows_would_double(tow: Run) -> None:
    tow("run", "files")
    code, out, _ = tow("state", "rewind", "files", "--file", "1.csv")
    assert code == 0
    assert "1 file, the last by name in/1.csv -> 0 files" in out
    assert "warning" in out


@pytest.mark.parametrize(
    ("arguments", "word", "exit_code"),
    [
        (("set", "orders"), "STEP VALUE", 2),
        (("set", "orders", "x"), "int64", 2),
        (("set", "order", "3"), "did you mean 'orders'", 2),
        (("rewind",), "STEP", 2),
        (("rewind", "orders", "--to", "9"), "tow state set orders 9", 2),
        (("rewind", "orders", "--file", "x"), "id = 5", 1),
        (("set", "files", "3"), "no state", 1),
        (("show", "nosuch.yaml"), "nosuch.yaml", 2),
    ],
)
def test_mistakes_are_told_with_what_to_do(tow: Run, arguments: tuple[str, ...], word: str, exit_code: int) -> None:
    tow("run", "orders")
    code, _, err = tow("state", *arguments)
    assert (code, word in err) == (exit_code, True), err
