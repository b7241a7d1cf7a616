"""Rows of many partitions, written as they come and read back partition by partition: a shuffle on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from towpath.disk.oserrors import translated
from towpath.disk.rowspool import SpoolFile

_RUN_BYTES = 32 << 20
"""Rows that are sorted in memory and written at once."""
_GROUPS = 512
"""Partitions are read back in so many groups, each whole: of 100 GB 200 MB at a time."""
_PIECE_ROWS = 65_536


class PartitionSpool(SpoolFile):
    """Holds rows of one schema, each with the number of its partition; `rows` counts them. Any call raises Refused when
    the disk is full or says no otherwise."""

    def __init__(self, folder: Path, name: str, load_id: str) -> None:
        super().__init__(folder, name, load_id, ".partitions")
        self.rows = 0
        self._writer: Any = None
        self._waiting: list[tuple[np.ndarray, pa.RecordBatch]] = []
        self._bytes = 0
        self._written = 0
        self._blocks: list[list[int]] = [[] for _ in range(_GROUPS)]

    def add(self, numbers: np.ndarray, rows: pa.RecordBatch) -> None:
        """Adds rows, each with its partition's number (from 0)."""
        self._waiting.append((numbers, rows))
        self.rows += rows.num_rows
        self._bytes += rows.nbytes
        if self._bytes >= _RUN_BYTES:
            self._write_run()

    def partitions(self) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
        """Every partition's number and its rows in the order in which they came; called once, after the last `add`.
        The rows of one are taken before the next one's."""
        self._write_run()
        if self._writer is None:
            return
        with translated(self._shown, "write"):
            self._writer.close()
            self._file.flush()
        with translated(self._shown, "read"):
            file = pa.OSFile(str(self.path))
        with file:
            reader = pa.ipc.open_file(file)
            for blocks in filter(None, self._blocks):
                with translated(self._shown, "read"):
                    held = [reader.get_batch(block) for block in blocks]
                yield from _parted(held)

    def _write_run(self) -> None:
        """The rows that wait, sorted by group and partition: each group is a block of the file."""
        if not self._waiting:
            return
        numbers = np.concatenate([one for one, _ in self._waiting])
        rows = pa.Table.from_batches([one for _, one in self._waiting])
        self._waiting, self._bytes = [], 0
        groups = numbers % _GROUPS
        order = np.lexsort((numbers, groups))
        taken = rows.append_column("", pa.array(numbers, pa.int32())).take(pa.array(order)).combine_chunks()
        ends = np.searchsorted(groups[order], np.arange(_GROUPS), side="right")
        with translated(self._shown, "write"):
            if self._writer is None:
                self._writer = pa.ipc.new_file(self._file, taken.schema)
            for group, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
                for batch in taken.slice(start, end - start).to_batches():
                    self._writer.write_batch(batch)
                    self._blocks[group].append(self._written)
                    self._written += 1


def _parted(blocks: list[pa.RecordBatch]) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
    """The partitions of one group's blocks, in each of which the rows are sorted by their number, the last column."""
    numbers = [block.column(block.num_columns - 1).to_numpy() for block in blocks]
    rows = [block.select(range(block.num_columns - 1)) for block in blocks]
    for number in np.unique(np.concatenate(numbers)).tolist():
        bounds = [np.searchsorted(one, [number, number + 1]).tolist() for one in numbers]
        found = [one.slice(start, end - start) for one, (start, end) in zip(rows, bounds, strict=True)]
        yield number, _pieces(found)


def _pieces(found: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in few batches: they come from as many runs as there were."""
    whole = pa.Table.from_batches(found)
    for start in range(0, len(whole), _PIECE_ROWS):
        yield from whole.slice(start, _PIECE_ROWS).combine_chunks().to_batches()
