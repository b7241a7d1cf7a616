"""The parts of a URL, as SQLAlchemy and libpq part it, and how it is shown: never with a secret.

    scheme+library://user:password@host:port/path?name=value&name=value#table

Each part may be percent-encoded; a host in brackets is an IPv6 address; several hosts are parted by commas. References
(`${keyring:service/user}`) may stand in any part, with signs that would part it otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote

from towpath.secrets.redact import HIDDEN
from towpath.secrets.secret import named_secret

SCHEME = re.compile(r"^([a-z][a-z0-9]*)(?:\+([a-z0-9_]+))?://", re.IGNORECASE)
_REFERENCE = re.compile(r"(?<!\$)\$\{[^}]*\}")
_HELD = re.compile("\0([0-9]+)\0")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Url:
    """The parts as they stand in the text, percent-encoded still. `rest` is all of it behind the `@`, or all."""

    user: str | None
    password: str | None
    host: str
    port: str | None
    path: str
    query: tuple[str, ...] | None
    fragment: str | None
    rest: str

    @property
    def torn(self) -> bool:
        """Whether the password seems to hold a plain `/`, `?` or `#`, where the host would end."""
        ported = self.port is not None or self.rest.startswith(f"{self.host}:")
        if self.password is not None or not ported or "@" not in self.rest:
            return False
        behind = (
            self.path,
            self.fragment or "",
            *(pair for pair in self.query or () if "=" not in pair.partition("@")[0]),
        )
        return not self.has_port or any("@" in part for part in behind)

    @property
    def has_port(self) -> bool:
        """Whether the port is one, or a reference."""
        return self.port is not None and (self.port.isdecimal() or _REFERENCE.search(self.port) is not None)

    def pairs(self) -> list[tuple[str, str | None]]:
        """The names and values of the query, decoded; None for a name without `=`. A `+` is a plus."""
        found = []
        for pair in self.query or ():
            name, sign, value = pair.partition("=")
            if pair:
                found.append((decoded(name), decoded(value) if sign else None))
        return found


def split(text: str) -> Url | None:
    """The parts of a URL; None when there is no `scheme://`."""
    scheme = SCHEME.match(text)
    if scheme is None:
        return None
    references = _REFERENCE.findall(text)
    numbers = iter(range(len(references)))
    held = _REFERENCE.sub(lambda _: f"\0{next(numbers)}\0", text[scheme.end() :])
    authority = re.split("[/?#]", held, maxsplit=1)[0]
    behind, sign, table = held[len(authority) :].partition("#")
    path, mark, query = behind.partition("?")
    userinfo, at, hostport = authority.rpartition("@")
    user, colon, password = userinfo.partition(":")
    hosts = None if "," in hostport else _HOST.fullmatch(hostport)
    host, port = (hosts[1], hosts[2]) if hosts else (hostport, None)
    made = Url(
        user if at else None,
        password if colon else None,
        host,
        port or None,
        path,
        tuple(query.split("&")) if mark else None,
        table if sign else None,
        held[len(userinfo) + len(at) :],
    )
    return replace(made, **{one.name: _restored(getattr(made, one.name), references) for one in fields(made)})


def decoded(part: str) -> str:
    """A part with its percent-encoding taken away, but not that of references in it."""
    between = map(unquote, _REFERENCE.split(part))
    pairs = zip_longest(between, _REFERENCE.findall(part), fillvalue="")
    return "".join(plain + reference for plain, reference in pairs)


def shown(text: str) -> str:
    """The text with `***` for a password, and for options that are secrets by their names; references stay."""
    url, scheme = split(text), SCHEME.match(text)
    if url is None or scheme is None:
        return text
    if url.torn:
        return f"{scheme[0]}{HIDDEN}@{text.rpartition('@')[2]}"
    login = url.user or ""
    if url.password is not None:
        login += f":{_hidden(url.password)}"
    port = "" if url.port is None else f":{url.port if url.has_port else HIDDEN}"
    query = "" if url.query is None else f"?{'&'.join(map(_shown_pair, url.query))}"
    table = "" if url.fragment is None else f"#{url.fragment}"
    return f"{scheme[0]}{login}{'@' if url.user is not None else ''}{url.host}{port}{url.path}{query}{table}"


def plain_password(text: str) -> bool:
    """Whether a password stands in a URL plainly."""
    url = split(text)
    return url is not None and (url.torn or (bool(url.password) and not _REFERENCE.search(url.password or "")))


def plain_secrets(text: str) -> list[str]:
    """The secrets that stand in a URL plainly."""
    url = split(text)
    if url is None:
        return []
    if url.torn:
        return [text.partition("://")[2].rpartition("@")[0].partition(":")[2]]
    found = [] if url.password is None else [url.password]
    found += [value for name, value in url.pairs() if value and named_secret(name)]
    return [decoded(one) for one in found if one and _REFERENCE.search(one) is None]


def _hidden(value: str) -> str:
    return value if not value or _REFERENCE.search(value) else HIDDEN


def _shown_pair(pair: str) -> str:
    name, sign, value = pair.partition("=")
    return f"{name}{sign}{_hidden(value) if named_secret(decoded(name)) else value}"


def _restored(part: Any, references: list[str]) -> Any:
    if isinstance(part, tuple):
        return tuple(_restored(one, references) for one in part)
    return None if part is None else _HELD.sub(lambda found: references[int(found[1])], part)
