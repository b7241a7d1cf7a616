"""What one load writes into a folder: files of each partition, which its manifest will name."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from towpath.disk import leftovers, temporary
from towpath.disk.partitionspool import PartitionSpool
from towpath.errors import BooksDoNotBalance, Conflict, Refused
from towpath.joins import folder_loads, hive, manifest, partitions
from towpath.joins.file_limits import Density
from towpath.joins.files import RowsFile, begin_file, check_count
from towpath.joins.manifest import Manifest, Part
from towpath.joins.union import fit
from towpath.nouns import Published, State
from towpath.seams.beside import writes_beside
from towpath.stream import Batch

if TYPE_CHECKING:
    from towpath.joins.folder_destination import FolderDestination

_NAME = "towpath-partitions"
OPEN_FILES = 64
_WAITING_BYTES = 128 << 20
"""How many bytes may wait in memory for all open files: rows in their writers (a Parquet row group), and what a store
has not sent yet."""
_PARTITIONS = 10_000


@dataclass(slots=True)
class _Writing:
    """One open file of one partition: `bytes` of rows in memory went in, `waiting` of them since its writer last gave
    any on."""

    path: str
    file: RowsFile
    stack: ExitStack
    bytes: int = 0
    waiting: int = 0

    @property
    def held(self) -> int:
        return self.waiting + int(getattr(self.file.staged, "waiting", 0))

    def write(self, rows: pa.RecordBatch) -> None:
        before = self.file.sink.size
        self.file.write(rows)
        self.bytes += rows.nbytes
        self.waiting = self.waiting + rows.nbytes if self.file.sink.size == before else 0


class FolderLoad:
    """One load: `start` is the manifest that it will publish, without its own files yet."""

    def __init__(
        self,
        owner: FolderDestination,
        start: Manifest,
        version: str | None,
        load_id: str,
        attempt: str,
        number: int,
        fate: folder_loads.Fate,
    ) -> None:
        self._owner = owner
        self._manifest = start
        self._version = version
        self._load_id = load_id
        self._attempt = attempt
        self._fate = fate
        own = [field for field in start.schema if field.name not in start.partition_by]
        self._schema = pa.schema([pa.field(field.name, owner.format.stored(field.type).type) for field in own])
        self._open: OrderedDict[partitions.Texts, _Writing] = OrderedDict()
        self._seen: dict[partitions.Texts, int] = {}
        self._displaced: set[partitions.Texts] = set()
        self._spool: PartitionSpool | None = None
        self._parts: list[Part] = []
        self._number = number
        self._density = Density()
        self._published: Published | None = None
        self._abandoned = False

    @property
    def writes_beside(self) -> bool:
        return writes_beside(self._owner.store)

    def give_up(self, *, abandon: bool = False) -> None:
        self._abandoned |= abandon
        for writing in list(self._open.values()):
            writing.file.give_up(abandon=abandon)

    def write(self, batch: Batch) -> None:
        numbers, met = partitions.grouped(batch.rows, self._manifest.partition_by)
        self._see(met)
        rows = fit(batch.rows, self._schema, self._owner.shown)
        if self._spool is None and self._scattered(met):
            self._begin_spool()
        if self._spool is not None:
            self._spool.add(np.array([self._seen[texts] for texts in met], np.int64)[numbers], rows)
            return
        for number, part in partitions.parted(rows, numbers):
            self._write(met[number], part)

    def complete(self) -> None:
        if self._spool is None:
            return
        met, came = list(self._seen), 0
        for number, pieces in self._spool.partitions():
            for rows in pieces:
                self._write(met[number], rows)
                came += rows.num_rows
            if met[number] in self._open:
                self._close(met[number])
        if came != self._spool.rows:
            raise BooksDoNotBalance(
                f"of {self._spool.rows:,} rows that waited on disk {came:,} came back",
                where=self._owner.shown,
                todo="nothing was published; this is a defect of Towpath or of the disk: please report it",
            )
        self._end_spool()

    def _see(self, met: Sequence[partitions.Texts]) -> None:
        for texts in met:
            self._seen.setdefault(texts, len(self._seen))
        if len(self._seen) > _PARTITIONS:
            raise Refused(
                f"the rows have more than {_PARTITIONS:,} partitions",
                where=self._owner.shown,
                todo="partition by columns with fewer values",
                code="partition-wrong",
            )

    def _scattered(self, met: Sequence[partitions.Texts]) -> bool:
        """Whether rows come in no order that lets each partition's file be written without being closed for others."""
        return len(met) > OPEN_FILES or not self._displaced.isdisjoint(met)

    def _begin_spool(self) -> None:
        """From now on rows wait on disk, for one file each partition: files for as many rows as there is memory for
        would be many and small."""
        for texts in list(self._open):
            self._close(texts)
        folder = temporary.folder()
        leftovers.sweep(folder, _NAME)
        self._spool = PartitionSpool(folder, _NAME, f"{self._load_id}-{secrets.token_hex(4)}")

    def _end_spool(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _write(self, texts: partitions.Texts, rows: pa.RecordBatch) -> None:
        limits = self._owner.limits
        while rows.num_rows:
            writing = self._writing(texts)
            piece = rows.slice(0, limits.room(rows, writing.file.rows))
            rows = rows.slice(len(piece))
            writing.write(piece)
            if limits.reached(writing.file, writing.bytes, writing.waiting, self._density):
                self._close(texts)
            elif sum(one.held for one in self._open.values()) > _WAITING_BYTES:
                self._close(max(self._open, key=lambda texts: self._open[texts].held))

    def publish(self, expected: State | None, new: State | None) -> Published:
        if self._published is not None:
            return self._published
        self.complete()
        for texts in list(self._open):
            self._close(texts)
        committed = None if new is None else self._owner.state(new.step)
        if committed is None or committed.load_id != self._load_id:
            self._swap(expected, new)
        rows = sum(part.rows for part in self._parts)
        size = sum(part.size for part in self._parts)
        paths = tuple(self._owner.folder + part.path for part in self._parts)
        self._published = Published(rows, rows, size=size, parts=paths)
        return self._published

    def _swap(self, expected: State | None, new: State | None) -> None:
        steps = dict(self._manifest.steps)
        if new is not None:
            if steps.get(new.step) != expected:
                raise self._owner.conflict(f"was loaded by another run of the step {new.step}")
            steps[new.step] = new
        files = (*self._manifest.files, *self._parts)
        content = replace(self._manifest, files=files, steps=steps).dumps()
        self._fate.sure = False
        try:
            self._owner.store.swap_note(self._owner.folder + manifest.NAME, content, self._version)
        except Conflict:
            # The answer may have been lost, and another load published since upon this one.
            found = manifest.read(self._owner.store, self._owner.folder)
            if not self._parts or found is None or not set(self._parts) <= set(found[0].files):
                raise

    def drop(self) -> None:
        """Discards the files that are still open, and rows that wait."""
        if self._abandoned:
            return
        while self._open:
            _, writing = self._open.popitem()
            writing.file.drop()
            writing.stack.close()
        self._end_spool()

    def _writing(self, texts: partitions.Texts) -> _Writing:
        if texts in self._open:
            self._open.move_to_end(texts)
            return self._open[texts]
        if len(self._open) == OPEN_FILES:
            oldest = next(iter(self._open))
            self._displaced.add(oldest)
            self._close(oldest)
        self._open[texts] = self._begin(texts)
        return self._open[texts]

    def _begin(self, texts: partitions.Texts) -> _Writing:
        owner = self._owner
        below = hive.folder(dict(zip(self._manifest.partition_by, texts, strict=True)))
        name = folder_loads.part_name(self._attempt, self._number, owner.suffix)
        self._number += 1
        path = f"{below}/{name}" if below else name
        with ExitStack() as stack:
            staged = stack.enter_context(owner.store.stage(owner.folder + path, self._attempt))
            file = begin_file(owner.format, owner.codec, staged, self._schema, owner.folder + path, owner.level)
            return _Writing(path, file, stack.pop_all())

    def _close(self, texts: partitions.Texts) -> None:
        """Completes a file. It is visible from now on to who lists the folder, but no manifest names it yet."""
        writing = self._open[texts]
        writing.file.finish()
        check_count(writing.file, self._owner.format, self._owner.codec, self._owner.folder + writing.path)
        writing.file.staged.publish(create=True)
        del self._open[texts]
        writing.stack.close()
        self._density.add(writing.bytes, writing.file.sink.size)
        self._parts.append(Part(writing.path, writing.file.rows, writing.file.sink.size, self._load_id))
