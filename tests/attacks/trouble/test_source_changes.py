"""A source that is changed while it is read: grown, cut short, replaced, touched, gone. What lands is one of its
states, whole, or nothing does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.kills.warm import Warm
from tests.attacks.share import Attack

ROWS = 300_000
TEXT = "id,k\n" + "".join(f"{row},aaaaaaaaaa\n" for row in range(ROWS))
MORE = "".join(f"{row},bbbbbbbbbb\n" for row in range(ROWS, ROWS + 1000))
OTHER = TEXT.replace("a", "c")


def grown(path: Path) -> str:
    with path.open("a") as file:
        file.write(MORE)
    return TEXT + MORE


def cut_short(path: Path) -> str:
    size = len(TEXT) // 2 + TEXT[len(TEXT) // 2 :].index("\n") + 1
    os.truncate(path, size)
    return TEXT[:size]


def replaced(path: Path) -> str:
    beside = path.with_name("beside")
    beside.write_text(OTHER)
    beside.rename(path)
    return OTHER


def written_over(path: Path) -> str:
    with path.open("r+") as file:
        file.write(OTHER)
    return OTHER


def touched(path: Path) -> str:
    os.utime(path)
    return TEXT


def gone(path: Path) -> str:
    path.unlink()
    return TEXT


CHANGES = [grown, cut_short, replaced, written_over, touched, gone]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.one_of_many
@pytest.mark.parametrize("to", ["out.csv", "duckdb:///shop.db#t"])
def test_a_source_that_changes_while_it_is_read_lands_whole_or_not_at_all(
    to: str, change: Callable[[Path], str], tow: Warm, tmp_path: Path, attack: Attack
) -> None:
    chance = attack.random(f"{to}-{change.__name__}")
    (tmp_path / "in.csv").write_text(TEXT)
    begun = time.monotonic()
    assert tow.run(("copy", "in.csv", to), tmp_path, {"TOWPATH_STATE": str(tmp_path / "state")}).code == 0
    longest = time.monotonic() - begun
    refused = 0
    for number in range(attack.times(20, least=3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        source = folder / "in.csv"
        source.write_text(TEXT)
        env = {"TOWPATH_STATE": str(folder / "state")}
        run = tow.start(("copy", "in.csv", to), folder, env, held=True)
        run.go()
        run.wait(chance.uniform(0, longest))
        after = change(source)
        assert run.wait()
        assert "Traceback" not in run.err, run.err
        if run.code == 0:
            done = tow.run(("copy", to, "seen.csv"), folder, env)
            assert done.code == 0, done.err
            assert (folder / "seen.csv").read_text() in (TEXT, after)
        else:
            refused += 1
            assert run.code == 1, run.err
            assert "[source-changed]" in run.err or "[path-missing]" in run.err, run.err
            assert not (folder / "out.csv").exists()
            assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    assert refused or attack.share < 1 or change is gone
