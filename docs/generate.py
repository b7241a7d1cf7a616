"""Writes the parts of docs/reference that say what the code says: commands, tow.yaml, adapters, Python, errors, JSON,
types.

Each such part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; what is around it is written by hand.
`python docs/generate.py` rewrites them all; a test holds the pages to it.
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import datetime
import inspect
import json
import pathlib
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import towpath
from towpath import errors_catalogue, registry, schemas
from towpath.cli.main import parser
from towpath.pipeline import config
from towpath.python import keywords
from towpath.secrets import Secret

REFERENCE = Path(__file__).parent / "reference"
_REGION = re.compile(r"(<!-- begin ([a-z-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
_EVERYWHERE = "what is said on standard error"


def commands() -> str:
    """Every command with its usage, options and examples, read from the parsers."""
    found = _subcommands(parser())
    out = ["| command | |", "|---|---|"]
    out += [f"| [tow {name}](#tow-{name}) | {_cell(_first(made.description or ''))} |" for name, made in found.items()]
    (shared,) = [one for one in found["copy"]._action_groups if one.title == _EVERYWHERE]
    out += ["", "Every command takes these:", "", *_group(shared)]
    return "\n".join([*out, *(_command(("tow", name), made) for name, made in found.items())])


def _command(words: tuple[str, ...], made: argparse.ArgumentParser) -> str:
    level = "#" * len(words)
    out = [f"{level} {' '.join(words)}", "", _prose(made.description or ""), ""]
    out += ["```text", _usage(words, made), "```", ""]
    for group in made._action_groups:
        if group.title != _EVERYWHERE:
            out += _group(group)
    if made.epilog:
        examples = [line.strip() for line in made.epilog.splitlines()[1:]]
        out += ["```sh", *examples, "```", ""]
    out += [_command((*words, name), one) for name, one in _subcommands(made).items()]
    return "\n".join(out)


def _group(group: argparse._ArgumentGroup) -> list[str]:
    rows = [row for action in group._group_actions if (row := _row(action)) is not None]
    title = (group.title or "").replace("positional arguments", "arguments")
    return [f"| {title} | |", "|---|---|", *rows, ""] if rows else []


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
    forms = {} if " " in name else {"?": "[{}]", "*": "[{}...]", "+": "{}..."}
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
    return f"| {_code(name)} | {_told(action)} |"


def _told(action: argparse.Action) -> str:
    return _cell(_prose((action.help or "") % {"default": action.default, "prog": "tow"}))


def _prose(text: str) -> str:
    """Help texts have no marks for code: options, and whatever a shell or an editor would be given, get them."""
    parts = re.split(r"(`[^`]*`)", text)
    marked = r"(?<![\w`\-/])(--[a-z][a-z-]+|\$\{?[A-Za-z_]+[^\s,.;)]*\}?|eval \"[^\"]*\"|~/[\w./-]+)"
    return "".join(part if part.startswith("`") else re.sub(marked, r"`\1`", part) for part in parts)


def _first(text: str) -> str:
    return _prose(re.split(r"(?<=\.)\s", text, maxsplit=1)[0])


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _cell(text: str) -> str:
    """Text of a table's cell: only what stands outside code could be taken for marks."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    plain = [part if part.startswith("`") else part.replace("*", "\\*").replace("<", "&lt;") for part in parts]
    return "".join(plain).replace("|", "\\|")


def tow_yaml() -> str:
    """Every key of tow.yaml with its kind, default and meaning, read from the pydantic models."""
    out: list[str] = []
    for model in (
        config.Pipeline, config.Step, config.Input, config.Output, config.Rule, config.Connection, config.Profile,
    ):  # fmt: skip
        hints = get_type_hints(model, include_extras=True)
        out += [f"### {model.__name__}", "", " ".join((inspect.getdoc(model) or "").split()), ""]
        out += ["| key | takes | default | |", "|---|---|---|---|"]
        out += [_key(name, hints[name], field) for name, field in model.model_fields.items()] + [""]
    return "\n".join(out)


def _models() -> Iterator[type[BaseModel]]:
    """Every model of tow.yaml."""
    for _, one in inspect.getmembers(config, inspect.isclass):
        if issubclass(one, BaseModel) and not one.__name__.startswith("_") and one is not BaseModel:
            yield one


