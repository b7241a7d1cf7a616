"""Which files an address names: one, many by a glob, a folder by its manifest or by all that lies in it."""

from __future__ import annotations

import glob
import posixpath
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pyarrow as pa

from towpath import address, codecs
from towpath.errors import DataError, Refused
from towpath.joins import hive, manifest
from towpath.joins.folder_loads import unfinished
from towpath.joins.manifest import Manifest
from towpath.options import nearest
from towpath.seams.store import Entry, Store


@dataclass(frozen=True, slots=True)
class Files:
    """The files to read, sorted by path, and the texts of the partition columns in the path of each.

    `manifest`: what the folder says of itself. `folder`: whether the address was taken as a folder."""

    entries: list[Entry]
    partitions: tuple[str, ...] = ()
    texts: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    manifest: Manifest | None = None

    @property
    def versions(self) -> dict[str, str]:
        return {entry.path: entry.version for entry in self.entries}

    @property
    def versioned(self) -> bool:
        """Whether it can be said how far they were read (not of standard input)."""
        return all(entry.version for entry in self.entries)

    def type_of(self, partition: str) -> pa.DataType:
        """The type of a partition column: as the manifest says, else the one that all of its texts have."""
        if self.manifest is not None:
            return self.manifest.schema.field(partition).type
        return hive.type_of(texts[partition] for texts in self.texts.values())

    def given(self, path: str, types: Mapping[str, pa.DataType]) -> dict[str, pa.Scalar]:
        """The values of a file's partition columns."""
        texts = self.texts.get(path, {})
        return {name: hive.value(path, name, texts[name], types[name]) for name in self.partitions}


def find(store: Store, path: str, suffixes: Sequence[str], use_hive: bool | None) -> Files:
    """The files that `path` names. In a folder without manifest those whose names end as their format's do.

    `use_hive` None: partition columns are taken from the part of the path that was not written out, if any stand
    there; True: from the whole path; False: none. Raises Refused when there is nothing to read."""
    entries = [] if path.endswith("/") else store.entries(path)
    if entries:
        return _partitioned(entries, _fixed(path), use_hive)
    folder = path.rstrip("/") + "/"
    listed = manifest.read(store, folder)
    while listed is not None:
        try:
            return _by_manifest(store, folder, listed[0])
        except DataError:  # a load that replaces the files may have been published since
            before, listed = listed, manifest.read(store, folder)
            if before == listed:
                raise
    if unfinished(store, folder):
        raise Refused(
            "it holds only a load that was never finished",
            where=folder,
            todo="run that load again, or remove the folder",
            code="state-damaged",
        )
    found = store.entries(glob.escape(folder) + "**/*")
    entries = [entry for entry in found if codecs.split(entry.path)[0].lower().endswith(tuple(suffixes))]
    if not entries:
        raise nothing(store, path, folder if found else None, suffixes)
    return _partitioned(entries, folder, use_hive)


def _by_manifest(store: Store, folder: str, listed: Manifest) -> Files:
    entries = []
    there = {entry.path: entry for entry in store.entries(glob.escape(folder) + "**/*")} if listed.files[1:] else {}
    for part in listed.files:
        path = folder + part.path
        # A name that wildcards leave out is asked for by itself.
        found = there.get(path) or next((entry for entry in store.entries(path) if entry.path == path), None)
        if found is None or found.size != part.size:
            state = "is not there" if found is None else f"has {found.size} bytes, not {part.size}"
            raise DataError(
                f"the manifest names {part.path}, which {state}",
                where=folder,
                todo="restore the file",
                code="state-damaged",
            )
        entries.append(found)
    texts = {folder + part.path: hive.values(part.path) for part in listed.files}
    return Files(entries, listed.partition_by, texts, listed)


def _partitioned(entries: list[Entry], fixed: str, use_hive: bool | None) -> Files:
    if use_hive is False:
        return Files(entries)
    begin = 0 if use_hive else len(fixed)
    texts = {entry.path: hive.values(entry.path[begin:]) for entry in entries}
    return Files(entries, hive.same_columns(texts), texts)


def _fixed(pattern: str) -> str:
    """The folders of a pattern that hold no wildcard."""
    parts = pattern.split("/")[:-1]
    wild = next((at for at, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts))
    return "".join(part + "/" for part in parts[:wild])


def nothing(store: Store, path: str, folder: str | None = None, suffixes: Sequence[str] = ()) -> Refused:
    """The error for a path at which nothing can be read: in `folder` no file has one of the suffixes, or nothing
    matches, or there is nothing of that name."""
    if folder is not None:
        return Refused(
            f"no file in it ends in {' or '.join(suffixes)}",
            where=folder,
            todo="name the format that its files have (--from-format), or give a pattern",
            code="path-empty",
        )
    parent, name = posixpath.split(path.rstrip("/"))
    if any(sign in path for sign in "*?["):
        return Refused(
            "no file matches it",
            where=path,
            todo="check the pattern; ** stands for folders of any depth",
            code="path-missing",
        )
    beside: list[Entry] = []
    with suppress(Refused):  # a file there that cannot be looked at is not what this error is about
        beside = store.entries(glob.escape(parent) + "/*" if parent else "*")
    hint = nearest(name, [posixpath.basename(entry.path) for entry in beside])
    todo = f"check the path{address.unnamed(path)}"
    return Refused(f"there is no such file or folder{hint}", where=path, todo=todo, code="path-missing")
