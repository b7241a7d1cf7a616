"""What people may write is documented: commands, options, keys of tow.yaml. Public names are pinned."""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel, Field

import towpath
from towpath.cli.main import parser
from towpath.pipeline import config

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PUBLIC = [
    "DataError", "Plan", "Reader", "Receipt", "Refused", "Secret", "StepsStopped", "TowError", "UserError", "copy",
    "plan", "read", "run", "write",
]  # fmt: skip


def commands(made: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The subcommands of a parser by name."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= action.choices
    return found


def undocumented_options(made: argparse.ArgumentParser, text: str) -> list[str]:
    """The commands and long options of a parser that a page does not show."""
    missing = [f"tow {name}" for name in commands(made) if not re.search(rf"\btow {re.escape(name)}\b", text)]
    for name, command in {"": made, **commands(made)}.items():
        missing += [
            f"tow {name} {option}".replace("  ", " ") for option in _options(command) if not _shown(option, text)
        ]
    return missing


def _options(made: argparse.ArgumentParser) -> Iterator[str]:
    for action in made._actions:
        if action.help != argparse.SUPPRESS:
            yield from (option for option in action.option_strings if option.startswith("--"))


def _shown(option: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


def keys(module: ModuleType) -> set[str]:
    """Every key of the documents that a module of pydantic models describes."""
    models = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, BaseModel)]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def undocumented_keys(known: Iterable[str], text: str) -> list[str]:
    """The keys that a page shows neither as code nor in an example."""
    return sorted(key for key in known if not re.search(rf"`{key}`|^\s*(- )?{key}:", text, re.MULTILINE))


def test_every_command_and_option_is_documented() -> None:
    assert undocumented_options(parser(), (REFERENCE / "commands.md").read_text("utf-8")) == []


def variables(package: Path) -> set[str]:
    """The names in capitals that stand as text in modules which look at the environment."""
    found: set[str] = set()
    for path in package.rglob("*.py"):
        text = path.read_text("utf-8")
        if re.search(r"\b(environ|getenv)\b", text):
            # What an option shows in the place of its value is no variable.
            found |= set(re.findall(r'(?<!metavar=)"([A-Z][A-Z0-9_]{2,})"', text))
    return found


def test_every_environment_variable_is_documented() -> None:
    known = variables(Path(towpath.__file__).parent)
    assert {"TOWPATH_STATE", "TOW_ENV", "TOWPATH_PASSPHRASE", "NO_COLOR", "XDG_CONFIG_HOME"} <= known
    assert undocumented_keys(known, (REFERENCE / "environment.md").read_text("utf-8")) == []


def test_an_undocumented_variable_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('import os\nhome = os.environ.get("TOW_HOME")\nadd(metavar="PROFILE")\n')
    (tmp_path / "b.py").write_text('MODE = "CREATE"\n')
    assert undocumented_keys(variables(tmp_path), "`TOW_ENV`") == ["TOW_HOME"]


def unpinned(names: list[str]) -> list[str]:
    """The public names that are pinned and gone, or there and not pinned."""
    return sorted(set(names) ^ set(PUBLIC))


def test_every_key_of_tow_yaml_is_documented() -> None:
    assert undocumented_keys(keys(config), (REFERENCE / "tow-yaml.md").read_text("utf-8")) == []


def test_public_names_are_pinned() -> None:
    """A name added here is a promise; one taken away breaks somebody's program."""
    assert unpinned(towpath.__all__) == []
    assert all(getattr(towpath, name) is not None for name in PUBLIC)


def test_a_public_name_that_came_or_went_is_seen() -> None:
    assert unpinned([*PUBLIC, "helper"]) == ["helper"]
    assert unpinned(PUBLIC[1:]) == [PUBLIC[0]]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_and_says_what_it_does(name: str) -> None:
    found = getattr(importlib.import_module("towpath"), name)
    assert inspect.getdoc(found)


def test_an_undocumented_command_or_option_is_seen() -> None:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--version")
    copy = made.add_subparsers().add_parser("copy", add_help=False)
    copy.add_argument("--to")
    copy.add_argument("--to-format")
    assert undocumented_options(made, "`--version`, `tow copy --to-format`") == ["tow copy --to"]
    assert undocumented_options(made, "--version --to --to-format") == ["tow copy"]
    assert undocumented_options(made, "--version `tow copy --to X --to-format`") == []


def test_an_undocumented_key_is_seen() -> None:
    class Step(BaseModel):
        from_: str = Field(alias="from")
        mode: str
        keyed: str

    module = ModuleType("sample")
    module.Step = Step  # type: ignore[attr-defined]
    assert undocumented_keys(keys(module), "The `mode`, and key\n\n    - from: x\n") == ["keyed"]
