"""A database of its own for each test of the MariaDB adapter, with another program's connection to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import pyarrow as pa
import pytest

from tests.conformance.on_mariadb import run
from towpath import assemble
from towpath.adapters.database.mariadb import MariaDB
from towpath.job import InputSpec, OutputSpec
from towpath.joins.table_destination import TableDestination
from towpath.lab import Server
from towpath.nouns import Existing, Mode, Published, Restart, Want
from towpath.seams.source import Source
from towpath.stream import Batch, Counted


@dataclass(frozen=True, slots=True)
class Shop:
    """One database. `options` of its address."""

    server: Server
    name: str

    def address(self, table: str = "", options: str = "") -> str:
        place = self.server.address.rpartition("/")[0]
        return f"{place}/{self.name}{options and f'?{options}'}{table and f'#{table}'}"

    def database(self, options: str = "") -> MariaDB:
        made = assemble.database(self.address(options=options))
        assert isinstance(made, MariaDB)
        return made

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        return run(self.server, *statements, database=self.name)

    def read(self, table: str = "t", query: str | None = None) -> pa.Table:
        """A table (or query) as the mover reads it, which begins once more where values ask for other types."""
        source = assemble.source(InputSpec(self.address("" if query else table), query=query))
        try:
            return self._once(source, Want())
        except Restart as restart:
            return self._once(source, Want(schema=restart.schema))

    def _once(self, source: Source, want: Want) -> pa.Table:
        with source.open(None, want) as reading:
            return pa.Table.from_batches([batch.rows for batch in reading], reading.schema)

    def column(self, name: str, table: str = "t") -> tuple[pa.DataType, list[Any]]:
        found = self.read(table).column(name)
        return found.type, found.to_pylist()

    def load(self, rows: pa.RecordBatch, mode: Mode = Mode.APPEND, table: str = "t", options: str = "") -> Published:
        """The rows as they are, in one load."""
        destination = assemble.destination(OutputSpec(self.address(table, options)))
        assert isinstance(destination, TableDestination)
        offer = destination.offer(rows.schema, mode, tuple(rows.schema.names[:1]) if mode is Mode.MERGE else ())
        with destination.begin(offer, "load1") as load:
            load.write(Batch(rows.cast(offer.schema), Counted("rows")))
            return load.publish(None, None)

    def existing(self, table: str = "t") -> Existing:
        found = assemble.destination(OutputSpec(self.address(table))).describe()
        assert found is not None
        return found


@pytest.fixture
def shop(mariadb_server: Server) -> Iterator[Shop]:
    name = f"t_{token_hex(6)}"
    run(mariadb_server, f"create database {name} character set utf8mb4")
    yield Shop(mariadb_server, name)
    run(mariadb_server, f"drop database {name}")
