"""The order in which a run writes, makes durable and renames: what a power cut may tear apart is not relied upon."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.attacks.kills.local import CASES, Case, LocalScene, Scenes
from tests.attacks.kills.warm import Warm
from towpath.lab.faults import syscalls

pytestmark = pytest.mark.skipif(syscalls.missing() is not None, reason=str(syscalls.missing()))

_PATHS = re.compile(r'<([^>]+)>|"([^"]+)"')
_WRITES = ("write", "writev", "pwrite64", "ftruncate", "fallocate", "copy_file_range", "sendfile")
_NAMES = ("rename", "renameat", "renameat2", "link", "linkat")
_SYNCS = ("fsync", "fdatasync")


class Act(NamedTuple):
    name: str
    paths: list[str]

    @property
    def path(self) -> str:
        return self.paths[0]


def _acts(tow: Warm, scene: LocalScene) -> list[Act]:
    """What a run of the scene writes, names and makes durable, in its order, beside its history."""
    log = scene.folder.with_suffix(".log")
    Path(scene.env["TMPDIR"]).mkdir(parents=True)
    scene.begin(tow)
    run = tow.start(scene.words, scene.folder, scene.env, held=True)
    with syscalls.attached(run.pid, log=log):
        run.go()
        run.wait()
    assert run.code == 0, run.err
    made = [call for call in syscalls.calls(log, about=str(scene.folder)) if "/home/" not in call.line]
    done = [call for call in made if "= -1" not in call.line]
    acts = [(call.name, [a or b for a, b in _PATHS.findall(call.line.split("(", 1)[1])]) for call in done]
    return [Act(name, [str(scene.folder / path) for path in paths]) for name, paths in acts if paths]


@pytest.mark.parametrize("case", [one for one in CASES if "#" not in one.to], ids=str)
@pytest.mark.one_of_many
def test_what_is_renamed_into_place_is_durable_before_and_its_name_right_after(
    case: Case, tow: Warm, scenes: Scenes
) -> None:
    _check_named(_acts(tow, scenes(case)))


def _check_named(acts: list[Act]) -> None:
    named = 0
    for at, act in enumerate(acts):
        if act.name not in _NAMES:
            continue
        named += 1
        old, new = act.paths[:2]
        touched = [one.name for one in acts[:at] if one.path == old and one.name in (*_WRITES, *_SYNCS)]
        assert touched, f"{old} was never written"
        assert touched[-1] in _SYNCS, f"{new} was named while what it holds was not durable"
        later = [one for one in acts[at + 1 :] if one.name in (*_NAMES, *_SYNCS, "unlink")]
        # A link into place is followed by the removal of the other name.
        later = [one for one in later if one.paths != [old]]
        assert later, f"the name of {new} was never made durable"
        assert later[0].name in _SYNCS, f"after {new}, {later[0]} came before its name was durable"
        assert later[0].path == str(Path(new).parent)
    assert named >= 1


@pytest.mark.parametrize("case", [one for one in CASES if one.name == "sqlite"], ids=str)
@pytest.mark.one_of_many
def test_sqlite_makes_its_journal_durable_before_it_changes_the_file(case: Case, tow: Warm, scenes: Scenes) -> None:
    scene = scenes(case)
    acts = _acts(tow, scene)
    unit, journal = str(scene.unit), f"{scene.unit}-journal"
    first = next(at for at, one in enumerate(acts) if one.name in _WRITES and one.path == unit)
    before = [one for one in acts[:first] if one.name in (*_WRITES, *_SYNCS)]
    assert Act("fdatasync", [journal]) in before
    assert Act("fdatasync", [str(scene.folder)]) in before
    assert [one for one in before if one.path == journal][-1].name == "fdatasync"
    last = [one.name for one in acts if one.path == unit and one.name in (*_WRITES, *_SYNCS)]
    assert last[-1] == "fdatasync"


@pytest.mark.parametrize("case", [one for one in CASES if one.name == "duckdb"], ids=str)
@pytest.mark.one_of_many
def test_duckdb_leaves_nothing_that_is_not_durable(case: Case, tow: Warm, scenes: Scenes) -> None:
    scene = scenes(case)
    acts = _acts(tow, scene)
    if case.mode == "create" and case.large:  # the file in which the rows wait becomes the database
        _check_named(acts)
        return
    for path in (str(scene.unit), f"{scene.unit}.wal"):
        touched = [one.name for one in acts if one.path == path and one.name in (*_WRITES, *_SYNCS)]
        assert touched, path
        assert touched[-1] in _SYNCS, f"{path}: {touched}"
