"""The examples of the page on tow.yaml are good ones."""

from __future__ import annotations

from pathlib import Path

from towpath.pipeline.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "tow-yaml.md").read_text("utf-8")


def test_the_example_of_the_docs_is_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "tow.yaml"
    path.write_text(PAGE.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    assert list(load(path).pipeline.steps) == ["customers", "orders", "by_customer"]


def test_the_rules_of_the_docs_are_good_rules(tmp_path: Path) -> None:
    text = PAGE.partition("```yaml\nrules:")[2].partition("```")[0]
    path = tmp_path / "tow.yaml"
    indented = text.replace("\n", "\n    ")
    path.write_text(f"pipeline: p\nsteps:\n  s:\n    from: a.csv\n    to: b.csv\n    rules:{indented}", "utf-8")
    assert len(load(path).pipeline.steps["s"].rules) == 5
