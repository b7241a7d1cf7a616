"""Writes the parts of docs/reference that say what the code says: commands, tow.yaml, adapters, Python.

Each such part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; what is around it is written by hand.
`python docs/generate.py` rewrites them all; a test holds the pages to it.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import towpath
from towpath import registry
from towpath.cli.main import parser
from towpath.pipeline import config

REFERENCE = Path(__file__).parent / "reference"
_REGION = re.compile(r"(<!-- begin ([a-z-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def commands() -> str:
    """Every command with its usage, options and examples, read from the parsers."""
    return "\n".join(_command(("tow", name), made) for name, made in _subcommands(parser()).items())


def _command(words: tuple[str, ...], made: argparse.ArgumentParser) -> str:
    level = "#" * len(words)
    out = [f"{level} {' '.join(words)}", "", made.description or "", ""]
    out += ["```text", _usage(words, made), "```", ""]
    for group in made._action_groups:
        rows = [row for action in group._group_actions if (row := _row(action)) is not None]
        if rows:
            title = (group.title or "").replace("positional arguments", "arguments")
            out += [f"| {title} | |", "|---|---|", *rows, ""]
    if made.epilog:
        examples = [line.strip() for line in made.epilog.splitlines()[1:]]
        out += ["```sh", *examples, "```", ""]
    out += [_command((*words, name), one) for name, one in _subcommands(made).items()]
    return "\n".join(out)


def _subcommands(made: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {name: one for name, one in action.choices.items() if not name.startswith("_")}
    return {}


def _usage(words: tuple[str, ...], made: argparse.ArgumentParser) -> str:
    places = [_place(action) for action in made._actions if not action.option_strings]
    options = ["[options]"] if any(action.option_strings for action in made._actions) else []
    return " ".join([*words, *filter(None, places), *options])


def _place(action: argparse.Action) -> str:
    if action.help == argparse.SUPPRESS:
        return ""
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    forms = {"?": "[{}]", "*": "[{}...]", "+": "{}..."}
    return forms.get(str(action.nargs), "{}").format(name)


def _row(action: argparse.Action) -> str | None:
    if action.help == argparse.SUPPRESS or isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
        return None
    if action.option_strings:
        value = action.metavar or (
            f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper()
        )
        takes = action.nargs != 0
        name = ", ".join(action.option_strings) + (f" {value}" if takes else "")
    else:
        name = _place(action)
    told = (action.help or "") % {"default": action.default, "prog": "tow"}
    return f"| `{_cell(name)}` | {_cell(told)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("*", "\\*").replace("<", "&lt;")


def tow_yaml() -> str:
    """Every key of tow.yaml with its kind, default and meaning, read from the pydantic models."""
    out: list[str] = []
    for model in _models():
        title = (inspect.getdoc(model) or model.__name__).splitlines()[0]
        out += [f"### {model.__name__}", "", title, "", "| key | takes | default | |", "|---|---|---|---|"]
        out += [_key(name, field) for name, field in model.model_fields.items()] + [""]
    return "\n".join(out)


def _models() -> Iterator[type[BaseModel]]:
    """The models in the order in which a pipeline holds them."""
    found = [
        one
        for _, one in inspect.getmembers(config, inspect.isclass)
        if issubclass(one, BaseModel) and not one.__name__.startswith("_") and one is not BaseModel
    ]
    return iter(sorted(found, key=lambda one: inspect.getsourcelines(one)[1], reverse=True))


def _key(name: str, field: FieldInfo) -> str:
    shown = "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
    takes = _kind(field.annotation)
    return f"| `{field.alias or name}` | {_cell(takes)} | {shown} | {_cell(field.description or '')} |"


def _default(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is None:
        names = {str: "text", bool: "true or false", int: "a whole number", float: "a number", Any: "anything"}
        return names.get(hint, "nothing" if hint is type(None) else getattr(hint, "__name__", str(hint)))
    if origin is list:
        return f"a list of {_kind(inner[0])}"
    if origin is dict:
        return f"a mapping to {_kind(inner[1])}"
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin is Annotated:
        return _kind(inner[0])
    kinds = [_kind(one) for one in inner if one is not type(None)]
    return " or ".join(dict.fromkeys(kinds))


def adapters() -> str:
    """The catalogue with each adapter's own options, read from the constructors and docstrings."""
    out: list[str] = []
    for seam in dict.fromkeys(row.seam for row in registry.ROWS):
        out += [f"## {seam}", ""]
        for row in registry.rows(seam):
            made = registry.load(row)
            code = row.target.partition(":")[0].replace(".", "/") + ".py"
            out += [f"### {seam} `{row.name}`", "", f"{row.line}. Code: `{code}`.", ""]
            if row.suffixes:
                out += [f"Endings: {', '.join(f'`{suffix}`' for suffix in row.suffixes)}", ""]
            out += [*(inspect.getdoc(made) or "").splitlines(), ""]
            out += _options(made)
    return "\n".join(out)


def _options(made: type[Any]) -> list[str]:
    given = [one for one in inspect.signature(made).parameters.values() if one.default is not one.empty]
    if not given:
        return []
    rows = [f"| `{one.name}` | {_cell(str(one.annotation))} | {_default(one.default)} |" for one in given]
    return ["| option | kind | default |", "|---|---|---|", *rows, ""]


def python() -> str:
    """The public names with their signatures and docstrings."""
    out: list[str] = []
    for name in towpath.__all__:
        found = getattr(towpath, name)
        out += [f"## towpath.{name}", "", "```py", _signature(name, found), "```", ""]
        out += [*(inspect.getdoc(found) or "").splitlines(), ""]
    return "\n".join(out)


def _signature(name: str, found: Any) -> str:
    if inspect.isclass(found) and issubclass(found, Exception):
        return f"class {name}({found.__mro__[1].__name__})"
    signature = inspect.signature(found)
    plain = f"{name}{signature}"
    if len(plain) <= 100:
        return plain
    inside = ",\n    ".join(_parameters(signature))
    result = "" if signature.return_annotation is signature.empty else f" -> {signature.return_annotation}"
    return f"{name}(\n    {inside},\n){result}"


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    starred = False
    for one in signature.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield str(one)


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "tow-yaml": tow_yaml,
    "adapters": adapters,
    "python": python,
}


def regenerated(text: str) -> str:
    """The page with its generated parts made anew."""
    return _REGION.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]().rstrip()}\n\n{found[3]}", text)


def main() -> int:
    for page in sorted(REFERENCE.glob("*.md")):
        text = page.read_text("utf-8")
        made = regenerated(text)
        if made != text:
            page.write_text(made, "utf-8")
            print(f"rewrote {page.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
