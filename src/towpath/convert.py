"""How one Arrow type becomes another: the only place that decides a column's way and that tests values as they pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from towpath.nouns import ColumnPlan, Stored, Way


def way(source: pa.DataType, stored: Stored) -> tuple[Way, str]:
    """The way from a source type to what a destination holds, and one clause on why it is not exact.

    Raises Refused when no value could pass (a struct to a date)."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Converted:
    """`values` has the stored type and the same length; `bad` the row numbers whose value did not survive (null in
    `values`), ascending."""

    values: pa.Array
    bad: np.ndarray


def convert(values: pa.Array, plan: ColumnPlan) -> Converted:
    """Converts a column by its plan. EXACT yields no bad rows; LOSSY none either (the nearest value, or null)."""
    raise NotImplementedError


def cast(values: pa.Array, source: pa.DataType, target: pa.DataType) -> Converted:
    """Converts values so that none is changed: each result means the same as its source, or its row is bad."""
    raise NotImplementedError
