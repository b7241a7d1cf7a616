"""The columns that a pass over a source is asked for, out of those that it has."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from towpath.errors import UserError
from towpath.options import nearest


def wanted(schema: pa.Schema, names: Iterable[str] | None, shown: str) -> pa.Schema:
    """The named columns in the order asked for; None: all. Raises UserError, with the source's address `shown`, for one
    that is not there."""
    return schema if names is None else pa.schema([known(schema, name, shown) for name in names])


def known(schema: pa.Schema, name: str, shown: str) -> pa.Field:
    """The column of this name. Raises UserError likewise."""
    if name not in schema.names:
        raise UserError(
            f"there is no column {name!r}{nearest(name, schema.names)}",
            where=shown,
            todo=f"columns: {', '.join(schema.names)}",
            code="column-unknown",
        )
    return schema.field(name)
