"""Rows as lines of text by lines_compiled.c: which arrays it writes by itself, and how all others become text first.

It writes what the slower code beside its callers writes, byte by byte."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

try:
    import towpath.text.lines_compiled as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

NATIVE = b"0123456789-.aeflrstu"
"""All signs of numbers, dates and bools as they are written."""
_DEEPEST = 32
_CORES = min(os.cpu_count() or 1, 4)
_WORTH_BYTES = 1 << 20
"""Bytes of rows that are worth a thread."""


def is_compiled() -> bool:
    return compiled is not None


class Style(IntEnum):
    """How text is written: as it is, in quotes where it needs them (`Rules`), or as a JSON string."""

    BARE = 0
    DELIMITED = 1
    JSON = 2


@dataclass(frozen=True, slots=True)
class Rules:
    """Which texts need quotes: those that hold one of the `signs` (ASCII, or a byte order mark) or are one of the
    `words`. `all`: all values but nulls are in quotes."""

    signs: str = ""
    words: tuple[str, ...] = ()
    quote: str = '"'
    all: bool = False
    special: bytes = field(init=False)

    def __post_init__(self) -> None:
        special = bytearray(256)
        for sign in self.signs:
            if sign == "\ufeff":
                special[0xEF] = 2
            else:
                special[ord(sign)] = 1
        object.__setattr__(self, "special", bytes(special))

    @property
    def spare_native(self) -> bool:
        """Whether no number, date or bool can need quotes but for `all`."""
        return not any(self.special[sign] for sign in NATIVE) and not any(
            word and set(word.encode()) <= set(NATIVE) for word in self.words
        )


@dataclass(frozen=True, slots=True)
class Lines:
    """Writes rows, each as `before` and a value for each column, then `after`. `null` stands for null; `text` makes
    text of the arrays that are not written by themselves, with its own word for null if it has one."""

    before: Sequence[bytes]
    after: bytes
    style: Style
    null: bytes
    text: Callable[[pa.Array], pa.Array]
    rules: Rules = field(default_factory=Rules)

    def render(self, rows: pa.RecordBatch) -> list[bytes]:
        """The lines of all rows, in UTF-8: in their order, in pieces that several cores write at once."""
        pieces = min(_CORES, rows.nbytes // _WORTH_BYTES, rows.num_rows)
        if pieces < 2:
            return [self._piece(rows)]
        ends = [rows.num_rows * at // pieces for at in range(pieces + 1)]
        *others, last = (rows.slice(begin, end - begin) for begin, end in itertools.pairwise(ends))
        with ThreadPoolExecutor(len(others), "towpath-text") as pool:
            written = [pool.submit(self._piece, one) for one in others]
            end = self._piece(last)
            return [*(one.result() for one in written), end]

    def _piece(self, rows: pa.RecordBatch) -> bytes:
        text = self._rendered(rows, doubles=True)
        if text is None:  # doubles of many digits are for Arrow to write
            text = self._rendered(rows, doubles=False)
        assert text is not None
        return text

    def _rendered(self, rows: pa.RecordBatch, *, doubles: bool) -> bytes | None:
        children = tuple(self._told(values, doubles) for values in rows.columns)
        told = ("struct", 0, 0, 0, False, 0, rows.num_rows, b"", None, None, None, children, tuple(self.before))
        words = tuple(word.encode() for word in self.rules.words)
        return compiled.render(told, self.after, self.rules.special, ord(self.rules.quote), words)

    def _told(self, values: pa.Array, doubles: bool, depth: int = 0) -> tuple[Any, ...]:
        type = values.type
        if not self._is_native(values, doubles, depth):
            values = self.text(values)
            return self._leaf("text", values, Style.DELIMITED if self.style is Style.DELIMITED else Style.BARE)
        if pa.types.is_struct(type):
            # What a null struct holds is nobody's: it need not be fit to be written.
            held = values.flatten() if values.null_count else [values.field(at) for at in range(type.num_fields)]
            members = tuple(self._told(one, doubles, depth + 1) for one in held)
            return self._node("struct", values, children=members, before=tuple(json_before(type.names)))
        if is_list(type):
            values = _compact(values)
            return self._node("list", values, values=True, children=(self._told(values.values, doubles, depth + 1),))
        if pa.types.is_string(type) or pa.types.is_large_string(type):
            return self._leaf("text", values, self.style)
        if pa.types.is_boolean(type):
            return self._leaf("bool", values)
        if pa.types.is_date32(type):
            return self._leaf("date", values)
        if pa.types.is_float64(type):
            return self._leaf("double", values)
        if pa.types.is_decimal128(type):
            return self._leaf("decimal", values)
        return self._leaf("signed" if pa.types.is_signed_integer(type) else "unsigned", values)

    def _is_native(self, values: pa.Array, doubles: bool, depth: int) -> bool:
        type = values.type
        if pa.types.is_float64(type):
            return doubles and (self.style is Style.JSON or self.rules.spare_native)
        if pa.types.is_string(type) or pa.types.is_large_string(type):
            return True
        if self.style is Style.JSON:
            nested = (is_list(type) or (pa.types.is_struct(type) and type.num_fields > 0)) and depth < _DEEPEST
            return nested or (is_native(type) and not pa.types.is_date(type))
        return self.rules.spare_native and is_native(type) and (not pa.types.is_date(type) or _is_near(values))

    def _leaf(self, form: str, values: pa.Array, style: Style = Style.BARE) -> tuple[Any, ...]:
        return self._node(form, values, style, values=True)

    def _node(
        self,
        form: str,
        array: pa.Array,
        style: Style = Style.BARE,
        *,
        values: bool = False,
        children: tuple[Any, ...] = (),
        before: tuple[bytes, ...] = (),
    ) -> tuple[Any, ...]:
        type, buffers = array.type, array.buffers()
        wide = pa.types.is_large_string(type) or pa.types.is_large_list(type)
        width = (8 if wide else 4) if form in ("text", "list") else max(type.bit_width // 8, 1) if values else 0
        scale = type.scale if form == "decimal" else int(form == "double" and self.style is Style.JSON)
        content = (buffers[2] or b"") if form == "text" else None
        return (
            form, int(style), width, scale, self.rules.all, array.offset, len(array), self.null,
            buffers[0] if array.null_count else None, (buffers[1] or bytes(8)) if values else None, content,
            children, before,
        )  # fmt: skip


def is_native(type: pa.DataType) -> bool:
    """Whether values of a type are written by themselves: whole numbers, decimals, doubles, bools and dates."""
    return bool(
        pa.types.is_integer(type)
        or pa.types.is_float64(type)
        or pa.types.is_boolean(type)
        or pa.types.is_date32(type)
        or (pa.types.is_decimal128(type) and 0 <= type.scale <= 38)
    )


def is_list(type: pa.DataType) -> bool:
    return bool(pa.types.is_list(type) or pa.types.is_large_list(type))


json_quoted = json.JSONEncoder(ensure_ascii=False).encode


def json_before(names: Sequence[str]) -> list[bytes]:
    """What stands before each member of a JSON object."""
    return [(("," if at else "{") + json_quoted(name) + ":").encode() for at, name in enumerate(names)]


def _compact(lists: pa.Array) -> pa.Array:
    """The same lists, whose items alone are all that is behind them."""
    if not lists.null_count and not lists.offset and len(lists):
        ends = (lists.offsets[0].as_py(), lists.offsets[len(lists)].as_py())
        if ends == (0, len(lists.values)):
            return lists
    lengths = pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    mask = lists.is_null() if lists.null_count else None
    return pa.LargeListArray.from_arrays(offsets, lists.flatten(), mask=mask)


def _is_near(days: pa.Array) -> bool:
    """Whether all dates are of the years 1 to 9999, which are written with four digits."""
    found = pc.min_max(days.view(pa.int32()))
    least, most = found["min"].as_py(), found["max"].as_py()
    return least is None or (least >= _FIRST_DAY and most <= _LAST_DAY)


_EPOCH = date(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = (date.min - _EPOCH).days, (date.max - _EPOCH).days
