"""The type of a secret in memory: it shows itself to nobody who does not ask."""

from __future__ import annotations


class Secret:
    """A secret value. `str`, `repr`, formatting, JSON and pickling never give it; `reveal` does, and is called at the
    last moment, where a library needs it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
