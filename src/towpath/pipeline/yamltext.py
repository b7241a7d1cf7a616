"""YAML as values whose places are known. Only `true` and `false` are booleans (as in the YAML 1.2 core schema), keys
are always text, and a number that would lose digits stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from towpath.errors import UserError

Path = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"


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
    """Something wrong at a line and column (from 1) of a document."""

    line: int
    column: int
    what: str


@dataclass(slots=True)
class Document:
    """The value of a YAML text, where each key and value stands, and the mistakes found in it so far."""

    name: str
    value: Any = None
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
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
        self.mistakes.append(Mistake(*self.place(path, key=key), what))

    def check(self) -> None:
        """Raises one UserError that lists every mistake by its place."""
        if self.mistakes:
            found = sorted(set(self.mistakes), key=lambda mistake: (mistake.line, mistake.column))
            lines = [f"{self.name}:{one.line}:{one.column}: {one.what}" for one in found]
            raise UserError("\n  ".join(lines), todo="nothing was run")


def parse(text: str, name: str) -> Document:
    """The document in `text`. Raises UserError with the place when it is no YAML; mistakes such as a key that stands
    twice are collected in the document."""
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise UserError(f"this is no YAML: {error.problem or error.context}", where=place) from error
    except yaml.YAMLError as error:
        raise UserError(f"this is no YAML: {error}", where=name) from error
    document = Document(name)
    document.values[()] = (1, 1)
    if root is not None:
        document.value = _value(root, (), document, ())
    return document


def _value(node: Node, path: Path, document: Document, above: tuple[Node, ...]) -> Any:
    document.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
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
            return read(node.value)
    document.mistake(path, f"the tag {node.tag.replace(_TAG, '!!')} is not understood here")
    return None


def _mapping(node: MappingNode, path: Path, document: Document, above: tuple[Node, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        place = (key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, ScalarNode):
            document.mistakes.append(Mistake(*place, "a key must be one word of text"))
        elif key.value in found:
            first = document.keys[(*path, key.value)][0]
            document.mistakes.append(Mistake(*place, f"the key {key.value!r} stands on line {first} already"))
        else:
            document.keys[(*path, key.value)] = place
            found[key.value] = _value(value, (*path, key.value), document, above)
    return found


def _float(text: str) -> float | str:
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else text


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": _float,
}
