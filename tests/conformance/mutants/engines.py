"""Engines that break a promise each. Not collected by itself: `test_mutants.py` runs it and counts what fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from towpath.adapters.engine.duckdb import DuckDBEngine
from towpath.conformance import EngineSuite
from towpath.seams.engine import Filter
from towpath.stream import Batch, Counted, Stream


class DropsNullRowsUncounted(DuckDBEngine):
    @contextmanager
    def where(self, condition: str, schema: pa.Schema) -> Iterator[Filter]:
        with super().where(condition, schema) as keep, super().where(f"({condition}) is null", schema) as unknown:

            def uncounted(batch: Batch) -> tuple[Batch, int]:
                kept, left = keep(batch)
                return kept, left - len(unknown(batch)[0])

            yield uncounted


class NullIsTrue(DuckDBEngine):
    @contextmanager
    def where(self, condition: str, schema: pa.Schema) -> Iterator[Filter]:
        with super().where(f"coalesce(({condition}), true)", schema) as keep:
            yield keep


class CountsBeforeItFilters(DuckDBEngine):
    @contextmanager
    def where(self, condition: str, schema: pa.Schema) -> Iterator[Filter]:
        with super().where(condition, schema) as keep:

            def early(batch: Batch) -> tuple[Batch, int]:
                count = len(batch)
                kept, _ = keep(batch)
                return kept, len(batch) - count

            yield early


class ForgetsPlaces(DuckDBEngine):
    @contextmanager
    def where(self, condition: str, schema: pa.Schema) -> Iterator[Filter]:
        with super().where(condition, schema) as keep:

            def placeless(batch: Batch) -> tuple[Batch, int]:
                kept, left = keep(batch)
                return Batch(kept.rows, Counted("rows")), left

            yield placeless


class ReadsTheFirstBatchOnly(DuckDBEngine):
    @contextmanager
    def sql(self, sql: str, inputs: Mapping[str, Stream]) -> Iterator[Stream]:
        def first(stream: Stream) -> Iterator[Batch]:
            for batch in stream:
                yield batch
                return

        with super().sql(sql, {name: Stream(stream.schema, first(stream)) for name, stream in inputs.items()}) as got:
            yield got


class CollectsItsInput(DuckDBEngine):
    @contextmanager
    def sql(self, sql: str, inputs: Mapping[str, Stream]) -> Iterator[Stream]:
        whole = {name: Stream(stream.schema, list(stream)) for name, stream in inputs.items()}
        with super().sql(sql, whole) as got:
            yield got


class LeavesInputsOpen(DuckDBEngine):
    kept: list[Stream] = []  # noqa: RUF012  (the leak is the point)

    @contextmanager
    def sql(self, sql: str, inputs: Mapping[str, Stream]) -> Iterator[Stream]:
        self.kept += inputs.values()
        unclosed = {name: Stream(stream.schema, (batch for batch in stream)) for name, stream in inputs.items()}
        with super().sql(sql, unclosed) as got:
            yield got


class TestUnbroken(EngineSuite):
    adapter = DuckDBEngine


class TestDropsNullRowsUncounted(EngineSuite):
    adapter = DropsNullRowsUncounted


class TestNullIsTrue(EngineSuite):
    adapter = NullIsTrue


class TestCountsBeforeItFilters(EngineSuite):
    adapter = CountsBeforeItFilters


class TestForgetsPlaces(EngineSuite):
    adapter = ForgetsPlaces


class TestReadsTheFirstBatchOnly(EngineSuite):
    adapter = ReadsTheFirstBatchOnly


class TestCollectsItsInput(EngineSuite):
    adapter = CollectsItsInput


class TestLeavesInputsOpen(EngineSuite):
    adapter = LeavesInputsOpen
