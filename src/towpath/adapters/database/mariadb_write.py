"""Rows as the text that MariaDB takes: the lines of `load data`, or the tuples of `insert`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.adapters.database.mariadb_types import CHARSET, Declared, quote
from towpath.errors import DataError
from towpath.values import textform

_SLICE_BYTES = 8 << 20
_HEX = np.frombuffer("".join(f"{byte:02X}" for byte in range(256)).encode(), np.uint16)
_PLAIN = (pa.types.is_integer, pa.types.is_date, pa.types.is_time, pa.types.is_string)


@dataclass(frozen=True, slots=True)
class Sending:
    """Rows of `schema` on their way into the columns of a table (quoted)."""

    table: str
    schema: pa.Schema
    columns: tuple[Declared, ...]

    def load(self) -> str:
        """The statement that takes `lines`."""
        names, sets = [], []
        for at, (field, column) in enumerate(zip(self.schema, self.columns, strict=True)):
            made = _MADE.get("bit" if column.base == "bit" else "hex" if pa.types.is_binary(field.type) else "")
            names.append(quote(column.name) if made is None else f"@_towpath_{at}")
            if made is not None:
                sets.append(f"{quote(column.name)} = {made.format(f'@_towpath_{at}')}")
        return (
            f"load data local infile 'rows' into table {self.table} character set {CHARSET}"
            r" fields terminated by '\t' escaped by '\\' lines terminated by '\n'"
            f" ({', '.join(names)}){' set ' if sets else ''}{', '.join(sets)}"
        )

    def lines(self, batch: pa.RecordBatch) -> Iterator[pa.Buffer]:
        """The rows as lines: parted by tabs, null as `\\N`."""
        for part in _sliced(batch):
            cells = []
            for values, column in zip(part.columns, self.columns, strict=True):
                cell = _text(values, column)
                if _free(values.type):
                    cell = _escaped(cell, (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n")))
                cells.append(cell.fill_null("\\N"))
            rows = pc.binary_join_element_wise(*cells, "\t")
            yield _bytes(pc.binary_join_element_wise(rows, "", "\n"))

    def inserts(self, batch: pa.RecordBatch, most_bytes: int) -> Iterator[tuple[bytes, int]]:
        """The rows as statements of at most so many bytes, each with the number of its rows."""
        names = ", ".join(quote(column.name) for column in self.columns)
        head = f"insert into {self.table} ({names}) values ".encode()
        for part in _sliced(batch):
            cells = [_literals(values, column) for values, column in zip(part.columns, self.columns, strict=True)]
            rows = pc.binary_join_element_wise(*cells, ",")
            rows = pc.binary_join_element_wise(pc.binary_join_element_wise("", rows, "("), "", "),")
            yield from self._statements(head, _bytes(rows), _offsets(rows), most_bytes)

    def _statements(
        self, head: bytes, rows: pa.Buffer, offsets: np.ndarray, most_bytes: int
    ) -> Iterator[tuple[bytes, int]]:
        ends, first, room = offsets[1:] - offsets[0], 0, most_bytes - len(head)
        while first < len(ends):
            begin = int(ends[first - 1]) if first else 0
            last = int(np.searchsorted(ends, begin + room, "right"))
            if last == first:
                raise DataError(
                    f"a row of {int(ends[first]) - begin:,} bytes is longer than a statement may be"
                    f" ({most_bytes:,} bytes)",
                    where=self.table,
                    todo="raise max_allowed_packet of the server, or allow local_infile there",
                    code="value-refused",
                )
            yield head + memoryview(rows)[begin : int(ends[last - 1]) - 1], last - first
            first = last


_MADE = {"bit": "cast({} as unsigned)", "hex": "unhex({})"}


def _sliced(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in parts of some megabytes, so that no array of texts outgrows Arrow's offsets."""
    parts = max(1, min(batch.num_rows, -(-batch.nbytes // _SLICE_BYTES)))
    rows = -(-batch.num_rows // parts)
    for first in range(0, batch.num_rows, max(rows, 1)):
        yield batch.slice(first, rows)


def _free(type: pa.DataType) -> bool:
    """Whether the text of such values may hold any sign."""
    return not (
        pa.types.is_integer(type)
        or pa.types.is_floating(type)
        or pa.types.is_decimal(type)
        or pa.types.is_boolean(type)
        or pa.types.is_temporal(type)
        or pa.types.is_binary(type)
    )


def _text(values: pa.Array, column: Declared) -> pa.Array:
    """Each value as MariaDB's text of it, bytes in hexadecimal."""
    type = values.type
    if pa.types.is_boolean(type):
        return values.cast(pa.int8()).cast(pa.string())
    if pa.types.is_floating(type):  # a single's own text may mean another double
        return values.cast(pa.float64()).cast(pa.string())
    if column.base == "year":
        return pc.utf8_lpad(values.cast(pa.string()), 4, "0")
    if pa.types.is_timestamp(type):
        local = values if type.tz is None else values.cast(pa.timestamp(type.unit, "UTC")).cast(pa.timestamp(type.unit))
        return local.cast(pa.string())
    if pa.types.is_binary(type):
        return _hexed(values)
    if any(plain(type) for plain in _PLAIN):
        return values.cast(pa.string())
    return textform.write(values)


def _literals(values: pa.Array, column: Declared) -> pa.Array:
    """Each value as SQL. Numbers are in quotes too: MariaDB reads as decimals what stands without."""
    cell = _text(values, column)
    if _free(values.type):
        cell = _escaped(cell, (("\\", "\\\\"), ("'", "\\'")))
    begin = "x'" if pa.types.is_binary(values.type) else "'"
    if not (pa.types.is_integer(values.type) or pa.types.is_boolean(values.type)) or column.base == "year":
        cell = pc.binary_join_element_wise(pc.binary_join_element_wise("", cell, begin), "", "'")
    return cell.fill_null("null")


def _escaped(texts: pa.Array, pairs: tuple[tuple[str, str], ...]) -> pa.Array:
    held = memoryview(_bytes(texts)).tobytes()
    for sign, written in pairs:
        if sign.encode() in held:
            texts = pc.replace_substring(texts, sign, written)
    return texts


def _hexed(values: pa.Array) -> pa.Array:
    offsets = _offsets(values)
    data = np.frombuffer(_bytes(values), np.uint8)
    buffers = [None, pa.py_buffer((2 * (offsets - offsets[0])).astype(np.int64)), pa.py_buffer(_HEX[data])]
    texts = pa.Array.from_buffers(pa.large_string(), len(values), buffers).cast(pa.string())
    return pc.if_else(values.is_valid(), texts, pa.scalar(None, pa.string()))


def _offsets(values: pa.Array) -> np.ndarray:
    whole = np.frombuffer(values.buffers()[1], np.int32)
    return whole[values.offset : values.offset + len(values) + 1].astype(np.int64)


def _bytes(values: pa.Array) -> pa.Buffer:
    """The texts one after the other."""
    offsets = _offsets(values)
    data = values.buffers()[2]
    return pa.py_buffer(b"") if data is None else data.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
