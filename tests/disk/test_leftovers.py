"""Temporary files of dead runs are swept, those of living ones never."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from towpath.disk import leftovers
from towpath.errors import Refused

CHILD = """
import sys, time
from pathlib import Path
from towpath.disk import leftovers
file, path = leftovers.create(Path(sys.argv[1]), "orders.csv", "load1")
file.write(b"half"); file.flush()
print(path, flush=True)
time.sleep(60)
"""


def test_a_file_is_named_by_load_and_empty(tmp_path: Path) -> None:
    file, path = leftovers.create(tmp_path, "orders.csv", "load1", ".rows")
    with file:
        assert path == tmp_path / ".orders.csv.load1.rows.tow-tmp"
        assert file.read() == b""


def test_a_living_file_stays_and_a_closed_one_goes(tmp_path: Path) -> None:
    file, path = leftovers.create(tmp_path, "orders.csv", "load1")
    assert leftovers.sweep(tmp_path, "orders.csv") == []
    assert path.exists()
    file.close()
    assert leftovers.sweep(tmp_path, "orders.csv") == [path.name]
    assert not path.exists()


def test_a_duplicate_descriptor_keeps_a_file_alive(tmp_path: Path) -> None:
    file, _ = leftovers.create(tmp_path, "orders.csv", "load1")
    held = os.dup(file.fileno())
    file.close()
    assert leftovers.sweep(tmp_path, "orders.csv") == []
    os.close(held)
    assert leftovers.sweep(tmp_path, "orders.csv") != []


def test_other_files_are_never_swept(tmp_path: Path) -> None:
    kept = ["orders.csv", ".orders.csv.load1", ".other.csv.load1.tow-tmp", "orders.csv.load1.tow-tmp"]
    for name in kept:
        (tmp_path / name).touch()
    assert leftovers.sweep(tmp_path, "orders.csv") == []
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


def test_sweeping_a_folder_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    assert leftovers.sweep(tmp_path / "none", "orders.csv") == []


def test_what_a_killed_process_left_is_swept_only_after_its_death(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        path = Path(child.stdout.readline().strip())
        try:
            assert leftovers.sweep(tmp_path, "orders.csv") == []
            assert path.read_bytes() == b"half"
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    assert leftovers.sweep(tmp_path, "orders.csv") == [path.name]


def test_a_second_living_run_of_one_load_is_refused_and_a_dead_one_replaced(tmp_path: Path) -> None:
    file, path = leftovers.create(tmp_path, "orders.csv", "load1")
    file.write(b"mine")
    with pytest.raises(Refused, match="another run is writing the same load"):
        leftovers.create(tmp_path, "orders.csv", "load1")
    file.close()
    again, path_again = leftovers.create(tmp_path, "orders.csv", "load1")
    with again:
        assert path_again == path
        assert again.read() == b""


def test_a_file_swept_between_its_creation_and_its_lock_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[str] = []
    real = fcntl.flock

    def lock(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_EX and not swept:
            swept.extend(leftovers.sweep(tmp_path, "orders.csv"))
        real(descriptor, operation)

    monkeypatch.setattr(leftovers.fcntl, "flock", lock)
    file, path = leftovers.create(tmp_path, "orders.csv", "load1")
    with file:
        assert swept
        assert os.path.samestat(path.stat(), os.fstat(file.fileno()))
        assert leftovers.sweep(tmp_path, "orders.csv") == []


def test_a_sweep_that_opened_a_dead_file_spares_the_living_one_that_took_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, _ = leftovers.create(tmp_path, "orders.csv", "load1")
    dead.close()
    made = []
    real = fcntl.flock

    def lock(descriptor: int, operation: int) -> None:
        if not made:
            made.append(None)
            made[0] = leftovers.create(tmp_path, "orders.csv", "load1")
        real(descriptor, operation)

    monkeypatch.setattr(leftovers.fcntl, "flock", lock)
    assert leftovers.sweep(tmp_path, "orders.csv") == []
    file, path = made[0]
    with file:
        assert os.path.samestat(path.stat(), os.fstat(file.fileno()))


def test_makers_and_sweepers_side_by_side_never_lose_a_living_file(tmp_path: Path) -> None:
    stop = threading.Event()

    def sweep() -> None:
        while not stop.is_set():
            leftovers.sweep(tmp_path, "orders.csv")

    sweepers = [threading.Thread(target=sweep) for _ in range(2)]
    for thread in sweepers:
        thread.start()
    try:
        for number in range(300):
            file, path = leftovers.create(tmp_path, "orders.csv", f"load{number % 3}")
            with file:
                assert os.path.samestat(path.stat(), os.fstat(file.fileno()))
    finally:
        stop.set()
        for thread in sweepers:
            thread.join()


def test_a_folder_that_is_not_there_is_refused_by_path(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="none"):
        leftovers.create(tmp_path / "none", "orders.csv", "load1")


def test_one_file_is_removed_only_when_nobody_holds_it(tmp_path: Path) -> None:
    file, path = leftovers.create(tmp_path, "a", "load1")
    with file:
        assert leftovers.found(tmp_path) == [(path, True)]
        assert not leftovers.remove(path)
        assert path.exists()
    assert leftovers.found(tmp_path) == [(path, False)]
    assert leftovers.remove(path)
    assert leftovers.found(tmp_path) == []
