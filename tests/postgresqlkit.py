"""A schema of a test's own on the lab's PostgreSQL server, and what tests do there apart from Towpath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from towpath import assemble
from towpath.lab import Server
from towpath.seams.database import Database

LIBRARIES = ("", "+adbc", "+psycopg2")
"""What stands behind `postgresql` in the addresses of the three adapters."""


class Place:
    """One schema, reached by one library. Tables are named without it."""

    def __init__(self, server: Server, library: str = "") -> None:
        self.server = server
        self.library = library
        self.schema = f"t_{token_hex(6)}"
        self._own: psycopg.Connection[Any] | None = None
        self.run(f"create schema {self.schema}")

    def address(self, table: str | None = None, **options: str) -> str:
        given = {"options": f"-csearch_path={self.schema}", **options}
        query = "&".join(f"{name}={quote(value)}" for name, value in given.items())
        rest = self.server.address.partition("://")[2]
        return f"postgresql{self.library}://{rest}?{query}" + (f"#{quote(table)}" if table else "")

    def database(self, **options: str) -> Database:
        return assemble.database(self.address(**options))

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of somebody else's."""
        options = f"-csearch_path={self.schema}"
        return psycopg.connect(self.server.address, autocommit=True, options=options)

    def run(self, *statements: str) -> None:
        for statement in statements:
            self._connection().execute(statement.encode())

    def ask(self, sql: str) -> list[Sequence[Any]]:
        return list(self._connection().execute(sql.encode()).fetchall())

    def _connection(self) -> psycopg.Connection[Any]:
        if self._own is None:
            self._own = self.connect()
        return self._own

    def leave(self) -> None:
        """Closes the test's own connection; the next statement opens another one."""
        if self._own is not None:
            self._own.close()
        self._own = None

    def tables(self) -> list[str]:
        """All relations of the schema, hidden ones too."""
        found = self.ask(
            f"select relname::text from pg_class where relnamespace = '{self.schema}'::regnamespace"
            " and relkind in ('r', 'p', 'v') order by 1"
        )
        return [name for (name,) in found]

    def drop(self) -> None:
        self.run(f"drop schema {self.schema} cascade")
        self.leave()


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.removeprefix("+") or "psycopg")
def postgresql(request: pytest.FixtureRequest, postgresql_server: Server) -> Iterator[Place]:
    """A schema, by each library in turn."""
    place = Place(postgresql_server, request.param)
    yield place
    place.drop()


@pytest.fixture
def default_place(postgresql_server: Server) -> Iterator[Place]:
    """A schema, by the default library alone."""
    place = Place(postgresql_server)
    yield place
    place.drop()
