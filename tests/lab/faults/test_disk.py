"""Small disks, mounted for real."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from towpath.lab.faults import disk

pytestmark = pytest.mark.skipif(disk.missing() is not None, reason=str(disk.missing()))


def test_a_small_disk_is_full_after_the_bytes_that_were_left(tmp_path: Path) -> None:
    with disk.small(tmp_path, 1 << 20) as small:
        small.fill(leaving=8192)
        with pytest.raises(OSError) as caught:
            (tmp_path / "a").write_bytes(b"x" * 8193)
        assert caught.value.errno == errno.ENOSPC
        assert (tmp_path / "a").stat().st_size == 8192
        small.empty()
        (tmp_path / "a").write_bytes(b"x" * 8193)


def test_a_small_disk_can_be_made_read_only_and_is_gone_at_the_end(tmp_path: Path) -> None:
    with disk.small(tmp_path, 1 << 20) as small:
        (tmp_path / "a").write_bytes(b"x")
        small.read_only()
        with pytest.raises(OSError) as caught:
            (tmp_path / "a").write_bytes(b"y")
        assert caught.value.errno == errno.EROFS
        small.read_only(False)
        (tmp_path / "a").write_bytes(b"y")
    assert list(tmp_path.iterdir()) == []
