"""Options as typed keyword arguments: read from a constructor's signature, which is their only definition."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from towpath.errors import UserError
from towpath.secrets import plain
from towpath.secrets.secret import Secret

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", tuple: "a list"}
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the most similar known name, or an empty string."""
    names = list(known)
    close = [one for one in names if one.casefold() == name.casefold()]
    close = close or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def build(made: type[Any], options: Mapping[str, Any], shown: str) -> Any:
    """`made(**options)` with each string read by its parameter's annotation (bool, int, float, tuple of strings parted
    by commas, Secret, or str, which goes before a tuple). A secret that is written plainly is told in a warning. Raises
    UserError for an unknown option or a wrong kind of value."""
    hints = typing.get_type_hints(made.__init__)
    known = list(inspect.signature(made).parameters)
    values = {}
    for name, value in options.items():
        key = name.replace("-", "_")
        if key not in known:
            raise UserError(
                f"{shown} has no option {name!r}{nearest(key, known)}",
                todo=f"its options: {', '.join(known) or 'none'}",
                code="option-unknown",
            )
        if key in values:
            raise UserError(f"option {name} of {shown} is given twice", todo="write it once", code="option-wrong")
        values[key] = _read(value, hints.get(key, str), f"option {name} of {shown}")
    return made(**values)


def _read(value: Any, hint: Any, shown: str) -> Any:
    kinds = set(typing.get_args(hint)) if isinstance(hint, types.UnionType) else {hint}
    accepted = {typing.get_origin(kind) or kind for kind in kinds} - {type(None)}
    if Secret in kinds:
        return _secret(value, shown)
    if isinstance(value, Secret):
        value = value.reveal()  # a reference may stand for any option, and not all are secrets
    if tuple in accepted:
        if isinstance(value, str):
            return value if str in accepted else tuple(value.split(","))
        if value is None and type(None) in kinds:
            return None
        if isinstance(value, Mapping) and str in accepted:
            return tuple(f"{name}={_word(one, shown)}" for name, one in value.items())
        return tuple(_word(one, shown) for one in (value if isinstance(value, (list, tuple)) else (value,)))
    if not isinstance(value, str):
        if any(isinstance(kind, type) and isinstance(value, kind) for kind in accepted):
            return value
        if float in accepted and isinstance(value, int):
            return float(value)
        raise UserError(f"{shown} takes {_names(accepted)}, not {value!r}", code="option-wrong")
    try:
        if bool in accepted and str not in accepted:
            return _WORDS[value.lower()]
        for kind in (int, float):
            if kind in accepted and str not in accepted:
                return kind(value)
    except (KeyError, ValueError):
        raise UserError(f"{shown} takes {_names(accepted)}, not {value!r}", code="option-wrong") from None
    return value


def _word(value: Any, shown: str) -> str:
    """A word of a list, as it was written: YAML has made values of `true` and of `3`."""
    if value is None or isinstance(value, (Mapping, list, tuple)):
        raise UserError(
            f"{shown} takes words, not {'null' if value is None else value!r}",
            todo="put each word in quotes",
            code="option-wrong",
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


def _secret(value: Any, shown: str) -> Secret | None:
    if value is None or isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise UserError(f"{shown} takes text", todo="put it in quotes", code="option-wrong")
    plain.refuse_hidden(value, shown)
    plain.warn(shown)
    return Secret(value, shown)


def _names(kinds: set[Any]) -> str:
    return " or ".join(sorted(_KINDS.get(kind, getattr(kind, "__name__", str(kind))) for kind in kinds))
