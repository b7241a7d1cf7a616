"""The one form that data in motion has: an Arrow schema and one pass over batches that know where they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    import numpy as np

    RowNumbers = Sequence[int] | np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one row was met: `orders.csv:1043`, or a table and its row number. `raw` is the record's own bytes, if
    known; `head` what must stand before them for a file to hold them alone (a CSV's header line, also where the file
    had none)."""

    file: str
    line: int | None = None
    raw: bytes | None = None
    head: bytes | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Origin(Protocol):
    """Tells where the rows of one batch came from; asked only when a row is bad, so it may be slow."""

    def place(self, row: int) -> Place:
        """The place of the batch's row number `row` (from 0)."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows known only by their number within a table, query or result; `first` is the number of row 0 (from 1)."""

    name: str
    first: int = 1
    unit: str = "row"

    def place(self, row: int) -> Place:
        return Place(f"{self.name} {self.unit} {self.first + row}")


@dataclass(frozen=True, slots=True)
class Picked:
    """The origin of a batch that kept only some rows of another; `rows` holds their numbers there."""

    whole: Origin
    rows: RowNumbers

    def place(self, row: int) -> Place:
        return self.whole.place(int(self.rows[row]))


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows in motion. `rows.schema` equals the schema of the stream that the batch belongs to. `file` is the file
    that all of them were read from, named as the checkpoint names it; empty when they come from no one file, or
    may when nobody wants to know (`Want.by_file`)."""

    rows: pa.RecordBatch
    origin: Origin
    file: str = ""

    def __len__(self) -> int:
        return self.rows.num_rows

    def take(self, kept: RowNumbers) -> Batch:
        """The batch reduced to the row numbers in `kept`, which still know their places."""
        return Batch(self.rows.take(pa.array(kept, pa.int64())), Picked(self.origin, kept), self.file)

    def with_rows(self, rows: pa.RecordBatch) -> Batch:
        """The same rows in another shape (columns renamed, cast, dropped); the number of rows must not change."""
        if rows.num_rows != self.rows.num_rows:
            raise ValueError(f"with_rows got {rows.num_rows} rows for {self.rows.num_rows}")
        return Batch(rows, self.origin, self.file)


@dataclass(slots=True)
class Stream:
    """A schema and one pass over its batches. Closing it closes the generator behind it, at once and in order."""

    schema: pa.Schema
    batches: Iterable[Batch]
    _iterator: Iterator[Batch] | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Batch]:
        """One pass. A batch of another schema raises `ValueError`, for a library would pass it on unseen."""
        if self._iterator is not None:
            raise ValueError("a stream is read once")
        self._iterator = iter(self.batches)
        for batch in self._iterator:
            if not batch.rows.schema.equals(self.schema):
                raise ValueError(f"a batch has the schema {batch.rows.schema}, its stream {self.schema}")
            yield batch

    def rest(self) -> Iterator[Batch]:
        """What the one pass has not taken yet; nothing when it is at its end."""
        return self._iterator if self._iterator is not None else iter(self)

    def close(self) -> None:
        close = getattr(self._iterator if self._iterator is not None else self.batches, "close", None)
        if close is not None:
            close()
