"""References to secrets in addresses and option values, replaced at the last moment, where a part is built.

    ${env:NAME}              an environment variable, else the NAME of the file `.env` in the job's folder
    ${keyring:service/user}  what `tow secrets set service/user` keeps
    ${file:path}             the content of a file, less its last newline; relative to the job's folder

`$${` writes `${`. There are no defaults: what cannot be resolved is an error. Whatever a reference stood for is taken
out of all that is shown from then on (`towpath.secrets.redact`), secret or not: what may be shown belongs into `vars`
of a tow.yaml.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from towpath.errors import UserError
from towpath.secrets import redact
from towpath.secrets.secret import Secret

PATTERN = re.compile(r"\$\$\{|\$\{([^}]*)\}")
_URL = re.compile(r"^[a-z][a-z0-9+_]*://", re.IGNORECASE)
_TODO = "write ${env:NAME}, ${keyring:service/user} or ${file:path}"


def has_reference(text: str) -> bool:
    return any(found[1] is not None for found in PATTERN.finditer(text))


def resolve(text: str, where: str = "", folder: str = ".") -> str:
    """The text with every reference replaced; within a URL percent-encoded, so that a value may have any sign. Raises
    UserError at `where` for one that cannot be resolved."""
    within_url = _URL.match(text) is not None

    def value(found: re.Match[str]) -> str:
        plain = _known(found, where, folder)
        return quote(plain, safe="") if within_url else plain

    return PATTERN.sub(value, text)


def resolve_options(options: Mapping[str, Any], folder: str = ".", where: str = "") -> dict[str, Any]:
    """Option values with their references replaced: a text that has one becomes a Secret."""

    def resolved(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [resolved(one) for one in value]
        if not isinstance(value, str):
            return value
        made = PATTERN.sub(lambda found: _known(found, where, folder), value)
        return Secret(made, value) if has_reference(value) else made

    return {name: resolved(value) for name, value in options.items()}


def _known(found: re.Match[str], where: str, folder: str) -> str:
    if found[1] is None:
        return "${"
    plain = _value(found, where, folder)
    redact.known(plain, found[0])
    return plain


def _value(found: re.Match[str], where: str, folder: str) -> str:
    kind, _, name = found[1].partition(":")
    if kind == "env" and name:
        return _env(name, where, folder)
    if kind == "keyring" and name:
        return _keyring(name, where)
    if kind == "file" and name:
        return _file(name, where, folder)
    raise UserError(f"{found[0]} is no reference", where=where, todo=_TODO, code="reference-wrong")


def _env(name: str, where: str, folder: str) -> str:
    from towpath.secrets import dotenv_file

    set_there = dotenv_file.read(Path(folder) / ".env")
    value = os.environ.get(name, set_there.get(name))
    if value is None:
        raise UserError(
            f"the environment variable {name} is not set",
            where=where,
            todo=f"export {name}=..., or write {name}=... into {Path(folder) / '.env'}",
            code="reference-unset",
        )
    return value


def _keyring(name: str, where: str) -> str:
    from towpath.secrets import vault

    opened = vault.opened()
    value = opened.get(name)
    if value is None:
        raise UserError(
            f"there is no secret {name!r} in {opened.place}",
            where=where,
            todo=f"tow secrets set {name}",
            code="reference-unset",
        )
    return value


def _file(name: str, where: str, folder: str) -> str:
    path = Path(folder) / name
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UserError(
            f"${{file:{name}}} cannot be read: {path}: {reason}",
            where=where,
            todo="write the secret into that file, readable by you alone",
            code="reference-unset",
        ) from error
    return text.removesuffix("\n").removesuffix("\r")
