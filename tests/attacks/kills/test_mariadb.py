"""Loads into MariaDB, cut around every message of the publish window, and killed at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.kills.kit import attacked, kill_after
from tests.attacks.kills.on_mariadb import Named
from tests.attacks.kills.sqlkit import Case, Siege, chosen, server_dies, strikes
from tests.attacks.kills.warm import Warm
from tests.attacks.share import Attack
from towpath.lab import Server
from towpath.lab.faults.framing import MySQLFraming
from towpath.lab.faults.network import Message
from towpath.lab.faults.proxy import Proxy
from towpath.lab.lab import Lab

_PLAIN = [Case("pymysql", mode) for mode in ("create", "append", "replace", "merge")]
CASES = [
    *_PLAIN,
    *(Case("pymysql", mode, large=True) for mode in ("create", "append", "merge")),
    *(Case("pymysql", mode, wider=True) for mode in ("append", "replace", "merge")),
]


def _siege(case: Case, server: Server, tow: Warm, folder: Path) -> Iterator[Siege]:
    ground = Named(server)
    with Proxy(server.host, server.port, MySQLFraming) as proxy:
        yield Siege(case, ground, proxy, folder, tow)
    ground.drop()


@pytest.fixture
def siege(case: Case, mariadb_server: Server, tow: Warm, tmp_path: Path) -> Iterator[Siege]:
    yield from _siege(case, mariadb_server, tow, tmp_path)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Server]:
    """A server that may die."""
    with Lab() as lab:
        yield lab.up("mariadb", durable=True)


@pytest.fixture
def siege_of_mortal(case: Case, mortal: Server, tow: Warm, tmp_path: Path) -> Iterator[Siege]:
    yield from _siege(case, mortal, tow, tmp_path)


def _writes(message: Message) -> bool:
    return message.text == "start transaction"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_load_cut_at_any_message_of_its_publishing_leaves_old_or_new_and_the_next_ends_right(
    siege: Siege, attack: Attack
) -> None:
    known, messages = siege.undisturbed()
    for strike in chosen(attack, f"messages-{siege.case}", strikes(messages, _writes)):
        siege.strike(known, strike)
    assert siege.missed == []


@pytest.mark.one_of_many
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_load_killed_at_any_moment_leaves_old_or_new_and_the_next_ends_right(siege: Siege, attack: Attack) -> None:
    known, _ = siege.undisturbed()
    chance = attack.random(f"moments-{siege.case}")
    for _ in range(attack.times(100, least=4)):
        attacked(siege.tow, siege.scene(), known, kill_after(chance.uniform(0, known.secs * 1.1)))


@pytest.mark.one_of_many
@pytest.mark.server("mariadb", start=False)
@pytest.mark.parametrize("case", _PLAIN, ids=str)
def test_a_server_that_is_killed_at_any_message_of_the_publishing_leaves_old_or_new_and_the_next_ends_right(
    siege_of_mortal: Siege, mortal: Server, attack: Attack
) -> None:
    siege = siege_of_mortal
    known, messages = siege.undisturbed()
    hits = [one for one in strikes(messages, _writes) if not (one.kills or one.behind)]
    for strike in chosen(attack, f"server-{siege.case}", hits):
        siege.strike(known, strike, server_dies(siege.proxy, mortal, strike))
    assert siege.missed == []
