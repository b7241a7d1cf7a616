"""A table or query as source: read in one snapshot, whole or onwards from a cursor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pyarrow as pa

from towpath.errors import DataError, Refused, TypeUnfit, UserError
from towpath.joins.cursor import Cursor, before
from towpath.joins.retyped import retyped
from towpath.joins.table_state import own
from towpath.joins.wanted import known, wanted
from towpath.nouns import Checkpoint, Description, Restart, Want
from towpath.options import nearest
from towpath.seams.database import Database, DescribesQueries, ListsTables, ReadSession, is_there
from towpath.sqlnames import quoted
from towpath.stream import Batch, Counted
from towpath.values import textform

_CELL_BYTES = 128


class TableSource:
    """A table, or a query, of one database. `cursor` names a column by which it is read onwards from run to run, or
    by which its `since` and `until` bound what is read; see `towpath.joins.cursor.Cursor` for the rest."""

    def __init__(
        self,
        database: Database,
        *,
        table: str | None = None,
        query: str | None = None,
        cursor: str | None = None,
        monotonic: bool = False,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        shown: str = "",
    ) -> None:
        if (table is None) == (query is None):
            raise UserError(
                "a database is read by a table or a query: exactly one of them",
                where=database.name,
                code="options-conflict",
            )
        self.database = database
        self.table = table
        self.shown = shown or f"{database.name}#{table or 'query'}"
        if cursor is None and (lookback, since, until) != (None, None, None):
            raise UserError(
                "look-back, since and until are about a cursor, and none is named",
                where=self.shown,
                todo="name the column that they are about: --cursor COL (`cursor:` in tow.yaml)",
                code="cursor-missing",
            )
        self.cursor = None if cursor is None else Cursor(cursor, monotonic, lookback, since, until)
        inner = "" if query is None else query.rstrip().rstrip(";")
        self._settled: pa.Schema | None = None
        self._rows = quoted(table, database.quote) if table is not None else f"(\n{inner}\n) as _towpath_rows"

    def describe(self, want: Want) -> Description:
        with self.database.read() as session:
            schema, presumed = self._schema(session)
            bound = self._bound(session, schema, None, want)
            counted = f"select count(*) from {self._rows}{self._newer(None, schema)}"
            rows = int(session.scalar(counted)) if want.count else None
        columns = _retyped(wanted(schema, want.columns, self.shown), _types(want))
        return Description(columns, settled=not presumed, rows=rows, bound=bound)

    def settle(self, want: Want) -> pa.Schema:
        """From now on these are the types by which the rows are read."""
        with self.database.read() as session:
            return _retyped(self._settle(session), _types(want))

    @contextmanager
    def open(self, since: Checkpoint | None, want: Want) -> Iterator[TableReading]:
        with ExitStack() as stack:
            session = stack.enter_context(self.database.read())
            schema, presumed = self._schema(session)
            presumes = bool(presumed) and want.schema is None  # who has settled types does not begin again
            if self.cursor is not None:
                self._refuse_null_cursors(session, known(schema, self.cursor.name, self.shown).name)
            bound = self._bound(session, schema, since, want)
            rows = f"from {self._rows}{self._newer(since, schema)}"
            given = int(session.scalar(f"select count(*) {rows}"))
            columns = wanted(schema, want.columns, self.shown)
            names = ", ".join(self.database.quote(name) for name in columns.names)
            batch_rows = max(1_024, min(65_536, want.batch_bytes // (_CELL_BYTES * max(len(columns), 1))))
            found, batches = session.select(f"select {names} {rows}", batch_rows, columns)
            # A reading that stops half-way ends its query before the session ends.
            stack.callback(_close, batches)
            yield TableReading(
                schema=_retyped(found, _types(want)),
                given=given,
                bound=bound,
                shown=self.shown,
                batches=batches,
                want=want,
                session=stack,
                widened=(lambda: _retyped(self._settle(session), _types(want))) if presumes else None,
            )

    def _settle(self, session: ReadSession) -> pa.Schema:
        self._settled, _ = self._columns(session, None)
        return self._settled

    def _schema(self, session: ReadSession) -> tuple[pa.Schema, frozenset[str]]:
        """The columns as they are read, and those whose declared type may not hold every value that they have. A
        cursor's is always sure: checkpoints are made of it."""
        if self.table is not None and not is_there(session, self.table):
            known = [name for name in session.tables() if not own(name)] if isinstance(session, ListsTables) else []
            raise Refused(
                f"there is no such table{nearest(self.table, known)}",
                where=self.shown,
                todo=f"its tables: {', '.join(sorted(known)) or 'none'}",
                code="table-missing",
            )
        found, presumed = self._columns(session, () if self.cursor is None else (self.cursor.name,))
        if self._settled is None or not presumed:
            return found, presumed
        settled = {one.name: one.type for one in self._settled}
        return _retyped(found, settled), presumed.difference(settled)

    def _columns(self, session: ReadSession, sure: Collection[str] | None) -> tuple[pa.Schema, frozenset[str]]:
        every = f"select * from {self._rows}"
        if isinstance(session, DescribesQueries):
            return session.columns(every, sure)
        schema, batches = session.select(every, 1)
        next(batches, None)
        _close(batches)
        return schema, frozenset()

    def _bound(
        self, session: ReadSession, schema: pa.Schema, since: Checkpoint | None, want: Want
    ) -> Checkpoint | None:
        """How far the snapshot reaches. With a cursor and nothing newer than `since`, that is `since` itself."""
        if self.cursor is None:
            unknown = self.table is None or not want.checkpoint
            version = None if unknown else self.database.version(session, str(self.table))
            return None if version is None else Checkpoint("version", {"value": version})
        field = self._cursor_field(session, schema)
        column = self._ordering(field)
        _, batches = session.select(f"select max({column}) as bound from {self._rows}{self._newer(since, schema)}", 1)
        greatest = pa.Table.from_batches(list(batches)).column(0).combine_chunks()
        if pa.types.is_timestamp(field.type):  # a column that is an instant by its comment, and not by its type
            greatest = greatest.cast(field.type)
        text = textform.write(greatest)[0].as_py()
        if since is not None and (text is None or _less(text, since.value["value"], field.type)):
            return since  # a look-back sees rows from before it, perhaps only these
        return Checkpoint("cursor", {"column": field.name, "value": text, "type": textform.type_name(field.type)})

    def _cursor_field(self, session: ReadSession, schema: pa.Schema) -> pa.Field:
        """The cursor's field, of a type whose order in SQL is that of its values."""
        assert self.cursor is not None
        field = known(schema, self.cursor.name, self.shown)
        column = self.database.quote(field.name)
        if not _ordered(field.type):
            raise UserError(
                f"the column {field.name!r} ({field.type}) cannot be a cursor",
                where=self.shown,
                todo="choose a column of integers, dates, timestamps or text",
                code="cursor-unordered",
            )
        kind = self.database.dialect.kinds
        if kind is not None and not pa.types.is_integer(field.type):
            kinds = session.scalar(
                f"select count(distinct {kind.format(column)}) from {self._rows} where {column} is not null"
            )
            if kinds > 1:
                raise UserError(
                    f"the cursor {field.name!r} has values of several types", where=self.shown, code="cursor-unordered"
                )
        return field

    def _refuse_null_cursors(self, session: ReadSession, cursor: str) -> None:
        nulls = session.scalar(f"select count(*) from {self._rows} where {self.database.quote(cursor)} is null")
        if nulls:
            raise DataError(
                f"the cursor {cursor!r} is null in {nulls:,} rows, which would never be read",
                where=self.shown,
                todo="fill it, or filter these rows out in a query",
                code="cursor-wrong",
            )

    def _newer(self, since: Checkpoint | None, schema: pa.Schema) -> str:
        """The condition for rows newer than `since`, and within the window."""
        if self.cursor is None:
            return ""
        field = known(schema, self.cursor.name, self.shown)
        lower = self.cursor.lower(since, field.type, self.shown)
        bounds = [] if lower is None else [lower]
        bounds += self.cursor.window(field.type, self.shown)
        column, whole = self._ordering(field), pa.types.is_integer(field.type)
        terms = [f"{column} {sign} {value if whole else self._literal(value, field.type)}" for sign, value in bounds]
        return f" where {' and '.join(terms)}" if terms else ""

    def _ordering(self, field: pa.Field) -> str:
        """The cursor's column in the order of its values."""
        column = self.database.quote(field.name)
        return self.database.dialect.ordered.format(column) if pa.types.is_string(field.type) else column

    def _literal(self, text: str, type: pa.DataType) -> str:
        dialect = self.database.dialect
        if pa.types.is_timestamp(type) and not dialect.zoned_literals:
            text = text.removesuffix("Z")
        for sign, written in dialect.escapes:
            text = text.replace(sign, written)
        return dialect.literal.format(text)


