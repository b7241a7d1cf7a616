"""Loads into PostgreSQL by each library and into MariaDB, cut around every message of the publish window, and killed
at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.kills.kit import attacked, kill_after
from tests.attacks.kills.on_mariadb import Named
from tests.attacks.kills.on_postgresql import Schema
from tests.attacks.kills.sqlkit import Case, Ground, Siege, chosen, server_dies, strikes
from tests.attacks.kills.warm import Warm
from tests.attacks.share import Attack
from towpath.lab import Server
from towpath.lab.faults.framing import MySQLFraming, PostgreSQLFraming
from towpath.lab.faults.network import Message
from towpath.lab.faults.proxy import Proxy
from towpath.lab.lab import Lab

_MODES = ("create", "append", "replace", "merge")
_MARIADB = "pymysql"
_PLAIN = [Case(library, mode) for library in ("psycopg", _MARIADB) for mode in _MODES]
_CASES = [
    *_PLAIN,
    *(Case(library, mode, large=True) for library in ("psycopg", _MARIADB) for mode in ("create", "append", "merge")),
    *(Case("psycopg", mode, wider=True) for mode in ("append", "merge")),
    *(Case(_MARIADB, mode, wider=True) for mode in ("append", "replace", "merge")),
    *(Case("psycopg2", mode) for mode in ("create", "append", "replace")),
    Case("psycopg2", "merge", large=True),
]
_FROM_TABLES = [
    Case(library, mode, table=True) for library in ("psycopg", "adbc", "psycopg2", _MARIADB) for mode in _MODES[1:]
]
"""Two connections at once: their messages have no one order, by which a cut could find them again."""


def _server(case: Case) -> str:
    return "mariadb" if case.library == _MARIADB else "postgresql"


def _marked(cases: Sequence[Case], start: bool = True) -> list[Any]:
    """The cases, each with the server that it needs."""
    return [pytest.param(one, id=str(one), marks=pytest.mark.server(_server(one), start=start)) for one in cases]


def _siege(case: Case, server: Server, tow: Warm, folder: Path) -> Iterator[Siege]:
    ground: Ground = Named(server)
    if case.library != _MARIADB:
        ground = Schema(server, "" if case.library == "psycopg" else f"+{case.library}")
    framing = MySQLFraming if case.library == _MARIADB else PostgreSQLFraming
    with Proxy(server.host, server.port, framing) as proxy:
        yield Siege(case, ground, proxy, folder, tow)
    ground.drop()


@pytest.fixture
def siege(case: Case, request: pytest.FixtureRequest, tow: Warm, tmp_path: Path) -> Iterator[Siege]:
    yield from _siege(case, request.getfixturevalue(f"{_server(case)}_server"), tow, tmp_path)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Callable[[str], Server]]:
    """Servers that may die, by their names."""
    with Lab() as lab:
        up: dict[str, Server] = {}

        def of(name: str) -> Server:
            if name not in up:
                up[name] = lab.up(name, durable=True)
            return up[name]

        yield of


@pytest.fixture
def siege_of_mortal(case: Case, mortal: Callable[[str], Server], tow: Warm, tmp_path: Path) -> Iterator[Siege]:
    yield from _siege(case, mortal(_server(case)), tow, tmp_path)


def _writes(message: Message) -> bool:
    """Whether a transaction that writes begins with it."""
    begins = message.text.startswith("begin transaction isolation level read committed")
    return begins or message.text == "start transaction"


@pytest.mark.one_of_many(least=5)
@pytest.mark.parametrize("case", _marked(_CASES))
def test_a_load_cut_at_any_message_of_its_publishing_leaves_old_or_new_and_the_next_ends_right(
    siege: Siege, attack: Attack
) -> None:
    known, messages = siege.undisturbed()
    for strike in chosen(attack, f"messages-{siege.case}", strikes(messages, _writes)):
        siege.strike(known, strike)
    assert siege.missed == []


@pytest.mark.one_of_many(least=2)
@pytest.mark.parametrize("case", _marked([*_CASES, *_FROM_TABLES]))
def test_a_load_killed_at_any_moment_leaves_old_or_new_and_the_next_ends_right(siege: Siege, attack: Attack) -> None:
    known, _ = siege.undisturbed()
    chance = attack.random(f"moments-{siege.case}")
    for _ in range(attack.times(100, least=4)):
        attacked(siege.tow, siege.scene(), known, kill_after(chance.uniform(0, known.secs * 1.1)))


@pytest.mark.one_of_many
@pytest.mark.parametrize("case", _marked([*_PLAIN, Case("psycopg2", "append")], start=False))
def test_a_server_that_is_killed_at_any_message_of_the_publishing_leaves_old_or_new_and_the_next_ends_right(
    siege_of_mortal: Siege, mortal: Callable[[str], Server], attack: Attack
) -> None:
    siege = siege_of_mortal
    server = mortal(_server(siege.case))
    known, messages = siege.undisturbed()
    hits = strikes(messages, _writes)
    for strike in chosen(attack, f"server-{siege.case}", hits, lambda one: not (one.kills or one.behind)):
        siege.strike(known, strike, server_dies(siege.proxy, server, strike))
    assert siege.missed == []
