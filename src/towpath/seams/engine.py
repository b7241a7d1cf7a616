"""Engine: runs SQL over streams. The engine's memory is a share of the run's limit."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa

from towpath.stream import Batch, Stream


class Filter(Protocol):
    """A row-wise condition. It counts what it leaves out on its own, so that the books can be checked."""

    def __call__(self, batch: Batch) -> tuple[Batch, int]:
        """The rows for which the condition is true, and how many rows it counted as not true (false or null)."""
        ...


class Engine(Protocol):
    def result_schema(self, sql: str, inputs: Mapping[str, pa.Schema]) -> pa.Schema:
        """The schema that `sql` would give; reads no rows. Raises UserError with the engine's words if it is wrong."""
        ...

    def sql(self, sql: str, inputs: Mapping[str, Stream]) -> AbstractContextManager[Stream]:
        """Runs `sql` over the inputs by name; each is read once, as the engine asks for it."""
        ...

    def where(self, condition: str, schema: pa.Schema) -> AbstractContextManager[Filter]:
        """A filter for batches of `schema`."""
        ...
