"""Names that are made durable, on a disk that fails in it."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from towpath.disk import durable
from towpath.disk.durable import begin_writing, confirm, sync_folder
from towpath.errors import Refused
from towpath.lab.faults import syscalls


def test_the_names_in_a_folder_are_made_durable(tmp_path: Path) -> None:
    calls = syscalls.missing() or syscalls.listed(
        [sys.executable, "-c", f"from towpath.disk.durable import *; sync_folder(Path({str(tmp_path)!r}))"],
        about=str(tmp_path),
    )
    if isinstance(calls, str):
        pytest.skip(calls)
    assert [call.name for call in calls] == ["fsync"]
    sync_folder(tmp_path)


def test_a_disk_that_does_not_confirm_says_that_it_is_done(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"it is done, but the disk does not confirm"):
        confirm(tmp_path / "gone" / "a.csv")


@pytest.mark.skipif(syscalls.missing() is not None, reason=str(syscalls.missing()))
def test_a_published_file_is_not_said_to_be_unpublished_when_its_folder_is_not_confirmed(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id\n1\n")
    words = [sys.executable, "-m", "towpath.cli.main", "copy", str(tmp_path / "in.csv"), str(tmp_path / "out.csv")]
    listed = syscalls.listed(words, about=str(tmp_path))
    link = next(number for number, call in enumerate(listed) if call.name == "link" and "/out.csv" in call.line)
    fsync = next(call for call in listed[link:] if call.name == "fsync")
    (tmp_path / "out.csv").unlink()
    done = syscalls.run(words, [fsync.failing("ENOSPC")])
    assert done.returncode == 1
    assert "nothing was published" not in done.stderr
    assert "it is done, but the disk does not confirm that it outlasts a power cut" in done.stderr
    assert (tmp_path / "out.csv").read_text() == "id\n1\n"


def test_a_system_without_the_call_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    durable._sync_file_range.cache_clear()
    try:
        assert durable._sync_file_range()(0, 0, 1, 2) is None
        begin_writing(0, 0, 1)
    finally:
        durable._sync_file_range.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has the call")
def test_the_system_is_asked_about_a_descriptor_that_is_one(tmp_path: Path) -> None:
    call = durable._sync_file_range()
    with open(tmp_path / "a", "wb") as file:
        file.write(b"x" * 10_000)
        file.flush()
        assert call(file.fileno(), 0, 10_000, 2) == 0
    assert call(os.dup(0) + 1000, 0, 1, 2) == -1
