"""The servers keep and read types as docs/reference/types.json says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.attacks.fidelity import types_page
from tests.attacks.fidelity.test_pairs import Ends, made

__all__ = ["made"]


@pytest.mark.server("postgresql", "mariadb", "kafka")
def test_servers_keep_and_read_types_as_the_reference_says(made: Ends, tmp_path: Path) -> None:
    found = json.loads(types_page.RESULTS.read_text("utf8"))
    servers = types_page.with_servers(made.postgresql(), made.mariadb(), made.end("kafka", "kafka"))
    for kind, systems in servers.items():
        for name, types in systems.items():
            assert found[kind][name] == types, name
