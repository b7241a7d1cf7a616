"""The books: rows counted on both sides of every edge between two parts, and the equation that they owe."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from towpath.badrows import BadRow, BadRows
from towpath.errors import BooksDoNotBalance


@dataclass(slots=True)
class Edge:
    """One crossing. Each number is counted where the rows pass, none is worked out from the others.

    Row-wise edges owe given = accepted + filtered + aside; others (SQL that groups, a Python step) only report."""

    name: str
    given: int = 0
    accepted: int = 0
    filtered: int = 0
    aside: int = 0
    row_wise: bool = True

    def balanced(self) -> bool:
        return not self.row_wise or self.given == self.accepted + self.filtered + self.aside

    def line(self) -> str:
        parts = [f"{self.accepted:,} accepted"]
        if self.filtered:
            parts.append(f"{self.filtered:,} filtered")
        if self.aside:
            parts.append(f"{self.aside:,} set aside")
        sign = "=" if self.row_wise else "->"
        return f"{self.name:<8} {self.given:,} given {sign} {' + '.join(parts)}"


@dataclass(slots=True)
class Books:
    """All edges of a run, in the order in which rows cross them."""

    edges: list[Edge] = field(default_factory=list)

    def edge(self, name: str, *, row_wise: bool = True) -> Edge:
        """A new edge behind those that are there."""
        made = Edge(name, row_wise=row_wise)
        self.edges.append(made)
        return made

    def check(self) -> None:
        """Raises BooksDoNotBalance for the first edge whose equation fails, or where a part got other than what the
        part before it gave."""
        for edge in self.edges:
            if not edge.balanced():
                raise BooksDoNotBalance(f"the books do not balance: {edge.line()}", todo=_DEFECT)
        for before, after in zip(self.edges, self.edges[1:], strict=False):
            if before.accepted != after.given:
                raise BooksDoNotBalance(
                    f"the books do not balance: {before.name} gave {before.accepted:,} rows on, "
                    f"{after.name} was given {after.given:,}",
                    todo=_DEFECT,
                )

    def lines(self) -> list[str]:
        return [edge.line() for edge in self.edges]

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(edge) for edge in self.edges]


_DEFECT = "nothing was published; this is a defect of Towpath or of a library it uses: please report it"


@dataclass(slots=True)
class CountedBadRows:
    """Bad rows on their way to `behind`, counted by the edge that they were met at."""

    behind: BadRows
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, bad: BadRow) -> None:
        self.behind.add(bad)
        self.counts[bad.edge] += 1
