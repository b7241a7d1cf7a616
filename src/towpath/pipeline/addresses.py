"""The addresses of a tow.yaml: relative paths start from its folder, `${env:X}` is read when a step uses it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from towpath import address
from towpath.errors import UserError

_REFERENCE = re.compile(r"\$\{([^}]*)\}")


def resolve(text: str, where: str) -> str:
    """The address with every `${env:NAME}` replaced. Raises UserError at `where` for one that is not set."""

    def value(found: re.Match[str]) -> str:
        kind, _, name = found[1].partition(":")
        if kind != "env":
            raise UserError(f"{found[0]} is no reference", where=where, todo="write ${env:NAME}")
        if name not in os.environ:
            raise UserError(f"the environment variable {name} is not set", where=where, todo=f"export {name}=...")
        return os.environ[name]

    return _REFERENCE.sub(value, text)


def rooted(text: str, folder: Path, connections: dict[str, str]) -> str:
    """The address with a relative local path joined to `folder`; others (absolute, `-`, a connection) as they are."""
    at = address.parse(text, connections)
    if at.text != text or text == "-" or text.partition("#")[0] in connections or _in_memory(at):
        return text
    if os.path.isabs(at.path):
        return text
    if at.kind == "table":
        scheme, _, rest = text.partition("://")
        return f"{scheme}:///{quote(str(folder))}/{rest.removeprefix('/')}"
    return os.path.join(folder, at.path)


def _in_memory(at: address.Address) -> bool:
    return at.kind == "table" and at.path in ("", ":memory:")
