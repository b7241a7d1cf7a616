"""What a notebook shows: well-formed, escaped, without scripts, and without colours that a theme could hide."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

import towpath as tow
from towpath.python import html

EVIL = "<script>alert('x')</script>&\"'"
_VOID = {"br"}
_KNOWN = {"div", "b", "table", "tr", "th", "td", "pre", "br", "progress"}


class Checked(HTMLParser):
    """Follows the tags of a fragment and keeps its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _VOID
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def fine(text: str) -> Checked:
    made = Checked(text)
    assert made.names <= _KNOWN
    assert {name for name, _ in made.attributes} <= {"style", "max", "value"}
    styles = " ".join(value or "" for name, value in made.attributes if name == "style")
    assert "color:#" not in styles
    assert "url(" not in styles
    return made


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    path = tmp_path / f"{EVIL.replace('/', '')}.csv"
    path.write_text('"<script>a</script>",n\nx,1\n')
    return path


def test_a_plan_shows_route_columns_and_statements(evil: Path, tmp_path: Path) -> None:
    made = fine(tow.plan(evil, f"duckdb:///{tmp_path}/w.db#t")._repr_html_())
    assert "<script>a</script>" in made.text
    for word in ("create", "guarantee", "atomic", "exact", "CREATE TABLE"):
        assert word.lower() in made.text.lower()


def test_a_plan_without_an_offer_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "tow.yaml").write_text("pipeline: p\nsteps:\n  s: {from: a.csv, to: a.parquet, mode: replace}\n")
    tow.run(tmp_path / "tow.yaml")
    (plan,) = tow.plan(tmp_path / "tow.yaml")
    assert "nothing new" in fine(plan._repr_html_()).text


def test_a_receipt_shows_books_digest_and_notes(evil: Path, tmp_path: Path) -> None:
    receipt = tow.copy(evil, tmp_path / "out.parquet")
    receipt.notes.append(EVIL)
    made = fine(receipt._repr_html_())
    assert receipt.digest in made.text  # type: ignore[operator]
    assert EVIL in made.text
    assert "set aside" in made.text


def test_a_stopped_receipt_shows_its_reason_in_lines() -> None:
    receipt = tow.Receipt("r", "a", "b", "create", status="stopped", why=f"a.csv:3: {EVIL}\n  next step")
    made = fine(receipt._repr_html_())
    assert f"a.csv:3: {EVIL}" in made.text
    assert "br" in made.names


def test_the_lists_of_a_pipeline_show_each_of_its_steps(evil: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    steps = "  s: {from: a.csv, to: a.parquet}\n  t: {from: gone.csv, to: b.parquet, depends_on: s}\n"
    (tmp_path / "tow.yaml").write_text(f"pipeline: p\nsteps:\n{steps}")
    planned = fine(tow.plan(tmp_path / "tow.yaml", steps=["s"])._repr_html_())  # type: ignore[attr-defined]
    assert "a.parquet" in planned.text
    ran = fine(tow.run(tmp_path / "tow.yaml")._repr_html_())  # type: ignore[attr-defined]
    for word in ("p/s", "done", "p/t", "stopped", "there is no such file"):
        assert word in ran.text


def test_a_reader_shows_its_columns(evil: Path) -> None:
    assert "<script>a</script> " in fine(tow.read(evil)._repr_html_()).text


def test_progress_shows_a_bar_only_when_the_share_is_known() -> None:
    assert "progress" in fine(html.progress(EVIL, "reading", "5 rows", 0.25)).names
    assert "progress" not in fine(html.progress(EVIL, "reading", "5 rows", None)).names