def _key(name: str, hint: Any, field: FieldInfo) -> str:
    default: Any = None if field.is_required() else field.get_default(call_default_factory=True)
    shown = "required" if field.is_required() else _default(_size(default) if name == "memory" else default)
    return f"| `{field.alias or name}` | {_cell(_kind(hint))} | {shown} | {_cell(field.description or '')} |"


def _default(value: Any) -> str:
    if value is None or value in ([], {}, ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _size(count: int) -> str:
    """A number of bytes as people write it."""
    for unit, large in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count and count % large == 0:
            return f"{count // large}{unit}"
    return str(count)


_ALIASES: list[tuple[Any, str]] = [
    (config.Columns, "columns"),
    (config.AddressText, "an address"),
    (config.TypeName, "a type"),
    (config.Limits, "two limits"),
    (config.Statements, "SQL"),
    (config.Size, "a size"),
    (config.OptionValue, "text, a number, or true or false"),
    (config.Name, "a name"),
    (config.ConnectionText, "an address or a [connection](#connection)"),
]
"""Kinds that have a name of their own in the code."""
_PLAIN = {
    str: "text", bool: "true or false", int: "a whole number", float: "a number", Any: "anything", object: "anything",
    type(None): "nothing", bytes: "bytes", Secret: "a secret", datetime.date: "a date", pathlib.Path: "a path",
    pa.DataType: "an Arrow type", dict: "a mapping",
}  # fmt: skip


def _kind(hint: Any) -> str:
    """A type in words."""
    for alias, words in _ALIASES:
        if hint == alias:
            return words
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin is None:
        return _named(hint)
    if origin is Annotated:
        return _annotated(hint)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin in (list, tuple, collections.abc.Sequence):
        return f"a list of {_kind(inner[0])}"
    if origin in (dict, collections.abc.Mapping):
        return f"a mapping to {_kind(inner[1])}"
    if origin is type:
        return "a class"
    if origin is collections.abc.Callable:
        return "a function"
    if origin in (typing.Union, types.UnionType):
        kinds = [_kind(one) for one in inner if one is not type(None)]
        return _alternatives(list(dict.fromkeys(kinds)))
    return _named(origin)


def _alternatives(kinds: list[str]) -> str:
    if len(kinds) < 3 and not any(" or " in kind for kind in kinds[:-1]):
        return " or ".join(kinds)
    return f"{', '.join(kinds[:-1])}, or {kinds[-1]}"


def _named(hint: Any) -> str:
    name = getattr(hint, "__name__", str(hint))
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        return f"[{name.lower()}](#{name.lower()})"
    return "anything" if isinstance(hint, typing.TypeVar) else f"`{name}`"


def _annotated(hint: Any) -> str:
    """A kind with a validator before it: what may be written for it is more than what it becomes."""
    bare = get_args(hint)[0]
    if bare is config.Output:
        return "an address or an [output](#output)"
    if get_args(bare)[1:] == (config.Input,):
        return "an address, an [input](#input), or a mapping to those"
    return _kind(bare)


def adapters() -> str:
    """The catalogue with each adapter's own options, read from the constructors and docstrings."""
    out: list[str] = []
    for seam in dict.fromkeys(row.seam for row in registry.ROWS):
        out += [f"## {seam.capitalize()}s", ""]
        for row in registry.rows(seam):
            made = registry.load(row)
            code = row.target.partition(":")[0].replace(".", "/") + ".py"
            out += [f"### {seam} `{row.name}`", "", f"{row.line[:1].upper()}{row.line[1:]}. Code: `{code}`.", ""]
            if row.suffixes:
                out += [f"Endings: {', '.join(f'`{suffix}`' for suffix in row.suffixes)}", ""]
            out += [*(inspect.getdoc(made) or "").splitlines(), ""]
            out += _options(made)
    return "\n".join(out)


def _options(made: type[Any]) -> list[str]:
    given = [one for one in inspect.signature(made).parameters.values() if one.default is not one.empty]
    if not given:
        return []
    hints = get_type_hints(made.__init__)
    rows = [_option(one.name, hints[one.name], one.default) for one in given]
    return ["| option | takes | default |", "|---|---|---|", *rows, ""]


def _option(name: str, hint: Any, default: Any) -> str:
    if name.endswith(("memory", "bytes")):
        return f"| `{name}` | a number of bytes | `{default}` ({_size(default)}) |"
    return f"| `{name}` | {_cell(_kind(hint))} | {_default(default)} |"


_GROUPS = {
    "How a source is read": keywords.ReadOptions,
    "What happens to rows on their way": keywords.ShapeOptions,
    "How a destination is written": keywords.WriteOptions,
}
_AS_OPTION = {
    "from_options": "--from-opt", "to_options": "--to-opt", "rules": "--rule", "before": "--before-sql",
    "after": "--after-sql",
}  # fmt: skip


def python() -> str:
    """The public names with their signatures and docstrings; keyword arguments that functions share stand apart."""
    order = ("copy", "plan", "run", "read", "write")
    names = [*order, *(name for name in towpath.__all__ if name not in order)]
    out = [line for name in names for line in _public(name, getattr(towpath, name))]
    return "\n".join([*out, *_keywords()])


def _public(name: str, found: Any) -> list[str]:
    said = [*(inspect.getdoc(found) or "").splitlines(), ""]
    head = [f"## towpath.{name}", ""]
    if not inspect.isclass(found):
        return [*head, "```py", _signature(name, found), "```", "", *said, *_arguments(found)]
    if issubclass(found, Exception):
        return [*head, f"An exception, of the kind `{found.__mro__[1].__name__}`.", "", *said]
    return [*head, *said, *(_fields(found) if dataclasses.is_dataclass(found) else []), *_methods(found)]


def _signature(name: str, found: Any) -> str:
    given = list(_parameters(inspect.signature(inspect.unwrap(found))))
    plain = f"{name}({', '.join(given)})"
    return plain if len(plain) <= 80 else "\n".join([f"{name}(", *(f"    {one}," for one in given), ")"])


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    starred = False
    for one in signature.parameters.values():
        starred |= one.kind is one.VAR_POSITIONAL
        if one.kind is one.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield str(one.replace(annotation=one.empty))


def _arguments(found: Any) -> list[str]:
    """The arguments of a function's own, and which of the shared ones it takes."""
    bare = inspect.unwrap(found)
    hints = get_type_hints(bare)
    own = [one for one in inspect.signature(bare).parameters.values() if one.kind is not one.VAR_KEYWORD]
    out = ["| argument | takes | default |", "|---|---|---|"]
    out += [f"| `{one.name}` | {_cell(_kind(hints[one.name]))} | {_given(one)} |" for one in own]
    taken = set(inspect.signature(found).parameters) - {one.name for one in own}
    titles = []
    for title, group in _GROUPS.items():
        if set(group.__annotations__) <= taken:
            titles.append(f"[{title[:1].lower()}{title[1:]}](#{title.lower().replace(' ', '-')})")
            taken -= set(group.__annotations__)
    shared = [f"`**options`: {'; '.join([*titles, *(f'`{name}`' for name in sorted(taken))])}."] if titles else []
    return [*out, "", *shared, ""]


def _given(one: inspect.Parameter) -> str:
    if one.kind is one.VAR_POSITIONAL:
        return ""
    return "required" if one.default is one.empty else _default(one.default)


def _keywords() -> list[str]:
    """The shared keyword arguments, each told by the help of the option of `tow copy` that is the same."""
    options = {text: one for one in _subcommands(parser())["copy"]._actions for text in one.option_strings}
    out = ["## Keyword arguments", ""]
    for title, group in _GROUPS.items():
        out += [f"### {title}", "", *(inspect.getdoc(group) or "").splitlines(), ""]
        out += ["| keyword | takes | |", "|---|---|---|"]
        for name, hint in get_type_hints(group).items():
            same = options[_AS_OPTION.get(name, "--" + name.replace("_", "-"))]
            told = _told(same).replace(" (repeatable)", "")
            out.append(f"| `{name}` | {_cell(_kind(hint))} | {told} |")
        out.append("")
    return out


def _fields(found: Any) -> list[str]:
    hints = get_type_hints(found, include_extras=True)
    out = ["| field | is | |", "|---|---|---|"]
    for one in dataclasses.fields(found):
        hint = hints[one.name]
        told = [text for text in getattr(hint, "__metadata__", ()) if isinstance(text, str)]
        bare = get_args(hint)[0] if told else hint
        none = ", or None" if type(None) in get_args(bare) else ""
        out.append(f"| `{one.name}` | {_cell(_kind(bare))}{none} | {_cell(' '.join(told))} |")
    return [*out, ""]


def _methods(found: Any) -> list[str]:
    """What can be called or looked at, with its first sentence; errors have only what stands in their docstring."""
    rows = []
    for name, one in vars(found).items():
        said = inspect.getdoc(one) if name == "__iter__" or not name.startswith("_") else None
        if said and (callable(one) or isinstance(one, property)):
            shown = {"__iter__": "for row in ..."}.get(name, name if isinstance(one, property) else f"{name}()")
            rows.append(f"| `{shown}` | {_cell(said.split(chr(10) * 2)[0])} |")
    return ["| | |", "|---|---|", *rows, ""] if rows else []


def errors() -> str:
    """Every error code in its group, with what it means."""
    out: list[str] = []
    for group, codes in errors_catalogue.GROUPS.items():
        out += [f"## {group}", "", "| code | |", "|---|---|"]
        out += [f"| [{code}](codes/{code}.md) | {_cell(errors_catalogue.meaning(code))} |" for code in codes] + [""]
    return "\n".join(out)


def outputs() -> str:
    """The fields of what is printed for programs, read from its JSON Schemas."""
    made = {"receipt": schemas.receipt(), "plan": schemas.plan(), "log": schemas.log()}
    out: list[str] = []
    for name, schema in made.items():
        out += [f"## {schema['title']}", "", f"{schema['description']} Schema: `tow schema {name}`.", ""]
        out += _properties(schema)
    return "\n".join(out)


def _properties(schema: dict[str, Any]) -> list[str]:
    out = ["| field | is | |", "|---|---|---|"]
    inner: list[str] = []
    for name, one in schema["properties"].items():
        often = "" if name in schema["required"] else " (not always there)"
        out.append(f"| `{name}` | {_json_kind(one)} | {_cell(one.get('description', ''))}{often} |")
        found = [part for part in (one, *one.get("anyOf", ()), one.get("items", {})) if "properties" in part]
        for part in found:
            inner += [f"**{'Each of ' if 'items' in one else ''}`{name}`**: {part['description']}", ""]
            inner += _properties(part)
    return [*out, "", *inner]


def _json_kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_json_kind(one) for one in schema["anyOf"])
    kinds = schema.get("type", "anything")
    if isinstance(kinds, list):
        return " or ".join(kinds)
    if kinds == "array" and schema["items"].get("type", "object") != "object":
        return f"array of {_json_kind(schema['items'])}"
    return "array of objects" if kinds == "array" else str(kinds)


