"""A look at a source: its columns, their types and its first rows, as text that hides nothing."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from towpath import assemble
from towpath.badrows import BadRow, shorten
from towpath.errors import UserError
from towpath.job import InputSpec
from towpath.nouns import Restart, Want
from towpath.options import nearest
from towpath.seams.source import Source
from towpath.values import textform

NULL = "∅"
_CELL = 40
_BATCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Peeked:
    """The first rows. `settled` is False while types come from a sample; `pinned` names the columns given a type."""

    shown: str
    schema: pa.Schema
    settled: bool
    pinned: frozenset[str]
    rows: pa.Table
    bad: list[BadRow] = field(default_factory=list)

    def lines(self, width: int | None = None) -> list[str]:
        """The columns, then a table of the rows as wide as `width` letters at most (None: as wide as they are)."""
        columns = [[name, *self._cells(at)] for at, name in enumerate(map(visible, self.schema.names))]
        out = [self.shown, *self._schema_lines(), ""]
        aligned = [_aligned(cells, _right(one.type)) for cells, one in zip(columns, self.schema, strict=True)]
        fitting = _fitting(aligned, width)
        out += ["  ".join(cells).rstrip() for cells in zip(*aligned[:fitting], strict=True)]
        if fitting < len(columns):
            out.append(f"({len(columns) - fitting} more columns do not fit the screen)")
        if self.bad:
            out.append(f"{len(self.bad)} rows cannot be read, the first: {self.bad[0].error().what}")
            out.append(f"  at {self.bad[0].place}")
        return out

    def _schema_lines(self) -> list[str]:
        names = _aligned([visible(name) for name in self.schema.names], right=False)
        out = []
        for name, one in zip(names, self.schema, strict=True):
            sampled = not self.settled and one.name not in self.pinned
            out.append(f"  {name}  {textform.type_name(one.type)}{'  (from sample)' if sampled else ''}")
        return out

    def _cells(self, column: int) -> list[str]:
        values = self.rows.column(column).combine_chunks()
        texts = textform.write(values).to_pylist()
        is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
        return [cell(text) if is_text else NULL if text is None else shorten(visible(text), _CELL) for text in texts]


def peek(spec: InputSpec, rows: int, types: Mapping[str, str]) -> Peeked:
    """The first `rows` rows of what `spec` names. Bad rows among them are told, not refused. Raises UserError."""
    if rows < 0:
        raise UserError(f"{rows} rows cannot be shown")
    source = assemble.source(spec)
    want = Want(types={name: textform.parse_type(text) for name, text in types.items()}, batch_bytes=_BATCH_BYTES)
    described = source.describe(want)
    for name in types:
        if name not in described.schema.names:
            near = nearest(name, described.schema.names)
            raise UserError(f"there is no column {name!r}{near}", where=source.shown)
    try:
        schema, table, bad = _head(source, want, rows)
    except Restart as restart:
        schema, table, bad = _head(source, Want(types=want.types, schema=restart.schema), rows)
    return Peeked(source.shown, schema, described.settled, frozenset(types), table, bad)


def visible(text: str) -> str:
    """The text with its invisible characters written out: `\\n`, `\\u200b`, and `␠` for blanks at its ends."""
    core = text.strip(" ")
    before = len(text) - len(text.lstrip(" ")) if core else len(text)
    behind = len(text) - before - len(core)
    written = "".join(letter if letter.isprintable() and letter != "\\" else _escaped(letter) for letter in core)
    return "␠" * before + written + "␠" * behind


def cell(text: str | None) -> str:
    """A text value in a cell: `∅` for null, `""` for empty text; text that looks like either is put in quotes."""
    if text is None:
        return NULL
    if text in ("", NULL) or text.startswith('"'):
        text = json.dumps(text, ensure_ascii=False)
        return shorten(text, _CELL) if text.isprintable() else shorten(visible(text), _CELL)
    return shorten(visible(text), _CELL)


@dataclass(slots=True)
class _Kept:
    rows: list[BadRow] = field(default_factory=list)

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def _head(source: Source, want: Want, rows: int) -> tuple[pa.Schema, pa.Table, list[BadRow]]:
    kept = _Kept()
    want = Want(types=want.types, schema=want.schema, bad=kept, batch_bytes=_BATCH_BYTES)
    with source.open(None, want) as reading:
        batches: list[pa.RecordBatch] = []
        missing = rows
        if missing:
            for batch in reading:
                batches.append(batch.rows.slice(0, missing))
                missing -= len(batches[-1])
                if missing <= 0:
                    break
        return reading.schema, pa.Table.from_batches(batches, reading.schema), kept.rows


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def _right(type: pa.DataType) -> bool:
    return pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type)


def _width(text: str) -> int:
    """Columns on a screen: East Asian wide letters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def _aligned(cells: list[str], right: bool) -> list[str]:
    most = max(map(_width, cells), default=0)
    return [" " * (most - _width(one)) + one if right else one + " " * (most - _width(one)) for one in cells]


def _fitting(aligned: list[list[str]], width: int | None) -> int:
    """How many columns fit, at least one."""
    used = 0
    for count, cells in enumerate(aligned):
        used += _width(cells[0]) + (2 if count else 0)
        if width is not None and count and used > width:
            return count
    return len(aligned)
