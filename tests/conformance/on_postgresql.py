"""A schema of its own for each folder of a test, on the PostgreSQL server of the lab."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import ClassVar
from urllib.parse import quote

import psycopg
import pytest

from towpath import assemble
from towpath.lab import Server
from towpath.seams.database import Database


class OnPostgreSQL:
    """Mixed into a suite: `address` has `{server}` in it, which becomes the server's and the folder's schema's."""

    address: ClassVar[str]
    generated: ClassVar[str] = "generated always as ({}) stored"

    @pytest.fixture(autouse=True)
    def _schemas(self, postgresql_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        waiting = tmp_path.parent / f"{tmp_path.name}.waiting"
        waiting.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(waiting))  # what a load leaves on disk would be seen
        self._server = postgresql_server
        self._made: dict[Path, str] = {}
        yield
        assert list(waiting.iterdir()) == []
        self._admin(*(f"drop schema {name} cascade" for name in self._made.values()))

    def at(self, folder: Path) -> str:
        if folder not in self._made:
            self._made[folder] = f"t_{token_hex(6)}"
            self._admin(f"create schema {self._made[folder]}")
        options = quote(f"-csearch_path={self._made[folder]}")
        return self.address.format(server=f"{self._server.address.partition('://')[2]}?options={options}")

    def missing(self, folder: Path) -> Database:
        server = self._server.address.partition("://")[2].rpartition("/")[0]
        return assemble.database(self.address.format(server=f"{server}/nothing_here"))

    def _admin(self, *statements: str) -> None:
        with psycopg.connect(self._server.address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
