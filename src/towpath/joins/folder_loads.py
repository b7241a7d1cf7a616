"""Loads under way in a folder: noted before their first file appears, so that what a dead one left can be told."""

from __future__ import annotations

import contextlib
import glob
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from towpath.errors import Conflict, DataError, TowError
from towpath.joins import manifest
from towpath.seams.store import Store

NOTE = ".tow-loads"


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
    store.sweep(folder)
    for load_id in unfinished(store, folder):
        with contextlib.suppress(Conflict), _marked(store, folder, load_id):
            _finish(store, folder, load_id)


@contextmanager
def under_way(store: Store, folder: str, load_id: str, replaced: Sequence[str]) -> Iterator[None]:
    """Marks a load while it lives. At its end files are removed that the manifest does not name: its own, if it was
    not published, else the `replaced` ones. Raises Conflict when a living run has the same load id."""
    with _marked(store, folder, load_id):
        if load_id in unfinished(store, folder):
            _finish(store, folder, load_id)
        _change(store, folder, load_id, list(replaced))
        try:
            yield
        finally:
            # The load's fate is sealed by now, and what stays is noted: the next run clears it.
            with contextlib.suppress(TowError):
                _finish(store, folder, load_id)


def _marked(store: Store, folder: str, load_id: str) -> contextlib.AbstractContextManager[object]:
    """A staged object that is never published: nobody else can stage it while its run lives."""
    return store.stage(folder + manifest.NAME, load_id)


def _finish(store: Store, folder: str, load_id: str) -> None:
    listed = manifest.read(store, folder)
    named = {part.path for part in listed[0].files} if listed is not None else set()
    own = store.entries(f"{glob.escape(folder)}**/part-{glob.escape(load_id)}-*")
    replaced = _read(store, folder)[0].get(load_id, [])
    for path in [*(entry.path.removeprefix(folder) for entry in own), *replaced]:
        if path not in named:
            store.remove(folder + path)
    _change(store, folder, load_id, None)


def _read(store: Store, folder: str) -> tuple[dict[str, list[str]], str | None]:
    note = store.read_note(folder + NOTE)
    if note is None:
        return {}, None
    try:
        return {str(load_id): [str(path) for path in paths] for load_id, paths in json.loads(note[0]).items()}, note[1]
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(
            "this is no note of tow's", where=folder + NOTE, todo="remove it", code="state-damaged"
        ) from error


def _change(store: Store, folder: str, load_id: str, replaced: list[str] | None) -> None:
    """Notes a load and the files that it replaces, or (None) strikes it out. Other loads may do so at the same time."""
    while True:
        loads, version = _read(store, folder)
        if loads.get(load_id) == replaced:
            return
        loads.pop(load_id, None)
        if replaced is not None:
            loads[load_id] = replaced
        with contextlib.suppress(Conflict):
            store.swap_note(folder + NOTE, json.dumps(loads).encode() if loads else None, version)
            return
