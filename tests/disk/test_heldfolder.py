"""What a library keeps on disk by itself goes with the run, and if the run was killed with the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from towpath.disk.heldfolder import held_folder


@pytest.fixture(autouse=True)
def among(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_is_gone_with_what_is_in_it(among: Path) -> None:
    with held_folder("some") as folder:
        assert not folder.exists()
        folder.mkdir()
        (folder / "block").write_bytes(b"x")
        assert folder.parent == among
    assert list(among.iterdir()) == []


def test_that_of_a_dead_run_goes_and_that_of_a_living_one_stays(among: Path) -> None:
    dead = among / ".some.0123.files"
    dead.mkdir()
    (dead / "block").write_bytes(b"x")
    others = [among / ".other.0123.files", among / "some.files"]
    for one in others:
        one.mkdir()
    with held_folder("some") as living:
        living.mkdir()
        assert not dead.exists()
        with held_folder("some") as second:
            assert second != living
        assert living.exists()
    assert sorted(among.iterdir()) == sorted(others)
