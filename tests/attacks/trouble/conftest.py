"""What these attacks share with the kills: the warm `tow`, scenes on this machine's disk, and sieges of servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.attacks.kills.conftest import scenes, tow
from tests.attacks.kills.on_mariadb import Named
from tests.attacks.kills.on_postgresql import Schema
from tests.attacks.kills.sqlkit import Case, Siege
from tests.attacks.kills.warm import Warm
from towpath.lab import Server
from towpath.lab.faults.framing import MySQLFraming, PostgreSQLFraming
from towpath.lab.faults.proxy import Proxy

__all__ = ["besieged", "scenes", "tow"]


@pytest.fixture
def besieged(request: pytest.FixtureRequest, tow: Warm, tmp_path: Path) -> Iterator[Callable[..., Siege]]:
    """Makes a siege of a server (by its name) in a mode."""
    made: list[tuple[Schema | Named, Proxy]] = []

    def make(name: str, mode: str, more: int = 0) -> Siege:
        server: Server = request.getfixturevalue(f"{name}_server")
        ground = Schema(server) if name == "postgresql" else Named(server)
        proxy = Proxy(server.host, server.port, PostgreSQLFraming if name == "postgresql" else MySQLFraming)
        proxy.__enter__()
        made.append((ground, proxy))
        return Siege(Case(name, mode, more=more), ground, proxy, tmp_path, tow)

    yield make
    for ground, proxy in made:
        proxy.__exit__(None, None, None)
        ground.drop()
