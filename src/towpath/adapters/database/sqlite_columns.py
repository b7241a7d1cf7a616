"""The columns of queries in SQLite: their names, and their types, by declaration or else by their values."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from towpath.adapters.database import sqlite_types as types
from towpath.nouns import Stored
from towpath.sqlnames import refuse_doubled

VIEW = "_towpath_view_"
"""How the names of the temporary views begin that stand for queries."""

_SAMPLE_ROWS = 10_000

# How a view renames what it takes for no proper name: `true`, and the second of two equal names.
_RENAMED = re.compile(r"^column\d+$|:\d+$")


@dataclass(frozen=True, slots=True)
class Column:
    """`mixed`: it may have several kinds of values. `presumed`: there may be others than its type has. `seen`: some are
    not null."""

    name: str
    stored: Stored
    mixed: bool = False
    presumed: bool = False
    seen: bool = True


def schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, column.stored.type) for column in columns])


class Columns:
    """Finds columns, for as long as a connection is open. sqlite3's errors are let pass."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._views = itertools.count(1)

    def of_query(self, sql: str, sure: Collection[str] | None = None) -> list[Column]:
        """By the values of the columns without a promise; those of which it need not be `sure` by a sample. Raises
        UserError where two have one name."""
        view, declared, names = self._viewed(sql)
        return self.of_relation(view, declared, names, sure)

    def viewed(self, sql: str, known: pa.Schema | None) -> tuple[str, list[Column]]:
        """A temporary view of a query, and its columns, of the types that were found before if these are `known`."""
        view, declared, names = self._viewed(sql)
        if known is None:
            return view, self.of_relation(view, declared, names)
        return view, [_known(name, text, known) for name, (_, text) in zip(names, declared, strict=True)]

    def of_relation(
        self,
        relation: str,
        declared: Sequence[tuple[str, str]],
        names: Sequence[str] | None = None,
        sure: Collection[str] | None = None,
    ) -> list[Column]:
        """The columns of a table or view, of which names and declarations are given. `names`: those outside. `sure`: of
        the other columns without a promise the type is presumed from a sample."""
        outside = dict(zip((name for name, _ in declared), names or [name for name, _ in declared], strict=True))
        promised = [(name, text, types.declared(text)) for name, text in declared]
        open_ = [(name, text) for name, text, kept in promised if kept is None]
        found: dict[str, Column] = {}
        if sure is not None:
            free = [(name, text) for name, text in open_ if outside[name] not in sure]
            sample = self._by_values(f"(select * from {relation} limit {_SAMPLE_ROWS})", free)
            found = {name: replace(one, presumed=True) for name, one in sample.items() if one.seen}
        found |= self._by_values(relation, [(name, text) for name, text in open_ if name not in found])
        columns = [found[name] if kept is None else Column(name, kept) for name, _, kept in promised]
        return [replace(column, name=outside[column.name]) for column in columns]

    def _viewed(self, sql: str) -> tuple[str, list[tuple[str, str]], list[str]]:
        """A view of a query, its columns with their declared types, and the names that these have outside."""
        view = f"{VIEW}{next(self._views)}"
        declared = self._create_view(view, sql)
        return f"temp.{view}", declared, self._names(sql, [name for name, _ in declared])

    def _create_view(self, view: str, sql: str) -> list[tuple[str, str]]:
        """A temporary view tells the declared types of a query's columns, and admits nothing but a query."""
        only = self._connection.execute("pragma query_only").fetchone()[0]
        self._connection.execute("pragma query_only = off")
        try:
            self._connection.execute(f"create temp view {view} as {sql.rstrip().rstrip(';')}")
        finally:
            self._connection.execute(f"pragma query_only = {only}")
        return self._connection.execute("select name, type from pragma_table_xinfo(?)", [view]).fetchall()

    def _names(self, sql: str, inner: Sequence[str]) -> list[str]:
        """The names of a query's columns, of which its view has renamed some."""
        if not any(_RENAMED.search(name) for name in inner):
            return list(inner)
        names = [column[0] for column in self._connection.execute(sql).description]
        refuse_doubled(names, self._path)
        return names

    def _by_values(self, relation: str, declared: Sequence[tuple[str, str]]) -> dict[str, Column]:
        """The types of columns whose declaration promises nothing, from the kinds of all their values."""
        if not declared:
            return {}
        counts = [
            count
            for column in (types.quote(name) for name, _ in declared)
            for count in (
                *(f"total(typeof({column}) = '{kind}')" for kind in ("integer", "real", "text", "blob")),
                f"total(typeof({column}) = 'integer' and {column} not between -{types.EXACT} and {types.EXACT})",
            )
        ]
        found = self._connection.execute(f"select {', '.join(counts)} from {relation}").fetchone()
        return {
            name: _typed(name, text, *(bool(count) for count in found[5 * at : 5 * at + 5]))
            for at, (name, text) in enumerate(declared)
        }


def _known(name: str, text: str, known: pa.Schema) -> Column:
    """A column whose type was found before. Text and doubles may have several kinds of values: where they do not, none
    of another kind turns up."""
    promised = types.declared(text)
    if promised is not None:
        return Column(name, promised)
    type = known.field(name).type
    mixed = pa.types.is_string(type) or pa.types.is_floating(type)
    return Column(name, Stored(type, text), mixed=mixed, presumed=True)


def _typed(name: str, text: str, integer: bool, real: bool, words: bool, blob: bool, huge: bool) -> Column:
    """The type of a column that holds these kinds of values. Decimals are doubles there, whole ones as integers."""
    decimal = "DEC" in text.upper() or "NUM" in text.upper()
    numbers_only = not words and not blob
    if numbers_only and not huge and (real or decimal):
        zero = frozenset() if types.affinity(text) == "BLOB" else frozenset({"minus-zero"})
        return Column(name, Stored(pa.float64(), text, zero | {"nan"}), mixed=True)
    kinds = (integer, real, words, blob)
    if kinds == (True, False, False, False):
        return Column(name, Stored(pa.int64(), text))
    if not any(kinds):
        return Column(name, Stored(pa.string(), text), seen=False)
    if kinds == (False, False, False, True):
        return Column(name, Stored(pa.binary(), text))
    return Column(name, Stored(pa.string(), text), mixed=sum(kinds) > 1)
