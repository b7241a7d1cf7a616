"""The stage directly behind the reading: timestamps that name no zone become instants, in the zone that was given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from towpath.badrows import BadRow, BadRows
from towpath.books import Edge
from towpath.stream import Batch, Stream
from towpath.values import textform, zones


def schema_in(schema: pa.Schema, timezone: str | None) -> pa.Schema:
    """The schema with local timestamps as instants of the same unit, with the zone UTC. Raises UserError for an unknown
    zone; None leaves all as it is."""
    if timezone is None:
        return schema
    zones.find(timezone)
    return pa.schema([field.with_type(zones.zoned(field.type)) for field in schema])


def stream_in(stream: Stream, timezone: str | None, edge: Edge, bad: BadRows) -> Stream:
    """The stream with its local timestamps as instants. A row with a time that the zone's clocks skipped, or showed
    twice, is bad; as it was not shaped yet, it counts as one that could not be read."""
    schema = schema_in(stream.schema, timezone)
    return Stream(schema, _batches(stream, schema, timezone, edge, bad))


def _batches(stream: Stream, schema: pa.Schema, timezone: str | None, edge: Edge, bad: BadRows) -> Iterator[Batch]:
    zone = None if timezone is None else zones.find(timezone)
    for batch in stream:
        edge.given += len(batch)
        columns, found = list(batch.rows.columns), dict[int, tuple[str, str]]()
        for at, (have, want) in enumerate(zip(stream.schema, schema, strict=True)):
            if zone is not None and have.type != want.type:
                columns[at], reasons = zones.to_instants(columns[at], zone)
                for row, reason in reasons.items():
                    found.setdefault(row, (have.name, reason))
        numbers = sorted(found)
        for row, values in zip(numbers, textform.row_texts(batch.rows, numbers), strict=True):
            column, reason = found[row]
            place = batch.origin.place(row)
            whole = values if place.raw is None else None
            bad.add(BadRow(place, reason, column, values[column], whole, "read", "local-time-unclear"))
        edge.aside += len(found)
        made = batch.with_rows(pa.record_batch(columns, schema=schema) if columns else batch.rows)
        kept = made.take(np.delete(np.arange(len(batch)), list(found))) if found else made
        edge.accepted += len(kept)
        yield kept
