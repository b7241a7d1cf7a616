"""Servers that are not the lab's: an address in the environment is used as it is, never started or stopped."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from towpath import url
from towpath.errors import Refused, UserError
from towpath.lab.recipe import Access, NotReady, Recipe
from towpath.lab.server import Facts, Server
from towpath.secrets.secret import Secret, named_secret


def variable(name: str) -> str:
    """The variable whose value is the address of such a server."""
    return f"TOWPATH_LAB_{name.upper()}"


def server(name: str, recipe: Recipe) -> Server | None:
    """The server that the environment names; None when it names none. Raises Refused when it does not answer."""
    given = os.environ.get(variable(name), "")
    if not given:
        return None
    parts = url.split(given)
    if parts is None or not parts.host:
        raise UserError(f"{variable(name)} is no address with a host", where=given, code="address-wrong")
    pairs = {key: value or "" for key, value in parts.pairs()}
    options = {key: Secret(value, key) if named_secret(key) else value for key, value in pairs.items()}
    host, port = _place(parts, pairs.get("endpoint"), recipe)
    password = None if parts.password is None else Secret(url.decoded(parts.password), f"the password of {name}")
    facts = Facts(name, recipe.program, None, _version(name, given, recipe, host, port), f"named by {variable(name)}")
    return Server(facts, Access(given, "", options), host, port, url.decoded(parts.user or ""), password)


def _place(parts: url.Url, endpoint: str | None, recipe: Recipe) -> tuple[str, int]:
    """Host and port: an object store's are in its endpoint."""
    if endpoint is None:
        return parts.host.strip("[]"), int(parts.port or recipe.usual_port)
    there = urlsplit(endpoint)
    return there.hostname or "", there.port or recipe.usual_port


def _version(name: str, given: str, recipe: Recipe, host: str, port: int) -> str:
    try:
        return recipe.answers(host, port)
    except (NotReady, OSError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise Refused(
            f"{variable(name)} names a server that does not answer: {why}",
            where=url.shown(given),
            todo=f"start it, or unset {variable(name)}: the lab then starts one of its own",
            code="server-silent",
        ) from error
