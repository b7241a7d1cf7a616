"""Rows that cannot be read, converted or validated: kept with their place and reason, or the reason to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from towpath.errors import DataError
from towpath.stream import Place

_CODES = {"cast": "cast-inexact", "rows_as": "type-violated", "rules": "rule-broken", "write": "value-refused"}
_CURES = {
    "cast-inexact": "correct the row, cast to a wider type",
    "text-undecodable": "name the encoding (--from-opt encoding=latin-1)",
    "type-violated": "correct the row, choose another type (--types)",
    "value-refused": "correct the row, filter it out (--where), allow the column to lose it (--allow-lossy)",
}


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row set aside: where it stood, which column and value were wrong, and why.

    `place.raw` holds the record's own bytes when the reader still had them; otherwise `row` holds its values, as the
    text forms of `towpath.values.textform` by column name. `edge` says where it was met: read, cast, rules or write.
    `code` is the error's, where the edge alone does not tell it.
    """

    place: Place
    reason: str
    column: str | None = None
    value: str | None = None
    row: dict[str, Any] | None = None
    edge: str = "read"
    code: str = ""

    def error(self) -> DataError:
        shown = "" if self.value is None else f" ({shorten(self.value)!r})"
        column = "" if self.column is None else f"column {self.column}{shown}: "
        code = self.code or _CODES.get(self.edge) or ("record-malformed" if self.column is None else "type-violated")
        return DataError(
            f"{column}{self.reason}{self._record()}",
            where=str(self.place),
            todo=f"nothing was published; {_CURES.get(code, 'correct the row')}, "
            "or keep such rows aside with --bad-rows DIR",
            code=code,
        )

    def _record(self) -> str:
        """The record itself, where the fault is no one column's."""
        if self.column is not None or not self.place.raw:
            return ""
        return f": {shorten(self.place.raw.decode('utf-8', 'backslashreplace').rstrip())}"


def shorten(value: str, most: int = 80) -> str:
    """The value, cut to at most `most` characters for a message."""
    return value if len(value) <= most else value[: most - 1] + "…"


class BadRows(Protocol):
    """Where bad rows go. `add` is called in the order of the source, from one thread."""

    def add(self, bad: BadRow) -> None: ...


class StopAtFirst:
    """The default: the first bad row stops the load."""

    def add(self, bad: BadRow) -> None:
        raise bad.error()
