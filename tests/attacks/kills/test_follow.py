"""`--follow` killed at random moments, again and again: every message arrives once, wherever it goes."""

from __future__ import annotations

import json
import secrets
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack
from tests.kafkakit import kafka, produce, seen
from towpath.lab import Lab, Server

pytestmark = pytest.mark.timeout(1800)
_EACH = 40


class Place:
    """Where the messages go: an address, and the ids that a reader finds there now, in order of size."""

    def __init__(self, kind: str, folder: Path, lab: Lab) -> None:
        self.kind, self.folder, self.lab = kind, folder, lab
        self.name = f"follow_{secrets.token_hex(5)}"

    def address(self) -> str:
        if self.kind in ("kafka", "postgresql"):
            return f"{self.lab.up(self.kind).address}#{self.name}"
        return f"{self.kind}:///{self.folder}/shop.db#orders" if "." not in self.kind else f"{self.folder}/{self.kind}"

    def ids(self) -> list[int]:
        try:
            return sorted(self._ids())
        except (duckdb.Error, sqlite3.Error, psycopg.errors.UndefinedTable, FileNotFoundError):
            return []  # nothing was loaded yet

    def _ids(self) -> list[int]:
        if self.kind == "kafka":
            return [json.loads(value)["id"] for value in seen(self.lab.up("kafka"), self.name).values()]
        if self.kind == "postgresql":
            with psycopg.connect(self.lab.up("postgresql").address) as connection:
                return [row[0] for row in connection.execute(f"select id from {self.name}".encode()).fetchall()]
        file = self.folder / ("shop.db" if "." not in self.kind else self.kind)
        if self.kind == "sqlite":
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                return [row[0] for row in connection.execute("select id from orders")]
        if self.kind == "duckdb":
            with duckdb.connect(str(file), read_only=True) as opened:
                return [row[0] for row in opened.execute("select id from orders").fetchall()]
        return [json.loads(line)["id"] for line in file.read_text().splitlines()]


@pytest.mark.one_of_many
@pytest.mark.server("kafka")
@pytest.mark.parametrize(
    "kind", ["duckdb", "sqlite", pytest.param("postgresql", marks=pytest.mark.server("postgresql")), "a.jsonl", "kafka"]
)
def test_killed_at_any_moment_again_and_again_every_message_arrives_once(
    kind: str, kafka_server: Server, lab: Lab, tow: Warm, tmp_path: Path, attack: Attack
) -> None:
    place, chance, topic = Place(kind, tmp_path, lab), attack.random(f"follow {kind}"), f"follow-{secrets.token_hex(5)}"
    kafka(kafka_server).create(topic, 2, 0, {})
    words = ("copy", f"{kafka_server.address}#{topic}", place.address(), "--follow", "--every", "50ms", "--quiet")
    env = {"TOWPATH_STATE": str(tmp_path / "state"), "TMPDIR": str(tmp_path)}
    sent = 0

    def send() -> None:
        nonlocal sent
        produce(kafka_server, topic, [b'{"id": %d}' % number for number in range(sent, sent + _EACH)])
        sent += _EACH

    for _ in range(attack.times(100, least=3)):
        send()
        run = tow.start(words, tmp_path, env)
        run.wait(chance.uniform(0.05, 1.5))
        run.kill()
        run.wait()
        assert run.code == -signal.SIGKILL, run.err
        found = place.ids()
        assert len(found) == len(set(found)), "a message came twice"
    send()
    run = tow.start(words, tmp_path, env)
    found = _awaited(place, sent, run)
    run.signal(signal.SIGTERM)
    assert run.wait(60)
    assert run.code == 0, run.err
    assert found == list(range(sent))
    assert place.ids() == found


@pytest.mark.server("kafka")
def test_a_signal_at_any_moment_ends_it_well(kafka_server: Server, tow: Warm, tmp_path: Path, attack: Attack) -> None:
    chance, topic = attack.random("follow signals"), f"follow-{secrets.token_hex(5)}"
    produce(kafka_server, topic, [b'{"id": %d}' % number for number in range(_EACH)])
    for number in range(attack.times(50, least=3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        words = ("copy", f"{kafka_server.address}#{topic}", "sqlite:///shop.db#orders", "--follow", "--every", "50ms")
        run = tow.start(words, folder, {"TOWPATH_STATE": str(folder / "state"), "TMPDIR": str(folder)})
        while not run.ended() and not _hears(run.pid):
            time.sleep(0.001)
        run.wait(chance.uniform(0, 1.5))
        run.signal(chance.choice([signal.SIGTERM, signal.SIGINT]))
        assert run.wait(60)
        assert run.code == 0, (run.code, run.err)
        loads = run.out.splitlines()[-1].split(": ")[1]
        assert loads.startswith(("0 loads, 0 rows", f"1 load, {_EACH} rows")), run.out


def _awaited(place: Place, count: int, run: Run) -> list[int]:
    until = time.monotonic() + 60
    found: list[Any] = []
    while len(found) < count and time.monotonic() < until:
        assert not run.ended(), run.err
        found = place.ids()
        time.sleep(0.1)
    return found


def _hears(pid: int) -> bool:
    """Whether a process has a handler of its own for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> (signal.SIGTERM - 1) & 1)
