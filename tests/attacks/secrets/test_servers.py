"""Wrong secrets against real servers: what a driver says of a login that failed never holds what was tried."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.attacks.secrets.world import World
from tests.attacks.share import Attack
from towpath.lab import Server

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def world(tmp_path: Path, attack: Attack, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> World:
    return World(tmp_path, attack.random(request.node.name), monkeypatch)


def tried(world: World, table: str, capfd: Capture) -> None:
    """Every way to meet the server with the wrong secret; what each says is searched."""
    for words in (
        ["copy", "in.csv", table, "--mode", "append", "--types", "id=int64", "--bad-rows", "bad"],
        ["copy", table, "out.csv", "--log", "json", "-v"],
        ["plan", table, "out.csv", "--json"],
        ["peek", table],
    ):
        code, said = world.tow(*words, capfd=capfd)
        assert code == 1, said
        assert "Traceback" not in said
    world.tow("runs", "--json", capfd=capfd)
    found = world.leaks()
    assert not found, "\n".join(found[:10])


@pytest.mark.one_of_many
@pytest.mark.parametrize("library", ["", "+adbc", "+psycopg2"])
def test_postgresql(library: str, postgresql_server: Server, world: World, capfd: Capture) -> None:
    at = f"{postgresql_server.host}:{postgresql_server.port}/postgres"
    user = postgresql_server.user
    world.env("wrong")
    tried(world, f"postgresql{library}://{user}:${{env:CANARY_WRONG}}@{at}#t", capfd)
    tried(world, f"postgresql{library}://{user}:{quote(world.secret('plain'), safe='')}@{at}#t", capfd)


@pytest.mark.server("mariadb")
def test_mariadb(mariadb_server: Server, world: World, capfd: Capture) -> None:
    world.env("wrong")
    tried(world, f"mariadb://nobody:${{env:CANARY_WRONG}}@{mariadb_server.host}:{mariadb_server.port}/test#t", capfd)


@pytest.mark.server("s3")
def test_s3(s3_server: Server, world: World, capfd: Capture) -> None:
    at = f"endpoint=http://{s3_server.host}:{s3_server.port}"
    world.env("wrong")
    tried(world, f"s3://lab/t.csv?{at}&access_key={s3_server.user}&secret_key=${{env:CANARY_WRONG}}", capfd)


@pytest.mark.server("kafka")
def test_kafka(kafka_server: Server, world: World, capfd: Capture) -> None:
    world.env("wrong")
    address = f"kafka://ann:${{env:CANARY_WRONG}}@{kafka_server.host}:{kafka_server.port}?sasl=PLAIN&timeout_secs=3#t"
    tried(world, address, capfd)
