"""Runs killed before and after every call to the store, with a reader that never stops looking."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.joins.filekit import (
    APPEND,
    CREATE,
    REPLACE,
    STEP,
    load,
    names,
    read,
    rows,
    source,
    state,
    to_file,
    to_folder,
)
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.jsonl import JSONLines
from towpath.adapters.format.parquet import Parquet
from towpath.adapters.store.local import Local
from towpath.errors import Refused
from towpath.nouns import Mode
from towpath.seams.destination import Destination

CALLS = ("entries", "open", "published", "sweep", "remove", "read_note", "swap_note")
OLD, NEW = rows(id=[1, 2], k=["a", "b"]), rows(id=[3, 4], k=["b", "c"])


class Deadly(Local):
    """Kills its process at the call number `fatal`, counted before and after each one."""

    def __init__(self, fatal: int) -> None:
        super().__init__()
        self.left = fatal
        for name in CALLS:
            setattr(self, name, self.counted(getattr(super(), name)))

    def tick(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **given: Any) -> Any:
            self.tick()
            result = call(*args, **given)
            self.tick()
            return result

        return called

    @contextmanager
    def stage(self, path: str, load_id: str):  # type: ignore[no-untyped-def]
        self.tick()
        with super().stage(path, load_id) as staged:
            self.tick()
            staged.seal = self.counted(staged.seal)  # type: ignore[method-assign]
            staged.publish = self.counted(staged.publish)  # type: ignore[method-assign]
            yield staged
            self.tick()
        self.tick()


def run(made: Destination, mode: Mode, step: str | None) -> None:
    """One run as the mover does it: what its state says is loaded already is not loaded again."""
    if made.recover(step) == state("load2", count=2):
        return
    load(made, NEW, mode, "load2", step)


def die(
    fatal: int, make: Callable[[Local], Destination], mode: Mode, step: str | None, look: Callable[[], None]
) -> bool:
    """Runs in a child that is killed; looks at the destination all the while. False when it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run(make(Deadly(fatal)), mode, step)
            code = 0
        finally:
            os._exit(code)
    ended, status = 0, 0
    while not ended:
        look()
        time.sleep(0.0005)
        ended, status = os.waitpid(child, os.WNOHANG)
    look()
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.waitstatus_to_exitcode(status) != 0


FILES = {
    "a.csv": lambda path, store: to_file(path, CSV(), store=store),
    "a.jsonl.gz": lambda path, store: to_file(path, JSONLines(), "gz", store),
    "a.parquet": lambda path, store: to_file(path, Parquet(), store=store),
}


CASES = [
    ("a.csv", CREATE, None),
    ("a.csv", APPEND, None),
    ("a.csv", REPLACE, None),
    ("a.csv", CREATE, STEP),
    ("a.csv", REPLACE, STEP),
    ("a.jsonl.gz", APPEND, STEP),
    ("a.parquet", APPEND, STEP),
]


@pytest.mark.parametrize(
    ("name", "mode", "step"),
    [("a.csv", APPEND, STEP), *(pytest.param(*case, marks=pytest.mark.slow) for case in CASES)],
)
def test_a_file_is_old_or_new_whenever_its_run_dies_and_the_next_run_ends_right(
    tmp_path: Path, name: str, mode: Mode, step: str | None
) -> None:
    def begin(folder: str) -> Path:
        path = tmp_path / folder / name
        if mode is not CREATE:
            load(FILES[name](path, Local()), OLD, CREATE, "load1")
        return path

    path = begin("undisturbed")
    old = path.read_bytes() if path.exists() else None
    run(FILES[name](path, Local()), mode, step)
    new, left = path.read_bytes(), names(path.parent)
    fatal, died = 0, True
    while died:
        path = begin(str(fatal))
        seen = set()

        def look(path: Path = path, seen: set[bytes | None] = seen) -> None:
            seen.add(path.read_bytes() if path.exists() else None)

        died = die(fatal, lambda store, path=path: FILES[name](path, store), mode, step, look)
        assert seen <= {old, new}
        out = path.exists() and path.read_bytes() == new
        made = FILES[name](path, Local())
        assert made.state(STEP) == (state("load2", count=2) if step and out else None)
        if step or not out:
            run(made, mode, step)
        else:
            made.recover(None)
        assert path.read_bytes() == new
        assert names(path.parent) == left
        assert made.state(STEP) == (state("load2", count=2) if step else None)
        fatal += 1
    assert fatal > 10


def make_folder(path: Path, store: Local) -> Destination:
    return to_folder(path, store=store, partition_by=("k",))


@pytest.mark.slow
@pytest.mark.parametrize("mode", [CREATE, APPEND, REPLACE])
def test_a_folder_is_old_or_new_whenever_its_run_dies_and_the_next_run_ends_right(tmp_path: Path, mode: Mode) -> None:
    def ids(path: Path) -> tuple[int, ...] | None:
        try:
            return tuple(sorted(read(source(f"{path}/", Parquet())).column("id").to_pylist()))
        except Refused:
            return None

    old = None if mode is CREATE else (1, 2)
    new = (1, 2, 3, 4) if mode is APPEND else (3, 4)
    left = None
    fatal, died = 0, True
    while died:
        path = tmp_path / str(fatal)
        if mode is not CREATE:
            load(make_folder(path, Local()), OLD, CREATE, "load1")
        before = path.joinpath("_manifest.json").read_bytes() if mode is not CREATE else None
        seen = set()

        def look(path: Path = path, seen: set[bytes | None] = seen) -> None:
            listed = path / "_manifest.json"
            seen.add(listed.read_bytes() if listed.exists() else None)

        died = die(fatal, lambda store, path=path: make_folder(path, store), mode, STEP, look)
        assert len(seen) <= 2
        assert seen <= {before, path.joinpath("_manifest.json").read_bytes() if path.exists() and ids(path) else None}
        assert ids(path) in (old, new)
        made = make_folder(path, Local())
        assert made.state(STEP) == (state("load2", count=2) if ids(path) == new else None)
        run(made, mode, STEP)
        assert ids(path) == new
        assert made.state(STEP) == state("load2", count=2)
        assert left is None or names(path) == left
        left = names(path)
        fatal += 1
    assert fatal > 20
    assert left is not None
    assert not any("tow" in name for name in left)
