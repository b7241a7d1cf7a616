"""What the file joins share: a stored object as a format's input, and a file of rows being written."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow as pa

from towpath import codecs, registry
from towpath.disk import oserrors
from towpath.errors import BooksDoNotBalance, Refused, UserError
from towpath.nouns import ColumnPlan, Existing, Stored, Want
from towpath.seams.beside import GivesUp
from towpath.seams.format import ChecksNames, ChecksOldRows, Format, FormatWriter, InputFile
from towpath.seams.store import Entry, Staged, Store
from towpath.values.convert import planned

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def input_file(store: Store, entry: Entry, codec: str | None, took: Callable[[int], None] | None = None) -> InputFile:
    """An object of a store as a format reads it. `codec`: for names that do not tell their own. `took` is told the
    (compressed) bytes as they are read; nothing is told of a file that the format reads by its path."""
    path = entry.path
    packed = codecs.split(path)[1] or codec
    local = store.local(path) if packed is None else None

    def opened() -> BinaryIO:
        stream = store.open(path)
        if packed is None:
            codecs.refuse_packed(stream, path)
        return codecs.reader(stream if took is None else cast(BinaryIO, Counted(stream, took)), packed, path)

    return InputFile(path, opened, local, entry.size)


class Counted:
    """A stream that tells how many bytes are read from it; all else is the stream's own."""

    def __init__(self, stream: BinaryIO, took: Callable[[int], None]) -> None:
        self._stream = stream
        self._took = took

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._took(len(data))
        return data

    def readinto(self, buffer: Any) -> int:
        count: int = self._stream.readinto(buffer)  # type: ignore[attr-defined]
        self._took(count)
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def name_of(format: Format) -> tuple[str, tuple[str, ...]]:
    """A format's name and file endings by the catalogue; for one that is not in it, its class's name for both."""
    target = f"{type(format).__module__}:{type(format).__qualname__}"
    for row in registry.rows("format"):
        if row.target == target:
            return row.name, row.suffixes
    name = type(format).__name__.lower()
    return name, (f".{name}",)


def check_names(format: Format, names: Sequence[str], shown: str) -> None:
    """Raises Refused for names of columns that a file of the format cannot hold."""
    if isinstance(format, ChecksNames):
        with _about(shown):
            format.check_names(names)


def check_old_rows(format: Format, schema: pa.Schema, shown: str) -> None:
    """Raises Refused for rows of a file that would not stay as they are, were they written again."""
    if isinstance(format, ChecksOldRows):
        with _about(shown):
            format.check_old_rows(schema)


@contextlib.contextmanager
def _about(shown: str) -> Iterator[None]:
    """Says where what a format refuses is."""
    try:
        yield
    except Refused as error:
        raise Refused(error.what, where=shown, todo=error.todo, code=error.code) from error


def plan_columns(
    schema: pa.Schema, stored: Callable[[pa.DataType], Stored], existing: Existing | None, shown: str
) -> tuple[ColumnPlan, ...]:
    """The way of each column, in the order of the destination; `existing` columns must be the same by name.

    `stored` gives what a column without an entry in `existing.stored` will hold. Raises Refused, UserError."""
    names = list(schema.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(
            f"two columns are named {twice[0]!r}",
            where=shown,
            todo="give each column its own name",
            code="column-doubled",
        )
    order = names if existing is None else list(existing.schema.names)
    if set(order) != set(names):
        raise Refused(
            f"its columns are others: {_difference(order, names)}",
            where=shown,
            todo="give the new rows the same columns, or choose --mode replace",
            code="columns-differ",
        )
    there = {} if existing is None else existing.stored

    def plan(field: pa.Field) -> ColumnPlan:
        kept = there.get(field.name)
        return planned(field, field.name, stored if kept is None else lambda _: kept, shown)

    return tuple(plan(schema.field(name)) for name in order)


def _difference(there: list[str], new: list[str]) -> str:
    parts = (
        ("there, but not in the new rows", [name for name in there if name not in new]),
        ("in the new rows, but not there", [name for name in new if name not in there]),
    )
    return "; ".join(f"{', '.join(names)} {where}" for where, names in parts if names)


class Sink(io.RawIOBase):
    """Counts the bytes on their way into a staged object. Once `dropped` it swallows them: what closes a discarded
    file (a footer, a bracket) must not make it look whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self.dropped = False

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        count = memoryview(data).nbytes
        if not self.dropped:
            self._file.write(data)
            self.size += count
        return count

    def flush(self) -> None:
        """Left to the object: it is flushed when it is sealed."""


@dataclass(slots=True)
class RowsFile:
    """One file of rows being written: a format over a codec over a staged object. `rows` were written by us, after
    the `old` ones that it held before."""

    staged: Staged
    sink: Sink
    packed: BinaryIO
    writer: FormatWriter
    rows: int = 0
    old: int = 0
    abandoned: bool = False

    def write(self, rows: pa.RecordBatch) -> None:
        self.writer.write(rows)
        self.rows += rows.num_rows

    def finish(self) -> None:
        """Completes the file and makes it durable."""
        self.writer.close()
        self.packed.close()
        self.staged.seal()

    def give_up(self, *, abandon: bool = False) -> None:
        """See `towpath.seams.beside.GivesUp`."""
        self.abandoned |= abandon
        if isinstance(self.staged, GivesUp):
            self.staged.give_up(abandon=abandon)

    def drop(self) -> None:
        """Closes the writers without writing more; those that a thread was left alone with are let be."""
        self.sink.dropped = True
        if self.abandoned:
            return
        for part in (self.writer, self.packed):
            with contextlib.suppress(Exception):
                part.close()


def begin_file(
    format: Format, codec: str | None, staged: Staged, schema: pa.Schema, name: str, level: int | None = None
) -> RowsFile:
    """A new file of rows of `schema`."""
    sink = Sink(staged.file)
    packed = codecs.writer(cast(BinaryIO, sink), codec, name, level)
    return RowsFile(staged, sink, packed, format.writer(packed, schema))


def check_count(file: RowsFile, format: Format, codec: str | None, name: str) -> None:
    """Compares the rows written with what the finished file says of itself, where its format tells that cheaply and
    its store has it on this machine. Raises BooksDoNotBalance."""
    path: Path | None = getattr(file.staged, "path", None)
    if codec is not None or path is None or getattr(format, "continues", False):
        return

    def opened() -> BinaryIO:
        with oserrors.translated(name, "read"):
            return path.open("rb")

    found = format.inspect(InputFile(name, opened, path, file.sink.size), Want(), whole=False)
    if found.rows is not None and found.rows != file.old + file.rows:
        raise BooksDoNotBalance(
            f"the file says that it holds {found.rows} rows, but {file.old + file.rows} were written", where=name
        )
