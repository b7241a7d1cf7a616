"""The generated parts of the reference are what the code says today."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

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


@pytest.mark.parametrize("page", GENERATE.pages(), ids=lambda page: str(page.relative_to(GENERATE.REFERENCE)))
def test_a_page_says_what_the_code_says(page: Path) -> None:
    text = page.read_text("utf-8")
    assert GENERATE.regenerated(text) == text, "run `make reference`"


def test_every_part_has_its_place() -> None:
    text = "".join(page.read_text("utf-8") for page in GENERATE.pages())
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
    assert silent("tow", GENERATE.parser()) == []


def silent(name: str, made: argparse.ArgumentParser) -> list[str]:
    """The options and arguments without a help text, of commands within commands too."""
    nested = GENERATE._subcommands(made)
    told = [one for one in made._actions if not isinstance(one, argparse._SubParsersAction)]
    out = [f"{name} {one.dest}" for one in told if not one.help]
    return out + [line for word, one in nested.items() for line in silent(f"{name} {word}", one)]


def test_an_option_without_help_is_seen() -> None:
    made = argparse.ArgumentParser()
    made.add_subparsers().add_parser("show").add_argument("--all")
    assert silent("tow", made) == ["tow show all"]


def test_kinds_are_told_in_words() -> None:
    kinds: dict[Any, str] = {
        tuple[str, ...]: "a list of text",
        str | None: "text",
        int | str | None: "a whole number or text",
        str | Path | list[str]: "text, a path, or a list of text",
        dict[str, Any] | None: "a mapping to anything",
        Literal["a", "b"]: "`a`, `b`",
    }
    assert {kind: GENERATE._kind(kind) for kind in kinds} == kinds
