"""Disks that fill up while a run writes: at a byte, by the system's limit on files, and at a page, on a small disk."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.attacks.kills.kit import attacked, undisturbed
from tests.attacks.kills.local import PLACES, Case, LocalScene, Scenes
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack
from towpath.lab.faults import disk

_PAGES = 48
_PAGE = 4096
_WORDS = 4096


@pytest.mark.parametrize("case", PLACES, ids=str)
@pytest.mark.one_of_many
def test_a_file_that_may_not_grow_beyond_any_byte_stops_a_run_that_leaves_the_old(
    case: Case, tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    known = undisturbed(tow, scenes(case))
    chance = attack.random(f"limit-{case}")
    stopped = 0
    for _ in range(attack.times(20, least=6)):
        # Small files fill up at their first bytes, databases at their later pages.
        most = int(2 ** chance.uniform(0, 16))

        def cut(run: Run, most: int = most) -> None:
            resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (most, most))
            run.go()

        run = attacked(tow, scenes(case), known, cut, codes=(0, 1)).run
        stopped += run.code == 1
        if run.code == 1 and most > _WORDS:  # below that, what it said was cut off as well
            assert run.receipts()[0]["status"] == "stopped", run.err
            assert "[disk-full]" in run.out or "I/O error" in run.out, f"{most}: {run.out} {run.err}"
    assert stopped or attack.share < 1


@pytest.mark.skipif(disk.missing() is not None, reason=str(disk.missing()))
@pytest.mark.parametrize("case", PLACES, ids=str)
@pytest.mark.one_of_many
def test_a_disk_that_is_full_at_any_page_stops_a_run_that_leaves_the_old(
    case: Case, tow: Warm, tmp_path: Path, attack: Attack
) -> None:
    place = tmp_path / "small"
    place.mkdir()
    with disk.small(place, 16 << 20) as small:
        scenes = Scenes(place)
        known = undisturbed(tow, scenes(case))
        stopped = 0
        # From the first page on; the last of them are room enough.
        for pages in attack.some(f"full-{case}", range(0, _PAGES, 2), least=6):

            class Full(LocalScene):
                def begin(self, tow: Warm, pages: int = pages) -> None:
                    super().begin(tow)
                    small.fill(leaving=pages * _PAGE)

            def cut(run: Run) -> None:
                run.go()
                run.wait()
                small.empty()

            scene = scenes(case)
            run = attacked(tow, Full(case, scene.folder, scene.template), known, cut, codes=(0, 1)).run
            stopped += run.code == 1
            if run.code == 1:
                assert "[disk-full]" in run.out, f"{pages} pages: {run.out} {run.err}"
                assert run.receipts()[0]["status"] == "stopped", run.err
        assert stopped or attack.share < 1
