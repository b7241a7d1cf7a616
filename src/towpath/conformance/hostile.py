"""The hostile schema: columns in which systems lose, round or mix up values, for every adapter to carry or to refuse.

Arrays are made from bits and Python values alone, by no code of Towpath's. Each column stands on its own, so that the
refusal of one hides no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Hostile:
    """One column: its name, its values (some null, save where that is the point), and what it tries."""

    name: str
    values: pa.Array
    why: str

    @property
    def type(self) -> pa.DataType:
        return self.values.type


def columns() -> list[Hostile]:
    """Every hostile column, scalars first. Their lengths differ; `table` makes one table of any of them."""
    from towpath.conformance import hostile_nested, hostile_numbers, hostile_texts, hostile_times

    parts = (hostile_numbers, hostile_texts, hostile_times, hostile_nested)
    return [column for part in parts for column in part.columns()]


def column(name: str) -> Hostile:
    """One of them by its name."""
    return next(found for found in columns() if found.name == name)


def table(chosen: list[Hostile]) -> pa.Table:
    """The columns side by side: shorter ones begin again until they are as long as the longest."""
    rows = max((len(one.values) for one in chosen), default=0)
    arrays = [_cycled(one.values, rows) for one in chosen]
    return pa.table(arrays, schema=pa.schema([pa.field(one.name, one.type) for one in chosen]))


def _cycled(values: pa.Array, rows: int) -> pa.ChunkedArray:
    """Chunks over the same values; Arrow takes rows of some types (run ends, unions) from no index."""
    whole, rest = divmod(rows, len(values)) if len(values) else (0, 0)
    chunks = [values] * whole + ([values.slice(0, rest)] if rest else [])
    return pa.chunked_array(chunks, values.type)


NAMES: dict[str, str] = {
    "select": "a reserved word",
    "order": "a reserved word",
    "user": "a reserved word that is a value in PostgreSQL",
    "rowid": "SQLite's and DuckDB's own column",
    "_towpath_state": "the prefix of what tow keeps for itself",
    "ctid": "PostgreSQL's own column",
    "Id": "differs from the next one by case alone",
    "ID": "differs from the one before by case alone",
    "": "no name at all",
    " ": "a space alone",
    " lead": "a leading space",
    "trail ": "a trailing space",
    "a.b": "a dot, which parts schema and table elsewhere",
    'a"b': "a double quote",
    "a'b": "a single quote",
    "a`b": "a backquote",
    "a[b]": "brackets",
    "a;b,c\td": "separators",
    "a\nb": "a line end",
    "a\\b": "a backslash",
    "a%sb": "a parameter's mark",
    "a{b}:c": "braces and a colon",
    "?": "another parameter's mark",
    "$1": "and another",
    "1st": "a leading digit",
    "-- x": "a comment",
    "\ufeffbom": "a byte order mark",
    "\u00e9": "a composed letter",
    "e\u0301": "the same letter, combined",
    "\U0001f6a3": "a character beyond 16 bits",
    "n" * 63: "as long as PostgreSQL takes",
    "n" * 63 + "b": "longer, and the same as the one before up to there",
    "\U0001f6a3" * 16 + "x": "65 bytes and 17 characters",
    "n" * 300: "longer than any database takes",
}
"""Hostile names of columns, and why each is; any two of them are two names."""


def named(values: pa.Array, names: list[str]) -> pa.Table:
    """A table whose columns have these names, and each its own values: the given ones, begun further along."""
    turned: list[Any] = []
    for number in range(len(names)):
        at = number % max(1, len(values))
        turned.append(pa.concat_arrays([values.slice(at), values.slice(0, at)]))
    return pa.table(turned, schema=pa.schema([pa.field(name, values.type) for name in names]))
