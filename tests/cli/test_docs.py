"""Every command and option is in docs/command-line.md, every key of tow.yaml in docs/tow-yaml.md, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from towpath.cli.main import parser
from towpath.pipeline.config import Input, Output, Pipeline, Rule, Step
from towpath.pipeline.load import load

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
SECTIONS = {
    part.partition("\n")[0]: part for part in (DOCS / "command-line.md").read_text("utf-8").split("\n## tow ")[1:]
}


def test_every_command_has_its_section_and_no_other_has_one() -> None:
    assert list(SECTIONS) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented_and_every_documented_option_is_there(name: str) -> None:
    known = {option for action in COMMANDS[name]._actions for option in action.option_strings} - {"-h", "--help"}
    if name == "plan":  # has those of copy, documented there
        known -= set(COMMANDS["copy"]._option_string_actions) - {"--json"}
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", SECTIONS[name])) - {"-"}
    examples = set(re.findall(r"--[a-z-]+", "\n".join(COMMANDS[name].epilog.splitlines())))
    other = {"--bad-rows"} if name == "replay" else set()
    assert known - told == set()
    assert told - known - examples - other == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_the_help_are_those_of_the_docs(name: str) -> None:
    for line in COMMANDS[name].epilog.splitlines()[1:]:
        assert line.strip() in SECTIONS[name]


@pytest.mark.parametrize("model", [Pipeline, Step, Input, Output, Rule])
def test_every_key_of_tow_yaml_is_documented(model: type) -> None:
    text = (DOCS / "tow-yaml.md").read_text("utf-8")
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]
        key = field.alias or name
        assert f"`{key}" in text or f"- {key}:" in text, key


def test_the_example_of_the_docs_is_a_good_file(tmp_path: Path) -> None:
    text = (DOCS / "tow-yaml.md").read_text("utf-8")
    path = tmp_path / "tow.yaml"
    path.write_text(text.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    assert list(load(path).pipeline.steps) == ["customers", "orders", "by_customer"]


def test_the_rules_of_the_docs_are_good_rules(tmp_path: Path) -> None:
    text = (DOCS / "tow-yaml.md").read_text("utf-8").partition("```yaml\nrules:")[2].partition("```")[0]
    path = tmp_path / "tow.yaml"
    indented = text.replace("\n", "\n    ")
    path.write_text(f"pipeline: p\nsteps:\n  s:\n    from: a.csv\n    to: b.csv\n    rules:{indented}", "utf-8")
    assert len(load(path).pipeline.steps["s"].rules) == 5
