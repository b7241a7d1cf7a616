"""The receipt: what one run read, did and published, so that it can be shown and proven afterwards."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from textwrap import wrap
from typing import Annotated, Any, TypedDict

from towpath import __version__
from towpath.look import screen
from towpath.secrets.redact import clean_json

_NAMES = ("run", "status", "step", "group", "file", "env", "mode", "load", "started", "guarantee", "digest", "versions")
"""What a receipt is found by; a secret that is one of these words by chance is not given away by them."""


def now() -> str:
    """The moment in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def count(number: int, thing: str) -> str:
    """A number of things in words: `1 row`, `2,000 rows`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in one line: the first ones, and how many more."""
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes.

    On Linux from proc_pid_status(5), for what getrusage(2) tells is that of the process which started this one, if
    larger; elsewhere from getrusage, whose ru_maxrss is in bytes on macOS and else in KiB."""
    with suppress(OSError), open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def versions() -> dict[str, str]:
    """The versions of what a run's result may depend on: of those libraries that are in use."""
    found = {"python": sys.version.split()[0], "towpath": __version__}
    loaded = {name: sys.modules.get(name) for name in ("pyarrow", "duckdb", "numpy")}
    return found | {name: str(module.__version__) for name, module in loaded.items() if module is not None}


class EdgeCounts(TypedDict):
    """One edge of the books, in rows."""

    name: Annotated[str, "read, a transformation, rules or write"]
    given: Annotated[int, "rows that came"]
    accepted: Annotated[int, "rows that went on"]
    filtered: Annotated[int, "rows that a condition left out"]
    aside: Annotated[int, "rows that were set aside as bad"]
    row_wise: Annotated[bool, "whether given = accepted + filtered + aside is owed (not by SQL that groups)"]


class ColumnWay(TypedDict):
    """How one column reaches the destination."""

    name: Annotated[str, "its name in the rows moved"]
    type: Annotated[str, "its type there"]
    to: Annotated[str, "its name at the destination"]
    stored: Annotated[str, "what stores it there, in the destination's words"]
    way: Annotated[
        str, "exact (the types alone say so), checked (every value is tested) or lossy (allowed by the user)"
    ]
    why: Annotated[str, "why it is not exact; else empty"]
    from_sample: Annotated[bool, "whether a plan knows the type from a sample only"]


ENDED_WELL = frozenset({"done", "unchanged", "partial"})
"""The statuses of runs that nobody has to look after."""


