"""When a file of a folder is large enough, so that another one is begun."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from towpath.joins.files import RowsFile

_MEMORY_BYTES = 256 << 20
"""How many bytes of rows in memory a file takes when nothing else bounds it."""


@dataclass(slots=True)
class Density:
    """How many bytes on disk the finished files took for a byte of rows in memory."""

    memory: int = 0
    disk: int = 0

    def add(self, memory: int, disk: int) -> None:
        self.memory += memory
        self.disk += disk

    def on_disk(self, memory: int) -> float:
        """What rows of so many bytes would take; as many, as long as no file is finished."""
        return memory * self.disk / self.memory if self.memory else float(memory)


@dataclass(frozen=True, slots=True)
class Limits:
    """`rows` are never exceeded. `file_bytes`, on disk, are met about: what a writer or codec still holds back is
    reckoned by the files before."""

    rows: int | None = None
    file_bytes: int | None = None

    def room(self, batch: pa.RecordBatch, written: int) -> int:
        """How many rows of a batch may go into a file of `written` rows before it is looked at again: at least one."""
        most: int = batch.num_rows if self.rows is None else min(batch.num_rows, self.rows - written)
        if self.file_bytes is not None and batch.nbytes > self.file_bytes:
            most = min(most, batch.num_rows * self.file_bytes // batch.nbytes)
        return max(most, 1)

    def reached(self, file: RowsFile, memory: int, waiting: int, density: Density) -> bool:
        """Whether a file, into which rows of `memory` bytes went, is full; `waiting` of them are not on disk yet."""
        if self.rows is not None and file.rows >= self.rows:
            return True
        if self.file_bytes is None:
            return memory >= _MEMORY_BYTES
        return file.sink.size + density.on_disk(waiting) >= self.file_bytes
