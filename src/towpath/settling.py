"""The types that hold for the whole of a source, found before its rows go where nothing can be taken back."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from towpath.badrows import BadRow
from towpath.nouns import Description, Restart, Want
from towpath.seams.source import Settles, Source


def settled(source: Source, want: Want, most: int | None = None) -> pa.Schema:
    """The types of all columns, for `Want.schema`, by a pass that keeps no row; `most`: no more rows than these will be
    read. Raises what reading raises, but for bad rows, which are passed over."""
    every = replace(want, columns=None, bad=_PassedOver())
    if isinstance(source, Settles):
        return source.settle(every)
    try:
        with source.open(None, every) as reading:
            met = 0
            for batch in reading:
                met += len(batch)
                if most is not None and met >= most:
                    break
            return reading.schema
    except Restart as restart:
        return restart.schema


def described(source: Source, want: Want) -> Description:
    """What a source holds, for a plan or a look: with settled types where it finds them without handing out rows."""
    found = source.describe(want)
    if found.settled or not isinstance(source, Settles):
        return found
    types = source.settle(want)
    return replace(found, schema=pa.schema([types.field(name) for name in found.schema.names]), settled=True)


class _PassedOver:
    """Bad rows of a pass that only looks for types."""

    def add(self, bad: BadRow) -> None:
        pass
