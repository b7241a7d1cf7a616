"""Rows wait on disk as they were, and their file ends with the load."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from towpath.disk import leftovers
from towpath.disk.rowspool import RowSpool
from towpath.errors import Refused
from towpath.lab.faults import syscalls

ROWS = pa.record_batch({"id": pa.array([1, None], pa.int64()), "name": pa.array(["", None])})


def test_batches_come_back_as_often_as_asked(tmp_path: Path) -> None:
    with RowSpool(tmp_path, "shop.db", "load1") as spool:
        spool.write(ROWS)
        spool.write(ROWS.slice(0, 1))
        assert spool.rows == 3
        spool.seal()
        for _ in range(2):
            assert [batch.to_pylist() for batch in spool.batches()] == [ROWS.to_pylist(), ROWS.slice(0, 1).to_pylist()]


def test_a_spool_without_rows_has_no_batches(tmp_path: Path) -> None:
    with RowSpool(tmp_path, "shop.db", "load1") as spool:
        spool.seal()
        assert list(spool.batches()) == []


def test_the_file_is_spared_while_it_is_open_and_gone_afterwards(tmp_path: Path) -> None:
    with RowSpool(tmp_path, "shop.db", "load1") as spool:
        spool.write(ROWS)
        spool.seal()
        assert leftovers.sweep(tmp_path, "shop.db") == []
        assert os.listdir(tmp_path) == [".shop.db.load1.rows.tow-tmp"]
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_refused_with_the_path_and_leaves_no_file(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    big = pa.record_batch({"text": pa.array(["x" * 10_000] * 100)})
    with pytest.raises(Refused, match=r"shop\.db: cannot write it: the file would be larger"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            with RowSpool(tmp_path, "shop.db", "load1") as spool:
                spool.write(big)
                spool.seal()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused):
        RowSpool(tmp_path / "file", "shop.db", "load1")


@pytest.mark.skipif(syscalls.missing() is not None, reason=str(syscalls.missing()))
def test_a_file_that_the_disk_does_not_remove_is_no_error_and_is_swept_later(tmp_path: Path) -> None:
    text = f"from towpath.disk.rowspool import *; RowSpool(Path({str(tmp_path)!r}), 'shop.db', 'load1').close()"
    done = syscalls.run([sys.executable, "-c", text], ["inject=unlink:error=EIO"])
    assert (done.returncode, done.stderr) == (0, "")
    assert leftovers.sweep(tmp_path, "shop.db") == [".shop.db.load1.rows.tow-tmp"]


def test_closing_again_leaves_what_another_run_made_meanwhile(tmp_path: Path) -> None:
    spool = RowSpool(tmp_path, "orders", "load1")
    spool.close()
    other = RowSpool(tmp_path, "orders", "load1")
    assert other.path == spool.path
    spool.close()
    assert other.path.exists()
    other.close()
    assert not other.path.exists()


def test_rows_that_cannot_be_read_back_are_refused_with_the_path(tmp_path: Path) -> None:
    with RowSpool(tmp_path, "orders", "load1") as spool:
        spool.write(ROWS)
        spool.seal()
        spool.path.unlink()
        with pytest.raises(Refused, match="cannot read it"):
            list(spool.batches())