_SYSTEMS = {
    "csv": "CSV", "jsonl": "JSON Lines", "json": "JSON", "parquet": "Parquet", "arrow": "Arrow", "duckdb": "DuckDB",
    "sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB", "kafka": "Kafka (messages of JSON)",
}  # fmt: skip


def types_kept() -> str:
    """What a new file, table or topic keeps for each type, from copies that were made (reference/types.json)."""
    out: list[str] = []
    for name, kept in _results()["kept"].items():
        out += [f"### {_SYSTEMS[name]}", "", "| type | is kept as | way | |", "|---|---|---|---|"]
        for type, (stored, way, why) in kept.items():
            out.append(f"| {_code(type)} | {_code(stored) if stored else ''} | {way} | {_cell(why)} |")
        out.append("")
    return "\n".join(out)


def types_read() -> str:
    """As what a database's own types are read, from tables that were copied."""
    out: list[str] = []
    for name, read in _results()["read"].items():
        out += [f"### {_SYSTEMS[name]}", "", "| declared | with these values | is read as |", "|---|---|---|"]
        for column, type in read.items():
            declared, _, values = column.partition(": ")
            out.append(f"| {_code(declared) if declared else 'nothing'} | {_code(values)} | {_code(type)} |")
        out.append("")
    return "\n".join(out)


def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REFERENCE / "types.json").read_text("utf-8"))
    return found


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "tow-yaml": tow_yaml,
    "adapters": adapters,
    "python": python,
    "errors": errors,
    "outputs": outputs,
    "types-kept": types_kept,
    "types-read": types_read,
}


def pages() -> list[Path]:
    """The pages of the reference. (The pages of error codes are those of the package, by a link.)"""
    return sorted(page for page in REFERENCE.rglob("*.md") if page.parent.name != "codes")


def regenerated(text: str) -> str:
    """The page with its generated parts made anew."""
    return _REGION.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]().rstrip()}\n\n{found[3]}", text)


def main() -> int:
    for page in pages():
        text = page.read_text("utf-8")
        made = regenerated(text)
        if made != text:
            page.write_text(made, "utf-8")
            print(f"rewrote {page.relative_to(REFERENCE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
