"""Apache Parquet through pyarrow.parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from towpath.columnar import MIDNIGHT, ColumnarReading, check_level, checked, inspected, random_access, translated
from towpath.errors import UserError
from towpath.nouns import Stored, Want
from towpath.options import nearest
from towpath.seams.format import InputFile, Inspected
from towpath.values.logical import Kind, kind, plain, plain_type

_CODECS = ("zstd", "snappy", "gzip", "brotli", "lz4", "none")
_PROBE_ROWS = 1024
_MOST_ROWS = 1 << 17
_BUFFER = 1 << 20
_LEAST_BUFFER = 16 << 10
_NEAR_BUFFERS, _FAR_BUFFERS = 32 << 20, 64 << 20
"""Bytes of all columns' buffers, on this machine and elsewhere, where each request takes its time."""


class Parquet:
    """Types are those of the file's schema, and every row group is read in batches sized by bytes. Writing buffers
    about `row_group_bytes` of rows for each row group. `compression` is zstd, snappy, gzip, brotli, lz4 or none, at
    `compression_level`. Pages carry checksums, which reading tests where they are."""

    continues = False
    """The footer ends the file: nothing can be appended."""

    def __init__(
        self, compression: str = "zstd", compression_level: int | None = None, row_group_bytes: int = 64 << 20
    ) -> None:
        if compression not in _CODECS:
            raise UserError(
                f"parquet has no compression {compression!r}{nearest(compression, _CODECS)}",
                todo=f"one of {', '.join(_CODECS)}",
                code="option-wrong",
            )
        if compression_level is not None:
            check_level(compression, compression_level)
        if row_group_bytes < 1:
            raise UserError(f"row_group_bytes must be at least 1, not {row_group_bytes}", code="option-wrong")
        self._compression = compression
        self._level = compression_level
        self._row_group_bytes = row_group_bytes

    def inspect(self, file: InputFile, want: Want, *, whole: bool) -> Inspected:
        with random_access(file) as source, translated(file.name, "Parquet"):
            opened = _open(source)
            return inspected(opened.schema_arrow, opened.metadata.num_rows, file.name)

    @contextmanager
    def read(self, file: InputFile, want: Want) -> Iterator[ColumnarReading]:
        with random_access(file) as source:
            with translated(file.name, "Parquet"):
                opened = _open(source)
                schema, metadata = opened.schema_arrow, opened.metadata
                columns = max(metadata.num_columns if want.columns is None else len(want.columns), 1)
                if file.path is None:
                    opened = _open(source, metadata, max(_FAR_BUFFERS // columns, _BUFFER))
                elif columns > _NEAR_BUFFERS // _BUFFER:
                    opened = _open(source, metadata, max(_NEAR_BUFFERS // columns, _LEAST_BUFFER))
            names = None if want.columns is None else list(want.columns)
            batches = checked(_batches(opened, names, want), file.name, "Parquet")
            rows = metadata.num_rows
            try:
                yield ColumnarReading(file.name, schema, batches, want, rows)
            finally:
                batches.close()

    def stored(self, type: pa.DataType) -> Stored:
        """The type that pyarrow reads back, and that every other reader sees too: Parquet itself has no durations (a
        bare number to others), no seconds, no 16-bit floats outside of new readers, one layout of text and lists."""
        return Stored(_held(plain_type(type)), refuses=MIDNIGHT)

    def writer(self, sink: BinaryIO, schema: pa.Schema) -> ParquetWriter:
        made = pq.ParquetWriter(
            sink, schema, compression=self._compression, compression_level=self._level, write_page_checksum=True
        )
        return ParquetWriter(made, sink, self._row_group_bytes)


class ParquetWriter:
    """Gathers batches to row groups of about so many bytes in memory."""

    def __init__(self, writer: Any, sink: BinaryIO, row_group_bytes: int) -> None:
        self._writer = writer
        self._sink = sink
        self._row_group_bytes = row_group_bytes
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0

    def write(self, rows: pa.RecordBatch) -> None:
        self._waiting.append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= self._row_group_bytes:
            self._write_group()

    def close(self) -> None:
        self._write_group()
        self._writer.close()
        self._sink.flush()

    def _write_group(self) -> None:
        rows = sum(batch.num_rows for batch in self._waiting)
        if rows:
            self._writer.write_table(pa.Table.from_batches(self._waiting), row_group_size=rows)
        self._waiting, self._bytes = [], 0


def _open(source: Any, metadata: Any = None, buffer: int = _BUFFER) -> Any:
    opened = pq.ParquetFile(
        source, metadata=metadata, pre_buffer=False, buffer_size=buffer, page_checksum_verification=True
    )
    told, held = opened.metadata.num_rows, _rows(opened.metadata)
    if told != held:
        raise pa.ArrowInvalid(f"its footer says {told} rows, its row groups {held}")
    return opened


def _rows(metadata: Any) -> int:
    return sum(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))


def _batches(opened: Any, names: list[str] | None, want: Want) -> Iterator[pa.RecordBatch]:
    """All rows, in batches whose rows are sized by the first ones and by what the footer says."""
    metadata = opened.metadata
    rows = _PROBE_ROWS
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.num_rows:
            probe = next(opened.iter_batches(_PROBE_ROWS, [number], names, use_threads=False), None)
            if probe is None:
                raise pa.ArrowInvalid(f"row group {number + 1} holds none of its {group.num_rows} rows")
            width = max(plain_size(probe) / probe.num_rows, group.total_byte_size / group.num_rows, 1)
            rows = int(min(max(want.batch_bytes / width, 1), _MOST_ROWS))
        yield from opened.iter_batches(rows, [number], names, use_threads=want.threads > 1)


def plain_size(rows: pa.RecordBatch) -> int:
    """Bytes of the rows without dictionaries, as they are passed on."""
    return sum(plain(column).nbytes for column in rows.columns)


def _held(type: pa.DataType) -> pa.DataType:
    match kind(type):
        case Kind.TEXT | Kind.INTERVAL | Kind.DURATION:
            return pa.string()
        case Kind.BYTES:
            return type if pa.types.is_fixed_size_binary(type) and type.byte_width else pa.binary()
        case Kind.FLOAT:
            return pa.float32() if pa.types.is_float16(type) else type
        case Kind.DECIMAL:
            return pa.decimal128(type.precision, type.scale) if type.precision <= 38 else type
        case Kind.DATE:
            return pa.date32()
        case Kind.TIME:
            return pa.time32("ms") if type == pa.time32("s") else type
        case Kind.LOCAL | Kind.INSTANT:
            return pa.timestamp("ms", type.tz) if type.unit == "s" else type
        case Kind.LIST:
            return pa.list_(_held(type.value_type))
        case Kind.STRUCT:
            fields = [(field.name, _held(field.type)) for field in type]
            return pa.struct(fields) if fields else pa.string()
        case Kind.MAP:
            return pa.map_(_held(type.key_type), _held(type.item_type))
    return type
