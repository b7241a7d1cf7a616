"""Columns about the load that a job adds to its rows: when it was loaded, by which run, and from which file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from towpath.errors import UserError
from towpath.job import JobSpec
from towpath.nouns import ColumnPlan
from towpath.options import nearest
from towpath.stream import Batch

SOURCE_FILE = "_source_file"
TYPES = {
    "_loaded_at": pa.timestamp("us", "UTC"),
    "_run_id": pa.string(),
    SOURCE_FILE: pa.string(),
}
"""By name; a job asks for them without the `_`."""


def check(spec: JobSpec) -> None:
    """Raises UserError for a column that there is none of, or that cannot be told."""
    for name in spec.load_columns:
        known = [one.removeprefix("_") for one in TYPES]
        if name not in known:
            raise UserError(
                f"load_columns: there is no {name!r}{nearest(name, known)}",
                todo=f"choose from {', '.join(known)}",
                code="load-column-unknown",
            )
    for option in ("sql", "python"):
        if "source_file" in spec.load_columns and getattr(spec, option) is not None:
            raise UserError(
                f"after {option} nobody can tell which file a row came from",
                todo="leave source_file out of load_columns",
                code="load-column-unknown",
            )


@dataclass(frozen=True, slots=True)
class LoadColumns:
    """The columns named (`_loaded_at`...), with the values that are the same for the whole load."""

    names: Sequence[str]
    loaded_at: datetime
    run_id: str

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of rows with these columns. Raises UserError where the rows have one of that name already."""
        for name in self.names:
            if name in schema.names:
                raise UserError(
                    f"the rows have a column {name} already, which load_columns would add",
                    todo=f"rename it (--rename {name}=...), or leave {name.removeprefix('_')} out of load_columns",
                    code="column-doubled",
                )
            schema = schema.append(pa.field(name, TYPES[name]))
        return schema

    def of_load(self, columns: Sequence[ColumnPlan]) -> frozenset[str]:
        """The destination's columns that are the same for every row of the load, and others for the next one."""
        return frozenset(plan.to for plan in columns if plan.name in self.names and plan.name != SOURCE_FILE)

    def added(self, batch: Batch) -> Batch:
        """The batch with these columns behind its own."""
        if not self.names:
            return batch
        values = {"_loaded_at": self.loaded_at, "_run_id": self.run_id, SOURCE_FILE: batch.file or None}
        columns = [pa.repeat(pa.scalar(values[name], TYPES[name]), len(batch)) for name in self.names]
        return batch.with_rows(pa.record_batch([*batch.rows.columns, *columns], schema=self.schema(batch.rows.schema)))
