from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.pseudo import on_terminal
from towpath import history
from towpath.cli.main import main
from towpath.look.screen import width
from towpath.receipt import Receipt

LONG = "postgresql://some.host.example/shop#" + "public." * 20 + "orders"


def keep(run: str, step: str | None, status: str, rows: int, days_ago: float, destination: str = "w#orders") -> None:
    started = datetime.now(UTC) - timedelta(days=days_ago)
    receipt = Receipt(run * 6, "orders.csv", destination, "append", status=status, step=step)
    receipt.started = started.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    receipt.rows, receipt.seconds = rows, rows / 1000
    history.record(receipt)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keep("aa", "shop/orders", "done", 1000, 9)
    keep("bb", "shop/orders", "done", 2000, 8)
    keep("cc", "shop/orders", "stopped", 0, 3)
    keep("dd", "shop/" + "customers" * 12, "unchanged", 0, 2)
    keep("ee", "crm/orders", "failed", 0, 1)
    keep("ff", None, "done", 4000, 0.01, LONG)


def ids(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["runs", "--json", *arguments]) == 0
    return "".join(json.loads(line)["run"][0] for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], "fedcba"),
        (["-n", "2"], "fe"),
        (["--step", "orders"], "ecba"),
        (["--step", "shop/orders"], "cba"),
        (["--step", "order"], ""),
        (["--failed"], "ec"),
        (["--failed", "--step", "shop/orders"], "c"),
        (["--since", "4d"], "fedc"),
        (["--since", "30m"], "f"),
        (["--since", "1w", "--failed", "-n", "1"], "e"),
        (["--since", (datetime.now(UTC) - timedelta(days=8, hours=12)).date().isoformat()], "fedcb"),
    ],
)
def test_runs_are_filtered(kept: None, capsys: pytest.CaptureFixture[str], arguments: list[str], found: str) -> None:
    assert ids(capsys, *arguments) in (found, found + "a" * ("20" in str(arguments)))


@pytest.mark.parametrize("when", ["yesterday", "3x", "d", "", "2026-13-01", "99999999999w"])
def test_a_moment_that_is_none_is_refused(kept: None, capsys: pytest.CaptureFixture[str], when: str) -> None:
    assert main(["runs", "--since", when]) == 2
    assert f"--since: {when!r} is no moment" in capsys.readouterr().err


def test_a_pipe_gets_whole_ids_and_addresses(kept: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["RUN", "STARTED", "STATUS", "ROWS", "SECONDS", "STEP", "OR", "WAY"]
    assert lines[1].startswith("f" * 12)
    assert lines[1].endswith(f"orders.csv -> {LONG}")


@pytest.mark.parametrize("columns", [80, 60])
def test_the_list_fits_the_terminal(kept: None, columns: int) -> None:
    lines = on_terminal("runs", columns=columns).lines
    assert max(map(width, lines)) <= columns
    assert len(lines) == 7
    assert re.match(r"ffffffff  \d{4}-\d\d-\d\d \d\d:\d\d  done       4,000     4\.00", lines[1])


def test_the_chart_shows_the_rows_of_each_step_from_run_to_run(kept: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--chart", "--step", "shop/orders"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "shop/orders"
    assert [line.count("█") for line in lines[1:]] == [*sorted(line.count("█") for line in lines[1:3]), 0]
    assert 2 * lines[1].count("█") == pytest.approx(lines[2].count("█"), abs=1)
    assert lines[2].endswith("2,000 rows     2.00 s")
    assert "stopped" in lines[3]
    assert max(map(width, lines)) <= 80


def test_the_chart_fits_whatever_the_names(kept: None) -> None:
    lines = on_terminal("runs", "--chart").lines
    assert max(map(width, lines)) <= 80
    plain = on_terminal("runs", "--chart", PYTHONIOENCODING="ascii")
    assert plain.raw.replace("…".encode(), b"").isascii()
    assert any("###" in line for line in plain.lines)


def test_no_runs_are_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "no runs\n"


def test_one_run_is_shown_whole(kept: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "aa"]) == 0
    assert capsys.readouterr().out.startswith("shop/orders: orders.csv -> w#orders\n  append: 1,000 rows in 1.00 s")
