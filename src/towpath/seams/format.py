"""Format: how rows are laid out in the bytes of one file.

A format takes an open stream, or a local path where its library insists. It knows nothing of stores, globs or codecs.
Its options are the typed keyword arguments of its constructor (`--from-opt name=value` sets them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

import pyarrow as pa

from towpath.nouns import Stored, Want
from towpath.stream import Batch


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file to read. `name` is shown in messages; `open` gives a fresh stream of its decompressed bytes each time;
    `path` is set when the file is on a local disk and not compressed; `size` in (compressed) bytes."""

    name: str
    open: Callable[[], BinaryIO]
    path: Path | None = None
    size: int | None = None


class Evidence(Protocol):
    """What is known of one column's type, from a sample, a whole scan or a schema. Merging is associative and
    commutative, so that the type depends on the data alone."""

    def merge(self, other: Any) -> Evidence: ...

    def type(self) -> pa.DataType:
        """The narrowest type, in the format's fixed order, that holds every value seen (text when all were null)."""
        ...


@dataclass(frozen=True, slots=True)
class Inspected:
    """The columns of a file, in its order. `settled`: the types cannot change by reading further."""

    columns: Mapping[str, Evidence]
    settled: bool
    rows: int | None = None


class FormatReading(Protocol):
    """One pass over one file's rows; see `towpath.seams.source.Reading` for the meaning of the fields."""

    schema: pa.Schema
    given: int

    def __iter__(self) -> Iterator[Batch]: ...


class TypesTooNarrow(Exception):
    """A value or a new column does not fit `want.schema`, whose type for it was not pinned."""


class FormatWriter(Protocol):
    """Writes one file. `close` completes it (footer, brackets) and flushes; the caller owns the stream."""

    def write(self, rows: pa.RecordBatch) -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class ChecksNames(Protocol):
    """A format whose files cannot hold columns of every name."""

    def check_names(self, names: Sequence[str]) -> None:
        """No side effects. Raises Refused for names under which no column would come back."""
        ...


@runtime_checkable
class ChecksOldRows(Protocol):
    """A format of files whose old rows are read and written again before new ones, where that could change some."""

    def check_old_rows(self, schema: pa.Schema) -> None:
        """No side effects. Raises Refused for rows, by the schema that they are read with, that would not stay as they
        are."""
        ...


class Format(Protocol):
    """One file format. A format that only reads or only writes leaves the other methods out and declares the gap."""

    def inspect(self, file: InputFile, want: Want, *, whole: bool) -> Inspected:
        """The file's columns, from its schema, or from a sample (its first block), or with `whole` from every row.
        Bad rows are passed over here; `read` reports them. Pinned columns (`want.types`) need no evidence from rows."""
        ...

    def read(self, file: InputFile, want: Want) -> AbstractContextManager[FormatReading]:
        """Reads the file's rows. `want.schema`, if given, holds the type expected of every column (columns of the file
        that it lacks raise TypesTooNarrow; the file may lack columns of it): values that do not fit raise
        TypesTooNarrow, except in columns pinned by `want.types`, where the row is bad. Without `want.schema` the
        types come from `inspect` of a sample. The reading's schema has the file's own columns in the file's order
        (or `want.columns`, as far as the file has them); a format whose files name their columns row by row (JSON) may
        give all of `want.schema`."""
        ...

    def stored(self, type: pa.DataType) -> Stored:
        """What a file of this format holds for a type. Raises Refused when it can hold it in no way."""
        ...

    def writer(self, sink: BinaryIO, schema: pa.Schema) -> FormatWriter:
        """A writer of one file; `schema` has only types that `stored` gave."""
        ...
