"""References in addresses and options: `${env:NAME}` stands for the value, and is replaced where the value is used."""

from __future__ import annotations

import os
import re

from towpath.errors import UserError

_REFERENCE = re.compile(r"\$\{([^}]*)\}")


def resolve(text: str, where: str = "") -> str:
    """The text with every reference replaced. Raises UserError at `where` for one that is not set."""

    def value(found: re.Match[str]) -> str:
        kind, _, name = found[1].partition(":")
        if kind != "env":
            raise UserError(f"{found[0]} is no reference", where=where, todo="write ${env:NAME}")
        if name not in os.environ:
            raise UserError(f"the environment variable {name} is not set", where=where, todo=f"export {name}=...")
        return os.environ[name]

    return _REFERENCE.sub(value, text)
