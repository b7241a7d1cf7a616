"""Secrets that are short, odd, or words that stand everywhere: hidden in their address and options whatever they are,
and struck out of all else where that hides more than it tells."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.attacks.secrets.world import World
from tests.attacks.share import Attack

Capture = pytest.CaptureFixture[str]
SHORT = ["1", "ab", "x y"]
WORDS = ["password", "true", "null", "rows"]
ODD = ["two\nlines of it", 'quo"te\'s of both', "per%cent%41ly", "schlüssel-ключ", "back\\slash\\", "{}${env:x}",
       "a b\tc d", "inserted", "0000", "***hidden***"]  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, attack: Attack, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> World:
    return World(tmp_path, attack.random(request.node.name), monkeypatch)


@pytest.mark.one_of_many
@pytest.mark.parametrize("value", [*SHORT, *WORDS, *ODD], ids=repr)
def test_it_is_hidden_in_its_address_and_options_and_spoils_nothing(
    value: str, world: World, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setenv("ODD", value)
    host = f"127.0.0.1:{world.closed}/shop"
    plain = f"postgresql://ann:{quote(value, safe='')}@{host}#t"
    key = f"duckdb:///none.db?encryption_key={quote(value, safe='')}#t"
    said = []
    for words in (
        ["copy", "in.csv", plain, "--log", "json"],
        ["plan", plain, "out.csv"],
        ["copy", "in.csv", f"postgresql://ann:${{env:ODD}}@{host}#t"],
        ["copy", key, "out.csv"],
        ["runs"],
        ["runs", "--json"],
    ):
        code, text = world.tow(*words, capfd=capfd)
        assert code in (0, 1, 2)
        assert "Traceback" not in text
        said.append(text)
    everything = "\n".join(said)
    for shown in (f"ann:{value}@", f"ann:{quote(value, safe='')}@", f"key={quote(value, safe='')}", f"key={value}#"):
        assert shown not in everything
    assert "ann:***@" in everything
    if value not in SHORT + WORDS + ["inserted", "0000"]:
        assert value not in everything
    _, out = world.tow("copy", "in.csv", "out.parquet", "--from-opt", "null=${env:ODD}", "--json", capfd=capfd)
    receipt = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
    assert (receipt["rows"], receipt["status"]) == (3, "done")
    assert set(receipt) >= {"rows", "inserted", "digest", "books"}
