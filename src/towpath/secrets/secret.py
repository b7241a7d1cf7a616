"""The type of a secret in memory: it shows itself to nobody who does not ask."""

from __future__ import annotations

import re
from typing import Any

from towpath.secrets import redact

_NAME = re.compile(r"pass(?!file)|pwd|secret|token|credential|signature|^sig$|api_?key|[_-]key$", re.IGNORECASE)


class Secret:
    """A secret value. `str`, `repr`, formatting, JSON and pickling never give it; `reveal` does, and is called at the
    last moment, where a library needs it. From its making on the value is taken out of everything that is shown. `name`
    is what a warning calls it."""

    __slots__ = ("_value",)

    def __init__(self, value: str, name: str = "a secret") -> None:
        self._value = value
        redact.known(value, name)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __deepcopy__(self, memo: Any) -> Secret:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def named_secret(name: str) -> bool:
    """Whether an option of this name holds a secret. Every option of the type Secret has such a name."""
    return _NAME.search(name) is not None
