"""The content digest: an order-independent 128-bit summary of rows over logical kinds, specified in docs/digest.md."""

from __future__ import annotations

import pyarrow as pa


class Digest:
    """Adds up the rows of one schema. Equal digests of equal schemas: equal rows, in any order, with multiplicity."""

    def __init__(self, schema: pa.Schema) -> None:
        raise NotImplementedError

    def update(self, rows: pa.RecordBatch) -> None:
        raise NotImplementedError

    @property
    def rows(self) -> int:
        raise NotImplementedError

    def hexdigest(self) -> str:
        """`tow1:` and 32 hexadecimal digits."""
        raise NotImplementedError
