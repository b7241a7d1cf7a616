"""The books: rows counted on both sides of every edge between two parts, and the equation that they owe."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import pairwise
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
    """All edges of a run, stage by stage in the order in which rows cross them; inputs of one SQL share a stage."""

    stages: list[list[Edge]] = field(default_factory=list)

    def edge(self, name: str, *, row_wise: bool = True, beside: bool = False) -> Edge:
        """A new edge, as a stage of its own or beside those of the last stage."""
        made = Edge(name, row_wise=row_wise)
        if beside and self.stages:
            self.stages[-1].append(made)
        else:
            self.stages.append([made])
        return made

    def check(self) -> None:
        """Raises BooksDoNotBalance for the first edge whose equation fails, or where a stage was given other than what
        the stage before it passed on (SQL with a limit may have taken less)."""
        for stage in self.stages:
            for edge in stage:
                if not edge.balanced():
                    raise BooksDoNotBalance(f"the books do not balance: {edge.line()}", todo=_DEFECT)
        for before, after in pairwise(self.stages):
            passed, given = sum(edge.accepted for edge in before), sum(edge.given for edge in after)
            if passed < given or (passed > given and after[0].row_wise):
                raise BooksDoNotBalance(
                    f"the books do not balance: {before[0].name} passed {passed:,} rows on, "
                    f"{after[0].name} was given {given:,}",
                    todo=_DEFECT,
                )

    def edges(self) -> list[Edge]:
        return [edge for stage in self.stages for edge in stage]

    def lines(self) -> list[str]:
        return [edge.line() for edge in self.edges()]

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(edge) for edge in self.edges()]


_DEFECT = "nothing was published; this is a defect of Towpath or of a library it uses: please report it"


@dataclass(slots=True)
class CountedBadRows:
    """Bad rows on their way to `behind`, counted by the edge that they were met at."""

    behind: BadRows
    edge: str
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, bad: BadRow) -> None:
        self.behind.add(bad)
        self.counts[self.edge] += 1

    def at(self, edge: str) -> CountedBadRows:
        """The same place for bad rows, counting for another edge."""
        return CountedBadRows(self.behind, edge, self.counts)

    @property
    def count(self) -> int:
        """Rows set aside at this edge so far."""
        return self.counts[self.edge]
