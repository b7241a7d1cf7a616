"""Arrow IPC: files and streams of record batches, as pyarrow writes them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, BinaryIO

import pyarrow as pa

from towpath.columnar import MIDNIGHT, ColumnarReading, check_level, checked, inspected, random_access, translated
from towpath.errors import DataError, UserError
from towpath.nouns import Stored, Want
from towpath.options import nearest
from towpath.seams.format import InputFile, Inspected
from towpath.values.logical import kind, plain_type

_MAGIC = b"ARROW1"
_END = b"\xff\xff\xff\xff\0\0\0\0"
_PIECE = 16 << 20
_CODECS = ("none", "lz4", "zstd")


class Arrow:
    """Both forms are read, told apart by their first bytes. The file form is written, or with `stream` the other.
    `compression` is none, lz4 or zstd, at `compression_level`. Arrow has no checksums: where bytes may change on their
    way, write `name.arrow.zst`, whose codec has one."""

    continues = False
    """The footer or end mark ends the file: nothing can be appended."""

    def __init__(self, compression: str = "none", stream: bool = False, compression_level: int | None = None) -> None:
        if compression not in _CODECS:
            raise UserError(
                f"arrow has no compression {compression!r}{nearest(compression, _CODECS)}",
                todo=f"one of {', '.join(_CODECS)}",
                code="option-wrong",
            )
        if compression_level is not None:
            check_level(compression, compression_level)
        self._compression = None if compression == "none" else pa.Codec(compression, compression_level)
        self._stream = stream

    def inspect(self, file: InputFile, want: Want, *, whole: bool) -> Inspected:
        with _opened(file) as (schema, batches):
            rows = sum(batch.num_rows for batch in batches) if whole else None
            return inspected(schema, rows, file.name)

    @contextmanager
    def read(self, file: InputFile, want: Want) -> Iterator[ColumnarReading]:
        with _opened(file) as (schema, batches):
            yield ColumnarReading(file.name, schema, batches, want)

    def stored(self, type: pa.DataType) -> Stored:
        """Every type itself, its values plain: not by dictionary, run ends or views. By Arrow's rule 24:00:00 is no
        time of day."""
        held = plain_type(type)
        kind(held)
        return Stored(held, refuses=MIDNIGHT)

    def writer(self, sink: BinaryIO, schema: pa.Schema) -> ArrowWriter:
        options = pa.ipc.IpcWriteOptions(compression=self._compression)
        make = pa.ipc.new_stream if self._stream else pa.ipc.new_file
        return ArrowWriter(make(sink, schema, options=options), sink)


class ArrowWriter:
    """Writes each batch as it comes."""

    def __init__(self, writer: Any, sink: BinaryIO) -> None:
        self._writer = writer
        self._sink = sink

    def write(self, rows: pa.RecordBatch) -> None:
        self._writer.write_batch(rows)

    def close(self) -> None:
        self._writer.close()
        self._sink.flush()


@contextmanager
def _opened(file: InputFile) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The schema and batches of a file of either form."""
    with ExitStack() as stack:
        with closing(file.open()) as stream:
            is_file = stream.read(len(_MAGIC)) == _MAGIC
        if is_file:
            source = stack.enter_context(random_access(file))
            with translated(file.name, "Arrow"):
                reader = pa.ipc.open_file(source)
            batches: Iterator[pa.RecordBatch] = (
                reader.get_batch(number) for number in range(reader.num_record_batches)
            )
        else:
            watched = _Watched(stack.enter_context(closing(file.open())))
            with translated(file.name, "Arrow"):
                reader = pa.ipc.open_stream(pa.PythonFile(watched, "r"))
            batches = _whole_stream(reader, watched, file.name)
        yield reader.schema, stack.enter_context(closing(checked(batches, file.name, "Arrow")))


def _whole_stream(reader: Any, watched: _Watched, name: str) -> Iterator[pa.RecordBatch]:
    """All batches; pyarrow takes a stream that was cut between two messages for a whole one."""
    yield from reader
    if watched.last != _END:
        raise DataError(
            "the Arrow stream has no end mark: it may be truncated",
            where=name,
            todo="fetch it again",
            code="file-damaged",
        )
    if watched.read(1):
        raise DataError(
            "more follows the end of the Arrow stream",
            where=name,
            todo="put each stream in its own file",
            code="file-damaged",
        )


class _Watched(io.RawIOBase):
    """A stream that remembers the last eight bytes read from it, and takes no more memory than it has bytes: what a
    damaged length asks for may be all that there is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.last = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        got = self._file.read(min(size, _PIECE)) if size > 0 else self._file.read(size)
        if len(got) == _PIECE < size:
            got = self._rest(got, size)
        self.last = (self.last + got)[-len(_END) :] if len(got) < len(_END) else got[-len(_END) :]
        return got

    def _rest(self, begin: bytes, size: int) -> bytes:
        pieces, left = [begin], size - len(begin)
        while left and (piece := self._file.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
