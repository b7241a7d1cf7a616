"""A clock that was set back between runs, or jumps while one goes on: nothing rests on it but what a person reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.kills.kit import undisturbed
from tests.attacks.kills.local import PLACES, Case, LocalScene, Scenes
from tests.attacks.kills.warm import Warm

SHIM = """
import datetime, sys, time
import towpath.cli.run, towpath.cli.runs, towpath.pipeline.run, towpath.assemble, towpath.move, towpath.history
import towpath.joins.file_destination, towpath.joins.folder_destination, towpath.joins.table_destination
offset, after = float(sys.argv[1]), int(sys.argv[2])
true, true_ns, count = time.time, time.time_ns, 0
def now():
    global count
    count += 1
    return true() + (offset if count > after else 0.0)
time.time = now
time.time_ns = lambda: int(now() * 1e9)
class Moved(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(now(), tz)
for name, module in list(sys.modules.items()):
    if name.startswith("towpath") and getattr(module, "datetime", None) is datetime.datetime:
        module.datetime = Moved
from towpath.cli.main import main
sys.exit(main(sys.argv[3:]))
"""
"""`tow` whose clock is off by so many seconds from the so manieth look at it on. The machine's own is left alone."""

YEAR = 365 * 86_400


def _run(scene: LocalScene, offset: float, after: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", SHIM, str(offset), str(after), *scene.words]
    return subprocess.run(
        words, cwd=scene.folder, env={**os.environ, **scene.env}, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(("offset", "after"), [(-YEAR, 0), (YEAR, 0), (-3600, 2)], ids=["back", "ahead", "jumps"])
@pytest.mark.parametrize("case", PLACES, ids=str)
@pytest.mark.one_of_many
def test_a_clock_that_is_off_loses_and_doubles_no_row(
    case: Case, offset: float, after: int, tow: Warm, scenes: Scenes
) -> None:
    known, scene = undisturbed(tow, scenes(case)), scenes(case)
    Path(scene.env["TMPDIR"]).mkdir(parents=True)
    scene.begin(tow)
    for status in ("done", "unchanged"):
        done = _run(scene, offset, after)
        assert done.returncode == 0, done.stderr
        assert f'"status": "{status}"' in done.stdout
        assert scene.see() == known.new
    assert scene.leftovers() == []
    true = tow.run(scene.words, scene.folder, scene.env)
    assert true.receipts()[0]["status"] == "unchanged"
    listed = tow.run(("runs",), scene.folder, scene.env)
    assert listed.code == 0, listed.err
    scene.end()
