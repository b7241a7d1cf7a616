"""A place on the lab's MariaDB for each test: a database of its own, named by the test's folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pymysql
import pytest

from towpath.lab import Server


def run(server: Server, *statements: str) -> list[tuple[object, ...]]:
    """Runs statements as another program would; the rows of the last."""
    assert server.password is not None
    login = {"host": server.host, "port": server.port, "user": server.user, "password": server.password.reveal()}
    with pymysql.connect(**login, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def of_folder(server: Server, folder: Path) -> str:
    """The database of a folder, made when it is not there."""
    name = f"tow_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    run(server, f"create database if not exists {name}")
    return name


class OnMariaDB:
    """Mixed into a suite: `at` gives the address of the folder's database."""

    server: Server
    address = "mariadb://{server}"

    @pytest.fixture(autouse=True)
    def _server(self, mariadb_server: Server) -> None:
        type(self).server = mariadb_server

    def at(self, folder: Path) -> str:
        place, _, _ = self.server.address.rpartition("/")
        return self.address.replace("mariadb://{server}", f"{place}/{of_folder(self.server, folder)}")
