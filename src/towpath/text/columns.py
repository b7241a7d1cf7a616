"""The records of one block as columns: text that awaits its type, and pinned columns in theirs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import merge

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv

from towpath.badrows import BadRow
from towpath.errors import BooksDoNotBalance
from towpath.stream import Place
from towpath.text.conventions import Conventions
from towpath.text.optimistic import Convention
from towpath.text.records import Block
from towpath.text.scan import Grammar
from towpath.values import textform

_MARK = b"\xef\xbb\xbf"
_NO_TEXT = "its bytes are no text in this encoding"
_PLAIN = Convention()
_PADDED = re.compile(r"\s*(?:[+-]0?\d+|0\d+)\s*")


@dataclass(frozen=True, slots=True)
class Lines:
    """The origin of rows that are records of one block, which `where` turns into places."""

    where: Callable[[int, bytes], Place]
    block: Block
    rows: np.ndarray

    def place(self, row: int) -> Place:
        at = int(self.rows[row])
        return self.where(int(self.block.lines[at]), self.block.raw(at))


@dataclass(frozen=True, slots=True)
class BadRecords:
    """The bad rows of a block in the order of the file, each made when it is asked for: one takes ten times the memory
    of its bytes, and all of a block may be bad. `parts` make them, by what is wrong."""

    parts: Sequence[Callable[[], Iterator[BadRow]]]

    def __iter__(self) -> Iterator[BadRow]:
        return merge(*(part() for part in self.parts), key=lambda bad: bad.place.line or 0)


@dataclass(frozen=True, slots=True)
class Columns:
    """The good rows of a block, their origin, and its bad rows. All records = rows + bad."""

    rows: pa.RecordBatch
    origin: Lines
    bad: BadRecords


@dataclass(frozen=True, slots=True)
class _Misfits:
    """The rows (by number) of a pinned column with a text that is no value of its type."""

    name: str
    texts: pa.Array
    rows: np.ndarray


@dataclass(frozen=True, slots=True)
class Parser:
    """Makes columns of blocks. `names` are the file's columns, `wanted` those to make, in this order; `pinned` types
    are given by name, and a text that is no such value makes its row bad. `null`: words that mean null unquoted.
    `original` gives bytes back in the file's own encoding; `header` is what must stand before records to read them."""

    file: str
    names: tuple[str, ...]
    wanted: tuple[str, ...]
    pinned: Mapping[str, pa.DataType]
    grammar: Grammar
    null: tuple[str, ...]
    conventions: Conventions
    original: Callable[[bytes], bytes]
    header: bytes | None = None

    def __call__(self, block: Block, types: Mapping[str, pa.DataType] | None = None) -> Columns:
        """The columns of a block: pinned ones in their types, all others as text, but for those that are plainly of the
        `types` given, which are of these then."""
        text, undecodable = self._decodable(block)
        columns, misshapen = self._columns(text, types or {})
        rows = np.arange(len(text.starts))
        lines = Lines(self._place, text, np.delete(rows, list(misshapen)) if misshapen else rows)
        columns, misfits = self._pin(columns)
        parts = (
            (block.broken, partial(self._broken, block)),
            (undecodable, partial(self._records, block, dict.fromkeys(undecodable, _NO_TEXT), "text-undecodable")),
            (misshapen, partial(self._records, text, misshapen)),
            (misfits, partial(self._misfits, lines, misfits)),
        )
        bad = BadRecords([part for found, part in parts if found])
        if misfits:
            kept = np.delete(np.arange(len(lines.rows)), np.concatenate([one.rows for one in misfits]))
            columns = {name: values.take(pa.array(kept)) for name, values in columns.items()}
            lines = Lines(self._place, text, lines.rows[kept])
        return Columns(record_batch(columns, len(lines.rows)), lines, bad)

    def _place(self, line: int, raw: bytes) -> Place:
        return Place(self.file, line, self.original(raw), self.header)

    def _broken(self, block: Block) -> Iterator[BadRow]:
        for broken in block.broken:
            yield BadRow(self._place(broken.line, broken.raw), "a quoted field does not end properly")

    def _records(self, block: Block, reasons: Mapping[int, str], code: str = "") -> Iterator[BadRow]:
        for at, why in sorted(reasons.items()):
            yield BadRow(self._place(int(block.lines[at]), block.raw(at)), why, code=code)

    def _misfits(self, lines: Lines, misfits: Sequence[_Misfits]) -> Iterator[BadRow]:
        """A row of several such texts is told by the first."""
        column = np.full(len(lines.rows), -1)
        for number, one in reversed(list(enumerate(misfits))):
            column[one.rows] = number
        for row in np.flatnonzero(column >= 0).tolist():
            found = misfits[column[row]]
            text = found.texts[row].as_py()
            yield BadRow(lines.place(row), _misfit(text, self.pinned[found.name]), found.name, text)

    def _decodable(self, block: Block) -> tuple[Block, list[int]]:
        """The records that are text, and the numbers of the others."""
        if block.fields is not None and block.fields.is_ascii:
            return block, []
        try:
            _check_text(block.data, int(block.ends[-1]) if len(block.ends) else 0)
        except pa.ArrowInvalid:
            rows = [at for at in range(len(block.starts)) if not _is_text(block.raw(at))]
            return block.without(rows), rows
        return block, []

    def _columns(self, block: Block, types: Mapping[str, pa.DataType]) -> tuple[dict[str, pa.Array], dict[int, str]]:
        """The wanted columns, as text where they are not plainly of their type, and by record what is wrong with those
        that have too few or too many fields."""
        if block.fields is None:
            return self._parsed(block)
        asked = [(self.names.index(name), self._plain(name, types.get(name))) for name in self.wanted]
        made = block.fields.columns(asked, tuple(word.encode() for word in self.null))
        return dict(zip(self.wanted, made, strict=True)), {}

    def _parsed(self, block: Block) -> tuple[dict[str, pa.Array], dict[int, str]]:
        """The wanted columns as text, by pyarrow, and the records of another number of fields."""
        misshapen: dict[int, str] = {}
        reasons: dict[int, str] = {}

        def skip(row: pv.InvalidRow) -> str:
            why = f"it has {row.actual_columns} fields instead of {row.expected_columns}"
            misshapen[row.number - 1] = reasons.setdefault(row.actual_columns, why)
            return "skip"

        if not len(block.starts):
            return {name: pa.array([], pa.string()) for name in self.wanted}, misshapen
        keys = [str(at) for at in range(len(self.names))]
        wanted = [keys[self.names.index(name)] for name in self.wanted] or keys[:1]
        quote = self.grammar.quote
        # Arrow leaves out a byte order mark that its input begins with; that of the file is gone already.
        data = _MARK + block.data if block.data[: len(_MARK)] == _MARK else block.data
        # It takes a last field of nothing for quoted where the one before it is, and no line end follows.
        data = data if data.endswith((b"\n", b"\r")) else data + b"\n"
        table = pv.read_csv(
            pa.BufferReader(data),
            read_options=pv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=keys),
            parse_options=pv.ParseOptions(
                delimiter=chr(self.grammar.delimiter),
                quote_char=False if quote is None else chr(quote),
                newlines_in_values=block.quoted,
                ignore_empty_lines=len(keys) > 1,
                invalid_row_handler=skip,
            ),
            convert_options=pv.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.string()),
                include_columns=wanted,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=["", *self.null],
                check_utf8=False,
            ),
        )
        if table.num_rows + len(misshapen) != len(block.starts):
            raise BooksDoNotBalance(
                f"{len(block.starts)} records were framed, {table.num_rows} parsed and {len(misshapen)} set aside",
                where=f"{self.file}:{block.lines[0]}",
                todo="nothing was published; please report it with these lines of the file",
            )
        return {name: _whole(table.column(key)) for name, key in zip(self.wanted, wanted, strict=False)}, misshapen

    def _plain(self, name: str, type: pa.DataType | None) -> pa.DataType | None:
        """The type of a column, where its values are written in the plain way, with no more words for null."""
        is_plain = not self.null and self.conventions.of(name) == _PLAIN
        return self.pinned.get(name, type) if is_plain else None

    def _pin(self, columns: dict[str, pa.Array]) -> tuple[dict[str, pa.Array], list[_Misfits]]:
        """The columns with pinned ones in their types, and what does not fit."""
        misfits = []
        done = {}
        for name, texts in columns.items():
            done[name] = texts
            if name in self.pinned and texts.type != self.pinned[name]:
                done[name], rows = self.conventions.of(name).pinned(texts, self.pinned[name])
                if len(rows):
                    misfits.append(_Misfits(name, texts, rows))
        return done, misfits


def _misfit(text: str, type: pa.DataType) -> str:
    """Why a text is no value of a type, where that surprises: what would be lost, or which form is expected."""
    reason = f"this is no {textform.type_name(type)}"
    if pa.types.is_integer(type) and _PADDED.fullmatch(text):
        return f"{reason}: its zeros or sign would be lost"
    if pa.types.is_date(type) or pa.types.is_timestamp(type):
        return f"{reason} as YYYY-MM-DD; name another form with --date-format"
    return reason


def record_batch(columns: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
    """A batch of `rows` rows, also of no columns."""
    if not columns:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    return pa.record_batch(list(columns.values()), names=list(columns))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], pa.string())])


def _check_text(data: bytes, size: int) -> None:
    """Raises `pa.ArrowInvalid` where the first `size` bytes are not UTF-8."""
    bounds = pa.py_buffer(np.array([0, size], np.int64))
    pa.Array.from_buffers(pa.large_binary(), 1, [None, bounds, pa.py_buffer(data)]).cast(pa.large_string())


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
