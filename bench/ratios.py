"""Medians over rounds, and ratios to the best other tool, round by round, so that a slow moment hits both sides."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from bench.content import EQUAL

OURS = "towpath"


@dataclass(frozen=True, slots=True)
class Row:
    """A tool at a job as it is told. `seconds` is None where it failed, `ratio` also where there is no other tool."""

    label: str
    tool: str
    bar: bool
    seconds: float | None
    ratio: float | None
    cpu: float
    server_cpu: float
    memory: int
    size: int
    said: str


def rows(job: dict[str, Any]) -> list[Row]:
    """The rows of a job, Towpath first, then the fastest; what failed or gave other values is told, and no measure."""
    entries = job["entries"]
    counted = [one for one in entries if _counts(one) and one["tool"] != OURS]
    best = min(counted, key=lambda one: median(one, "seconds"), default=None)
    made = [_row(one, best) for one in entries]
    return sorted(made, key=lambda row: (row.tool != OURS, row.seconds is None, row.seconds or 0))


def median(entry: dict[str, Any], what: str) -> float:
    return float(statistics.median(run[what] for run in entry["runs"]))


def ratio(entry: dict[str, Any], beside: dict[str, Any]) -> float:
    """The median of the ratios round by round."""
    pairs = zip(entry["runs"], beside["runs"], strict=False)
    return float(statistics.median(one["seconds"] / other["seconds"] for one, other in pairs))


def _counts(entry: dict[str, Any]) -> bool:
    return not _failure(entry) and entry["content"] in (EQUAL, "")


def _failure(entry: dict[str, Any]) -> str:
    return next((run["failure"] for run in entry["runs"] if run["failure"]), "")


def _row(entry: dict[str, Any], best: dict[str, Any] | None) -> Row:
    failure = _failure(entry)
    said = failure or ("other work, to compare with" if entry["bar"] else entry["content"] or "not looked at")
    said += f" ({entry['note']})" if entry["note"] and not failure else ""
    return Row(
        entry["label"] + (f": {entry['kind'].replace('_', ' ')}" if entry["bar"] else ""),
        entry["tool"],
        entry["bar"],
        None if failure else median(entry, "seconds"),
        None if failure or best is None else ratio(entry, best),
        median(entry, "cpu"),
        median(entry, "server_cpu"),
        round(median(entry, "memory")),
        entry["size"],
        said,
    )
