"""Places that may be read and not written to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.kills.kit import attacked, undisturbed
from tests.attacks.kills.local import PLACES, Case, LocalScene, Scenes
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.trouble.places import OLD_THERE
from towpath.lab.faults import disk

UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all")
"""root may write anywhere; without these two of its powers it is held to the modes of its own files."""


@pytest.mark.skipif(disk.missing() is not None, reason=str(disk.missing()))
@pytest.mark.parametrize("case", PLACES, ids=str)
@pytest.mark.one_of_many
def test_a_disk_that_is_read_only_stops_a_run_with_a_sentence(case: Case, tow: Warm, tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    with disk.small(place, 16 << 20) as small:
        scenes = Scenes(place)
        known = undisturbed(tow, scenes(case))

        def cut(run: Run) -> None:
            small.read_only()
            run.go()
            run.wait()
            small.read_only(False)

        run = attacked(tow, scenes(case), known, cut, codes=(1,), every=0.01).run
        assert "read-only" in run.out or "readonly" in run.out, run.out


def _unprivileged(scene: LocalScene) -> subprocess.CompletedProcess[str]:
    words = [*UNPRIVILEGED, sys.executable, "-m", "towpath.cli.main", *scene.words]
    return subprocess.run(words, cwd=scene.folder, env=scene.env, capture_output=True, text=True)


@pytest.mark.parametrize("case", OLD_THERE, ids=str)
@pytest.mark.parametrize("what", ["unit", "folder"])
@pytest.mark.one_of_many
def test_a_unit_or_folder_that_one_may_not_write_to_stops_a_run_with_a_sentence(
    case: Case, what: str, tow: Warm, scenes: Scenes
) -> None:
    scene = scenes(case)
    Path(scene.env["TMPDIR"]).mkdir(parents=True)
    scene.begin(tow)
    old, there = scene.see(), sorted(scene.folder.rglob("*"))
    closed = scene.unit if what == "unit" else scene.unit.parent
    closed.chmod(0o555 if closed.is_dir() else 0o444)
    if what == "folder" and scene.unit.is_dir():
        pytest.skip("the folder is the unit there")
    done = _unprivileged(scene)
    closed.chmod(0o755 if closed.is_dir() else 0o644)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "[permission-denied]" in done.stdout, done.stdout
    assert scene.see() == old
    assert sorted(scene.folder.rglob("*")) == there
