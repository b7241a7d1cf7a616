"""A database of its own for each folder of a test, on the MariaDB server of the lab."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar

import pymysql
import pytest

from towpath import assemble
from towpath.lab import Server
from towpath.seams.database import Database


def run(server: Server, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
    """Runs statements as another program would; the rows of the last."""
    assert server.password is not None
    login = {"host": server.host, "port": server.port, "user": server.user, "password": server.password.reveal()}
    with pymysql.connect(**login, database=database, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


class OnMariaDB:
    """Mixed into a suite: `address` has `{server}` in it, which becomes the server's with the folder's database."""

    address: ClassVar[str]
    generated: ClassVar[str] = "generated always as ({}) stored"

    @pytest.fixture(autouse=True)
    def _databases(self, mariadb_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        waiting = tmp_path.parent / f"{tmp_path.name}.waiting"
        waiting.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(waiting))  # what a load leaves on disk would be seen
        self._server = mariadb_server
        self._made: dict[Path, str] = {}
        yield
        assert list(waiting.iterdir()) == []
        run(self._server, "select 1", *(f"drop database {name}" for name in self._made.values()))

    def at(self, folder: Path) -> str:
        if folder not in self._made:
            self._made[folder] = f"t_{token_hex(6)}"
            run(self._server, f"create database {self._made[folder]}")
        place = self._server.address.partition("://")[2].rpartition("/")[0]
        return self.address.format(server=f"{place}/{self._made[folder]}")

    def missing(self, folder: Path) -> Database:
        place = self._server.address.partition("://")[2].rpartition("/")[0]
        return assemble.database(self.address.format(server=f"{place}/nothing_here"))

    def tree(self, folder: Path) -> dict[str, bytes]:
        """Every table with the number of its rows, as far as it was made; nobody makes or drops one meanwhile."""
        name = self._made.get(folder)
        counted = {
            table: run(self._server, f"select count(*) from {name}.`{table}`")[0][0] for table in self.names(folder)
        }
        return {table: str(rows).encode() for table, rows in counted.items()}

    def names(self, folder: Path) -> set[str]:
        """The tables there are, also while somebody makes and drops some."""
        if folder not in self._made:
            return set()
        return {row[0] for row in run(self._server, f"show tables from {self._made[folder]}")}
