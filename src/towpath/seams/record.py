"""Record: how one row is laid out in the bytes of one message, by a schema that both sides know beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Decoded:
    """`rows` has as many rows as there were values; those of `bad` (by number, with the reason) are null there."""

    rows: pa.RecordBatch
    bad: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Likewise of rows that became bytes."""

    values: pa.Array
    bad: Mapping[int, str]


class Record(Protocol):
    """One kind of record with its schema, which its options name. Raises UserError when that cannot be read."""

    schema: pa.Schema
    """The columns of a record, each as its values really are."""

    def decode(self, values: pa.Array) -> Decoded:
        """Each of the binary values as a row; null (a tombstone) is a row of nulls. Bytes that are no record of this
        schema, or more than one, are bad."""
        ...

    def encode(self, rows: pa.RecordBatch) -> Encoded:
        """Each row of `schema` as bytes. A null where the schema allows none is bad."""
        ...
