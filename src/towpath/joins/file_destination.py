"""One file as a destination: store + format + codec. Readers see the old file or the new one, never a mixture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

import pyarrow as pa

from towpath import codecs
from towpath.errors import BooksDoNotBalance, Conflict, DataError, UserError
from towpath.joins.file_state import FileState, Intent
from towpath.joins.files import (
    RowsFile,
    Sink,
    begin_file,
    check_count,
    check_names,
    check_old_rows,
    input_file,
    plan_columns,
)
from towpath.joins.union import fit
from towpath.nouns import Existing, Guarantee, Mode, Offer, Published, State, Want
from towpath.seams.beside import writes_beside
from towpath.seams.destination import Load
from towpath.seams.format import Format
from towpath.seams.store import BeginsWithOld, Entry, Staged, Store
from towpath.stream import Batch

_CHUNK = 1 << 20

_WHY = {
    Guarantee.ATOMIC: "one request, made only if nobody changed the object, shows the rows, which name the state that "
    "was noted for them before",
    Guarantee.RECOVERABLE: "a note beside the file names what is to be published, then it is renamed into place, "
    "then its state is kept; the next run finishes or discards what lies between",
    Guarantee.AT_LEAST_ONCE: "what was written cannot be taken back, and nothing is remembered of it",
}

_DDL: Mapping[Guarantee, Callable[[str], tuple[str, ...]]] = {
    Guarantee.ATOMIC: lambda path: (f"upload {path}, complete it to publish",),
    Guarantee.RECOVERABLE: lambda path: (f"write beside {path}, then rename",),
    Guarantee.AT_LEAST_ONCE: lambda path: (),
}


class FileDestination:
    """Writes one file. `codec` is the compression's ending (`gz`), or None, and `level` one of its levels.

    A format with the attribute `continues` is appended to by copying the old bytes, any other by writing its old
    rows again. Where the store's guarantee is AT_LEAST_ONCE (standard output), nothing is ever there and no step
    can keep its place."""

    def __init__(
        self,
        store: Store,
        format: Format,
        path: str,
        codec: str | None = None,
        *,
        level: int | None = None,
        shown: str = "",
    ) -> None:
        self.shown = shown or path
        self.writes_beside = writes_beside(store)
        self._store = store
        self._format = format
        self._path = path
        self._codec = codec
        self._level = level
        self._guarantee = store.guarantee
        self._continues = bool(getattr(format, "continues", False))
        self._state = FileState(store, path, self.shown)
        self._inspected: dict[tuple[Entry, bool], Existing] = {}

    def describe(self) -> Existing | None:
        """An existing file that cannot be read has no columns: it can be replaced, but not appended to."""
        entry = self._entry()
        if entry is None:
            return None
        try:
            return self._existing(entry, whole=False)
        except DataError:
            return Existing(pa.schema([]), {})

    def state(self, step: str) -> State | None:
        self._refuse_step(step)
        return self._state.committed(step)

    def steps(self) -> list[str]:
        return self._state.steps()

    def put_state(self, step: str, expected: State | None, new: State | None) -> None:
        self._refuse_step(step)
        self._state.put(step, expected, new)

    def offer(self, schema: pa.Schema, mode: Mode, key: tuple[str, ...]) -> Offer:
        if mode is Mode.MERGE:
            raise UserError(
                "a file has no keys, so rows cannot be merged into it",
                where=self.shown,
                todo="merge into a table (duckdb:///file.db#table), or choose --mode replace",
                code="mode-impossible",
            )
        entry = self._entry()
        if mode is Mode.CREATE and entry is not None:
            raise UserError(
                "it exists already",
                where=self.shown,
                todo="choose --mode append or --mode replace, or another name",
                code="destination-exists",
            )
        existing = self._followed(mode, entry)
        check_names(self._format, schema.names, self.shown)
        columns = plan_columns(schema, self._format.stored, existing, self.shown)
        return Offer(
            source=schema,
            schema=pa.schema([pa.field(plan.to, plan.stored.type) for plan in columns]),
            columns=columns,
            mode=mode,
            key=key,
            guarantee=self._guarantee,
            why=_WHY[self._guarantee],
            effect=self._effect(mode, entry, existing),
            ddl=_DDL[self._guarantee](self._path),
        )

    def recover(self, step: str | None) -> State | None:
        self._refuse_step(step)
        return self._state.recover(step)

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        before = None if offer.mode is Mode.CREATE else self._entry()
        followed = self._followed(offer.mode, before)
        if followed is not None and not _fits(offer.schema, followed):
            raise Conflict("its columns were changed meanwhile", where=self.shown, todo="run again")
        old = None if followed is None else before
        with self._store.stage(self._path, load_id) as staged, ExitStack() as stack:
            if old is not None and self._continues:
                file = self._continued(old, staged, offer.schema)
            else:
                file = begin_file(self._format, self._codec, staged, offer.schema, self._path, self._level)
            stack.callback(file.drop)
            if old is not None and not self._continues:
                self._copy_rows(old, file, offer.schema)
            yield _FileLoad(self, file, before, load_id)

    def publish(
        self, file: RowsFile, before: Entry | None, load_id: str, expected: State | None, new: State | None
    ) -> None:
        """Publishes a finished file; called by its load only."""
        if self._guarantee is Guarantee.AT_LEAST_ONCE:
            self._refuse_step(None if new is None else new.step)
            return
        intent = Intent(load_id, file.staged.token, new)
        self._state.publish(file.staged, intent, expected, before is None, lambda: self._check_same(before))

    def finish(self, file: RowsFile) -> None:
        """Completes a file and compares its own count of rows; called by its load only."""
        file.finish()
        check_count(file, self._format, self._codec, self._path)

    def _entry(self) -> Entry | None:
        """The file as it is now. A name that only matches as a glob is another file's."""
        if self._guarantee is Guarantee.AT_LEAST_ONCE:
            return None
        return next((entry for entry in self._store.entries(self._path) if entry.path == self._path), None)

    def _followed(self, mode: Mode, entry: Entry | None) -> Existing | None:
        """What new rows follow, if anything: a file that names no column and holds no row is begun anew."""
        if mode is not Mode.APPEND or entry is None:
            return None
        existing = self._existing(entry, whole=not self._continues)
        if not self._continues:
            check_old_rows(self._format, existing.schema, self.shown)
        return None if existing.rows == 0 and not existing.schema.names else existing

    def _existing(self, entry: Entry, *, whole: bool) -> Existing:
        """With `whole` every type is certain. Where old bytes are only continued, types are a guess, and none but the
        text columns bind new rows: their values stay text."""
        if not entry.size:
            return Existing(pa.schema([]), {}, 0)
        if (entry, whole) not in self._inspected:
            file = input_file(self._store, entry, self._codec)
            found = self._format.inspect(file, Want(), whole=False)
            if whole and not found.settled:
                found = self._format.inspect(file, Want(), whole=True)
            schema = pa.schema([pa.field(name, evidence.type()) for name, evidence in found.columns.items()])
            binding = [field for field in schema if not self._continues or pa.types.is_string(field.type)]
            stored = {field.name: self._format.stored(field.type) for field in binding}
            self._inspected[entry, whole] = Existing(schema, stored, found.rows)
        return self._inspected[entry, whole]

    def _effect(self, mode: Mode, entry: Entry | None, existing: Existing | None) -> str:
        if self._guarantee is Guarantee.AT_LEAST_ONCE:
            return "rows are written as they come"
        if entry is None:
            return f"creates {self._path}"
        if mode is Mode.REPLACE:
            return f"replaces {self._path} ({entry.size:,} bytes) whole"
        if existing is None:
            return f"begins {self._path}, which is empty"
        rows = "rows" if existing.rows is None else f"{existing.rows:,} rows"
        return f"keeps the {rows} of {self._path}; new rows follow them"

    def _refuse_step(self, step: str | None) -> None:
        if step is not None and self._guarantee is Guarantee.AT_LEAST_ONCE:
            raise UserError(
                f"the step {step} cannot keep its place on standard output",
                where=self.shown,
                todo="let it write to a file or a table, or copy without a step",
                code="mode-impossible",
            )

    def _check_same(self, before: Entry | None) -> None:
        if self._entry() != before:
            raise Conflict(
                "it was changed by somebody else meanwhile; nothing was published", where=self.shown, todo="run again"
            )

    def _continued(self, before: Entry, staged: Staged, schema: pa.Schema) -> RowsFile:
        """A file that begins with the old bytes: compressed ones get a further member, a zip is packed anew."""
        old = input_file(self._store, before, self._codec)
        format: Format = self._format.following(old) if hasattr(self._format, "following") else self._format
        sink = Sink(staged.file)
        anew = self._codec == "zip"
        last = None if anew else self._begin_with_old(staged, sink)
        packed = codecs.writer(cast(BinaryIO, sink), self._codec, self._path, self._level)
        if self._codec is not None:
            last = _copy(old.open(), packed if anew else None)
        if last != b"\n":
            packed.write(b"\n")
        return RowsFile(staged, sink, packed, format.writer(packed, schema))

    def _begin_with_old(self, staged: Staged, sink: Sink) -> bytes:
        """Copies the old bytes, by the store itself where it can; returns the last one."""
        sink.size = staged.begin_with_old() if isinstance(staged, BeginsWithOld) else 0
        if not sink.size:
            return _copy(self._store.open(self._path), sink)
        with self._store.open(self._path) as old:
            old.seek(-1, 2)
            return old.read()

    def _copy_rows(self, before: Entry, file: RowsFile, schema: pa.Schema) -> None:
        """Reads the old rows and writes them again before the new ones."""
        old = input_file(self._store, before, self._codec)
        with self._format.read(old, Want(schema=self._existing(before, whole=True).schema)) as reading:
            for batch in reading:
                file.write(fit(batch.rows, schema, self._path))
        if reading.given != file.rows:
            raise BooksDoNotBalance(
                f"{reading.given} old rows were read, but {file.rows} written again", where=self.shown
            )
        file.old, file.rows = file.rows, 0


