"""Rows of the text protocol as Arrow columns: parted into cells, and parsed where compiled.c is there to do so.

A row is a packet of cells, each a text after its length: https://mariadb.com/kb/en/result-set-packets/.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

try:
    import towpath.mariadb.compiled as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

_HEADER_BYTES = 4
_NULL, _TWO, _THREE, _EIGHT, _NONE = 251, 252, 253, 254, 255
_BYTES = ("binary", 0, 0)
_NAMED = frozenset(
    (
        *(pa.bool_(), pa.float32(), pa.float64(), pa.date32(), pa.string(), pa.binary()),
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.time32("s"), pa.time32("ms"), pa.time64("us")),
    )
)
_UNITS = ("s", "ms", "us")


def is_compiled() -> bool:
    return compiled is not None


def packets(held: bytearray, size: int, at: int, ends: Any, rows: int, most_bytes: int) -> tuple[int, int]:
    """Of the first `size` bytes from `at` on, the whole packets that are rows: how many there are now, where they were
    `rows`, and the place after the last. `ends` (64-bit) gets where each ends, until it is full, or `at` is beyond
    `most_bytes`. What is no row of one packet is left to the caller; so is all where nothing is compiled."""
    return (rows, at) if compiled is None else compiled.packets(held, size, at, ends, rows, most_bytes)


def columns(held: bytearray, ends: Any, rows: int, types: Sequence[pa.DataType | None]) -> list[pa.Array]:
    """The values of each column of at least one row: of its type, or the cells as binary where no type is given, or one
    is not plainly a value of it. Nothing of `held` is kept. Raises ValueError where the rows do not have so many cells.

    `held` begins with the header of the first row's packet; `ends` says where each row ends, and the next one's header
    begins."""
    forms = tuple(map(_form, types))
    found = None if compiled is None else compiled.columns(held, ends, rows, forms)
    if found is None:
        return _cells(held, np.frombuffer(ends, np.int64, rows), len(types))
    known = [None if form == _BYTES else type for type, form in zip(types, forms, strict=True)]
    return [_array(type, rows, *column) for type, column in zip(known, found, strict=True)]


def _form(type: pa.DataType | None) -> tuple[str, int, int]:
    if type is None:
        return _BYTES
    if pa.types.is_decimal128(type):
        return ("decimal128", type.precision, type.scale) if type.scale >= 0 else _BYTES
    if pa.types.is_timestamp(type):
        return (f"timestamp[{type.unit}]", 0, 0) if type.unit in _UNITS else _BYTES
    return (str(type), 0, 0) if type in _NAMED else _BYTES


def _array(
    type: pa.DataType | None, rows: int, parsed: bool, nulls: int, validity: bytes, values: bytes, content: bytes | None
) -> pa.Array:
    buffers = [validity if nulls else None, values, *([] if content is None else [content])]
    made = type if parsed and type is not None else pa.binary()
    return pa.Array.from_buffers(made, rows, [one if one is None else pa.py_buffer(one) for one in buffers], nulls)


def _cells(held: bytearray, ends: np.ndarray, columns: int) -> list[pa.BinaryArray]:
    block = memoryview(held)[: int(ends[-1])]
    data, at, found = np.frombuffer(block, np.uint8), np.concatenate(([0], ends[:-1])) + _HEADER_BYTES, []
    for _ in range(columns):
        _refuse(at >= ends)
        first = data[at]
        length, begin = first.astype(np.int64), at + 1
        null = first == _NULL
        if first.size and first.max() > _NULL:
            _refuse(first == _NONE)
            for sign, width in ((_TWO, 2), (_THREE, 3), (_EIGHT, 8)):
                long = np.flatnonzero(first == sign)
                begin[long] += width
                _refuse(begin[long] > ends[long])
                length[long] = sum(data[at[long] + 1 + byte].astype(np.int64) << (8 * byte) for byte in range(width))
        length[null] = 0
        _refuse((length < 0) | (length > ends - begin))
        at = begin + length
        found.append(_gathered(block, begin, at, null))
    _refuse(at != ends)
    return found


def _refuse(wrong: np.ndarray) -> None:
    if wrong.any():
        raise ValueError("the server's rows do not have the columns that it announced")


def _gathered(block: memoryview, begin: np.ndarray, end: np.ndarray, null: np.ndarray) -> pa.BinaryArray:
    """The pieces of a block as one array: each second element of an array of pieces and the gaps between them."""
    offsets = np.empty(2 * len(begin), np.int64)
    offsets[0::2], offsets[1::2] = begin, end
    buffers: Sequence[Any] = [None, pa.py_buffer(offsets), pa.py_buffer(block)]
    pieces = pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)
    return pieces.take(pa.array(np.arange(0, len(offsets), 2), mask=null)).cast(pa.binary())
