"""Figures of a column, gathered batch by batch in bounded memory: nulls, distinct values, smallest and largest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.digest.columns import parts
from towpath.digest.words import mix
from towpath.values import textform
from towpath.values.logical import Kind, kind, plain

_KEPT = 1 << 14
"""Hashes kept for counting distinct values: up to so many the count is exact, beyond it is known to about 1 %."""
_ORDERED = frozenset(
    {Kind.BOOL, Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.DATE, Kind.TIME, Kind.LOCAL, Kind.INSTANT, Kind.DURATION}
)
_LENGTHS = {Kind.TEXT: pc.utf8_length, Kind.BYTES: pc.binary_length}
_UNITS = {Kind.TEXT: "letter", Kind.BYTES: "byte"}


@dataclass(slots=True)
class Distinct:
    """How many different values there were, by the smallest of their hashes (k minimum values; Bar-Yossef et al.,
    2002)."""

    hashes: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))

    @property
    def exact(self) -> bool:
        return len(self.hashes) < _KEPT

    @property
    def count(self) -> int:
        if self.exact:
            return len(self.hashes)
        return round((_KEPT - 1) / (float(self.hashes[-1]) / 2.0**64))

    def add(self, hashes: np.ndarray) -> None:
        if not self.exact:
            hashes = hashes[hashes < self.hashes[-1]]
        self.hashes = np.unique(np.concatenate([self.hashes, hashes]))[:_KEPT]


@dataclass(slots=True)
class Figures:
    """Of the values of one column. `low` and `high` are the smallest and largest value in text form, for text and bytes
    their lengths; None where there is no value, or no order. NaN counts as a value and is neither."""

    rows: int = 0
    nulls: int = 0
    distinct: Distinct = field(default_factory=Distinct)
    low: str | None = None
    high: str | None = None
    unit: str = ""
    _ends: Any = None

    def update(self, values: pa.Array) -> None:
        values = plain(values)
        self.rows += len(values)
        self.nulls += values.null_count
        known = values.drop_null()
        if not len(known):
            return
        self.distinct.add(mix(parts(known, "")[0]))
        meant = kind(known.type)
        self.unit = _UNITS.get(meant, "")
        if meant in _LENGTHS:
            known = _LENGTHS[meant](known)
        elif meant not in _ORDERED:
            return
        self._extend(known)

    def _extend(self, known: pa.Array) -> None:
        """Widens the ends by those of `known`, as integers where Arrow cannot compare the type itself."""
        numbers = known
        if pa.types.is_float16(known.type):
            numbers = known.cast(pa.float32())
        elif pa.types.is_duration(known.type):
            numbers = known.cast(pa.int64())
        if pa.types.is_floating(numbers.type):
            numbers = numbers.filter(pc.invert(pc.is_nan(numbers)))
        if not len(numbers):
            return
        found = pc.min_max(numbers)
        both = pa.array([found["min"], found["max"], *(self._ends or ())], numbers.type)
        found = pc.min_max(both)
        self._ends = (found["min"], found["max"])
        self.low, self.high = textform.write(pa.array(self._ends, numbers.type).cast(known.type)).to_pylist()
