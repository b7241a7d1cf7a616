"""The machine's clock, disks and memory as the doctor sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from towpath import history
from towpath.doctor import machine
from towpath.doctor.machine import checks, memory
from towpath.job import DEFAULT_MEMORY
from towpath.receipt import Receipt

GIB = 1 << 30


def kernel(tmp_path: Path, total: int, free: int, group: str = "/") -> Path:
    """The kernel's files for a machine of that size."""
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: {total >> 10} kB\nMemFree: 0 kB\nMemAvailable: {free >> 10} kB\n")
    (proc / "self" / "cgroup").write_text(f"0::{group}\n")
    return proc


def test_enough_memory_is_ok_and_too_little_names_a_size(tmp_path: Path) -> None:
    assert memory(kernel(tmp_path / "a", 8 * GIB, 4 * GIB), tmp_path / "none").level == "ok"
    small = memory(kernel(tmp_path / "b", 2 * GIB, GIB // 2), tmp_path / "none")
    assert (small.level, small.todo) == ("warning", "give runs --memory 256MiB")
    assert DEFAULT_MEMORY == GIB


@pytest.mark.parametrize("where", ["", "outer"])
def test_the_least_limit_of_the_control_groups_above_counts(tmp_path: Path, where: str) -> None:
    groups = tmp_path / "cgroup"
    (groups / "outer" / "inner").mkdir(parents=True)
    (groups / "memory.max").write_text("max\n")
    (groups / "outer" / "inner" / "memory.max").write_text(f"{2 * GIB}\n")
    (groups / where / "memory.max").write_text(f"{512 << 20}\n")
    found = memory(kernel(tmp_path, 8 * GIB, 4 * GIB, "/outer/inner"), groups)
    assert found.level == "warning"
    assert "the control group allows 512.0 MiB" in found.found


def test_version_1_of_control_groups_counts_too_and_no_limit_is_none(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    (groups / "memory").mkdir(parents=True)
    (groups / "memory" / "memory.limit_in_bytes").write_text(f"{2**63 - 4096}\n")
    proc = kernel(tmp_path, 8 * GIB, 4 * GIB)
    assert "control group" not in memory(proc, groups).found
    (groups / "memory" / "memory.limit_in_bytes").write_text(f"{256 << 20}\n")
    assert memory(proc, groups).level == "warning"


def test_a_system_without_these_files_is_no_problem(tmp_path: Path) -> None:
    assert memory(tmp_path, tmp_path).level == "ok"


def test_a_clock_that_went_back_behind_the_latest_run_is_told() -> None:
    history.record(Receipt("r1", "a", "b", "create", started="2999-01-01T00:00:00.000Z"))
    (clock,) = (one for one in checks() if one.name == "clock")
    assert clock.level == "warning"
    assert "2999-01-01" in clock.found


def test_the_time_zones_have_a_version() -> None:
    (zones,) = (one for one in checks() if one.name == "time zones")
    assert zones.level == "ok"
    assert "20" in zones.found


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for least, level in ((1, "ok"), (1 << 60, "problem")):
        monkeypatch.setattr(machine, "_NO_DISK", least)
        monkeypatch.setattr(machine, "_LITTLE_DISK", least)
        assert {one.level for one in checks() if one.name.startswith("disk")} == {level}
