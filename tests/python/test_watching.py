"""Progress: in a notebook by itself, on a terminal when asked for, elsewhere not at all."""

from __future__ import annotations

import pty
from collections.abc import Iterator
from os import close
from pathlib import Path
from subprocess import run
from sys import executable
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import towpath as tow
from towpath.progress import Unwatched
from towpath.python.watching import Cell, in_notebook, watched


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """IPython's own shell with what tells a Jupyter kernel from a terminal; gives the displays made."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    publisher = CapturingDisplayPublisher()
    shell.display_pub, shell.kernel = publisher, object()
    yield publisher.outputs
    InteractiveShell.clear_instance()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n2\n")
    return path


class Noted:
    """A progress of the user's own."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.rows = 0

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        self.calls.append(f"begin {name}")

    def phase(self, what: str) -> None:
        self.calls.append(what)

    def advance(self, rows: int, size: int) -> None:
        self.rows += rows

    def end(self) -> None:
        self.calls.append("end")


def test_a_notebook_shows_one_display_that_is_changed(
    notebook: list[dict[str, Any]], source: Path, tmp_path: Path
) -> None:
    assert in_notebook()
    tow.copy(source, tmp_path / "a.parquet")
    assert len({one["transient"]["display_id"] for one in notebook}) == 1
    assert [one["update"] for one in notebook][:2] == [False, True]
    assert "<b>copy</b> ended: 2 rows" in notebook[-1]["data"]["text/html"]
    assert notebook[-1]["data"]["text/plain"].startswith("copy ended: 2 rows")


def test_a_notebook_can_be_told_to_be_silent(notebook: list[dict[str, Any]], source: Path, tmp_path: Path) -> None:
    tow.copy(source, tmp_path / "a.parquet", progress=False)
    assert notebook == []


def test_ipython_in_a_terminal_is_no_notebook(notebook: list[dict[str, Any]]) -> None:
    del InteractiveShell.instance().kernel
    assert not in_notebook()


def test_a_display_is_not_changed_for_every_batch(notebook: list[dict[str, Any]]) -> None:
    cell = Cell()
    cell.begin("copy", 1000, None)
    for _ in range(1000):
        cell.advance(1, 0)
    assert len(notebook) < 20
    cell.end()
    assert "1,000 rows" in notebook[-1]["data"]["text/html"]


def test_outside_of_notebooks_nothing_is_shown_unasked(
    source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not in_notebook()
    tow.copy(source, tmp_path / "a.parquet")
    tow.copy(source, tmp_path / "b.parquet", progress=True)  # standard error is no terminal here
    assert capfd.readouterr() == ("", "")


def test_a_progress_of_ones_own_is_told_everything(source: Path, tmp_path: Path) -> None:
    noted = Noted()
    tow.copy(source, tmp_path / "a.parquet", progress=noted)
    assert noted.rows == 2
    assert (noted.calls[0], noted.calls[-1]) == ("begin copy", "end")
    again = Noted()
    tow.write([{"a": 1}], tmp_path / "b.parquet", progress=again)
    assert again.rows == 1


def test_a_terminal_gets_the_bar_when_asked_for(source: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from towpath.python.watching import watched\n"
        "with watched(True) as one, watched(None) as other: print(type(one).__name__, type(other).__name__)\n"
    )
    main, side = pty.openpty()
    done = run([executable, "-c", program], stderr=side, capture_output=False, stdout=-1, text=True, check=True)
    close(side)
    assert done.stdout.split() == ["Drawn", "Unwatched"]
    close(main)


def test_who_watches_is_chosen(source: Path) -> None:
    with watched(None) as one:
        assert isinstance(one, Unwatched)


def test_a_word_is_no_progress(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "tow.yaml").write_text("pipeline: p\nsteps:\n  s: {from: a.csv, to: b.csv}\n")
    with pytest.raises(tow.UserError, match="'yes'"):
        tow.copy(tmp_path / "a.csv", tmp_path / "b.csv", progress="yes")  # type: ignore[arg-type]
    with pytest.raises(tow.UserError, match="'yes'"):
        tow.run(tmp_path / "tow.yaml", progress="yes")  # type: ignore[arg-type]
