"""What `tow doctor` found: one line a check, with what to do where something is amiss."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import groupby
from textwrap import wrap
from typing import Any

from towpath.receipt import count

OK, WARNING, PROBLEM = "ok", "warning", "problem"
_INDENT = " " * 10


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `level` is ok, warning (works, but look at it) or problem (runs will fail); `todo` says what
    to do, or what could be added."""

    topic: str
    name: str
    level: str
    found: str
    todo: str = ""

    def lines(self, most: int) -> list[str]:
        """The check in lines of at most `most` columns, unless one word alone is longer."""
        text = f"{self.level:<8}{self.name}: {self.found}"
        out = wrap(text, most, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False)
        if self.todo:
            out += wrap(
                f"-> {self.todo}",
                most,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT + "   ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        return out


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, by topic."""

    checks: list[Check]

    def lines(self, most: int = 80, *, quiet: bool = False) -> list[str]:
        """The report for people, in `most` columns; with `quiet` only what is amiss."""
        if quiet:
            return [line for one in self.checks if one.level != OK for line in one.lines(most)]
        out = []
        for topic, checks in groupby(self.checks, key=lambda one: one.topic):
            out += [topic, *(f"  {line}" for check in checks for line in check.lines(most - 2)), ""]
        counts = self._counts()
        return [*out, f"{count(counts[PROBLEM], 'problem')}, {count(counts[WARNING], 'warning')}"]

    def as_json(self) -> dict[str, Any]:
        counts = self._counts()
        return {
            "problems": counts[PROBLEM],
            "warnings": counts[WARNING],
            "checks": [asdict(check) for check in self.checks],
        }

    @property
    def exit_code(self) -> int:
        return 1 if self._counts()[PROBLEM] else 0

    def _counts(self) -> Counter[str]:
        return Counter(check.level for check in self.checks)


def size(number: float) -> str:
    """Bytes for people: `512 B`, `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
