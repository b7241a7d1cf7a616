"""Names that are made durable, on a disk that fails in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from towpath.disk.durable import confirm, sync_folder
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
