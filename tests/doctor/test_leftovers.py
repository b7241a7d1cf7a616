"""Leftovers: those of dead runs are told and cleared, those of living ones are never touched."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import towpath as tow
from towpath.disk import leftovers as files
from towpath.doctor import examine
from towpath.doctor.leftovers import checks
from towpath.doctor.report import Check

KILLED = """
import os, sys
from pathlib import Path
import towpath as tow
class Die:
    def begin(self, *_): pass
    def phase(self, what): os._exit(9) if what == sys.argv[3] else None
    def advance(self, *_): os._exit(9) if sys.argv[3] == "reading" else None
    def end(self): pass
tow.copy(sys.argv[1], sys.argv[2], progress=Die())
"""


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("id\n" + "1\n" * 100)
    return path


def killed(source: Path, to: Path | str, when: str = "publishing") -> None:
    """A run that dies at a phase, as by kill -9."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(source), str(to), when], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr


def found(*folders: Path, clean: bool = False) -> list[Check]:
    return [one for one in checks(folders, clean=clean) if one.name not in ("looked in", "dead runs")]


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


def test_a_dead_runs_file_is_told_and_only_removed_when_asked_to(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    killed(source, out / "a.parquet")
    (left,) = found(out)
    assert (left.level, Path(left.name).parent) == ("warning", out)
    assert "--clean" in left.todo
    assert len(hidden(out)) == 1
    (gone,) = found(out, clean=True)
    assert (gone.level, gone.name) == ("ok", left.name)
    assert "removed" in gone.found
    assert hidden(out) == []
    assert found(out) == []


def test_what_a_living_run_writes_is_left_alone(tmp_path: Path) -> None:
    file, path = files.create(tmp_path, "a.parquet", "load1")
    with file:
        (one,) = found(tmp_path, clean=True)
        assert (one.level, one.name) == ("ok", str(path))
        assert "living" in one.found
        assert path.exists()
    (one,) = found(tmp_path, clean=True)
    assert not path.exists()


def test_a_file_that_a_database_library_holds_counts_as_living(tmp_path: Path) -> None:
    path = tmp_path / ".duckdb.0123.new.tow-tmp"
    program = (
        "import fcntl, sys\n"
        "file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX); print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        (one,) = found(tmp_path, clean=True)
        assert path.exists()
        assert "living" in one.found
        holder.communicate("\n")
    found(tmp_path, clean=True)
    assert not path.exists()


def test_the_places_of_recent_runs_are_looked_at_without_being_named(source: Path, tmp_path: Path) -> None:
    for to in (tmp_path / "files" / "a.parquet", f"duckdb:///{tmp_path}/base/w.db#t", f"{tmp_path}/folder/"):
        if isinstance(to, Path):
            to.parent.mkdir()
        tow.copy(source, to)
    left = [tmp_path / place / ".x.load1.tow-tmp" for place in ("files", "base", "folder", "tmp")]
    for path in left:
        path.touch()
    elsewhere = tmp_path / "elsewhere" / ".x.load1.tow-tmp"
    elsewhere.parent.mkdir()
    elsewhere.touch()
    assert {Path(one.name) for one in found()} == set(left)
    found(clean=True)
    assert [path.exists() for path in (*left, elsewhere)] == [False] * 4 + [True]


def test_the_first_run_of_all_is_killed_and_doctor_finds_what_it_left_here(source: Path, tmp_path: Path) -> None:
    (tmp_path / "here" / "out").mkdir()
    for to in (tmp_path / "here" / "a.parquet", tmp_path / "here" / "out" / "b.parquet"):
        killed(source, to)
    assert [one.level for one in found()] == ["warning", "warning"]
    found(clean=True)
    assert hidden(tmp_path / "here") == []


def test_a_pipelines_places_are_found_from_wherever_doctor_is_called(source: Path, tmp_path: Path) -> None:
    (tmp_path / "shop" / "deep" / "out").mkdir(parents=True)
    (tmp_path / "shop" / "tow.yaml").write_text(
        f"pipeline: p\nsteps:\n  s: {{from: {source}, to: deep/out/a.parquet}}\n"
    )
    tow.run(tmp_path / "shop" / "tow.yaml")
    left = tmp_path / "shop" / "deep" / "out" / ".x.load1.tow-tmp"
    left.touch()
    assert [one.name for one in found()] == [str(left)]


def test_a_folder_that_is_gone_under_ones_feet_is_no_defect(tmp_path: Path) -> None:
    (tmp_path / "here").rmdir()
    assert "this folder" in {one.name for one in examine().checks if one.level == "warning"}


def test_a_folders_unfinished_load_is_cleared_with_its_files(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tow.copy(source, f"{out}/")
    kept = sorted(path.name for path in out.iterdir())
    (tmp_path / "b.csv").write_text("id\n2\n")
    program = KILLED.replace("progress=Die())", "progress=Die(), mode='append')")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "b.csv"), f"{out}/", "publishing"])
    assert done.returncode == 9
    told = found(out)
    assert str(out) in {one.name for one in told}
    assert {one.level for one in told} == {"warning"}
    assert {one.level for one in found(out, clean=True)} == {"ok"}
    assert sorted(path.name for path in out.iterdir()) == kept
    assert tow.read(f"{out}/").to_arrow().num_rows == 100
    assert found(out) == []


def test_an_intent_is_settled_as_the_next_run_would_do(tmp_path: Path) -> None:
    note = tmp_path / ".a.parquet.tow-state"
    note.write_text('{"steps": {}, "intent": {"load_id": "dead", "token": "none", "state": null}}')
    (told,) = found(tmp_path)
    assert (told.name, told.level) == (str(tmp_path / "a.parquet"), "warning")
    (settled,) = found(tmp_path, clean=True)
    assert settled.level == "ok"
    assert not note.exists()


def test_sealed_bad_rows_are_told_and_never_removed(source: Path, tmp_path: Path) -> None:
    tow.copy(source, tmp_path / "a.parquet", bad_rows=tmp_path / "bad")
    pending = tmp_path / "bad" / "load1.pending"
    pending.mkdir(parents=True)
    (one,) = found(clean=True)
    assert (one.level, one.name) == ("warning", str(pending))
    assert pending.exists()


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (one,) = found(tmp_path / "missing")
    assert (one.level, one.name) == ("problem", str(tmp_path / "missing"))
    (tmp_path / "a.csv").touch()
    (one,) = found(tmp_path / "a.csv")
    assert one.found == "is no folder"


def test_links_are_not_followed_and_other_files_not_taken(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    (tmp_path / ".a.load1.tow-tmp").symlink_to(precious)
    (tmp_path / "a.load1.tow-tmp").touch()
    assert found(tmp_path, clean=True) == []
    assert precious.read_text() == "x"
    assert (tmp_path / "a.load1.tow-tmp").exists()


def test_nothing_is_changed_unasked(source: Path, tmp_path: Path) -> None:
    (tmp_path / ".x.load1.tow-tmp").touch()
    before = sorted(tmp_path.rglob("*"))
    examine([tmp_path])
    assert sorted(tmp_path.rglob("*")) == before
