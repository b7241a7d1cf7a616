"""The one convention for values as text: CSV, SQLite text columns, JSON strings and messages all use it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def write(values: pa.Array) -> pa.Array:
    """The values as text (null stays null); `read` gives them back exactly."""
    raise NotImplementedError


def read(texts: pa.Array, type: pa.DataType) -> tuple[pa.Array, np.ndarray]:
    """Texts as values of `type`, and the ascending row numbers whose text is no such value (null there)."""
    raise NotImplementedError


def parse_type(text: str) -> pa.DataType:
    """A type from the name that people write (`decimal(12,2)`, `int64`, `timestamp(us, UTC)`, `list<int32>`).

    Raises UserError naming the nearest."""
    raise NotImplementedError


def type_name(type: pa.DataType) -> str:
    """The name that `parse_type` reads."""
    raise NotImplementedError
