"""Rows of Python's values, as cursors of databases give them, and SQLite's own, as Arrow arrays, by rows_compiled.c.

It takes what is plainly of a column's kind. What is not, or all values where it was not compiled, its callers get as
they came: they know what such values mean there, and tell errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

try:
    import towpath.values.rows_compiled as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from towpath.values.rows_compiled import Held, Statement


def is_compiled() -> bool:
    return compiled is not None


class Kind(StrEnum):
    """What a column takes besides None: int of 64 bits; float; either, with integers of at most 2**53; str that UTF-8
    can write; bytes; the int 0 or 1. Subclasses of these, of which bool is one, are not taken."""

    INTEGER = "int64"
    FLOAT = "double"
    NUMBER = "number"
    TEXT = "string"
    BINARY = "binary"
    BOOLEAN = "bool"

    @property
    def type(self) -> pa.DataType:
        return _TYPES[self]


_TYPES = {
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.NUMBER: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.BINARY: pa.binary(),
    Kind.BOOLEAN: pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """Values of one column: first those `taken`, an array of its kind's type; then the `rest`, which begins with one
    that was not."""

    taken: pa.Array
    rest: Sequence[Any]


def read(rows: Iterator[tuple[Any, ...]], most: int, kinds: Sequence[Kind]) -> tuple[int, list[Column]]:
    """How many of the next `most` rows there were, and their columns.

    What the iterator raises is let pass, and the rows before it are lost. Raises ValueError for a row that is no tuple
    with a value for each kind."""
    if compiled is None:
        return _as_they_are(rows, most, kinds)
    count, columns = compiled.read(rows, most, tuple(kinds))
    return count, _columns(kinds, columns)


def read_statement(statement: Statement, most: int, kinds: Sequence[Kind]) -> tuple[int, list[Column]]:
    """The same of a query of SQLite that `compiled.prepare` began. Raises ValueError as it does, or with minus the
    number of a column and bytes there that are no text."""
    count, columns = compiled.read_statement(statement, most, tuple(kinds))
    return count, _columns(kinds, columns)


def _columns(kinds: Sequence[Kind], told: list[tuple[Any, ...]]) -> list[Column]:
    return [_column(kind, *column) for kind, column in zip(kinds, told, strict=True)]


def _column(
    kind: Kind, taken: int, nulls: int, validity: Held, values: Held, content: Held | None, rest: list[Any] | None
) -> Column:
    buffers = [validity if nulls else None, values, *([] if content is None else [content])]
    held = [one if one is None else pa.py_buffer(one) for one in buffers]
    return Column(pa.Array.from_buffers(kind.type, taken, held, nulls), rest or ())


def _as_they_are(rows: Iterator[tuple[Any, ...]], most: int, kinds: Sequence[Kind]) -> tuple[int, list[Column]]:
    found = list(islice(rows, most))
    if not all(isinstance(row, tuple) and len(row) == len(kinds) for row in found):
        raise ValueError("a row must be a tuple with a value for each kind")
    columns = zip(*found, strict=True) if found else ((),) * len(kinds)
    return len(found), [Column(pa.array([], kind.type), rest) for kind, rest in zip(kinds, columns, strict=True)]
