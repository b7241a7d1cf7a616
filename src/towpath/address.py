"""One string names any dataset, in the habits that people have: paths, and SQLAlchemy's and fsspec's URLs.

    orders.csv   data/**/*.jsonl.zst   out/   -   duckdb:///shop.db#orders   sqlite:////abs/shop.db#orders
    s3://bucket/2026/*.parquet   postgresql://user@host/shop#public.orders   kafka://host:9092#orders
    warehouse#orders    (`warehouse` being a named connection)

A local path is never parsed as a URL: `#`, `?` and `%` are legal in names. In a URL `%23`, `%3F` and `%25` stand for
them, and the part after `?` holds options of the database: `duckdb:///shop.db?memory=100000000#orders`. A server's
address may have `user:password@host:port`; `url.py` says how it is parted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from towpath import url
from towpath.errors import UserError
from towpath.secrets.secret import Secret
from towpath.url import SCHEME, decoded, shown

_EMBEDDED = ("duckdb", "sqlite")
_ALIASES = {"mysql": "mariadb", "postgres": "postgresql"}
"""Other names of schemes, as libpq and SQLAlchemy take them."""
_MOST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """`kind` is "file", "table" or "topic". For a file `path` is the store's path (`bucket/key`); for a table it is the
    database's (a file for embedded ones). `table` is the table's or topic's name, which an option may still give.
    `library` names a chosen adapter. `user` to `port` are a server's, `options` what stood after `?`. `text` is the
    address as it is shown: without secrets."""

    text: str
    kind: str
    scheme: str
    path: str
    table: str | None = None
    library: str | None = None
    user: str | None = None
    password: Secret | None = None
    host: str | None = None
    port: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> bool:
        """Whether it names a folder of files by its ending."""
        return self.kind == "file" and self.path.endswith("/")

    @property
    def local(self) -> bool:
        """Whether its path is one of this machine's disks."""
        return self.scheme == "file" or self.scheme in _EMBEDDED

    @property
    def glob(self) -> bool:
        return self.kind == "file" and any(sign in self.path for sign in "*?[")

    def with_table(self, table: str | None) -> Address:
        """The same with a table named apart; naming it twice differently raises UserError."""
        if table is None:
            return self
        if self.kind == "file":
            raise UserError(
                f"{self.text} is not a database, so it has no table {table!r}",
                todo="leave --table (of the destination: --to-table) out",
                code="address-wrong",
            )
        if self.table not in (None, table):
            raise UserError(
                f"{self.text} names the table {self.table!r} already, not {table!r}",
                todo="name the table once",
                code="address-wrong",
            )
        text = self.text if self.table == table else f"{self.text.rstrip('#')}#{table}"
        return replace(self, table=table, text=text)

    def __str__(self) -> str:
        return self.text


def parse(text: str, connections: Mapping[str, str] | None = None) -> Address:
    """The address that `text` names. A word before `#` that is a key of `connections` stands for that address.

    Raises UserError for an unknown scheme.
    """
    if not text:
        raise UserError(
            "an address is empty",
            todo="name a file, a folder, a database table, or - for standard input",
            code="address-wrong",
        )
    if text == "-":
        return Address(text, "file", "-", "-")
    found = SCHEME.match(text)
    if found is None:
        head, sign, rest = text.partition("#")
        if connections and head in connections and (sign or head == text):
            meant = parse(connections[head])
            if meant.kind == "file":
                joined = meant.path.rstrip("/") + "/" + rest if rest else meant.path
                return replace(meant, text=text, path=joined)
            return replace(meant, text=text, table=rest or meant.table)
        return Address(text, "file", "file", text)
    scheme, library = _scheme(found.group(1)), found.group(2)
    if scheme == "file":
        path = unquote(text[found.end() :].removeprefix("localhost"))
        return Address(text, "file", "file", path, library=library)
    from towpath import registry

    seam = registry.seam_of(scheme)
    at = server(text)
    if seam == "store":
        if at.table is not None:
            raise _wrong(text, "a file has no table behind #", "a # within a name is written %23")
        path = f"{at.host or ''}/{at.path}"
        return replace(at, kind="file", path=path, host=None)
    if seam == "queue":
        return replace(at, kind="topic")
    if scheme in _EMBEDDED and (at.host or at.user or at.password or at.port):
        path = "/".join(part for part in (at.host, at.path) if part)
        raise UserError(
            f"{at}: {scheme} is a file on this machine and has no host {at.host!r}",
            todo=f"write {scheme}:///{path} (three slashes: relative; four: absolute)",
            code="address-wrong",
        )
    return at


