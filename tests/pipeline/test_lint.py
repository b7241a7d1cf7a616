from __future__ import annotations

from pathlib import Path

import pytest

from towpath.errors import UserError
from towpath.pipeline.lint import Finding, lint
from towpath.pipeline.load import load


@pytest.fixture(autouse=True)
def _no_connections_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def found(folder: Path, step: str, head: str = "", env: str | None = None) -> list[Finding]:
    path = folder / "tow.yaml"
    path.write_text(f"pipeline: p\n{head}\nsteps:\n  {step}\n", "utf-8")
    return lint(load(path, env=env))


def told(findings: list[Finding]) -> list[tuple[str, str, int, int]]:
    return [(one.level, one.code, one.line, one.column) for one in findings]


W = "connections: {w: 'duckdb:///w.db'}"


@pytest.mark.parametrize(
    ("step", "head", "expected"),
    [
        ("a: {from: a.csv, to: b.csv, mode: replace}", "", []),
        ("a: {from: a.csv, to: {address: '-', format: csv}}", "", [("mistake", "mode-impossible", 4, 34)]),
        ("a: {from: a.csv, to: b.csv}", "", [("warning", "create-again", 4, 3)]),
        ("a: {from: a.csv, to: b.csv, mode: create}", "", [("warning", "create-again", 4, 31)]),
        ("a: {from: a.csv, to: b.csv, mode: replace}", W, [("warning", "connection-unused", 2, 15)]),
        ("a: {from: a.csv, to: x#b, mode: replace}", "connections: {w: 'duckdb:///w.db', x: {like: w}}", []),
        ("a: {from: a.csv, to: b.csv, mode: replace}", "vars: {x: 1}", [("warning", "var-unused", 2, 8)]),
        ("a: {from: a.csv, to: b.csv, mode: replace, where: 'x = ${var:x}'}", "vars: {x: 1}", []),
        (
            "a: {from: a.csv, to: b.csv, mode: replace, where: 'x = $${var:x}'}",
            "vars: {x: 1}",
            [("warning", "var-unused", 2, 8)],
        ),
        ("a: {from: w#t, to: b.csv, mode: append}", W, [("mistake", "cursor-missing", 4, 3)]),
        ("a: {from: w#t, cursor: id, to: b.csv, mode: append}", W, [("mistake", "cursor-unordered", 4, 3)]),
        ("a: {from: {address: w#t, cursor: id, monotonic: true}, to: b.csv, mode: append}", W, []),
        (
            "a: {from: {address: w#t, cursor: id, lookback: 5}, to: b.csv, mode: replace}",
            W,
            [("mistake", "lookback-unkeyed", 4, 3)],
        ),
        ("a: {from: a.csv, to: b.csv, mode: append}", "", []),
        ("a: {from: a.csv, sql: select 1, to: b.csv, mode: append}", "", [("mistake", "mode-impossible", 4, 3)]),
        (
            "a: {from: a.csv, to: b.csv, mode: replace, rules: [{unique: a}]}",
            "",
            [("warning", "rules-without-bad-rows", 4, 46)],
        ),
        ("a: {from: a.csv, to: b.csv, mode: replace, rules: [{unique: a}], bad_rows: bad}", "", []),
        (
            "a: {from: a.csv, to: w#t, mode: merge, key: a}\n"
            "  b: {from: b.csv, to: 'duckdb:///./w.db#T', mode: replace}",
            W,
            [("warning", "destination-shared", 5, 24)],
        ),
        ("a: {from: a.csv, to: w#t, mode: append}\n  b: {from: b.csv, to: w#t, mode: append}", W, []),
        ("a: {from: a.csv, to: w#t, mode: append}\n  b: {from: b.csv, to: w#u, mode: replace}", W, []),
        (
            "a: {from: a.csv, to: w#t, mode: replace}",
            "connections: {w: {address: 'duckdb:///w.db', options: {encryption_key: abcdef}}}",
            [("warning", "secret-in-options", 2, 72)],
        ),
        (
            "a: {from: a.csv, to: w#t, mode: replace}",
            "connections: {w: {address: 'duckdb:///w.db', options: {encryption_key: '${env:KEY}'}}}",
            [],
        ),
    ],
)
def test_what_is_seldom_meant_is_told_where_it_stands(
    tmp_path: Path, step: str, head: str, expected: list[tuple[str, str, int, int]]
) -> None:
    assert told(found(tmp_path, step, head)) == expected


