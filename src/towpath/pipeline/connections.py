"""Named connections: those of a tow.yaml and of the user's own file, with `like` and `options` folded into one address
each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from towpath import address, userfiles
from towpath.options import nearest
from towpath.pipeline import yamltext
from towpath.pipeline.config import Connection, ConnectionText, Name
from towpath.pipeline.mistakes import validated
from towpath.pipeline.yamltext import Document, Path

_REFERENCE = re.compile(r"(\$\{[^}]*\})")


@dataclass(frozen=True, slots=True)
class Written:
    """A connection as it was written, and where."""

    connection: Connection
    document: Document
    place: Path

    @property
    def where(self) -> str:
        return self.document.where(self.place)


def user_written() -> dict[str, Written]:
    """The connections of the user's own file, `connections.yaml` in the folder of their configuration, a mapping of
    names to connections; {} when there is none. Their relative paths start from its folder, except where they hold
    references. Raises UserError that lists the file's mistakes."""
    file = userfiles.config() / "connections.yaml"
    if not file.exists():
        return {}
    document = yamltext.read(file)
    if document.value is None:
        return {}
    found: dict[str, Connection] | None = validated(dict[Name, ConnectionText], document)
    document.check()
    assert found is not None
    return {name: Written(_rooted(one, str(file.parent)), document, (name,)) for name, one in found.items()}


def user_connections() -> dict[str, str]:
    """The addresses of the user's own connections by name. Raises UserError."""
    return addresses(user_written())


def addresses(written: Mapping[str, Written]) -> dict[str, str]:
    """The address of each connection. Rings of `like` and the like become mistakes of the documents, which are raised
    as one UserError."""
    found = {name: _address(name, written) for name in written}
    for document in {id(one.document): one.document for one in written.values()}.values():
        document.check()
    return {name: text for name, text in found.items() if text is not None}


def _address(name: str, written: Mapping[str, Written]) -> str | None:
    """The first address along the line of `like`, with all options met; None when there is a mistake."""
    line: list[str] = []
    text: str | None = None
    options: dict[str, Any] = {}
    here: Written = written[name]
    like: str | None = name
    while like is not None:
        if like in line:
            ring = " -> ".join([*line[line.index(like) :], like])
            here.document.mistake((*here.place, "like"), f"these connections are like each other: {ring}")
            return None
        if like not in written:
            what = f"there is no connection {like!r}{nearest(like, written)}"
            here.document.mistake((*here.place, "like"), what)
            return None
        line.append(like)
        here = written[like]
        text = text or here.connection.address
        options = {**here.connection.options, **options}
        like = here.connection.like
    if text is None:
        here.document.mistake(here.place, f"the connection {line[-1]} has neither an address nor `like`", key=True)
        return None
    if options and "://" not in text:
        told = written[name]
        told.document.mistake(told.place, f"{text} is a path and takes no options; give them to the steps", key=True)
        return None
    return with_options(text, options)


def with_options(text: str, options: Mapping[str, Any]) -> str:
    """An address with options as its query, instead of those of the same name; references in them stay as they are."""
    if not options:
        return text
    head, sign, table = text.partition("#")
    head, _, query = head.partition("?")
    pairs = [pair for pair in query.split("&") if pair and unquote(pair.partition("=")[0]) not in options]
    pairs += [f"{_quoted(name)}={_quoted(_plain(value))}" for name, value in options.items()]
    return f"{head}?{'&'.join(pairs)}{sign}{table}"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(text: str) -> str:
    parts = _REFERENCE.split(text)
    return "".join(part if _REFERENCE.fullmatch(part) else quote(part, safe="") for part in parts)


def _rooted(connection: Connection, folder: str) -> Connection:
    text = connection.address
    if text is None or "${" in text:
        return connection
    return connection.model_copy(update={"address": address.rooted(text, folder)})
