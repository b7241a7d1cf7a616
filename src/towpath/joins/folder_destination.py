"""A folder of files as a destination: partitioned or not, published by one manifest."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pyarrow as pa

from towpath.errors import Conflict, Refused, UserError
from towpath.joins import folder_loads, manifest, partitions
from towpath.joins.file_limits import Limits
from towpath.joins.files import check_names, name_of, plan_columns
from towpath.joins.folder_writing import FolderLoad
from towpath.joins.manifest import Manifest
from towpath.nouns import Existing, Guarantee, Mode, Offer, State, Stored, Way
from towpath.seams.destination import Load
from towpath.seams.format import Format
from towpath.seams.store import Store
from towpath.values.convert import way
from towpath.values.logical import plain_type


class FolderDestination:
    """Writes files `part-{load}-{number}` into a folder, below `k=v/` for each column of `partition_by`, whose
    values stand in the path only. The manifest `_manifest.json` names the files that count, and keeps the state.

    A file is closed, and another one begun, after `rows_per_file` rows and after about `file_bytes` bytes on disk
    (None: after so many rows as take 256 MiB of memory). `codec` packs each file, at `level`."""

    def __init__(
        self,
        store: Store,
        format: Format,
        path: str,
        codec: str | None = None,
        *,
        level: int | None = None,
        partition_by: tuple[str, ...] = (),
        rows_per_file: int | None = None,
        file_bytes: int | None = None,
        shown: str = "",
    ) -> None:
        self.shown = shown or path
        self.store = store
        self.format = format
        self.folder = path.rstrip("/") + "/"
        self.codec = codec
        self.level = level
        self.limits = Limits(rows_per_file, file_bytes)
        self.format_name, suffixes = name_of(format)
        self.suffix = suffixes[0] + (f".{codec}" if codec else "")
        self._partition_by = partition_by

    def describe(self) -> Existing | None:
        found = manifest.read(self.store, self.folder)
        return None if found is None else self._existing(found[0])

    def state(self, step: str) -> State | None:
        found = manifest.read(self.store, self.folder)
        return None if found is None else found[0].steps.get(step)

    def steps(self) -> list[str]:
        found = manifest.read(self.store, self.folder)
        return [] if found is None else sorted(found[0].steps)

    def put_state(self, step: str, expected: State | None, new: State | None) -> None:
        manifest.put_state(self.store, self.folder, self.shown, step, expected, new)

    def offer(self, schema: pa.Schema, mode: Mode, key: tuple[str, ...]) -> Offer:
        if mode is Mode.MERGE:
            raise UserError(
                "a folder of files has no keys, so rows cannot be merged into it",
                where=self.shown,
                todo="merge into a table (duckdb:///file.db#table), or choose --mode replace",
                code="mode-impossible",
            )
        found = manifest.read(self.store, self.folder)
        if found is None:
            self._refuse_foreign()
        elif mode is Mode.CREATE:
            raise UserError(
                "it exists already",
                where=self.shown,
                todo="choose --mode append or --mode replace, or another name",
                code="destination-exists",
            )
        there = found[0] if found is not None and mode is Mode.APPEND else None
        if there is not None:
            self._refuse_unlike(there)
        partition_by = self._partition_by if there is None else there.partition_by
        check_names(self.format, [name for name in schema.names if name not in partition_by], self.shown)
        columns = plan_columns(schema, self._held, None if there is None else self._existing(there), self.shown)
        partitions.check(schema, partition_by, self.shown)
        columns = tuple(
            replace(plan, stored=self._path_type(plan.stored.type)) if plan.to in partition_by else plan
            for plan in columns
        )
        return Offer(
            source=schema,
            schema=pa.schema([pa.field(plan.to, plan.stored.type) for plan in columns]),
            columns=columns,
            mode=mode,
            key=key,
            guarantee=Guarantee.ATOMIC,
            why="rows and state become visible with one manifest; who lists the folder instead sees files as they come",
            effect=self._effect(found[0] if found is not None else None, mode),
            ddl=(f"write {self.folder}part-*{self.suffix}, then {manifest.NAME}",),
        )

    def recover(self, step: str | None) -> State | None:
        folder_loads.clear(self.store, self.folder)
        return None if step is None else self.state(step)

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        found = manifest.read(self.store, self.folder)
        if found is not None and offer.mode is Mode.CREATE:
            raise self.conflict("was created")
        before, version = found or (Manifest(self.format_name, offer.schema, self._partition_by, generation=0), None)
        start = self._after(before, offer)
        replaced = [] if start.files else [part.path for part in before.files]
        # The same load may have been published before: its files keep their names.
        number = sum(part.load_id == load_id for part in before.files)
        attempt = folder_loads.attempt(self.store, load_id)
        with folder_loads.under_way(self.store, self.folder, attempt, replaced) as fate, ExitStack() as stack:
            load = FolderLoad(self, start, version, load_id, attempt, number, fate)
            stack.callback(load.drop)
            yield load

    def _after(self, before: Manifest, offer: Offer) -> Manifest:
        """The manifest of the next load, without its own files yet."""
        generation = before.generation + 1
        if offer.mode is not Mode.APPEND:
            return Manifest(self.format_name, offer.schema, self._partition_by, (), before.steps, generation)
        self._refuse_unlike(before)
        if not before.schema.equals(offer.schema):
            raise self.conflict("got other columns")
        return replace(before, generation=generation)

    def _existing(self, there: Manifest) -> Existing:
        stored = {
            field.name: self._path_type(field.type)
            if field.name in there.partition_by
            else replace(self.format.stored(field.type), type=field.type, as_text=False)
            for field in there.schema
        }
        return Existing(there.schema, stored, there.rows)

    def _held(self, type: pa.DataType) -> Stored:
        """The manifest keeps a column's own type where the format holds its values exactly, if only as text."""
        stored = self.format.stored(type)
        exact = way(type, stored)[0] is Way.EXACT
        return replace(stored, type=plain_type(type), as_text=False) if exact else stored

    def _path_type(self, type: pa.DataType) -> Stored:
        return Stored(plain_type(type), "part of the path")

    def _refuse_foreign(self) -> None:
        loads = folder_loads.unfinished(self.store, self.folder)
        for entry in self.store.entries(glob.escape(self.folder) + "**/*"):
            if not folder_loads.is_part(entry.path, loads):
                raise Refused(
                    f"it holds files that no manifest of tow's names ({entry.path.removeprefix(self.folder)})",
                    where=self.shown,
                    todo="choose an empty folder, or move them away; tow does not touch files that it did not write",
                    code="folder-foreign",
                )

    def _refuse_unlike(self, there: Manifest) -> None:
        if there.format != self.format_name:
            raise Refused(
                f"its files are {there.format}, not {self.format_name}",
                where=self.shown,
                todo=f"give --to-format {there.format}, or choose --mode replace",
                code="format-differs",
            )
        if self._partition_by and self._partition_by != there.partition_by:
            raise Refused(
                f"it is partitioned by {', '.join(there.partition_by) or 'nothing'}",
                where=self.shown,
                todo="leave the partitioning out, or choose --mode replace",
                code="format-differs",
            )

    def _effect(self, there: Manifest | None, mode: Mode) -> str:
        if there is None:
            return f"creates {self.folder}"
        rows = f"the {there.rows:,} rows in {len(there.files)} files of {self.folder}"
        return f"replaces {rows}" if mode is Mode.REPLACE else f"keeps {rows}; new files come beside them"

    def conflict(self, what: str) -> Conflict:
        return Conflict(f"it {what} meanwhile; nothing was published", where=self.shown, todo="run again")