@pytest.mark.parametrize(
    ("step", "code", "column", "words"),
    [
        (
            "a: {from: {address: a.csv, options: {nul: NA}}, to: b.csv, mode: replace}",
            "option-unknown",
            13,
            "did you mean 'null'?",
        ),
        ("a: {from: a.csv, to: b.xyz, mode: replace}", "format-unknown", 24, "does not say which format"),
        (
            "a: {from: {address: a.csv, format: cvs}, to: b.csv, mode: replace}",
            "adapter-unknown",
            13,
            "did you mean 'csv'?",
        ),
        ("a: {from: a.csv, to: 'duckdb:///w.db', mode: replace}", "table-missing", 24, "names no table"),
        ("a: {from: {address: a.csv, cursor: id}, to: b.csv, mode: replace}", "cursor-missing", 13, "has no cursor"),
        ("a: {from: a.csv, to: b.csv, mode: merge, key: id}", "mode-impossible", 37, "files have no keys"),
        ("a: {from: a.csv, python: steps, to: b.csv, mode: replace}", "python-missing", 28, "module:function"),
        (
            "a: {from: a.csv, python: 'nosuch:run', to: b.csv, mode: replace}",
            "python-missing",
            28,
            "no module 'nosuch'",
        ),
    ],
)
def test_what_a_step_could_not_be_built_from_is_a_mistake_with_its_place(
    tmp_path: Path, step: str, code: str, column: int, words: str
) -> None:
    (one,) = found(tmp_path, step)
    assert (one.level, one.line, one.column) == ("mistake", 4, column)
    assert words in one.what
    assert one.code == code or code in ("format-unknown", "table-missing")


def test_no_data_is_needed_and_none_is_made(tmp_path: Path) -> None:
    assert found(tmp_path, "a: {from: w#t, to: out/, mode: replace}", W) == []
    assert [path.name for path in tmp_path.iterdir()] == ["tow.yaml"]


def test_a_reference_that_is_not_set_here_is_no_mistake(tmp_path: Path) -> None:
    assert found(tmp_path, "a: {from: '${env:TOW_TEST_NONE}/a.csv', to: b.csv, mode: replace}") == []


def test_a_variable_of_another_profile_is_used(tmp_path: Path) -> None:
    head = 'vars: {x: a}\nprofiles: {prod: {connections: {w: "duckdb:///${var:x}.db"}}}\n' + W
    assert found(tmp_path, "a: {from: a.csv, to: w#t, mode: replace}", head) == []


def test_a_ring_of_steps_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="wait for each other"):
        found(tmp_path, "a: {from: b.csv, to: c.csv}\n  b: {from: c.csv, to: b.csv}")


def test_create_does_stop_the_second_run(tmp_path: Path) -> None:
    """The warning is true."""
    from towpath.pipeline.run import run_pipeline

    found(tmp_path, "a: {from: a.csv, to: b.csv}")
    (tmp_path / "a.csv").write_text("id\n1\n")
    assert run_pipeline(tmp_path / "tow.yaml")[0].status == "done"
    assert run_pipeline(tmp_path / "tow.yaml")[0].status == "unchanged"
    (tmp_path / "a.csv").write_text("id\n1\n2\n")
    assert run_pipeline(tmp_path / "tow.yaml")[0].status == "stopped"


def test_a_plain_secret_is_told_once_with_its_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    to = "'duckdb:///w.db?encryption_key=plain-of-lint-7#t'"
    assert told(found(tmp_path, f"a: {{from: a.csv, to: {to}, mode: replace}}")) == [
        ("warning", "password-in-address", 4, 24)
    ]
    assert caplog.messages == []
