"""One end of a comparison: read as often as needed, each time in the types that both ends are compared in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa

from towpath.badrows import BadRow
from towpath.nouns import Restart, Want
from towpath.seams.source import Source
from towpath.stream import Batch
from towpath.values.convert import cast

Types = Mapping[str, pa.DataType]


@dataclass(slots=True)
class Kept:
    """Bad rows, kept to be told."""

    rows: list[BadRow] = field(default_factory=list)

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows in the compared types, beside the batch that they came from. `unfit` are the rows with a value that
    has no equal in its compared type (null there)."""

    rows: pa.RecordBatch
    unfit: np.ndarray
    batch: Batch


class Taker(Protocol):
    """Takes one pass over a side, part by part."""

    def take(self, part: Part) -> None: ...


T = TypeVar("T", bound=Taker)


@dataclass(slots=True)
class Side:
    """A source and how it is wanted. `schema` is what its last pass had."""

    source: Source
    want: Want
    schema: pa.Schema | None = None

    def read(self, compared: Callable[[pa.Schema], Types], begin: Callable[[Types], T]) -> T:
        """One pass into a fresh taker; a second with another, when the types of the first did not hold."""
        try:
            return self._pass(compared, begin)
        except Restart as restart:
            self.want = replace(self.want, schema=restart.schema)
            return self._pass(compared, begin)

    def _pass(self, compared: Callable[[pa.Schema], Types], begin: Callable[[Types], T]) -> T:
        if isinstance(self.want.bad, Kept):
            self.want.bad.rows.clear()
        with self.source.open(None, self.want) as reading:
            self.schema = reading.schema
            types = compared(reading.schema)
            taker = begin(types)
            for batch in reading:
                taker.take(_part(batch, types))
        return taker


def _part(batch: Batch, types: Types) -> Part:
    unfit = np.empty(0, np.int64)
    columns = []
    for name, type in types.items():
        values = batch.rows.column(name)
        done = cast(values, values.type, type)
        columns.append(done.values)
        unfit = np.union1d(unfit, done.bad)
    schema = pa.schema(list(types.items()))
    if not columns:
        return Part(batch.rows.select([]), unfit, batch)
    return Part(pa.record_batch(columns, schema=schema), unfit, batch)
