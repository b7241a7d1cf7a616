"""One string names any dataset, in the habits that people have: paths, and SQLAlchemy's and fsspec's URLs.

    orders.csv   data/**/*.jsonl.zst   out/   -   duckdb:///shop.db#orders   sqlite:////abs/shop.db#orders
    warehouse#orders    (`warehouse` being a named connection)

A local path is never parsed as a URL: `#`, `?` and `%` are legal in names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from towpath.errors import UserError

_SCHEME = re.compile(r"^([a-z][a-z0-9]*)(?:\+([a-z0-9_]+))?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """`kind` is "file" or "table". For a file `path` is the store's path; for a table `path` is the database's (a file
    for embedded ones) and `table` its name, which an option may still give. `library` names a chosen adapter."""

    text: str
    kind: str
    scheme: str
    path: str
    table: str | None = None
    library: str | None = None

    @property
    def folder(self) -> bool:
        """Whether it names a folder of files by its ending."""
        return self.kind == "file" and self.path.endswith("/")

    @property
    def glob(self) -> bool:
        return self.kind == "file" and any(sign in self.path for sign in "*?[")

    def with_table(self, table: str | None) -> Address:
        """The same with a table named apart; naming it twice differently raises UserError."""
        if table is None:
            return self
        if self.kind != "table":
            raise UserError(f"{self.text} is not a database, so it has no table {table!r}")
        if self.table not in (None, table):
            raise UserError(f"{self.text} names the table {self.table!r} already, not {table!r}")
        return replace(self, table=table)

    def __str__(self) -> str:
        return self.text


def parse(text: str, connections: Mapping[str, str] | None = None) -> Address:
    """The address that `text` names. A word before `#` that is a key of `connections` stands for that address.

    Raises UserError for an unknown scheme.
    """
    if not text:
        raise UserError("an address is empty", todo="name a file, a folder, a database table, or - for standard input")
    if text == "-":
        return Address(text, "file", "-", "-")
    found = _SCHEME.match(text)
    if found is None:
        head, sign, rest = text.partition("#")
        if connections and head in connections and (sign or head == text):
            meant = parse(connections[head])
            if meant.kind == "file":
                joined = meant.path.rstrip("/") + "/" + rest if rest else meant.path
                return replace(meant, text=text, path=joined)
            return replace(meant, text=text, table=rest or meant.table)
        return Address(text, "file", "file", text)
    scheme, library = found.group(1).lower(), found.group(2)
    rest = text[found.end() :]
    if scheme == "file":
        return Address(text, "file", "file", unquote(rest.removeprefix("localhost")), library=library)
    from towpath import registry

    registry.find("database", scheme)
    rest, _, table = rest.partition("#")
    host, _, path = rest.partition("/")
    if host:
        raise UserError(
            f"{text}: {scheme} is a file on this machine and has no host {host!r}",
            todo=f"write {scheme}:///{rest} (three slashes: relative; four: absolute)",
        )
    return Address(text, "table", scheme, unquote(path), unquote(table) or None, library)


def rooted(text: str, folder: str, connections: Mapping[str, str] | None = None) -> str:
    """The address with a relative local path joined to `folder`; others (absolute, `-`, a connection) as they are."""
    at = parse(text, connections)
    named = connections is not None and text.partition("#")[0] in connections
    if folder == "." or text == "-" or named or os.path.isabs(at.path):
        return text
    if at.kind == "file":
        return os.path.join(folder, at.path)
    if at.path in ("", ":memory:"):
        return text
    scheme, _, rest = text.partition("://")
    return f"{scheme}:///{quote(folder)}/{rest.removeprefix('/')}"
