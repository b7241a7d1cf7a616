"""What dead runs left on this machine's disks: told apart from what living ones write, and cleared when asked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath import deadletters, history, registry
from towpath.address import Address, parse
from towpath.disk import leftovers, temporary
from towpath.doctor.report import OK, PROBLEM, WARNING, Check, size
from towpath.errors import Conflict, TowError
from towpath.joins import folder_loads
from towpath.joins.file_state import FileState
from towpath.receipt import Receipt, count

_TOPIC = "leftovers"
_RECENT_RUNS = 200
_STATE_NOTE = ".tow-state"


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """A load that began to publish to `path` (a file, or a folder ending in /), whose end is not known."""

    path: Path
    folder: bool


def checks(folders: Sequence[Path], *, clean: bool) -> Iterator[Check]:
    """One line for each leftover, or one that there is none."""
    receipts, broken = _receipts()
    if broken is not None:
        yield broken
    looked = _places(folders, receipts)
    what = f"{count(len(looked), 'folder')}: this one and those in it, of recent runs, state and temporary files"
    yield Check(_TOPIC, "looked in", OK, what)
    for folder in folders:
        if not folder.is_dir():
            wrong = "is no folder" if folder.exists() else "there is no such folder"
            yield Check(_TOPIC, str(folder), PROBLEM, wrong, "name a folder that exists")
    found = [check for folder in sorted(looked) for check in _in(folder, clean)]
    found += [check for folder in _bad_rows(receipts) for check in _pending(folder)]
    yield from found or [Check(_TOPIC, "dead runs", OK, "nothing was left behind")]


def _in(folder: Path, clean: bool) -> Iterator[Check]:
    # Loads are settled first: their note and lock are among the files that are then removed.
    for one in _unfinished(folder):
        yield _settled(one) if clean else _told(one)
    found = list(leftovers.found(folder))
    living = [path for path, alive in found if alive]
    if living:
        what = count(len(living), "file") + " of living runs, or that may not be opened: left alone"
        yield Check(_TOPIC, str(living[0] if len(living) == 1 else folder), OK, what)
    for path, alive in found:
        if not alive:
            yield _file(path, clean)


def _file(path: Path, clean: bool) -> Check:
    try:
        bytes_ = path.stat().st_size
    except FileNotFoundError:
        return Check(_TOPIC, str(path), OK, "ended meanwhile")
    what = f"left by a dead run, {size(bytes_)}"
    if not clean:
        return Check(_TOPIC, str(path), WARNING, what, "tow doctor --clean removes it; so does the next run to there")
    if leftovers.remove(path):
        return Check(_TOPIC, str(path), OK, f"removed ({what})")
    return Check(_TOPIC, str(path), WARNING, f"{what}, could not be removed", "look at its folder's permissions")


def _unfinished(folder: Path) -> Iterator[_Unfinished]:
    if _json(folder / folder_loads.NOTE):
        yield _Unfinished(folder, True)
    for note in sorted(folder.glob(f".*{_STATE_NOTE}")):
        found = _json(note)
        if isinstance(found, dict) and found.get("intent"):
            yield _Unfinished(folder / note.name.removeprefix(".").removesuffix(_STATE_NOTE), False)


def _told(one: _Unfinished) -> Check:
    what = "a load under way was cut short, or is being written now"
    return Check(_TOPIC, str(one.path), WARNING, what, "tow doctor --clean settles it; so does the next run to there")


def _settled(one: _Unfinished) -> Check:
    store = registry.make(registry.find("store", "file"), {})
    try:
        if one.folder:
            path = f"{one.path}/"
            folder_loads.clear(store, path)
            if folder_loads.unfinished(store, path):
                return Check(_TOPIC, str(one.path), OK, "a living run is writing it: left alone")
        else:
            FileState(store, str(one.path), str(one.path)).recover(None)
    except Conflict:
        return Check(_TOPIC, str(one.path), OK, "a living run is writing it: left alone")
    except TowError as error:
        return Check(_TOPIC, str(one.path), WARNING, f"could not be settled: {error.what}", error.todo)
    return Check(_TOPIC, str(one.path), OK, "an unfinished load was settled, as the next run would have done")


def _pending(folder: Path) -> Iterator[Check]:
    for load_id in deadletters.pending(folder):
        yield Check(
            _TOPIC, f"{folder}/{load_id}.pending", WARNING, "bad rows of a load that is not known to be published",
            "run its step again, which finds out; they are never removed here, for they may be nowhere else",
        )  # fmt: skip


def _places(folders: Sequence[Path], receipts: Sequence[Receipt]) -> set[Path]:
    """The state folder, that for temporary files, this one and those in it (a killed run has no receipt), those of
    recent destinations, and all below the given ones."""
    found = {history.path().parent, temporary.folder(), *_here()}
    for receipt in receipts:
        home = Path(receipt.file).parent if receipt.file else Path()
        found |= {home / one for one in _of_address(receipt.destination)}
    for folder in folders:
        found |= set(_below(folder))
    return {Path(os.path.abspath(one)) for one in found if one.is_dir()}


def _here() -> Iterator[Path]:
    with suppress(OSError):  # it may be gone, or closed to this account
        yield Path.cwd()
        yield from (one for one in Path.cwd().iterdir() if one.is_dir() and not one.is_symlink())


def _of_address(text: str) -> Iterator[Path]:
    try:
        at: Address = parse(text)
    except TowError:
        return  # a connection's name, or an address of a plug-in that has gone
    if at.kind == "file" and at.scheme == "file":
        path = Path(at.path)
        yield from _below(path) if at.folder or path.is_dir() else [path.parent]
    elif at.kind == "table" and at.path not in ("", ":memory:"):
        yield Path(at.path).parent


def _below(folder: Path) -> Iterator[Path]:
    yield from (Path(inside) for inside, _, _ in os.walk(folder))


def _bad_rows(receipts: Sequence[Receipt]) -> list[Path]:
    return sorted({Path(receipt.bad_rows) for receipt in receipts if receipt.bad_rows})


def _receipts() -> tuple[list[Receipt], Check | None]:
    try:
        return history.latest(_RECENT_RUNS), None
    except Exception:  # a damaged history is told by the check on the state
        return [], Check(_TOPIC, "recent runs", WARNING, "not known, as the run history cannot be read", "see above")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
