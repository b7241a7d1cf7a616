from __future__ import annotations

from pathlib import Path

import pytest

from towpath.lab.recipe import Unobtainable
from towpath.lab.ways.installed import Installed


def program(folder: Path, says: str) -> Path:
    folder.mkdir(parents=True)
    path = folder / "served"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_newest_of_several_folders_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for version in ("9", "10", "8"):
        program(tmp_path / "lib" / version / "bin", f"served (The Server) {version}.4 (Some 1:2)")
    build = Installed("served", str(tmp_path / "lib" / "*" / "bin")).here()
    assert build is not None
    assert build.home == tmp_path / "lib" / "10" / "bin"
    assert build.version == "10.4"
    assert build.program("served") == str(build.home / "served")
    assert build.program("sh") == "sh"


def test_what_is_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "lib", "served 2.0")
    program(tmp_path / "bin", "served 1.0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    build = Installed("served", str(tmp_path / "lib")).here()
    assert build is not None
    assert build.version == "1.0"


def test_a_program_that_is_not_there_is_named_with_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Installed("no-such-server", "/opt/none/*/bin")
    assert way.here() is None
    assert way.hindrance() == "no no-such-server on PATH nor in /opt/none/*/bin"
    with pytest.raises(Unobtainable):
        way.fetch()
