"""SIGKILL at random moments of a load with bad rows, and of the replay: no bad row is lost, none is there twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.attacks.badrows import ends, made
from tests.attacks.badrows.kit import Load
from tests.attacks.badrows.test_known import end
from tests.attacks.kills.kit import kill_after
from tests.attacks.kills.warm import Warm
from tests.attacks.share import Attack

MOMENTS = 30
ROWS = 3_000


@pytest.mark.one_of_many
@pytest.mark.parametrize("to", ends.NAMES)
def test_a_killed_load_and_a_killed_replay_lose_no_bad_row_and_double_none(
    to: str, tow: Warm, attack: Attack, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each round kills the load once (or lets it just end) and the replay twice; the same commands again end well."""
    chance = attack.random(f"kills {to}")
    longest = {"load": 1.0, "replay": 1.0}
    for number in range(attack.times(MOMENTS, least=2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with end(to, folder, request) as there:
            rows = made.csv(chance, ROWS, there.kinds, bad=made.BAD)
            load = Load(tow, there, rows)
            load.begin()
            began = time.monotonic()
            kill_after(chance.uniform(0.0, longest["load"]))(tow.start(("run",), folder, load.env, held=True))
            assert there.rows() in ([], rows.good)
            receipt = load.done()
            if receipt["status"] == "done":
                longest["load"] = min(longest["load"], receipt["seconds"] * 1.2)
                load.check_books(receipt)
            assert there.rows() == rows.good, time.monotonic() - began
            load.check_letters()
            assert [path.name for path in load.bad.iterdir() if "." in path.name] == []
            half = chance.sample(rows.faults, made.BAD // 2)
            load.mend(half)
            for _ in range(2):
                moment = chance.uniform(0.0, longest["replay"])
                kill_after(moment)(tow.start(("replay", "bad"), folder, load.env, held=True))
                assert there.rows() in (rows.good, _with(rows, half))
            began = time.monotonic()
            last = load.run("replay", "bad")
            longest["replay"] = min(longest["replay"], 1.2 * (time.monotonic() - began))
            # A replay that came to its end before its kill leaves the rows that are still bad to the next.
            assert last.code == 0, last.err
            assert there.rows() == _with(rows, half)
            rows.faults = [one for one in rows.faults if one not in half]
            load.check_letters()
            load.mend()
            assert load.run("replay", "bad").code == 0
            rows.good = _with(rows, half)
            assert there.rows() == rows.all
            left = [path.name for path in load.bad.iterdir() if path.name != "replayed"]
            assert left == []


def _with(rows: made.Made, mended: list[made.Fault]) -> list[made.Row]:
    return sorted([*rows.good, *(one.right for one in mended)])
