"""Rows kept on disk between being written and being published: an Arrow IPC stream that ends with the load."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from towpath.disk import leftovers
from towpath.disk.oserrors import translated
from towpath.interrupted import settle


class SpoolFile:
    """A file in `folder`, made by `towpath.disk.leftovers`, for as long as it is open."""

    def __init__(self, folder: Path, name: str, load_id: str, suffix: str) -> None:
        self._shown = str(folder / name)
        self._file, self.path = leftovers.create(folder, name, load_id, suffix)

    def close(self) -> None:
        """Removes the file; where the disk refuses that, the next run does it."""
        settle(self._close)

    def _close(self) -> None:
        if self._file.closed:
            return  # the name may be another run's by now
        with contextlib.suppress(OSError):
            self.path.unlink()
        # A full disk refuses what is still buffered; with the file gone that is no loss.
        with contextlib.suppress(OSError):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RowSpool(SpoolFile):
    """Holds all batches that were written to it. `rows` counts them. Any call raises Refused when the disk is full or
    says no otherwise."""

    def __init__(self, folder: Path, name: str, load_id: str) -> None:
        super().__init__(folder, name, load_id, ".rows")
        self.rows = 0
        self._writer: Any = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows; every batch has the schema of the first."""
        with translated(self._shown, "write"):
            if self._writer is None:
                self._writer = pa.ipc.new_stream(self._file, batch.schema)
            self._writer.write_batch(batch)
        self.rows += batch.num_rows

    def seal(self) -> None:
        """Completes the file; after it only `batches` and `close` are called. It is not synced: whatever ends the
        machine ends the load too, and its rows are read again."""
        with translated(self._shown, "write"):
            if self._writer is not None:
                self._writer.close()
            self._file.flush()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The sealed batches in their order, from the first one at each call."""
        if self._writer is None:
            return
        with translated(self._shown, "read"):
            file = pa.OSFile(str(self.path))
        with file, pa.ipc.open_stream(file) as reader:
            yield from reader
