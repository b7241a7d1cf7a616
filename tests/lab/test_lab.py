"""Every server of the lab starts, answers, survives its end and a crash on the same data and port, and stops."""

from __future__ import annotations

import pytest

from towpath.lab import Lab, Server
from towpath.lab.recipes import recipes


@pytest.mark.server("postgresql")
def test_postgresql_is_up(postgresql_server: Server) -> None:
    assert postgresql_server.address.startswith("postgresql://lab:")
    assert recipes("postgresql")[0].answers("127.0.0.1", postgresql_server.port) == ""


def test_kafka_is_up(kafka_server: Server) -> None:
    assert kafka_server.address == f"kafka://127.0.0.1:{kafka_server.port}"


def test_the_running_server_is_returned(lab: Lab, postgresql_server: Server) -> None:
    assert lab.up("postgresql") is postgresql_server
