from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from tests.lab.web import Web
from towpath.errors import Refused
from towpath.lab import homes
from towpath.lab.recipe import Build

NOBODY = "nobody"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


class RefusesRoot(Web):
    refuses_root = True


def test_only_a_program_that_refuses_root_gets_another_user_and_only_from_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert homes.owner(RefusesRoot()) == NOBODY
    assert homes.owner(Web()) is None
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert homes.owner(RefusesRoot()) is None


def test_a_home_of_ours_is_closed_to_others_and_empty(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "old").touch()
    folder = homes.made(tmp_path / "web", None)
    assert folder == tmp_path / "web"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["server"]


@root_only
def test_a_home_of_another_user_is_where_that_one_can_come(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    folder = homes.made(closed / "web", NOBODY)
    assert not folder.is_relative_to(tmp_path)
    assert (folder / "server").owner() == NOBODY
    assert stat.S_IMODE((folder / "server").stat().st_mode) == 0o700
    (folder / "server").rmdir()
    folder.rmdir()


@root_only
def test_where_no_folder_is_open_to_that_user_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tmp_path.chmod(0o700)
    with pytest.raises(Refused, match="runs as the user nobody, who cannot come to"):
        homes.made(tmp_path / "web", NOBODY)


def test_programs_of_a_closed_cache_are_linked_to_where_their_user_can_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tmp_path.chmod(0o700)
    home = tmp_path / "towpath" / "lab" / "thing-1.0" / "bin"
    home.mkdir(parents=True)
    (home / "thing").write_text("x")
    (home / "alias").symlink_to("thing")
    target = tmp_path / "server"
    target.mkdir()
    found = homes.reachable(Build(home, "1.0", "wheel"), target, NOBODY)
    assert found.home == target / "programs" / "bin"
    assert (found.home / "thing").samefile(home / "thing")
    assert (found.home / "alias").is_symlink()
    assert homes.reachable(Build(home, "1.0", "wheel"), target, None).home == home
