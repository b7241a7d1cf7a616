"""The state folder and the history in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from towpath import history
from towpath.doctor import examine
from towpath.doctor.state import checks
from towpath.receipt import Receipt


def test_before_the_first_run_there_is_nothing_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_STATE", str(tmp_path / "new"))
    assert [one.level for one in checks()] == ["ok"]
    assert not (tmp_path / "new").exists()


def test_runs_are_counted() -> None:
    for number in range(3):
        history.record(Receipt(f"r{number}", "a", "b", "create"))
    folder, runs = checks()
    assert (folder.level, runs.level) == ("ok", "ok")
    assert "3 runs, sound" in runs.found


@pytest.mark.parametrize("damage", [b"no database at all", None])
def test_a_damaged_history_is_a_problem_that_names_the_way_out(damage: bytes | None) -> None:
    for number in range(200):
        history.record(Receipt(f"r{number}", "a" * 100, "b", "create"))
    path = history.path()
    content = path.read_bytes()
    path.write_bytes(damage if damage is not None else content[:8192] + b"\xff" * 4096 + content[12288:])
    found = {one.name: one for one in checks()}
    assert found["run history"].level == "problem"
    assert f"mv '{path}'" in found["run history"].todo
    assert examine().exit_code == 1


def test_a_state_folder_that_cannot_be_made_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TOWPATH_STATE", str(tmp_path / "file" / "state"))
    (one,) = checks()
    assert one.level == "problem"
    assert "TOWPATH_STATE" in one.todo
