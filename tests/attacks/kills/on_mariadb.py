"""A database on a MariaDB server as the ground of kills."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pymysql
from pymysql.constants import ER

from tests.attacks.kills.kit import LOCKED
from tests.attacks.kills.sqlkit import Own, named
from towpath.lab import Server

_OURS = ("orders", "source", "_towpath_state", "_towpath_intent")


class Named:
    """One database. A column that the rows before do not have is null in them: MariaDB adds it before the load, and the
    plan says so; so a reader's nulls count for nothing."""

    def __init__(self, server: Server) -> None:
        self.server, self.name = server, named()
        self.kept = f"{self.name}_kept"
        self.options = ""
        self.user: str | None = None
        self._reader, self._other = Own(self._connect), Own(self._connect)

    def _connect(self) -> pymysql.Connection[Any]:
        assert self.server.password is not None
        login = {"user": self.server.user, "password": self.server.password.reveal()}
        return pymysql.connect(host=self.server.host, port=self.server.port, autocommit=True, **login)

    def address(self, at: str, table: str) -> str:
        server = self.server
        assert server.password is not None
        login = f"{self.user or server.user}:{server.password.reveal()}"
        return f"mariadb://{login}@{at}/{self.name}{self.options and '?' + self.options[1:]}#{table}"

    def limited(self) -> None:
        """From now on runs log in as a user who may do no more than they need."""
        assert self.server.password is not None
        self.user = f"{self.name}_user"
        self.run(f"create user {self.user}@'127.0.0.1' identified by '{self.server.password.reveal()}'")

    def grant(self) -> None:
        """Gives the limited user its rights (again)."""
        self.run(f"grant all on {self.name}.* to {self.user}@'127.0.0.1'")

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        return self._other.do(statements)

    def tables(self, database: str) -> list[str]:
        sql = f"select table_name from information_schema.tables where table_schema = '{database}' order by 1"
        return [name for (name,) in self.run(sql)]

    def save(self) -> None:
        self.run(f"create database {self.kept} character set utf8mb4", *self._copies(self.name, self.kept))

    def restore(self) -> None:
        self.run(f"drop database if exists {self.name}", f"create database {self.name} character set utf8mb4")
        self.run("do 0", *self._copies(self.kept, self.name))
        if self.user is not None:
            self.grant()

    def _copies(self, source: str, target: str) -> list[str]:
        return [
            statement
            for name in self.tables(source)
            for statement in (
                f"create table {target}.{name} like {source}.{name}",
                f"insert into {target}.{name} select * from {source}.{name}",
            )
        ]

    def rows(self, table: str) -> Hashable:
        try:
            with self._reader.cursor() as cursor:
                cursor.execute(f"select * from {self.name}.{table} order by id, v")
                names = [one[0] for one in cursor.description]
                return tuple(
                    tuple((name, value) for name, value in zip(names, row, strict=True) if value is not None)
                    for row in cursor.fetchall()
                )
        except pymysql.err.ProgrammingError as error:
            if error.args[0] != ER.NO_SUCH_TABLE:
                raise
            return None
        except pymysql.err.OperationalError as error:
            if error.args[0] == ER.BAD_DB_ERROR:
                raise
            return LOCKED

    def sessions(self) -> list[str]:
        sql = f"select concat_ws(' ', id, state, info) from information_schema.processlist where db = '{self.name}'"
        return [told for (told,) in self.run(sql)]

    def left(self) -> list[str]:
        tables = [name for name in self.tables(self.name) if name not in _OURS]
        if "_towpath_intent" in self.tables(self.name):
            tables += [f"intent {name}" for (name,) in self.run(f"select aside from {self.name}._towpath_intent")]
        return tables + self.sessions()

    def drop(self) -> None:
        self.run(f"drop database if exists {self.name}", f"drop database if exists {self.kept}")
        if self.user is not None:
            self.run(f"drop user {self.user}@'127.0.0.1'")
        for own in (self._reader, self._other):
            own.close()
