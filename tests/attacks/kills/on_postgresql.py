"""A schema on a PostgreSQL server as the ground of kills."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any
from urllib.parse import quote

import psycopg

from tests.attacks.kills.kit import LOCKED
from tests.attacks.kills.sqlkit import Own, named
from towpath.lab import Server


class Schema:
    """One schema. `library` is what stands behind `postgresql` in addresses (`+psycopg2`)."""

    def __init__(self, server: Server, library: str = "") -> None:
        self.server, self.library, self.name = server, library, named()
        self.kept = f"{self.name}_kept"
        self.options = self.settings = ""
        self.user: str | None = None
        self._reader, self._other = Own(self._connect), Own(self._connect)

    def _connect(self) -> psycopg.Connection[Any]:
        options = f"-csearch_path={self.name} -cclient_min_messages=warning"
        return psycopg.connect(
            self.server.address,
            autocommit=True,
            options=options,
            application_name="looks on",
            prepare_threshold=None,  # a statement that was prepared does not outlive a new column
        )

    def address(self, at: str, table: str) -> str:
        server = self.server
        assert server.password is not None
        login = f"{self.user or server.user}:{server.password.reveal()}"
        database = server.address.rpartition("/")[2]
        given = f"{quote(f'-csearch_path={self.name}{self.settings}')}&application_name={self.name}{self.options}"
        return f"postgresql{self.library}://{login}@{at}/{database}?options={given}#{table}"

    def limited(self) -> None:
        """From now on runs log in as a user who may do no more than they need."""
        assert self.server.password is not None
        self.user = f"{self.name}_user"
        self.run(f"create role {self.user} login password '{self.server.password.reveal()}'")

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        return self._other.do(statements)

    def tables(self, schema: str) -> list[str]:
        return [
            name for (name,) in self.run(f"select tablename from pg_tables where schemaname = '{schema}' order by 1")
        ]

    def save(self) -> None:
        self.run(f"create schema {self.kept}", *self._copies(self.name, self.kept))

    def restore(self) -> None:
        self.run(f"drop schema if exists {self.name} cascade", f"create schema {self.name}")
        self.run(*self._copies(self.kept, self.name))
        if self.user is not None:
            self.grant()

    def grant(self) -> None:
        """Gives the limited user its rights (again)."""
        self.run(
            f"grant usage, create on schema {self.name} to {self.user}",
            f"grant select, insert, update, delete on all tables in schema {self.name} to {self.user}",
        )

    def _copies(self, source: str, target: str) -> list[str]:
        return [
            statement
            for name in self.tables(source)
            for statement in (
                f"create table {target}.{name} (like {source}.{name} including all)",
                f"insert into {target}.{name} select * from {source}.{name}",
            )
        ]

    def rows(self, table: str) -> Hashable:
        try:
            with self._reader.cursor() as cursor:
                found = cursor.execute(f"select * from {table} order by id, v")
                names = tuple(one.name for one in found.description)
                return (names, *found.fetchall())
        except psycopg.errors.UndefinedTable:
            return None
        except psycopg.OperationalError:
            return LOCKED

    def sessions(self) -> list[str]:
        sql = "select pid || ' ' || state || ' ' || query from pg_stat_activity where application_name = '{}'"
        return [told for (told,) in self.run(sql.format(self.name))]

    def left(self) -> list[str]:
        tables = [name for name in self.tables(self.name) if name not in ("orders", "source", "_towpath_state")]
        return tables + self.sessions()

    def drop(self) -> None:
        self.run(f"drop schema if exists {self.name} cascade", f"drop schema if exists {self.kept} cascade")
        if self.user is not None:
            self.run(f"drop owned by {self.user}", f"drop role {self.user}")
        for own in (self._reader, self._other):
            own.close()
