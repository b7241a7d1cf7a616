"""Files as a source: store + format + codec. One file, many, or a folder, read as one table."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa

from towpath.address import below
from towpath.disk.oserrors import refused
from towpath.errors import DataError, Refused, SourceChanged, TowError, UserError
from towpath.joins.file_list import Files, find
from towpath.joins.files import input_file, name_of
from towpath.joins.files_read import FilesRead
from towpath.joins.gathered import gathered
from towpath.joins.union import fit, holds, one_text, union
from towpath.joins.wanted import wanted
from towpath.nouns import Checkpoint, Description, Restart, Want
from towpath.seams.format import Format, FormatReading, Inspected, TypesTooNarrow
from towpath.seams.source import Reading
from towpath.seams.store import Entry, Store
from towpath.stream import Batch

_HEADS = 10
"""How many files are looked into before reading."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is known of all files: every column and its type. `empty`: columns without a value so far.

    `declared`: each file says itself which types it has."""

    schema: pa.Schema
    settled: bool
    declared: bool = False
    empty: frozenset[str] = frozenset()
    rows: int | None = None

    @property
    def outward(self) -> pa.Schema:
        """The schema of what is read."""
        return self.schema if self.declared else one_text(self.schema)


class FileSource:
    """Reads the files that a path, glob or folder names as one table: the union of their columns by name.

    `codec` unpacks files whose own name does not say how they are compressed. `hive`: see `file_list.find`.
    Checkpoints name files as seen from the folder `base`. A file that changed since the checkpoint is refused, unless
    `reread_changed` (the destination goes by key), or unless `names_rows` says that each row is kept with the name of
    its file, and that file's rows were: then it is read again whole, and the reading's `instead` names it."""

    def __init__(
        self,
        store: Store,
        format: Format,
        path: str,
        codec: str | None = None,
        *,
        shown: str = "",
        hive: bool | None = None,
        base: str = ".",
        reread_changed: bool = False,
        names_rows: bool = False,
    ) -> None:
        self.shown = shown or path
        self._store = store
        self._format = format
        self._path = path
        self._codec = codec
        self._hive = hive
        self._base = base
        self._reread_changed = reread_changed
        self._names_rows = names_rows
        self._format_name, self._suffixes = name_of(format)
        self._inspected: dict[tuple[Entry, frozenset[tuple[str, pa.DataType]], bool], Inspected] = {}

    def describe(self, want: Want) -> Description:
        files = self.files()
        shape = self._shape(files, want, ())
        return Description(
            schema=wanted(shape.outward, want.columns, self.shown),
            settled=shape.settled,
            inferred=not shape.declared and files.manifest is None,
            rows=shape.rows,
            size=sum(entry.size for entry in files.entries) if files.versioned else None,
            bound=self.reached(files.entries, FilesRead()) if files.versioned else None,
            parts=tuple(entry.path for entry in files.entries),
        )

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[Reading]:
        """The checkpoint holds the version of every file read: only files that it lacks are read. Raises Refused for
        one that has another version by now."""
        files = self.files()
        known = FilesRead.of(since, self._base, self.shown)
        entries, instead = self._newer(files.entries, known)
        reading = _FileReading(self, files, entries, known, want, self._shape(files, want, ()))
        reading.instead = instead
        try:
            yield reading
        finally:
            reading.close()

    def files(self) -> Files:
        """The files that there are now."""
        files = find(self._store, self._path, self._suffixes, self._hive)
        if files.manifest is not None and files.manifest.format != self._format_name:
            raise UserError(
                f"its files are {files.manifest.format}, not {self._format_name}",
                where=self.shown,
                todo=f"give --from-format {files.manifest.format}",
                code="format-unclear",
            )
        return files

    def changed(self, entry: Entry) -> bool:
        """Whether a file is no longer the one that was listed."""
        return entry.version != "" and entry not in self._store.entries(entry.path)

    def misfit(self, since: Checkpoint) -> str:
        before, now = FilesRead.of(since, self._base, self.shown).pattern, self.name(self._path)
        return "" if before in (None, now) else str(before)

    def has_news(self, since: Checkpoint) -> bool:
        return bool(self._unread(self.files().entries, FilesRead.of(since, self._base, self.shown)))

    def reread(self, since: Checkpoint) -> tuple[str, ...]:
        return self._newer(self.files().entries, FilesRead.of(since, self._base, self.shown))[1]

    def name(self, path: str) -> str:
        """A file as the checkpoint names it."""
        return below(path, self._base)

    def reached(self, entries: Sequence[Entry], known: FilesRead) -> Checkpoint:
        """The checkpoint once these files are read besides those known before."""
        versions = {self.name(entry.path): entry.version for entry in entries}
        return known.after(versions, self.name(self._path), named=self._names_rows)

    def read(
        self, entry: Entry, want: Want, took: Callable[[int], None] | None = None
    ) -> AbstractContextManager[FormatReading]:
        """`took` is told the bytes of the file as they are read, where they come as a stream."""
        return self._format.read(input_file(self._store, entry, self._codec, took), want)

    def scanned(self, files: Files, entries: Sequence[Entry], want: Want) -> pa.Schema:
        """The schema that holds every row of `entries`, which are read for it, and the heads of the other files."""
        return self._shape(files, want, entries).schema

    def _shape(self, files: Files, want: Want, scan: Sequence[Entry]) -> _Shape:
        if files.manifest is not None:
            fields = [pa.field(one.name, want.types.get(one.name, one.type)) for one in files.manifest.schema]
            return _Shape(pa.schema(fields), True, rows=files.manifest.rows)
        if want.schema is not None:
            return _Shape(want.schema, True)
        whole = {entry.path for entry in scan}
        chosen = whole | {entry.path for entry in _spread(files.entries)}
        found = [
            (entry.path, self.inspect(entry, want, whole=entry.path in whole))
            for entry in files.entries
            if entry.path in chosen
        ]
        for path, one in found:
            _refuse_both(files.partitions, one.columns, path)
        columns = union(found, want.types)
        schema = columns.schema
        for name in files.partitions:
            found_type = pa.string() if want.all_text else files.type_of(name)
            schema = schema.append(pa.field(name, want.types.get(name) or found_type))
        complete = len(chosen) == len(files.entries) and all(one.settled for _, one in found)
        rows = [one.rows for _, one in found]
        known = sum(count for count in rows if count is not None) if complete and None not in rows else None
        declared = all(getattr(one, "declared", False) for _, file in found for one in file.columns.values())
        return _Shape(schema, complete, declared, frozenset() if complete else columns.empty, known)

    def inspect(self, entry: Entry, want: Want, *, whole: bool = False) -> Inspected:
        """What a file holds; its head is looked at only once."""
        key = (entry, frozenset(want.types.items()), want.all_text)
        if whole:
            return self._format.inspect(input_file(self._store, entry, self._codec), want, whole=True)
        if key not in self._inspected:
            self._inspected[key] = self._format.inspect(
                input_file(self._store, entry, self._codec), replace(want, columns=None), whole=False
            )
        return self._inspected[key]

    def _unread(self, entries: list[Entry], known: FilesRead) -> list[Entry]:
        return [
            entry for entry in entries if not entry.version or known.files.get(self.name(entry.path)) != entry.version
        ]

    def _newer(self, entries: list[Entry], known: FilesRead) -> tuple[list[Entry], tuple[str, ...]]:
        """The files to read, and the names of those whose earlier rows have to make way for them."""
        newer = self._unread(entries, known)
        changed = [entry.path for entry in newer if self.name(entry.path) in known.files]
        if not changed or self._reread_changed:
            return newer, ()
        names = tuple(self.name(path) for path in changed)
        if self._names_rows and known.names(names):
            return newer, names
        raise Refused(
            "this file was loaded before and has changed since"
            + (f", and {len(changed) - 1} more" if changed[1:] else ""),
            where=changed[0],
            todo="load everything anew (--full-refresh), or use mode merge with a key, which reads it again whole;\n"
            "  where a table keeps each row's file from its first load on (--load-columns source_file), append does so",
            code="file-changed",
        )


class _FileReading:
    """One pass over some files."""

    def __init__(
        self,
        source: FileSource,
        files: Files,
        entries: list[Entry],
        known: FilesRead,
        want: Want,
        shape: _Shape,
    ) -> None:
        self.schema = wanted(shape.outward, want.columns, source.shown)
        self.settled = shape.settled
        self._source = source
        self._files = files
        self._entries = entries
        self._known = known
        self._want = want
        self._shape = shape
        self._file_want = _file_want(want, shape.schema, files)
        self.given = 0
        self.consumed = 0
        self.instead: tuple[str, ...] = ()
        self._batches = self._all() if want.by_file else gathered(self._all())

    def __iter__(self) -> Iterator[Batch]:
        return self._batches

    def close(self) -> None:
        self._batches.close()

    def checkpoint(self) -> Checkpoint | None:
        if not self._files.versioned:
            return None
        try:
            now = self._source.files().versions
        except TowError as error:
            raise _changed(self._source.shown) from error
        for entry in self._entries:
            if now.get(entry.path) != entry.version:
                raise _changed(entry.path)
        return self._source.reached(self._entries, self._known)

    def _all(self) -> Generator[Batch, None, None]:
        for entry in self._entries:
            try:
                yield from self._one(entry)
            except TypesTooNarrow as error:
                raise self._answer(error) from error
            except TowError as error:
                if self._source.changed(entry):
                    raise _changed(entry.path) from error
                raise
            except OSError as error:
                raise refused(error, entry.path, "read") from error

    def _one(self, entry: Entry) -> Iterator[Batch]:
        types = {name: self._shape.schema.field(name).type for name in self._files.partitions}
        given = self._files.given(entry.path, types)
        before, begun = self.given, self.consumed

        def took(size: int) -> None:
            self.consumed = min(self.consumed + size, begun + entry.size)

        if self._shape.declared and not self.settled:
            found = self._source.inspect(entry, self._want).columns
            self._expect(pa.schema([pa.field(name, evidence.type()) for name, evidence in found.items()]), entry)
        with self._source.read(entry, self._file_want, took) as reading:
            self._expect(reading.schema, entry)
            for batch in reading:
                self.given = before + reading.given
                self._watch(batch)
                yield Batch(
                    fit(batch.rows, self.schema, entry.path, given), batch.origin, self._source.name(entry.path)
                )
            self.given = before + reading.given
            self.consumed = begun + entry.size

    def _expect(self, schema: pa.Schema, entry: Entry) -> None:
        """Whether the file's columns are among those known, with types that theirs hold."""
        if not self._files.partitions and schema.equals(self._shape.schema):
            return
        _refuse_both(self._files.partitions, schema.names, entry.path)
        for field in schema:
            at = self._shape.schema.get_field_index(field.name)
            if at < 0:
                raise TypesTooNarrow(f"{entry.path}: the column {field.name} is new")
            wide = self._shape.schema.field(at).type
            if field.name not in self._want.types and not holds(wide, field.type):
                raise TypesTooNarrow(f"{entry.path}: column {field.name} is {field.type}, not {wide}")

    def _watch(self, batch: Batch) -> None:
        """The first value of a column that had none in the sample: only a scan can tell the type of them all."""
        for name in self._shape.empty.intersection(batch.rows.schema.names):
            values = batch.rows.column(name)
            if values.null_count < len(values):
                row = values.is_valid().index(True).as_py()
                raise TypesTooNarrow(f"{batch.origin.place(row)}: column {name} has its first value")

    def _answer(self, error: TypesTooNarrow) -> Exception:
        if self.settled:
            return SourceChanged(f"it is not as it was described: {error}", where=self._source.shown, todo="run again")
        return Restart(self._source.scanned(self._files, self._entries, self._want), str(error))


def _file_want(want: Want, schema: pa.Schema, files: Files) -> Want:
    """What is asked of each file: the columns that do not come from its path. A manifest's types are binding."""
    own = pa.schema([field for field in schema if field.name not in files.partitions])
    columns = None if want.columns is None else tuple(name for name in want.columns if name in own.names)
    types = {field.name: field.type for field in own} if files.manifest is not None else want.types
    # Without any column asked for, a batch could not say how many rows it has.
    return replace(want, schema=own, columns=columns or None, types=types)


def _spread(entries: Sequence[Entry]) -> list[Entry]:
    """The first and the last file and some between."""
    if len(entries) <= _HEADS:
        return list(entries)
    last = len(entries) - 1
    return [entries[round(number * last / (_HEADS - 1))] for number in range(_HEADS)]


def _refuse_both(partitions: Sequence[str], columns: Mapping[str, object] | Sequence[str], path: str) -> None:
    for name in partitions:
        if name in columns:
            raise DataError(
                f"the column {name} stands in the file and in its path",
                where=path,
                todo="rename one of the two",
                code="column-doubled",
            )


def _changed(where: str) -> SourceChanged:
    return SourceChanged("it changed while it was read; nothing was published", where=where, todo="run again")
