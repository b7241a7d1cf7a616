"""Where the fields of delimited records lie, and their columns: by compiled.c, for blocks that are plainly in order.

Whatever is not (a record with too few fields, a lone carriage return, a quote out of order) it declines as a whole, and
the careful way tells what is wrong. Nothing here decides otherwise than `records`, `columns` and `optimistic` do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from towpath.text import scan
from towpath.text.scan import Grammar

try:
    import towpath.text.compiled as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

_LARGEST = (1 << 31) - 1
_READ = (pa.int64(), pa.int32(), pa.int16(), pa.float64(), pa.date32(), pa.timestamp("us"))
"""The types that compiled.c reads, beside decimals."""


def is_compiled() -> bool:
    return compiled is not None


def line_feeds(data: bytes) -> int:
    return data.count(b"\n") if compiled is None else compiled.line_feeds(data)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of the records of `data` that begin at `starts`: field f of record r ends before
    `data[ends[r * width + f]]`."""

    data: bytes
    starts: np.ndarray
    ends: np.ndarray
    width: int
    quote: int
    is_ascii: bool

    def columns(self, wanted: Sequence[tuple[int, pa.DataType | None]], null: tuple[bytes, ...]) -> list[pa.Array]:
        """Some columns, by number, as values of their types where these are given and every field is plainly such a
        value, else as text whose bytes nobody looked at. Null is what is empty, and text that is one of the words
        `null`, where it is not quoted."""
        made = self._made([(number, type if _is_read(type) else None) for number, type in wanted], null)
        if others := [at for at, one in enumerate(made) if one is None]:
            for at, text in zip(others, self._made([(wanted[at][0], None) for at in others], null), strict=True):
                made[at] = text
        return made

    def _made(self, wanted: Sequence[tuple[int, pa.DataType | None]], null: tuple[bytes, ...]) -> list[pa.Array | None]:
        """The same for types that can be read; None for a column with a field in another form."""
        count = len(self.starts)
        buffers = [
            (np.empty(_size(type, count), np.uint8), np.full((count + 7) // 8, 255, np.uint8)) for _, type in wanted
        ]
        asked = tuple((number, *_form(type), *both) for (number, type), both in zip(wanted, buffers, strict=True))
        told = compiled.columns(self.data, self.starts, self.ends, self.width, self.quote, null, asked)
        return [
            None if one is None else _array(type or pa.string(), count, both, *one)
            for (_, type), both, one in zip(wanted, buffers, told, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Split:
    """Whole records: where they begin and end, the number of line ends before each, and their fields. `used`, `lines`:
    the bytes that they take, with blank lines, and the line ends in these."""

    starts: np.ndarray
    ends: np.ndarray
    lines: np.ndarray
    fields: Fields
    used: int
    line_ends: int


def split(data: bytes, width: int, grammar: Grammar, final: bool) -> Split | None:
    """The whole records at the beginning of `data`, if all is plainly in order; `final`: nothing follows."""
    if compiled is None or width < 1 or len(data) > _LARGEST:
        return None
    most = min(compiled.line_feeds(data), len(data) // width) + 1  # a byte follows each field, but the last of all
    starts, ends, lines = (np.empty(most, np.int64) for _ in range(3))
    fields = np.empty(most * width, np.int32)
    quote = -1 if grammar.quote is None else grammar.quote
    found = compiled.split(
        data,
        width,
        grammar.delimiter,
        quote,
        final,
        grammar.longest_lines,
        scan.LONGEST_QUOTED_BYTES,
        starts,
        ends,
        lines,
        fields,
    )
    if found is None:
        return None
    records, used, line_ends, is_ascii = found
    starts, ends, lines = (part[:records] for part in (starts, ends, lines))
    return Split(starts, ends, lines, Fields(data, starts, fields, width, quote, is_ascii), used, line_ends)


def _is_read(type: pa.DataType | None) -> bool:
    return type is not None and (type in _READ or (pa.types.is_decimal128(type) and type.scale >= 0))


def _form(type: pa.DataType | None) -> tuple[str, int, int]:
    if type is None:
        return "", 0, 0
    if pa.types.is_decimal128(type):
        return "decimal128", type.precision, type.scale
    return str(type), 0, 0


def _size(type: pa.DataType | None, count: int) -> int:
    """Bytes of the values, or of the offsets of text."""
    return 4 * (count + 1) if type is None else type.bit_width // 8 * count


def _array(
    type: pa.DataType, count: int, buffers: tuple[np.ndarray, np.ndarray], nulls: int, content: bytes | None
) -> pa.Array:
    values, validity = (pa.py_buffer(one) for one in buffers)
    rest = [] if content is None else [pa.py_buffer(content)]
    return pa.Array.from_buffers(type, count, [validity if nulls else None, values, *rest], nulls)
