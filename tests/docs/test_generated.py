"""The generated parts of the reference are what the code says today."""

from __future__ import annotations

import importlib.util
from argparse import SUPPRESS
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


GENERATE = _generator()


@pytest.mark.parametrize("page", sorted((DOCS / "reference").glob("*.md")), ids=lambda page: page.name)
def test_a_page_says_what_the_code_says(page: Path) -> None:
    text = page.read_text("utf-8")
    assert GENERATE.regenerated(text) == text, "run `make reference`"


def test_every_part_has_its_place() -> None:
    text = "".join(page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))
    assert [name for name in GENERATE.PARTS if f"<!-- begin {name} -->" not in text] == []


def test_every_key_of_tow_yaml_says_what_it_means() -> None:
    silent = [
        f"{model.__name__}.{name}"
        for model in GENERATE._models()
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert silent == []


def test_every_option_says_what_it_does() -> None:
    silent = []
    for name, made in GENERATE._subcommands(GENERATE.parser()).items():
        silent += [f"tow {name} {one.dest}" for one in made._actions if one.help is None and one.dest != SUPPRESS]
    assert silent == []
