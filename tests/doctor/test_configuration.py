"""Configuration files are found, and what is wrong with them is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from towpath.doctor.configuration import checks
from towpath.doctor.report import Check


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def found() -> dict[str, Check]:
    return {one.name: one for one in checks()}


def test_none_of_them_need_be_there() -> None:
    assert {one.level for one in found().values()} == {"ok"}


def test_a_broken_tow_yaml_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "tow.yaml").write_text("pipeline: p\nsteps:\n  s: {from: a.csv, to: b.csv}\n")
    assert found()["tow.yaml"].found == "here, 1 step"
    (tmp_path / "tow.yaml").write_text("pipeline: p\nsteps:\n  s: {from: a.csv, too: b.csv}\n")
    assert found()["tow.yaml"].level == "problem"


def test_secrets_that_others_can_read_are_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=hidden\n")
    (tmp_path / ".env").chmod(0o644)
    assert (found()[".env"].level, found()[".env"].todo) == ("warning", "chmod 600 .env")
    (tmp_path / ".env").chmod(0o600)
    assert found()[".env"].level == "ok"


def test_the_users_connections_are_named_by_their_file(tmp_path: Path) -> None:
    path = tmp_path / "config" / "towpath" / "connections.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("{}\n")
    assert found()["connections"].found == str(path)
