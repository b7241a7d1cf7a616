"""Rows that cannot be read, converted or validated: kept with their place and reason, or the reason to stop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from towpath.errors import DataError, UserError
from towpath.stream import Place

_MOST = re.compile(r"([0-9]+)|([0-9]+(?:\.[0-9]+)?)\s*%")

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

    `place.raw` holds the record's own bytes when the reader still had them; `row` the values of one that was read, as
    the text forms of `towpath.values.textform` by column name. `edge` says where it was met: read, cast, rules or
    write. `code` is the error's, where the edge alone does not tell it.
    """

    place: Place
    reason: str
    column: str | None = None
    value: str | None = None
    row: dict[str, Any] | None = None
    edge: str = "read"
    code: str = ""

    def told(self) -> str:
        """Place, column, value and reason in one line."""
        return f"{self.place}: {self._what()}"

    def _what(self) -> str:
        shown = "" if self.value is None else f" ({shorten(self.value)!r})"
        column = "" if self.column is None else f"column {self.column}{shown}: "
        return f"{column}{self.reason}{self._record()}"

    def error(self) -> DataError:
        code = self.code or _CODES.get(self.edge) or ("record-malformed" if self.column is None else "type-violated")
        return DataError(
            self._what(),
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


@dataclass(frozen=True, slots=True)
class MostBad:
    """How many rows of one load may be bad: `rows`, or `percent` (0 to 100) of the rows read."""

    rows: int | None = None
    percent: Decimal | None = None

    @staticmethod
    def parse(text: str | int, what: str = "") -> MostBad:
        """Of `100` or `0.5%`. Raises UserError at `what` for anything else."""
        found = None if isinstance(text, bool) else _MOST.fullmatch(str(text).strip())
        most = MostBad() if found is None else MostBad.of(found[1], found[2])
        if most == MostBad() or (most.percent or 0) > 100:
            raise UserError(
                f"{text!r} is no number of bad rows",
                where=what,
                todo="write a number such as 100, or a share of the rows read such as 0.5%",
                code="option-wrong",
            )
        return most

    @staticmethod
    def of(rows: str | None, percent: str | None) -> MostBad:
        return MostBad(None if rows is None else int(rows), None if percent is None else Decimal(percent))

    def __str__(self) -> str:
        return f"{self.rows:,}" if self.percent is None else f"{self.percent.normalize():f}% of the rows read"

    def passed(self, bad: int, read: int | None = None) -> bool:
        """Whether so many bad rows are too many for sure; a share is judged when it is known how many rows were read
        in all."""
        if self.percent is None:
            return self.rows is not None and bad > self.rows
        return bad > 0 and (self.percent == 0 if read is None else bad * 100 > self.percent * read)


class BadRows(Protocol):
    """Where bad rows go. `add` is called in the order of the source, from one thread."""

    def add(self, bad: BadRow) -> None: ...


class StopAtFirst:
    """The default: the first bad row stops the load."""

    def add(self, bad: BadRow) -> None:
        raise bad.error()
