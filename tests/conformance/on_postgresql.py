"""A schema of its own for each folder of a test, on the PostgreSQL server of the lab."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.postgresqlkit import Place
from towpath import assemble
from towpath.lab import Server
from towpath.seams.database import Database


class OnPostgreSQL:
    """Mixed into a suite; `address` begins as the addresses of its library do, and may name a table."""

    address: ClassVar[str]
    generated: ClassVar[str] = "generated always as ({}) stored"

    @pytest.fixture(autouse=True)
    def _places(self, postgresql_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        waiting = tmp_path.parent / f"{tmp_path.name}.waiting"
        waiting.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(waiting))  # what a load leaves on disk would be seen
        self._server = postgresql_server
        self._made: dict[Path, Place] = {}
        yield
        assert list(waiting.iterdir()) == []
        for place in self._made.values():
            place.drop()

    def at(self, folder: Path) -> str:
        scheme, _, table = self.address.partition("://")
        if folder not in self._made:
            self._made[folder] = Place(self._server, scheme.removeprefix("postgresql"))
        return self._made[folder].address(table.removeprefix("#") or None)

    def missing(self, folder: Path) -> Database:
        return assemble.database(self.at(folder).replace("/lab?", "/nothing_here?"))
