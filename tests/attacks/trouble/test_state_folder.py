"""The user's state folder lost, or damaged, between runs: it holds the history, and no state of data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.attacks.kills.kit import again, undisturbed
from tests.attacks.kills.local import PLACES, Case, Scenes
from tests.attacks.kills.warm import Warm


@pytest.mark.parametrize("how", ["lost", "damaged"])
@pytest.mark.parametrize("case", PLACES, ids=str)
@pytest.mark.one_of_many
def test_a_state_folder_that_is_lost_or_damaged_between_runs_loses_and_doubles_no_row(
    case: Case, how: str, tow: Warm, scenes: Scenes
) -> None:
    known, scene = undisturbed(tow, scenes(case)), scenes(case)
    Path(scene.env["TMPDIR"]).mkdir(parents=True)
    scene.begin(tow)
    history = scene.folder / "home" / "state" / "runs.sqlite"
    for _ in range(2):  # before the load, and after it
        after = scene.see()
        if how == "lost":
            shutil.rmtree(history.parent, ignore_errors=True)
        else:
            history.parent.mkdir(exist_ok=True, parents=True)
            history.write_bytes(b"no database" * 1000)
        again(tow, scene, known, after)
    scene.end()
