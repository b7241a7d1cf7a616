"""Bytes that can be read only once, kept to be read again."""

from __future__ import annotations

import gc
import io
import os
import tempfile
from pathlib import Path

import pytest

from tests.descriptors import files_open
from towpath.disk.spool import Spool
from towpath.errors import Refused


def test_readers_of_one_spool_do_not_disturb_each_other() -> None:
    spool = Spool(io.BytesIO(b"0123456789"), "in")
    with spool.open() as one, spool.open() as two:
        assert one.read(3) == b"012"
        assert two.read() == b"0123456789"
        assert one.read(2) == b"34"
        assert one.seek(-2, os.SEEK_END) == 8
        assert one.read() == b"89"
        assert one.seek(1) == 1
        assert one.seek(1, os.SEEK_CUR) == 2
        assert one.read(1) == b"2"


def test_a_spool_leaves_no_file_and_no_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool(io.BytesIO(b"x" * 3_000_000), "in")
    file = spool.open()
    del spool
    assert len(file.read()) == 3_000_000
    assert list(tmp_path.iterdir()) == []
    assert len(files_open(tmp_path)) == 1
    del file
    gc.collect()
    assert files_open(tmp_path) == []


def test_a_temporary_folder_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(Refused, match="temporary folder .*gone.*standard input"):
        Spool(io.BytesIO(b"x"), "standard input")
