"""Secrets that stand plainly where a reference should: accepted, with a warning, and hidden wherever jobs are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from towpath import url
from towpath.errors import UserError
from towpath.secrets import redact
from towpath.secrets.references import has_reference
from towpath.secrets.secret import named_secret

_BETTER = "write ${env:NAME}, or keep it with `tow secrets set service/user` and write ${keyring:service/user}"

_told: set[str] = set()


def warn(what: str) -> None:
    """Tells once that a secret is written plainly, and what to write instead."""
    if what not in _told:
        _told.add(what)
        import logging

        logging.getLogger("towpath.secrets").warning("%s is written plainly, for others to see: %s", what, _BETTER)


@contextmanager
def untold() -> Iterator[None]:
    """Without those warnings: for who tells of plain secrets by their places."""
    import logging

    logger = logging.getLogger("towpath.secrets")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def refuse_hidden(value: str, what: str) -> None:
    """Raises UserError for the `***` that stands for a secret where a job was kept."""
    if value == redact.HIDDEN:
        raise UserError(
            f"{what} is {redact.HIDDEN}: it was written plainly, so it was not kept",
            todo="write ${env:NAME} in its place",
            code="secret-hidden",
        )


def note(arguments: Iterable[str]) -> None:
    """Makes the secrets known that a command line holds plainly: passwords in addresses, options by their names."""
    for argument in arguments:
        for secret in url.plain_secrets(argument):
            redact.known(secret, "a secret of the command line")
        if argument.startswith("--"):
            argument = argument.partition("=")[2]
        name, sign, value = argument.partition("=")
        if sign and "://" not in name and named_secret(name) and not has_reference(value):
            redact.known(value, f"the option {name}")


def hidden(job: Mapping[str, Any]) -> dict[str, Any]:
    """A job's JSON form with `***` for secrets that stand there plainly; references stay."""

    def place(one: Mapping[str, Any]) -> dict[str, Any]:
        return {**one, "address": url.shown(one["address"]), "options": _options(one["options"])}

    return {
        **job,
        "inputs": {name: place(one) for name, one in job["inputs"].items()},
        "to": place(job["to"]),
        "connections": {name: url.shown(text) for name, text in job["connections"].items()},
    }


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _hidden_option(name, value) for name, value in options.items()}


def _hidden_option(name: str, value: Any) -> Any:
    if not named_secret(name) or value is None or (isinstance(value, str) and has_reference(value)):
        return value
    return redact.HIDDEN