def server(text: str) -> Address:
    """The parts of a `scheme://user:password@host:port/path?name=value#table`, whether or not there is an adapter for
    the scheme. Raises UserError, which never shows a password."""
    found, parts = SCHEME.match(text), url.split(text)
    if found is None or parts is None:
        raise UserError(f"{text} is no URL", todo="write scheme://user@host:port/database#table", code="address-wrong")
    if parts.torn:
        what = "what stands before @ has a sign that ends it"
        raise _wrong(text, what, "percent-encode it: / is %2F, ? is %3F, # is %23; or write ${env:NAME}")
    return Address(
        shown(text),
        "table",
        _scheme(found.group(1)),
        decoded(parts.path.removeprefix("/")),
        decoded(parts.fragment or "") or None,
        found.group(2),
        decoded(parts.user or "") or None,
        Secret(decoded(parts.password), f"the password of {shown(text)}") if parts.password else None,
        decoded(parts.host.removeprefix("[").removesuffix("]")) or None,
        _port(text, parts),
        _options(text, parts),
    )


def _scheme(written: str) -> str:
    name = written.lower()
    return _ALIASES.get(name, name)


def _port(text: str, parts: url.Url) -> int | None:
    if parts.port is None or "${" in parts.port:
        return None
    if not parts.has_port or int(parts.port) > _MOST_PORT:
        todo = f"a port is a number up to {_MOST_PORT}; a : in a user's name is written %3A"
        raise _wrong(text, "what stands behind the host and : is no port", todo)
    return int(parts.port)


def _options(text: str, parts: url.Url) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parts.pairs():
        if value is None:
            raise _wrong(text, "what stands after ? is not NAME=VALUE", "a ? within a name is written %3F")
        if name in found:
            raise _wrong(text, f"the option {name!r} stands twice", "write it once")
        found[name] = value
    return found


def _wrong(text: str, what: str, todo: str) -> UserError:
    return UserError(what, where=shown(text), todo=todo, code="address-wrong")


def rooted(text: str, folder: str, connections: Mapping[str, str] | None = None) -> str:
    """The address with a relative local path joined to `folder`; others (absolute, `-`, a connection) as they are."""
    at = parse(text, connections)
    named = connections is not None and text.partition("#")[0] in connections
    if folder == "." or text == "-" or named or os.path.isabs(at.path):
        return text
    if at.kind == "file" and at.scheme == "file":
        return os.path.join(folder, at.path)
    if at.scheme not in _EMBEDDED or at.path in ("", ":memory:"):
        return text
    scheme, _, rest = text.partition("://")
    return f"{scheme}:///{quote(folder)}/{rest.removeprefix('/')}"


def unnamed(path: str) -> str:
    """`; no connection is named 'shop'` for a path such as `shop#orders`, of which no file was found; else nothing."""
    found = re.fullmatch(r"([\w.-]+)#.*", os.path.basename(path))
    return f"; no connection is named {found[1]!r}" if found else ""


def below(path: str, folder: str) -> str:
    """A path as seen from `folder` when it lies below it, so that both may be moved together; others as they are."""
    return path if folder == "." else path.removeprefix(folder.rstrip(os.sep) + os.sep)
