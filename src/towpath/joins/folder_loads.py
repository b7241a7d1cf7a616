"""Loads under way in a folder: noted before their first file appears, so that what a dead one left can be told.

Where the runs of other machines cannot be told to live, each attempt at a load has an id of its own, so that two of
them never write, nor clear, the same files."""

from __future__ import annotations

import contextlib
import glob
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from towpath.errors import Conflict, DataError, TowError, Transient
from towpath.interrupted import settle
from towpath.joins import manifest
from towpath.seams.store import HasFolders, Remembers, SeesThisMachine, Staged, Store

NOTE = ".tow-loads"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Files that disappear with the load, and when it began (seconds of the epoch)."""

    replaced: tuple[str, ...]
    since: float = 0.0


@dataclass(slots=True)
class Fate:
    """Whether what became of a load is known: it is not from when its publishing is asked for until the answer."""

    sure: bool = True


def attempt(store: Store, load_id: str) -> str:
    """The id under which a load's files are written."""
    return f"{load_id}-{secrets.token_hex(4)}" if isinstance(store, SeesThisMachine) else load_id


def part_name(load_id: str, number: int, suffix: str) -> str:
    return f"part-{load_id}-{number:05}{suffix}"


def unfinished(store: Store, folder: str) -> list[str]:
    """The ids of the loads that are under way in a folder, or died there."""
    return list(_read(store, folder)[0])


def is_part(path: str, load_ids: Sequence[str]) -> bool:
    """Whether a file was written by one of these loads."""
    return path.rpartition("/")[2].startswith(tuple(f"part-{load_id}-" for load_id in load_ids))


def clear(store: Store, folder: str) -> None:
    """Removes what dead loads left: files of theirs, or replaced by them, that the manifest does not name."""
    known = _read(store, folder)[0]
    if known and isinstance(store, SeesThisMachine):
        listed = manifest.read(store, folder)
        published = [part.path for part in listed[0].files] if listed is not None else []
        known = {
            one: what
            for one, what in known.items()
            # One that is published is over, though its own note of it, sent twice, may have come back since.
            if any(is_part(path, [one]) for path in published)
            or store.abandoned(folder + manifest.NAME, one, what.since)
        }
    for load_id in known:
        with contextlib.suppress(Conflict), _marked(store, folder, load_id):
            _finish(store, folder, load_id, sure=False)
    store.sweep(folder)


@contextmanager
def under_way(store: Store, folder: str, load_id: str, replaced: Sequence[str]) -> Iterator[Fate]:
    """Marks a load while it lives. At its end files are removed that the manifest does not name: its own, if it was
    not published, else the `replaced` ones. Who asks for its publishing makes its fate unsure before.
    Raises Conflict when a living run has the same load id."""
    with _marked(store, folder, load_id) as marked:
        if load_id in unfinished(store, folder):
            _finish(store, folder, load_id, sure=False)
        fate = Fate()
        try:
            _change(store, folder, load_id, _Attempt(tuple(replaced), time.time()))
            yield fate
            fate.sure = True
        except TowError as error:
            fate.sure |= not isinstance(error, Transient)
            raise
        finally:
            settle(partial(_settle, store, folder, load_id, marked, fate))


def _settle(store: Store, folder: str, load_id: str, marked: Staged, fate: Fate) -> None:
    """What stays is noted: the next run clears it."""
    try:
        _finish(store, folder, load_id, sure=fate.sure)
    except TowError:
        if isinstance(marked, Remembers):
            marked.remember()


def _marked(store: Store, folder: str, load_id: str) -> contextlib.AbstractContextManager[Staged]:
    """A staged object that is never published: nobody else can stage it while its run lives."""
    return store.stage(folder + manifest.NAME, load_id)


def _finish(store: Store, folder: str, load_id: str, *, sure: bool) -> None:
    """Removes what a load that is over leaves behind. Unless it is `sure` what became of it, the request that publishes
    it may still be on its way, and is kept from naming files that are gone."""
    if not sure and isinstance(store, SeesThisMachine):
        store.fence(folder + manifest.NAME)
    listed = manifest.read(store, folder)
    named = {part.path for part in listed[0].files} if listed is not None else set()
    own = store.entries(f"{glob.escape(folder)}**/part-{glob.escape(load_id)}-*")
    known = _read(store, folder)[0].get(load_id, _Attempt(()))
    for path in [*(entry.path.removeprefix(folder) for entry in own), *known.replaced]:
        if path not in named:
            store.remove(folder + path)
            if isinstance(store, HasFolders):
                store.remove_folders(folder, folder + path)
    _change(store, folder, load_id, None)


def _read(store: Store, folder: str) -> tuple[dict[str, _Attempt], str | None]:
    note = store.read_note(folder + NOTE)
    if note is None:
        return {}, None
    try:
        return {str(load_id): _attempt(found) for load_id, found in json.loads(note[0]).items()}, note[1]
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise DataError(
            "this is no note of tow's", where=folder + NOTE, todo="remove it", code="state-damaged"
        ) from error


def _attempt(found: Any) -> _Attempt:
    """Earlier versions noted the files alone."""
    paths, since = (found, 0.0) if isinstance(found, list) else (found["replaced"], float(found["since"]))
    return _Attempt(tuple(str(path) for path in paths), since)


def _change(store: Store, folder: str, load_id: str, known: _Attempt | None) -> None:
    """Notes a load and the files that it replaces, or (None) strikes it out. Other loads may do so at the same time."""
    while True:
        loads, version = _read(store, folder)
        if loads.get(load_id) == known:
            return
        loads.pop(load_id, None)
        if known is not None:
            loads[load_id] = known
        content = json.dumps({name: asdict(one) for name, one in loads.items()}).encode()
        with contextlib.suppress(Conflict):
            store.swap_note(folder + NOTE, content if loads else None, version)
            return
