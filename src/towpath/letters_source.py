"""Bad rows as a source again: their records, one after the other in a file, read with the types of their load.

What one file of records cannot tell comes from that load: the columns that others of its files have, the values that
stood in the folder's name, and the place where each record was first met.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import BinaryIO

import pyarrow as pa

from towpath.badrows import BadRow, BadRows
from towpath.errors import DataError
from towpath.joins import hive
from towpath.joins.union import fit
from towpath.joins.wanted import wanted
from towpath.nouns import Checkpoint, Description, Want
from towpath.seams.source import Reading, Source
from towpath.stream import Batch, Origin, Place

_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(slots=True)
class Records:
    """Records written into `file`, with the place that each had; 24 bytes each are kept of it."""

    file: BinaryIO
    lines: array[int] = field(default_factory=lambda: array("q"))
    _met: array[int] = field(default_factory=lambda: array("q"))
    _in: array[int] = field(default_factory=lambda: array("l"))
    _files: dict[str, int] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)
    _next: int = 1
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def head(self, record: bytes, line_end: bytes) -> None:
        """What stands before the records."""
        self._write(record, line_end)

    def add(self, record: bytes, line_end: bytes, place: Place) -> None:
        self.lines.append(self._next)
        self._met.append(-1 if place.line is None else place.line)
        if place.file not in self._files:
            self._files[place.file] = len(self._names)
            self._names.append(place.file)
        self._in.append(self._files[place.file])
        self._write(record, line_end)

    def place(self, now: Place) -> Place:
        """Where the record that stands at this place of `file` was met first."""
        at = bisect_right(self.lines, now.line or 0) - 1
        if at < 0:
            return now
        name, line = self._names[self._in[at]], self._met[at]
        return Place(name, None if line < 0 else line, now.raw, now.head)

    def each(self, bad: BadRow) -> list[BadRow]:
        """A bad row, told by the place that it had first. Where the reader took several records for one, for a quote is
        open in the first, each of them."""
        raw, line = bad.place.raw or b"", bad.place.line or 1
        ends = [found.end() for found in _LINE_END.finditer(raw)]
        first = max(bisect_right(self.lines, line) - 1, 0)
        beyond = bisect_right(self.lines, line + len(ends))
        if beyond <= first + 1:
            return [replace(bad, place=self.place(bad.place))]
        cuts = [0, *(ends[self.lines[at] - line - 1] for at in range(first + 1, beyond)), len(raw)]
        pieces = [raw[begin:end].rstrip(b"\r\n") for begin, end in pairwise(cuts)]
        now = [Place(bad.place.file, self.lines[at], piece, bad.place.head) for at, piece in enumerate(pieces, first)]
        return [replace(bad, place=self.place(one)) for one in now]

    def bound(self) -> Checkpoint:
        """Names exactly these records."""
        return Checkpoint("version", {"value": self._digest.hexdigest()[:16]})

    def _write(self, record: bytes, line_end: bytes) -> None:
        whole = record + line_end
        self.file.write(whole)
        self._digest.update(whole)
        self._next += len(_LINE_END.findall(record)) + 1


@dataclass(slots=True)
class LettersSource:
    """`behind` reads the file of `records`; `types` are those of their load (None: not known), and `folder` the values
    that stood in the path of the files that they are from."""

    behind: Source
    records: Records
    types: pa.Schema | None
    folder: Mapping[str, str | None]
    shown: str

    def describe(self, want: Want) -> Description:
        found = self.behind.describe(self._inner(want))
        schema = self._outer(found.schema, want)
        return replace(found, schema=schema, inferred=self.types is None, bound=self.records.bound())

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[Reading]:
        moved = _Moved(want.bad, self.records)
        inner = replace(self._inner(want), bad=moved)
        with self.behind.open(None, inner) as reading:
            schema = self._outer(reading.schema, want)
            chosen = wanted(schema, want.columns, self.shown)
            yield _Reading(self, reading, chosen, moved, reading.settled)

    def _inner(self, want: Want) -> Want:
        """All columns of the file, in the types of the load."""
        known = {} if self.types is None else {one.name: one.type for one in self.types if one.name not in self.folder}
        return replace(want, types={**known, **want.types}, all_text=want.all_text and not known, columns=None)

    def _outer(self, found: pa.Schema, want: Want) -> pa.Schema:
        """The load's columns, and behind them those that only these records have."""
        fields = [one.with_type(want.types.get(one.name, one.type)) for one in self.types or ()]
        known = {one.name for one in fields}
        return pa.schema([*fields, *(one for one in found if one.name not in known)])

    def given(self, schema: pa.Schema) -> dict[str, pa.Scalar]:
        """The values of the folder's name."""
        return {
            name: hive.value(self.shown, name, text, schema.field(name).type)
            for name, text in self.folder.items()
            if name in schema.names
        }


@dataclass(slots=True)
class _Reading:
    source: LettersSource
    behind: Reading
    schema: pa.Schema
    moved: _Moved
    settled: bool = False
    given: int = 0

    def __iter__(self) -> Iterator[Batch]:
        given = self.source.given(self.schema)
        for batch in self.behind:
            self.given = self.behind.given + self.moved.more
            rows = fit(batch.rows, self.schema, self.source.shown, given)
            yield Batch(rows, _Places(batch.origin, self.source.records))
        self.given, written = self.behind.given + self.moved.more, len(self.source.records.lines)
        if self.given != written:
            raise DataError(
                f"{written:,} bad rows are kept, and read again they are {self.given:,}",
                where=self.source.shown,
                todo="nothing of these was sent: see that each line of rows.jsonl holds one record, with its quotes "
                "closed",
                code="bad-rows-damaged",
            )

    def checkpoint(self) -> Checkpoint | None:
        self.behind.checkpoint()
        return self.source.records.bound()


@dataclass(frozen=True, slots=True)
class _Places:
    """The origin of rows by the places that they were first met at."""

    now: Origin
    records: Records

    def place(self, row: int) -> Place:
        return self.records.place(self.now.place(row))


@dataclass(slots=True)
class _Moved:
    """Bad rows, told by the places that they were first met at; `more` than they were taken for."""

    behind: BadRows
    records: Records
    more: int = 0

    def add(self, bad: BadRow) -> None:
        each = self.records.each(bad)
        self.more += len(each) - 1
        for one in each:
            self.behind.add(one)