@dataclass(slots=True, repr=False)
class Receipt:
    """What one run read, did and published. Each field says what it holds and in which unit."""

    run: Annotated[str, "the run's id: 12 hexadecimal digits; empty for a step that was not run"]
    source: Annotated[str, "the addresses that were read, as they were written, parted by commas"]
    destination: Annotated[str, "the address that was written"]
    mode: Annotated[str, "what happened to the rows that were there: create, append, replace or merge"]
    status: Annotated[
        str,
        "done, unchanged (nothing new to read), partial (the reader of standard output had enough), "
        "stopped (the data or a system said no), failed (a defect)",
    ] = "running"
    step: Annotated[str | None, "pipeline/step; null for tow copy"] = None
    group: Annotated[str | None, "the id of the `tow run` that the step was a part of"] = None
    file: Annotated[str | None, "the tow.yaml of that run"] = None
    env: Annotated[str | None, "the profile of that run"] = None
    ignored: Annotated[bool, "the tow.yaml says that it is no failure of the whole if this step stops"] = False
    load: Annotated[str | None, "the load's id, which the destination keeps beside a step's rows"] = None
    started: Annotated[str, "when, in UTC, ISO 8601 with milliseconds"] = field(default_factory=now)
    seconds: Annotated[float, "how long it took, in seconds"] = 0.0
    why: Annotated[str, "why nothing moved, or what stopped the run"] = ""
    guarantee: Annotated[str, "atomic, recoverable or at-least-once"] = ""
    rows: Annotated[int, "rows that the destination accepted: inserted + updated + unchanged"] = 0
    inserted: Annotated[int, "rows that were not there before"] = 0
    updated: Annotated[int, "rows that took the place of one of equal key (merge)"] = 0
    unchanged: Annotated[int, "rows that were there already, equal in every column (merge)"] = 0
    books: Annotated[list[dict[str, Any]], "the edges between the parts, as rows cross them", EdgeCounts] = field(
        default_factory=list
    )
    books_lines: Annotated[list[str], "the books in words"] = field(default_factory=list)
    digest: Annotated[
        str | None, "the content digest of the rows written, in the source's types: tow1: and 32 hexadecimal digits"
    ] = None
    columns: Annotated[list[dict[str, Any]], "the way of each column", ColumnWay] = field(default_factory=list)
    notes: Annotated[
        list[str], "what a reader of the receipt should know: restarts, columns that were allowed to lose"
    ] = field(default_factory=list)
    bad_rows: Annotated[str | None, "the folder or topic that bad rows were set aside in"] = None
    set_aside: Annotated[int, "rows set aside in it"] = 0
    max_bad: Annotated[str | None, "how many of them were allowed, or which share of the rows read; null: any"] = None
    parts: Annotated[list[str], "the files that were written, where there are several"] = field(default_factory=list)
    memory: Annotated[int, "the largest resident size of the process, in bytes"] = 0
    versions: Annotated[dict[str, str], "the versions of what the result may depend on"] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        rows = f", {count(self.rows, 'row')}" if self.status in ENDED_WELL else ""
        return f"<Receipt {self.step or 'copy'}: {self._way(None)}: {self.status}{rows}>"

    def _repr_html_(self) -> str:
        from towpath.python import html

        return html.receipt(self.as_json())

    def hide_secrets(self) -> None:
        """Takes known secrets out of its words, before anything shortens or wraps them. What names it stays."""
        for one in fields(self):
            if one.name not in _NAMES:
                setattr(self, one.name, clean_json(getattr(self, one.name)))

    def dumps(self) -> str:
        return json.dumps(self.as_json(), ensure_ascii=False)

    @staticmethod
    def loads(text: str) -> Receipt:
        return Receipt(**json.loads(text))

    def lines(self, most: int | None = None) -> list[str]:
        """The receipt for people; with `most` columns, addresses are shortened in their middle and notes wrapped."""
        head = f"{self.step or 'copy'}: {self._way(most and most - len(self.step or 'copy') - 2)}"
        if self.status == "unchanged":
            return [f"{head}: 0 rows moved: {self.why}"]
        if self.status != "done":
            return [f"{head}: {self.status}", *(f"  {line}" for line in self.reason().splitlines())]
        out = [
            head,
            f"  {self.mode}: {self._counts()} in {self.seconds:.2f} s, {self.memory / 2**20:.0f} MiB, {self.guarantee}",
            *(f"  {line}" for line in self.books_lines),
            f"  digest   {self.digest}",
        ]
        if self.set_aside:
            allowed = "" if self.max_bad is None else f" (at most {self.max_bad})"
            aside = f"{count(self.set_aside, 'row')}{allowed} set aside in {self.bad_rows}"
            told = "" if "://" in str(self.bad_rows) else f": mend them, then `tow replay {self.bad_rows}`"
            out.append(f"  {aside}{told}")
        for note in self.notes:
            text = f"  note: {note}"
            out += [text] if most is None else wrap(text, most, subsequent_indent="    ")
        return out

    def reason(self) -> str:
        """Why nothing moved, or what stopped the run, without the step's name before it."""
        return self.why.removeprefix(f"{self.step}: ")

    def what(self) -> str:
        """What happened in a few words: how many rows went where, or why none did."""
        if self.status != "done":
            return self.reason().partition("\n")[0]
        aside = f", {self.set_aside:,} set aside" if self.set_aside else ""
        if self.mode != "merge":
            return f"{self.mode}{aside}"
        return f"merge: {self.inserted:,} inserted, {self.updated:,} updated{aside}"

    def line(self, most: int | None = None) -> str:
        """The receipt of a run that ended well in one line, within `most` columns."""
        if self.status == "unchanged":
            text = f"{self.step or 'copy'}: 0 rows moved: {self.why}"
        else:
            text = f"{self.step or 'copy'}: {count(self.rows, 'row')} in {self.seconds:.2f} s, {self.what()}"
        return text if most is None else screen.cut(text, most)

    def _counts(self) -> str:
        counts = count(self.rows, "row")
        if self.mode != "merge":
            return counts
        return f"{counts} ({self.inserted:,} inserted, {self.updated:,} updated, {self.unchanged:,} unchanged)"

    def _way(self, most: int | None) -> str:
        if most is None:
            return f"{self.source} -> {self.destination}"
        room = max(most - len(" -> "), 2)
        first = max(room - screen.width(self.destination), room // 2)
        source = screen.cut_middle(self.source, first)
        return f"{source} -> {screen.cut_middle(self.destination, room - screen.width(source))}"


def table(receipts: Sequence[Receipt], most: int = 80) -> list[str]:
    """The receipts of one run of a pipeline, a line each, in `most` columns."""
    rows = [("STEP", "STATUS", "ROWS", "SECONDS", "WHAT")]
    rows += [
        (
            screen.cut_middle(one.step or "copy", most // 3),
            one.status,
            f"{one.rows:,}",
            f"{one.seconds:.2f}",
            one.what(),
        )
        for one in receipts
    ]
    return [screen.cut(line, most) for line in screen.table(rows, right=(2, 3))]
