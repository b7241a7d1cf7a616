"""YAML as values whose places are known. Only `true` and `false` are booleans (as in the YAML 1.2 core schema), keys
are always text, and a number that would lose digits stays text."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path as File
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from towpath.disk.oserrors import refused
from towpath.errors import UserError

Path = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
_SHOWN = 10
_MOST_DIGITS = 1000
_MOST_VALUES = 200_000
"""Aliases within aliases multiply: a few lines can stand for more values than any memory holds."""


class _Core(BaseResolver):
    """Plain scalars by the core schema, less its forms that people mean as text (007, +5, 0x1A, .inf)."""


for _kind, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"(?:0|-?[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
):
    _Core.add_implicit_resolver(_TAG + _kind, re.compile(f"^{_pattern}$"), _first)


class _Loader(Reader, Scanner, Parser, Composer, _Core):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _Core.__init__(self)


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong at a line and column (from 1) of a document, `file`."""

    file: str
    line: int
    column: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.what}"


class Mistakes(UserError):
    """What is wrong with one document: `found`, in the order of its lines."""

    code = "yaml-wrong"

    def __init__(self, what: str, *, todo: str, found: Sequence[Mistake]) -> None:
        super().__init__(what, todo=todo)
        self.found = found


@dataclass(slots=True)
class Document:
    """The value of a YAML text, where each key and value stands, and the mistakes found in it so far. `scalars` holds
    the plain values as they were written (`1.50`)."""

    name: str
    value: Any = None
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    scalars: dict[Path, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column of a path's value (or key). Parts that the text does not have are passed over."""
        known: Path = ()
        for part in path:
            if (*known, part) in self.values:
                known = (*known, part)
        return self.keys[known] if key and known in self.keys else self.values[known]

    def where(self, path: Path) -> str:
        line, column = self.place(path)
        return f"{self.name}:{line}:{column}"

    def mistake(self, path: Path, what: str, *, key: bool = False) -> None:
        self.mistakes.append(Mistake(self.name, *self.place(path, key=key), what))

    def check(self) -> None:
        """Raises one UserError that lists the mistakes by their places."""
        if self.mistakes:
            found = sorted(set(self.mistakes), key=lambda mistake: (mistake.line, mistake.column))
            lines = [str(one) for one in found[:_SHOWN]]
            if len(found) > _SHOWN:
                lines.append(f"and {len(found) - _SHOWN} more")
            raise Mistakes("\n  ".join(lines), todo="nothing was run", found=found)


_OF_THE_DISK = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT)
"""Errors that no correction of a command helps with."""


def read(path: File) -> Document:
    """The document in a file, named by its path. Raises UserError when it cannot be read, Refused when the
    disk fails; see `parse`."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise UserError("no such file", where=str(path), todo=_others(path), code="path-missing") from error
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise refused(error, str(path), "read") from error
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        todo = "check its name and its permissions: a tow.yaml is text in UTF-8"
        raise UserError(f"cannot be read: {reason}", where=str(path), todo=todo, code="file-unreadable") from error
    return parse(text, str(path))


def _others(path: File) -> str:
    folder = path.parent
    found = sorted(one.name for one in folder.glob("*.y*ml")) if folder.is_dir() else []
    return f"in {folder}: {', '.join(found[:5])}" if found else "`tow init ADDRESS` writes one"


def parse(text: str, name: str) -> Document:
    """The document in `text`. Raises UserError with the place when it is no YAML; mistakes such as a key that stands
    twice are collected in the document."""
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = str(error.problem or error.context)
        raise _no_yaml(problem, place) from error
    except yaml.YAMLError as error:
        raise _no_yaml(str(error), name) from error
    except RecursionError as error:
        raise _no_yaml("it is nested too deeply", name) from error
    document = Document(name)
    document.values[()] = (1, 1)
    if root is not None:
        document.value = _value(root, (), document, ())
    return document


_HINTS = (
    ("'\\t'", "a tab: indent with spaces"),
    ("expected ',' or", "a bracket was opened and not closed, or a comma is missing before this place"),
    ("mapping values", "put text that holds `: ` in quotes"),
    ("", "look at the indentation, brackets and quotes before this place"),
)


def _no_yaml(problem: str, where: str) -> UserError:
    todo = next(hint for sign, hint in _HINTS if sign in problem)
    return UserError(f"this is no YAML: {problem}", where=where, todo=todo, code="yaml-syntax")


def _value(node: Node, path: Path, document: Document, above: tuple[Node, ...]) -> Any:
    document.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if len(document.values) > _MOST_VALUES:
        raise _no_yaml(
            f"it stands for more than {_MOST_VALUES:,} values, by aliases within aliases", document.where(path)
        )
    if any(node is one for one in above):
        document.mistake(path, "an alias stands within its own anchor")
        return None
    if isinstance(node, MappingNode) and node.tag == _TAG + "map":
        return _mapping(node, path, document, (*above, node))
    if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
        return [_value(item, (*path, at), document, (*above, node)) for at, item in enumerate(node.value)]
    if isinstance(node, ScalarNode):
        read = _SCALARS.get(node.tag.removeprefix(_TAG))
        if read is not None:
            document.scalars[path] = node.value
            return read(node.value)
    document.mistake(path, f"the tag {node.tag.replace(_TAG, '!!')} is not understood here")
    return None


def _mapping(node: MappingNode, path: Path, document: Document, above: tuple[Node, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        place = (key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, ScalarNode):
            document.mistakes.append(Mistake(document.name, *place, "a key must be one word of text"))
        elif key.value in found:
            first = document.keys[(*path, key.value)][0]
            document.mistakes.append(
                Mistake(document.name, *place, f"the key {key.value!r} stands on line {first} already")
            )
        else:
            document.keys[(*path, key.value)] = place
            found[key.value] = _value(value, (*path, key.value), document, above)
    return found


def _int(text: str) -> int | str:
    return int(text) if len(text) <= _MOST_DIGITS else text


def _float(text: str) -> float | str:
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else text


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _int,
    "float": _float,
}