@dataclass(slots=True)
class TableReading:
    """One pass over a snapshot. The database is closed as soon as the last row was given, or nobody wants more."""

    schema: pa.Schema
    given: int
    bound: Checkpoint | None
    shown: str
    batches: Iterator[pa.RecordBatch]
    want: Want
    session: ExitStack
    widened: Callable[[], pa.Schema] | None
    """Finds the types that hold all values; None when these do."""

    @property
    def settled(self) -> bool:
        return self.widened is None

    @property
    def expected(self) -> int:
        return self.given

    def __iter__(self) -> Iterator[Batch]:
        first = 1
        try:
            for rows in self.batches:
                yield retyped(Batch(rows, Counted(self.shown, first)), self.schema, self.want.bad)
                first += rows.num_rows
        except TypeUnfit as unfit:
            if self.widened is None:  # these are the types of all values: this one is none
                raise (unfit.__cause__ if isinstance(unfit.__cause__, DataError) else unfit) from None
            raise Restart(self.widened(), f"{self.shown}: {unfit.because}") from unfit
        finally:
            # The same file may be the destination, and a database that is open for reading admits no writer.
            self.session.close()

    def checkpoint(self) -> Checkpoint | None:
        return self.bound


def _close(batches: Iterator[pa.RecordBatch]) -> None:
    close = getattr(batches, "close", None)
    if close is not None:
        close()


def _less(text: str, reached: str | None, type: pa.DataType) -> bool:
    return reached is not None and before(text, reached, type)


def _types(want: Want) -> dict[str, pa.DataType]:
    settled: Mapping[str, pa.DataType] = {} if want.schema is None else {one.name: one.type for one in want.schema}
    return {**settled, **want.types}


def _retyped(schema: pa.Schema, types: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema([(field.name, types.get(field.name, field.type)) for field in schema])


def _ordered(type: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(type) or pa.types.is_string(type) or pa.types.is_date(type) or pa.types.is_timestamp(type)
    )
