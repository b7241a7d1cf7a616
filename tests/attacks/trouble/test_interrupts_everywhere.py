"""Ctrl-C at each line that a load goes through, in turn: nothing is seen, next to nothing left, and the same load ends
right."""

from __future__ import annotations

import gc
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.attacks.share import Attack
from tests.joins.filekit import APPEND, CREATE, converted, load, read, rows, source, to_file, to_folder
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.parquet import Parquet
from towpath.seams.destination import Destination
from towpath.stream import Batch, Counted

_WATCHED = ("towpath/joins/", "towpath/adapters/store/", "towpath/disk/", "towpath/interrupted", "contextlib.py")
OLD, NEW = rows(id=[1], k=["a"]), rows(id=[2, 3], k=["c", "d"])
DESTINATIONS: dict[str, Callable[[Path], Destination]] = {
    "folder": lambda place: to_folder(place / "out", partition_by=("k",)),
    "file": lambda place: to_file(place / "out.csv", CSV()),
}


class Interrupt:
    """Raises SIGINT at the so manieth line that is traced; counts them, and knows where it was."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.lines, self.where = at, 0, ""

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        file = frame.f_code.co_filename
        if not any(part in file for part in _WATCHED):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                self.where = f"{Path(file).name}:{frame.f_lineno} ({frame.f_code.co_name})"
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return self


def loaded(to: Destination, interrupt: Interrupt) -> bool:
    """One load of the new rows; whether it came to its end."""
    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        with ExitStack() as stack:
            to.recover(None)
            offer = to.offer(NEW.schema, APPEND, ())
            writing = stack.enter_context(to.begin(offer, "load2"))
            writing.write(Batch(converted(NEW, offer.schema), Counted("rows")))
            writing.publish(None, None)
            return True
    except KeyboardInterrupt:
        return False
    finally:
        sys.settrace(before)
        gc.collect(1)  # a block whose end was interrupted holds its lock as long as it is there, as its process would


def ids(place: Path, name: str) -> list[int]:
    found = source(place / "out", Parquet()) if name == "folder" else source(place / "out.csv", CSV())
    return sorted(int(row["id"]) for row in read(found).to_pylist())


def left(place: Path) -> list[str]:
    """Hidden files, and empty folders."""
    return sorted(
        path.name
        for path in place.rglob("*")
        if path.name.startswith(".") or (path.is_dir() and not any(path.iterdir()))
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # writers that were not closed
@pytest.mark.parametrize("name", DESTINATIONS)
def test_an_interrupt_at_any_line_leaves_the_old_or_the_new(name: str, attack: Attack, tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    load(DESTINATIONS[name](template), OLD, CREATE)
    counting = Interrupt()
    assert loaded(DESTINATIONS[name](shutil.copytree(template, tmp_path / "whole")), counting)
    assert left(tmp_path / "whole") == []
    remains: dict[str, list[str]] = {}
    chosen = attack.some(f"lines of {name}", range(1, counting.lines + 1), least=100)
    for at in chosen:
        place = shutil.copytree(template, tmp_path / "cut")
        interrupt = Interrupt(at)
        loaded(DESTINATIONS[name](place), interrupt)
        seen = ids(place, name)
        assert seen in ([1], [1, 2, 3]), f"{seen} after an interrupt at {interrupt.where}"
        if found := left(place):
            assert all(name.startswith(".") for name in found), f"{found} after an interrupt at {interrupt.where}"
            if found != [".out.csv.tow-state"]:  # what is being published, for the next run
                remains[interrupt.where] = found
        DESTINATIONS[name](place).recover(None)  # as the next run begins
        if seen == [1]:
            assert loaded(DESTINATIONS[name](place), Interrupt()), interrupt.where
            assert ids(place, name) == [1, 2, 3], interrupt.where
        assert left(place) == [], interrupt.where
        shutil.rmtree(place)
    # Between the end of a block and what clears up behind it, no shield can be held.
    assert len(remains) <= max(1, len(chosen) // 50), remains
