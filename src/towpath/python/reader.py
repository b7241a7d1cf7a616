"""The reader behind `towpath.read`: one checked pass over a source, for whoever takes Arrow's C stream or rows."""

from __future__ import annotations

import secrets
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import pyarrow as pa

from towpath import assemble
from towpath.badrows import BadRow, BadRows, StopAtFirst
from towpath.books import Books, CountedBadRows
from towpath.deadletters import DeadLetters
from towpath.errors import MissingLibrary, TowError, UserError
from towpath.ground import refuse_all_text
from towpath.job import JobSpec
from towpath.nouns import Restart, Want
from towpath.options import nearest
from towpath.python.annotations import is_record, pinned
from towpath.python.rows_as import Rows
from towpath.seams.source import Source
from towpath.settling import settled
from towpath.shaping import trial
from towpath.shaping.transform import Transform
from towpath.stream import Batch, Stream
from towpath.values import textform

Row = TypeVar("Row")
BadRowsTo = str | Path | list[BadRow] | Callable[[BadRow], object] | None
"""Where rows go that cannot be read: a folder, a list, a function; None stops at the first."""

_BATCH_BYTES = 8 << 20


class Reader(Generic[Row]):
    """One pass over a source: iterate it for rows, call one of the `to_` methods, or hand it to anything that takes an
    Arrow stream (pandas, polars, duckdb, pyarrow). Closing it, or leaving its `with`, closes every file.

    Types found in text hold for the whole source before the first row is handed out: a source whose sample does not
    settle them is read once for its types and once for its rows (`to_arrow` and its kin need only the second)."""

    def __init__(self, spec: JobSpec, *, rows_as: type[Row] | None = None, bad_rows: BadRowsTo = None) -> None:
        (given,) = spec.inputs.values()
        trial.check(spec, None)
        self._spec = spec
        self._source: Source = assemble.build_source(given, spec.connections, spec.folder).part
        self._rows_as = rows_as
        self._bad_rows = bad_rows
        self._transform = Transform(_shaped(spec), partial(assemble.engine, spec))
        self._want = _want(spec)
        self._described = self._source.describe(replace(self._want, columns=None))
        self._pin()
        self._running: weakref.ref[Generator[Batch, None, None]] | None = None
        self._begun = False
        self._error: TowError | None = None

    @property
    def shown(self) -> str:
        """The source's address, without secrets."""
        return self._source.shown

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the rows to come. Reads the source once if its types are not settled yet."""
        self._settle()
        return self._transform.schema({"input": self._incoming()})

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow record batches of `schema`."""
        for batch in self.placed():
            yield batch.rows

    def placed(self) -> Iterator[Batch]:
        """The same with the place that each row came from."""
        with closing(self._started()) as batches:
            yield from batches

    def __iter__(self) -> Iterator[Row]:
        """The rows as instances of `rows_as`, or as dicts by column name."""
        rows = Rows(self._rows_as, self.schema, inferred=self._described.inferred, where=self.shown)
        sink = self._sink()
        with closing(self._started(sink)) as batches:
            for batch in batches:
                yield from rows.of(batch, sink.rows)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Arrow's PyCapsule interface. A stream that nobody reads (duckdb asks for several) costs nothing; the first
        one that is read is the pass."""
        rows = self._noting()
        return pa.RecordBatchReader.from_batches(self.schema, rows).__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> pa.Table:
        """All rows as a pyarrow Table."""
        unsettled = self._want.schema is None and not self._described.settled
        if unsettled and self._spec.limit is None and not self._begun:
            try:
                return self._collected()
            except Restart as restart:
                self._want = replace(self._want, schema=restart.schema)
                self._begun = False
        else:
            self._settle()
        return self._collected()

    def to_pandas(self) -> Any:
        """All rows as a pandas DataFrame of Arrow-backed columns, in which integers with nulls stay integers."""
        pandas = _library("pandas")
        return self.to_arrow().to_pandas(types_mapper=pandas.ArrowDtype)

    def to_polars(self) -> Any:
        """All rows as a polars DataFrame."""
        return _library("polars").DataFrame(self.to_arrow())

    def to_duckdb(self, connection: Any = None) -> Any:
        """All rows as a DuckDB relation of a connection (default: DuckDB's own)."""
        import duckdb

        return duckdb.from_arrow(self.to_arrow(), connection=connection or duckdb.default_connection())

    def close(self) -> None:
        """Ends the pass and closes what it opened; a closed reader gives no more rows."""
        self._begun = True
        running = self._running() if self._running is not None else None
        if running is not None:
            running.close()

    def __enter__(self) -> Reader[Row]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        # A library that pulled from the Arrow stream wraps what stopped it in an error of its own.
        if isinstance(error, Exception) and not isinstance(error, TowError) and self._error is not None:
            raise self._error from error

    def __repr__(self) -> str:
        columns = ", ".join(f"{one.name} {textform.type_name(one.type)}" for one in self._outlook())
        return f"Reader({self.shown!r}: {columns})"

    def _repr_html_(self) -> str:
        from towpath.python import html

        certain = self._described.settled or self._want.schema is not None
        return html.reader(self.shown, self._outlook(), certain, frozenset(self._want.types))

    def _pin(self) -> None:
        """Holds names against the columns, and pins what `rows_as` asks of text."""
        if self._spec.all_text:
            refuse_all_text(self._described, self.shown)
        known = self._described.schema.names
        for what, names in (("types", self._spec.types), ("columns", self._spec.select)):
            for name in names:
                if name not in known:
                    raise UserError(
                        f"{what}: there is no column {name!r}{nearest(name, known)}",
                        where=self.shown,
                        todo=f"columns: {', '.join(known)}",
                        code="column-unknown",
                    )
        twice = [one for one in self._spec.select if self._spec.select.count(one) > 1]
        if twice:
            raise UserError(
                f"columns: {twice[0]!r} is named twice", todo="name each column once", code="column-doubled"
            )
        if self._described.inferred and is_record(self._rows_as):
            asked = pinned(self._rows_as)
            self._want = replace(self._want, types={**asked, **self._want.types})
            self._described = self._source.describe(replace(self._want, columns=None))

    def _outlook(self) -> pa.Schema:
        """The schema as far as it is known now."""
        return self._transform.schema({"input": self._incoming()})

    def _incoming(self) -> pa.Schema:
        whole = self._want.schema if self._want.schema is not None else self._described.schema
        return whole if self._want.columns is None else pa.schema([whole.field(one) for one in self._want.columns])

    def _settle(self) -> None:
        """Finds the types that hold for the whole source."""
        if self._want.schema is not None or self._described.settled:
            return
        self._want = replace(self._want, schema=settled(self._source, self._want))

    def _sink(self, *, held: bool = False) -> _Sink:
        to = self._bad_rows
        if to is None:
            return _Sink(StopAtFirst())
        if isinstance(to, (str, Path)):
            letters = DeadLetters(Path(to), secrets.token_hex(8), self._spec)
            return _Sink(letters, letters)
        told = _Told(to.append if isinstance(to, list) else to, [] if held else None)
        return _Sink(told, told=told)

    def _started(self, sink: _Sink | None = None) -> Generator[Batch, None, None]:
        self._settle()
        return self._pass(sink or self._sink())

    def _pass(self, sink: _Sink) -> Generator[Batch, None, None]:
        made = self._rows(sink)
        self._running = weakref.ref(made)
        return made

    def _rows(self, sink: _Sink) -> Generator[Batch, None, None]:
        if self._begun:
            raise UserError(
                "a reader is read once, and not after it was closed",
                where=self.shown,
                todo="call towpath.read again",
                code="reader-read",
            )
        self._begun = True
        left = self._spec.limit
        with ExitStack() as stack:
            stack.callback(sink.discard)
            books, bad = Books(), CountedBadRows(sink.rows, "read")
            edge = books.edge("read")
            reading = stack.enter_context(self._source.open(None, replace(self._want, bad=bad)))

            def met() -> Iterator[Batch]:
                for batch in reading:
                    edge.accepted += len(batch)
                    yield batch
                edge.given, edge.aside = reading.given, bad.count

            result = self._transform.apply({"input": Stream(reading.schema, met())}, stack, books, bad)
            stack.callback(result.close)
            if sink.letters is not None:
                sink.letters.types("read", reading.schema)
                sink.letters.types("rows", result.schema)
            for batch in result if left != 0 else ():
                kept = batch if left is None or len(batch) <= left else batch.take(range(left))
                if len(kept):
                    yield kept
                if left is not None:
                    left -= len(kept)
                    if left == 0:
                        break
            else:
                if left != 0:
                    books.check()
                    reading.checkpoint()
            sink.keep()

    def _noting(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.batches()
        except TowError as error:
            self._error = error
            raise

    def _collected(self) -> pa.Table:
        # Bad rows are told at the end, for a restart meets them again.
        with closing(self._pass(self._sink(held=True))) as made:
            batches = [batch.rows for batch in made]
        return pa.Table.from_batches(batches, batches[0].schema if batches else self._outlook())


@dataclass(frozen=True, slots=True)
class _Told:
    """Bad rows for a function, at once or (with `held`) when the pass came to its end."""

    tell: Callable[[BadRow], object]
    held: list[BadRow] | None = None

    def add(self, bad: BadRow) -> None:
        if self.held is None:
            self.tell(bad)
        else:
            self.held.append(bad)

    def keep(self) -> None:
        for bad in self.held or ():
            self.tell(bad)


@dataclass(frozen=True, slots=True)
class _Sink:
    """Where bad rows go; those of a folder are kept when the pass came to its end."""

    rows: BadRows
    letters: DeadLetters | None = None
    told: _Told | None = None

    def keep(self) -> None:
        if self.letters is not None:
            self.letters.seal()
            self.letters.published()
        if self.told is not None:
            self.told.keep()

    def discard(self) -> None:
        if self.letters is not None:
            self.letters.discard()


def _shaped(spec: JobSpec) -> JobSpec:
    """What is left to do when the source gives only the chosen columns."""
    return spec.with_(limit=None) if spec.where is not None else spec.with_(limit=None, select=())


def _want(spec: JobSpec) -> Want:
    """Only the chosen columns are asked of the source, unless a condition may look at others."""
    types = {name: textform.parse_type(text) for name, text in spec.types.items()}
    columns = spec.select if spec.select and spec.where is None else None
    return Want(types=types, all_text=spec.all_text, columns=columns, checkpoint=False, batch_bytes=_BATCH_BYTES)


def _library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingLibrary(f"this needs the package {name}", todo=f"pip install {name}") from error
