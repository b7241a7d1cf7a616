"""The receipt: what one run read, did and published, so that it can be shown and proven afterwards."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """The moment in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def count(number: int, thing: str) -> str:
    """A number of things in words: `1 row`, `2,000 rows`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes (getrusage(2): ru_maxrss is in KiB on Linux)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def versions() -> dict[str, str]:
    """The versions of what a run's result may depend on."""
    from importlib.metadata import version

    names = ("towpath", "pyarrow", "duckdb", "numpy")
    return {"python": sys.version.split()[0], **{name: version(name) for name in names}}


@dataclass(slots=True)
class Receipt:
    """`status` is done, unchanged (nothing new to read: no rows moved), stopped (the data or a system said no) or
    failed (a defect). Sizes in bytes, times in seconds. `why` says why nothing moved, or what stopped the run."""

    run: str
    source: str
    destination: str
    mode: str
    status: str = "running"
    step: str | None = None
    load: str | None = None
    started: str = field(default_factory=now)
    seconds: float = 0.0
    why: str = ""
    guarantee: str = ""
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    books: list[dict[str, Any]] = field(default_factory=list)
    books_lines: list[str] = field(default_factory=list)
    digest: str | None = None
    columns: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bad_rows: str | None = None
    set_aside: int = 0
    parts: list[str] = field(default_factory=list)
    memory: int = 0
    versions: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def dumps(self) -> str:
        return json.dumps(self.as_json(), ensure_ascii=False)

    @staticmethod
    def loads(text: str) -> Receipt:
        return Receipt(**json.loads(text))

    def lines(self) -> list[str]:
        """The receipt for people, within 100 columns where the names allow it."""
        head = f"{self.step or 'copy'}: {self.source} -> {self.destination}"
        if self.status == "unchanged":
            return [f"{head}: 0 rows moved: {self.why}"]
        if self.status != "done":
            return [f"{head}: {self.status}", *(f"  {line}" for line in self.why.splitlines())]
        counts = count(self.rows, "row")
        if self.mode == "merge":
            counts += f" ({self.inserted:,} inserted, {self.updated:,} updated, {self.unchanged:,} unchanged)"
        out = [
            head,
            f"  {self.mode}: {counts} in {self.seconds:.2f} s, {self.memory / 2**20:.0f} MiB, {self.guarantee}",
            *(f"  {line}" for line in self.books_lines),
            f"  digest   {self.digest}",
        ]
        if self.set_aside:
            aside = f"{count(self.set_aside, 'row')} set aside in {self.bad_rows}"
            out.append(f"  {aside}: mend them, then `tow replay {self.bad_rows}`")
        out += [f"  note: {note}" for note in self.notes]
        return out
