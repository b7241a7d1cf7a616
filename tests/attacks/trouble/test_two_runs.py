"""Two runs at the same time onto one destination: of one step, of two steps, of one step from two state folders."""

from __future__ import annotations

import shutil
from collections.abc import Hashable
from pathlib import Path

import pytest

from tests.attacks.kills.kit import LOCKED, again, undisturbed, watching
from tests.attacks.kills.local import PLACES, Case, Scenes, see_duckdb, see_folder, see_sqlite
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack
from tests.attacks.trouble.places import one

MET = ("conflict", "database-locked", "destination-exists")
"""What a run may be told that met another one; the last, when the other made what it was to create."""


@pytest.mark.parametrize("case", PLACES, ids=str)
@pytest.mark.parametrize("folders", [1, 2], ids=["one state folder", "two state folders"])
@pytest.mark.one_of_many
def test_of_two_runs_of_one_step_the_load_is_published_once(
    case: Case, folders: int, tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    known = undisturbed(tow, scenes(case))
    chance = attack.random(f"two-{case}-{folders}")
    for _ in range(attack.times(10, least=3)):
        scene = scenes(case)
        Path(scene.env["TMPDIR"]).mkdir(parents=True)
        scene.begin(tow)
        other = {**scene.env, "TOWPATH_STATE": str(scene.folder / "home" / "other")} if folders == 2 else scene.env
        seen: set[Hashable] = set()
        runs = [tow.start(scene.words, scene.folder, env, held=True) for env in (scene.env, other)]
        with watching(scene, seen, 0.001):
            runs[0].go()
            runs[0].wait(chance.uniform(0, known.secs) if chance.random() < 0.7 else 0)
            runs[1].go()
            assert all(run.wait() for run in runs)
        told = "\n---\n".join(f"{run.code}: {run.out} {run.err}" for run in runs)
        assert seen <= {known.old, known.new, LOCKED}, told
        assert {run.code for run in runs} <= {0, 1}, told
        assert 0 in {run.code for run in runs}, told
        done = [receipt for run in runs for receipt in run.receipts() if receipt["status"] == "done"]
        # Both may say so: of one load, that is there once.
        assert len({receipt["load"] for receipt in done}) == 1, told
        assert "Traceback" not in told
        for run in runs:
            assert run.code == 0 or any(f"[{code}]" in run.out for code in MET), told
        shutil.rmtree(scene.folder / "home" / "other", ignore_errors=True)
        again(tow, scene, known, known.new, told)
        scene.end()


TWO = {
    "out.csv-append": lambda path: tuple(sorted(path.read_text().splitlines()[1:])),
    "partitioned-append": see_folder,
    "duckdb-append": see_duckdb,
    "duckdb-merge": see_duckdb,
    "sqlite-append": see_sqlite,
    "sqlite-merge": see_sqlite,
}


@pytest.mark.parametrize("name", TWO)
@pytest.mark.one_of_many
def test_two_steps_that_load_one_destination_lose_no_load_and_double_none(
    name: str, tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    case, chance = one(name), attack.random(f"steps-{name}")
    for _ in range(attack.times(10, least=3)):
        scene = scenes(case)
        Path(scene.env["TMPDIR"]).mkdir(parents=True)
        scene.begin(tow)
        text = (scene.folder / "tow.yaml").read_text()
        (scene.folder / "other").mkdir()
        (scene.folder / "other" / "1.csv").write_text("id,k,v\n7,g,7.5\n8,h,8.5\n")
        step = text.splitlines()[-1].replace("orders:", "others:").replace("from: in/", "from: other/")
        (scene.folder / "tow.yaml").write_text(f"{text}{step}\n")
        runs = [
            tow.start(("run", "tow.yaml", step, "--json"), scene.folder, scene.env, held=True)
            for step in ("orders", "others")
        ]
        for run in runs:
            run.go()
            run.wait(chance.uniform(0, 0.2))
        assert all(run.wait() for run in runs)
        told = "\n---\n".join(f"{run.code}: {run.out} {run.err}" for run in runs)
        assert "Traceback" not in told
        # One that met the other says so, and does what it was to do when it is run again.
        for run in runs:
            assert run.code == 0 or any(f"[{code}]" in run.out for code in MET), told
        done = tow.run(("run", "--json"), scene.folder, scene.env)
        assert done.code == 0, done.err
        assert _ids(TWO[name](scene.unit)) == _expected(case), told
        scene.end()


def _ids(rows: Hashable) -> list[int]:
    assert isinstance(rows, tuple)
    return sorted(int(row.partition(",")[0] if isinstance(row, str) else row[0]) for row in rows)


def _expected(case: Case) -> list[int]:
    return [1, 2, 3, 4, 5, 7, 8] if case.mode == "merge" else [1, 2, 3, 3, 4, 5, 7, 8]


@pytest.mark.one_of_many
def test_two_copies_that_append_to_one_file_both_land_or_one_says_why(
    tow: Warm, tmp_path: Path, attack: Attack
) -> None:
    chance = attack.random("copies")
    for number in range(attack.times(10, least=3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("a", "b", "out"):
            (folder / f"{name}.csv").write_text(f"id\n{name}1\n{name}2\n")
        env = {"TOWPATH_STATE": str(folder / "state")}
        runs: list[Run] = []
        for name in ("a", "b"):
            runs.append(tow.start(("copy", f"{name}.csv", "out.csv", "--mode", "append"), folder, env, held=True))
        for run in runs:
            run.go()
            run.wait(chance.uniform(0, 0.1))
        assert all(run.wait() for run in runs)
        landed = [name for name, run in zip(("a", "b"), runs, strict=True) if run.code == 0]
        wanted = sorted(["out1", "out2", *(f"{name}{row}" for name in landed for row in (1, 2))])
        assert sorted((folder / "out.csv").read_text().split()[1:]) == wanted, [run.err for run in runs]
        assert all(run.code == 0 or "[conflict]" in run.err for run in runs), [run.err for run in runs]
        assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv", "out.csv", "state"]
