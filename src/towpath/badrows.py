"""Rows that cannot be read, converted or validated: kept with their place and reason, or the reason to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from towpath.errors import DataError
from towpath.stream import Place


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row set aside: where it stood, which column and value were wrong, and why.

    `place.raw` holds the record's own bytes when the reader still had them; otherwise `row` holds its values, as the
    text forms of `towpath.values.textform` by column name. `edge` says where it was met: read, rules or write.
    """

    place: Place
    reason: str
    column: str | None = None
    value: str | None = None
    row: dict[str, Any] | None = None
    edge: str = "read"

    def error(self) -> DataError:
        shown = "" if self.value is None else f" ({shorten(self.value)!r})"
        column = "" if self.column is None else f"column {self.column}{shown}: "
        return DataError(
            f"{column}{self.reason}",
            where=str(self.place),
            todo="nothing was published; correct the row, or keep such rows aside with --bad-rows DIR",
        )


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
