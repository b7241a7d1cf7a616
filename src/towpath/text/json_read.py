"""Reads framed JSON records: what JSON Lines and JSON arrays have in common once their records are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from towpath.badrows import BadRow, shorten
from towpath.errors import DataError
from towpath.nouns import Want
from towpath.ordered import ordered
from towpath.seams.format import InputFile, Inspected, TypesTooNarrow
from towpath.stream import Batch, Origin, Picked, Place
from towpath.text import json_careful
from towpath.text.json_evidence import JSONEvidence, gather, merge_fields
from towpath.text.json_fast import Fast
from towpath.text.optimistic import Pinned

SAMPLE = 1 << 19
"""Bytes of the first block, from which types are taken."""

LONGEST = 1 << 27
"""Bytes of a record beyond which a file is taken to be broken, so that memory stays bounded."""


class Block(Origin, Protocol):
    """Some whole records of a file; as an origin it numbers the records from 0."""

    @property
    def count(self) -> int:
        """How many records."""
        ...

    def text(self) -> bytes | None:
        """The records parted by white space; None when one may hold more or less than one object."""
        ...

    def records(self) -> list[tuple[int, bytes]]:
        """Each record's line number in the file and its bytes."""
        ...


Cut = Callable[[BinaryIO, str, int], Iterator[Block]]
"""Cuts a stream into blocks of about so many bytes; the string is the file's name for messages."""


def block_size(want: Want) -> int:
    """Bytes of JSON text whose rows make a batch of about `want.batch_bytes`, and not more than is quick to redo."""
    return max(min(want.batch_bytes // 2, 4 << 20), 1 << 16)


def too_long(name: str, line: int) -> DataError:
    return DataError(
        f"a record begins here that does not end within {LONGEST >> 20} MB",
        where=f"{name}:{line}",
        todo="check that the file has this format and is not damaged",
        code="record-malformed",
    )


def inspect(file: InputFile, cut: Cut, want: Want, *, whole: bool) -> Inspected:
    """The evidence of the first block, or of all; settled when that was the whole file."""
    columns: dict[str, JSONEvidence] = {}
    rows = 0
    with closing(file.open()) as stream:
        blocks = cut(stream, file.name, SAMPLE)
        for block in blocks if whole else islice(blocks, 1):
            columns = merge_fields(columns, gather(_readable(block)))
            rows += block.count
        settled = whole or next(blocks, None) is None
    found = {name: Pinned(pa.string()) for name in columns} if want.all_text else columns
    return Inspected(found, settled, rows if settled else None)


@contextmanager
def read(file: InputFile, cut: Cut, want: Want) -> Iterator[JSONReading]:
    """One pass over a file whose records `cut` frames; the file is closed on leaving."""
    if want.schema is not None:
        types = {field.name: field.type for field in want.schema}
    else:
        columns = inspect(file, cut, want, whole=False).columns
        types = {name: evidence.type() for name, evidence in columns.items()}
    pinned = {**dict.fromkeys(types if want.all_text else (), pa.string()), **want.types}
    full = pa.schema([(name, pinned.get(name, type)) for name, type in types.items()])
    with closing(file.open()) as stream:
        yield JSONReading(file.name, cut(stream, file.name, block_size(want)), full, pinned, want)


def _readable(block: Block) -> Iterator[dict[str, Any]]:
    for _, raw in block.records():
        try:
            yield json_careful.parse(raw)
        except json_careful.Unreadable:
            continue


@dataclass(slots=True)
class _Done:
    batch: Batch
    bad: list[BadRow]
    given: int


class JSONReading:
    """One pass over the records of one file. A key that a record lacks is null."""

    def __init__(
        self, name: str, blocks: Iterator[Block], full: pa.Schema, pinned: Mapping[str, pa.DataType], want: Want
    ) -> None:
        self._name = name
        self._blocks = blocks
        self._full = full
        self._pinned = pinned
        self._want = want
        asked = full.names if want.columns is None else [name for name in want.columns if name in full.names]
        self.schema = pa.schema([full.field(name) for name in asked])
        self._fast = Fast(full, pinned)
        self.given = 0

    def __iter__(self) -> Iterator[Batch]:
        results = ordered(self._blocks, self._work, self._want.threads)
        try:
            for done in results:
                self.given += done.given
                for bad in done.bad:
                    self._want.bad.add(bad)
                if len(done.batch):
                    yield done.batch
        finally:
            results.close()

    def _work(self, block: Block) -> _Done:
        rows = self._fast.read(block.text(), block.count)
        if rows is not None:
            return _Done(Batch(self._chosen(rows.columns, len(rows)), block), [], block.count)
        return self._carefully(block)

    def _carefully(self, block: Block) -> _Done:
        objects: list[dict[str, Any]] = []
        numbers: list[int] = []
        places: list[Place] = []
        bad: dict[int, BadRow] = {}
        for number, (line, raw) in enumerate(block.records()):
            places.append(Place(self._name, line, raw))
            try:
                objects.append(json_careful.parse(raw))
                numbers.append(number)
            except json_careful.Unreadable as error:
                bad[number] = BadRow(places[-1], str(error), code="json-malformed")
        arrays, unfit = self._columns(objects, [places[number] for number in numbers])
        for row, found in unfit.items():
            place = places[numbers[row]]
            bad[numbers[row]] = BadRow(place, found.reason, found.column, found.value)
        batch = Batch(self._chosen(arrays, len(objects)), block)
        if bad:
            kept = [row for row in range(len(objects)) if row not in unfit]
            rows = batch.rows.take(pa.array(kept, pa.int64()))
            batch = Batch(rows, Picked(block, [numbers[row] for row in kept]))
        return _Done(batch, [bad[number] for number in sorted(bad)], block.count)

    def _columns(
        self, objects: list[dict[str, Any]], places: list[Place]
    ) -> tuple[list[pa.Array], dict[int, json_careful.Unfit]]:
        """All columns, and the first value of each row that its pinned column cannot hold."""
        self._refuse_new(objects, places)
        arrays: list[pa.Array] = []
        unfit: dict[int, json_careful.Unfit] = {}
        narrow: list[json_careful.Unfit] = []
        for field in self._full:
            pinned = field.name in self._pinned
            values = [found.get(field.name) for found in objects]
            array, rejected = json_careful.column(values, field.type, field.name, pinned=pinned)
            arrays.append(array)
            if not pinned:
                narrow += rejected
            else:
                for found in rejected:
                    unfit.setdefault(found.row, found)
        if narrow:
            first = min(narrow, key=lambda found: found.row)
            raise TypesTooNarrow(
                f"{places[first.row]}: column {first.column}: {shorten(first.value)} is {first.reason}"
            )
        return arrays, unfit

    def _refuse_new(self, objects: list[dict[str, Any]], places: list[Place]) -> None:
        known = frozenset(self._full.names)
        wanted = self._want.columns
        for found, place in zip(objects, places, strict=True):
            for name in found.keys() - known and found:
                if name not in known and (wanted is None or name in wanted):
                    value = shorten(json_careful.source(found[name]))
                    raise TypesTooNarrow(f"{place}: column {name}: {value} is in a column that is new")

    def _chosen(self, arrays: list[pa.Array], count: int) -> pa.RecordBatch:
        if not self.schema.names:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([])))
        by_name: Mapping[str, pa.Array] = dict(zip(self._full.names, arrays, strict=True))
        return pa.RecordBatch.from_arrays([by_name[name] for name in self.schema.names], schema=self.schema)