class _FileLoad:
    """One load of one file."""

    def __init__(self, owner: FileDestination, file: RowsFile, before: Entry | None, load_id: str) -> None:
        self._owner = owner
        self._file = file
        self._before = before
        self._load_id = load_id
        self._finished = False
        self._published: Published | None = None

    @property
    def writes_beside(self) -> bool:
        return self._owner.writes_beside

    def give_up(self, *, abandon: bool = False) -> None:
        self._file.give_up(abandon=abandon)

    def write(self, batch: Batch) -> None:
        self._file.write(batch.rows)

    def publish(self, expected: State | None, new: State | None) -> Published:
        if self._published is None:
            if not self._finished:
                self._owner.finish(self._file)
                self._finished = True
            self._owner.publish(self._file, self._before, self._load_id, expected, new)
            rows = self._file.rows
            self._published = Published(rows, rows, size=self._file.sink.size, parts=(self._owner.shown,))
        return self._published


def _fits(schema: pa.Schema, existing: Existing) -> bool:
    """Whether a file still has the columns that an offer of this schema was made for, in the types that bind it."""
    if schema.names != existing.schema.names:
        return False
    return all(schema.field(name).type == stored.type for name, stored in existing.stored.items())


def _copy(source: BinaryIO, target: BinaryIO | Sink | None) -> bytes:
    """Reads a stream to its end, copies it (None: nowhere) and closes it; returns the last byte, if there is one."""
    last = b""
    with source:
        while chunk := source.read(_CHUNK):
            if target is not None:
                target.write(chunk)
            last = chunk[-1:]
    return last
