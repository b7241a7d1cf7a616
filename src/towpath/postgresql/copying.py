"""Rows on their way through `copy ... from stdin`: the statement, and the bytes that follow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from towpath.postgresql import copybinary, copytext
from towpath.postgresql.catalog import Relation
from towpath.postgresql.types import Native, quote


class Copying:
    """Rows of `schema` into columns of the same names. They go in PostgreSQL's binary form where `natives`, the types
    of these columns, are all known and to the letter those of the rows, else as text."""

    def __init__(self, into: Relation, schema: pa.Schema, natives: Sequence[Native | None]) -> None:
        self._forms = copybinary.forms(schema, natives)
        names = ", ".join(quote(name) for name in schema.names)
        form = "csv" if self._forms is None else "binary"
        self.statement = f"copy {quote(into.schema)}.{quote(into.name)} ({names}) from stdin with (format {form})"

    def pieces(self, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes | memoryview]:
        if self._forms is None:
            yield from map(copytext.copied, batches)
            return
        yield copybinary.HEAD
        for batch in batches:
            yield copybinary.rows(batch, self._forms)
        yield copybinary.END
