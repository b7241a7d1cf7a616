"""Options as typed keyword arguments: read from a constructor's signature, which is their only definition."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from towpath.errors import UserError

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the most similar known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def build(made: type[Any], options: Mapping[str, Any], shown: str) -> Any:
    """`made(**options)` with each string read by its parameter's annotation (bool, int, float, tuple of strings parted
    by commas, or str). Raises UserError for an unknown option or a value of the wrong kind."""
    hints = typing.get_type_hints(made.__init__)
    known = list(inspect.signature(made).parameters)
    values = {}
    for name, value in options.items():
        key = name.replace("-", "_")
        if key not in known:
            raise UserError(
                f"{shown} has no option {name!r}{nearest(key, known)}",
                todo=f"its options: {', '.join(known) or 'none'}",
            )
        values[key] = _read(value, hints.get(key, str), f"option {name} of {shown}")
    return made(**values)


def _read(value: Any, hint: Any, shown: str) -> Any:
    kinds = set(typing.get_args(hint)) if isinstance(hint, types.UnionType) else {hint}
    plain = {typing.get_origin(kind) or kind for kind in kinds} - {type(None)}
    if tuple in plain:
        if isinstance(value, str):
            return tuple(value.split(","))
        return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else (str(value),)
    if not isinstance(value, str):
        if any(isinstance(kind, type) and isinstance(value, kind) for kind in plain):
            return value
        if float in plain and isinstance(value, int):
            return float(value)
        raise UserError(f"{shown} takes {_names(plain)}, not {value!r}")
    try:
        if bool in plain and str not in plain:
            return _WORDS[value.lower()]
        for kind in (int, float):
            if kind in plain and str not in plain:
                return kind(value)
    except (KeyError, ValueError):
        raise UserError(f"{shown} takes {_names(plain)}, not {value!r}") from None
    return value


def _names(kinds: set[Any]) -> str:
    return " or ".join(sorted(getattr(kind, "__name__", str(kind)) for kind in kinds))
