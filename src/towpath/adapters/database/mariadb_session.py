"""One session of a MariaDB server: queries as Arrow batches, rows in bulk, tables as the server tells of them."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from secrets import token_hex
from typing import Any

import pyarrow as pa
import pymysql
from pymysql.constants import ER

from towpath.adapters.database import mariadb_catalog as catalog
from towpath.adapters.database import mariadb_checks as checks
from towpath.adapters.database import mariadb_read as reading
from towpath.adapters.database import mariadb_types as types
from towpath.adapters.database.mariadb_errors import number, ours, translated
from towpath.adapters.database.mariadb_wire import Wire
from towpath.adapters.database.mariadb_write import Sending
from towpath.errors import DataError, Refused, TowError, UserError
from towpath.nouns import Existing, Stored
from towpath.seams.database import Outcome
from towpath.sqlnames import quoted, refuse_doubled
from towpath.values import textform

_BATCH_BYTES = 8 << 20
_MOST_STATEMENT = 4 << 20
_SKIPPED = 1684
"""ER_WARN_I_S_SKIPPED_TABLE: https://mariadb.com/kb/en/mariadb-error-code-reference/"""
_CHANGING_SECS = 2.0
_UNNAMED = "JSON text in argument"
"""Words of a warning that names no column; the one that does comes after it."""
_SHAPELESS = "Cannot get geometry object"
_PIECES = re.compile(
    r"'(?:''|\\.|[^'\\])*'|\"(?:\"\"|\\.|[^\"\\])*\"|`(?:``|[^`])*`|--\s[^\n]*|#[^\n]*|/\*.*?\*/|(?P<value>\?)",
    re.DOTALL,
)


class MariaDBSession:
    """One connection with one transaction. `kill` ends its query from another one."""

    def __init__(self, wire: Wire, shown: str, kill: Callable[[int], None], *, local_infile: bool = False) -> None:
        self._wire = wire
        self._shown = shown
        self._kill = kill
        self._inserted: dict[str, int] = {}
        self.abandoned = False
        allowed, self._most_bytes = self._rows("select @@local_infile, @@max_allowed_packet")[0]
        self._local_infile = local_infile and bool(allowed)

    @property
    def bulk(self) -> str:
        """How rows are sent."""
        return "load data local" if self._local_infile else "insert, for the server allows no load data local"

    def table(self, name: str) -> Existing | None:
        found = self._declared(name)
        if not found:
            return None
        with translated(self._shown):
            found = catalog.checked(self._rows, name, found)
            key = catalog.key(self._rows, name)
        return Existing(
            pa.schema([(one.name, one.stored.type) for one in found]),
            {one.name: one.stored for one in found},
            key=key,
            generated=frozenset(one.name for one in found if one.generated),
            required=frozenset(one.name for one in found if one.required),
        )

    def tables(self) -> dict[str, int | None]:
        """All tables and views of the database, with InnoDB's estimate of their rows."""
        with translated(self._shown):
            return catalog.tables(self._rows)

    def check_undo(self, table: str) -> None:
        with translated(self._shown):
            engine, transactions = catalog.engine(self._rows, table)
        if not transactions:
            raise Refused(
                f"the table's engine {engine} has no transactions: rows of a load that fails would stay",
                where=f"{self._shown}#{table}",
                todo=f"alter table {quoted(table, types.quote)} engine = InnoDB",
                code="guarantee-lacking",
            )

    def stage_index(self, key: Mapping[str, str]) -> str:
        """Of texts and bytes that may be long the index holds the beginnings."""
        return f"index ({', '.join(f'{name}{types.prefix(native)}' for name, native in key.items())})"

    def widened(self, table: str, column: str, type: pa.DataType) -> Stored:
        """The type of that width. Raises Refused for a column of which more than its type is declared."""
        with translated(self._shown):
            declared = catalog.checked(self._rows, table, self._declared(table))
        found = next(one for one in declared if one.name == column)
        if not found.plain:
            why = "its default, comment, check, `not null` or `auto_increment` would have to be said again"
            raise Refused(
                f"MariaDB does not widen the column {column!r}: {why}", where=self._shown, code="column-fixed"
            )
        return types.stored(type)

    def columns(self, sql: str, sure: Collection[str] | None = None) -> tuple[pa.Schema, frozenset[str]]:
        found = self._reading(_bare(sql))
        presumed = frozenset(one.name for one in found if one.unless and sure is not None and one.name not in sure)
        found = self._asked(_bare(sql), found, presumed)
        return _schema(found), presumed

    def select(
        self, sql: str, batch_rows: int, known: pa.Schema | None = None
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        sql = _bare(sql)
        found = self._reading(sql)
        if known is None:
            found = self._asked(sql, found)
        else:
            found = [one.known_as(known.field(one.name).type) for one in found]
        if any(one.sql != types.quote(one.name) for one in found):
            sql = f"select {', '.join(one.sql for one in found)} from (\n{sql}\n) as _towpath_rows"
        return _schema(found), self._batches(sql, found, batch_rows)

    def scalar(self, sql: str, values: Sequence[Any] = ()) -> Any:
        with translated(self._shown):
            rows = self._rows(_bound(sql, values))
        return rows[0][0] if rows else None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with translated(self._shown), self._wire.cursor() as cursor:
            return int(cursor.execute(_bound(sql, values)))

    def insert(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        declared = {one.name.casefold(): one for one in self._declared(table)}
        columns = tuple(declared[name.casefold()] for name in schema.names)
        sending = Sending(quoted(table, types.quote), schema, columns)
        checked = self._checked(sending, batches)
        try:
            with translated(self._shown):
                inserted = self._load(sending, checked) if self._local_infile else self._insert(sending, checked)
        except DataError as error:
            raise _with_shapes(error, columns) from error
        self._inserted[table] = self._inserted.get(table, 0) + inserted
        return inserted

    def inserted(self, table: str) -> int:
        """As MariaDB counted them; a trigger of a table can add no rows to that table."""
        return self._inserted.get(table, 0)

    def commit(self) -> None:
        with translated(self._shown):
            self._wire.commit()

    def cancel(self) -> None:
        self._kill(self._wire.thread_id())

    def hold(self, name: str) -> bool:
        return self.scalar("select get_lock(?, 0)", [name]) == 1

    def let_go(self, name: str) -> None:
        self.scalar("select release_lock(?)", [name])

    def mark(self) -> str:
        """A name that this session holds as long as it is there."""
        name = f"towpath:{token_hex(8)}"
        self.hold(name)
        return name

    def became(self, mark: str) -> Outcome:
        """MariaDB keeps no outcomes, and nothing is known but that the session is over."""
        holder = self.scalar("select is_used_lock(?)", [mark])
        if holder is None:
            return Outcome.ENDED
        with contextlib.suppress(TowError):  # it is over by itself meanwhile
            self.execute(f"kill {int(holder)}")
        return Outcome.UNDER_WAY

    def checksum(self, table: str) -> str:
        """The count of a table's rows, and the sum of 64 bits of each row's MD5."""
        cells = ", ".join(one.told for one in self._declared(table))
        number = f"cast(conv(left(md5(concat_ws('|', {cells})), 16), 16, 10) as unsigned)"
        rows = quoted(table, types.quote)
        return str(self.scalar(f"select concat_ws('-', count(*), coalesce(sum({number}), 0)) from {rows}"))

    def _rows(self, sql: str) -> Sequence[Sequence[Any]]:
        until = time.monotonic() + _CHANGING_SECS
        while True:
            try:
                with self._wire.cursor() as cursor:
                    cursor.execute(sql)
                    found: Sequence[Sequence[Any]] = cursor.fetchall()
                return found
            except pymysql.Error as error:
                # What the catalog says of a table that another session renames or makes at this very moment.
                if number(error) != _SKIPPED or time.monotonic() > until:
                    raise
            time.sleep(0.01)

    def _declared(self, table: str) -> list[types.Declared]:
        """The columns of a table; none when it is not there."""
        with translated(self._shown):
            try:
                return catalog.columns(self._rows, table)
            except pymysql.ProgrammingError as error:
                if number(error) == ER.NO_SUCH_TABLE:
                    return []
                raise

    def _reading(self, sql: str) -> list[reading.Column]:
        """How each column of a query is read, if it has no values that its type does not hold."""
        with translated(self._shown):
            fields = self._wire.fields(sql)
            if not fields:
                raise UserError("the statement is no query", where=self._shown, todo="write a select", code="sql-wrong")
            refuse_doubled([one.name for one in fields], self._shown)
            own = self._own_types({(one.schema, one.table) for one in fields if one.schema and one.table})
            return [reading.column(one, own.get((one.schema, one.table, one.column))) for one in fields]

    def _asked(
        self, sql: str, columns: Sequence[reading.Column], but: Collection[str] = frozenset()
    ) -> list[reading.Column]:
        """The columns, wider where the query's rows have values that these do not hold; `but` some."""
        asked = [one for one in columns if one.unless and one.name not in but]
        if not asked:
            return list(columns)
        terms = ", ".join(f"coalesce(max({one.unless}), 0)" for one in asked)
        with translated(self._shown):
            (answers,) = self._rows(f"select {terms} from (\n{sql}\n) as _towpath_rows")
        wide = {one.name for one, answer in zip(asked, answers, strict=True) if answer}
        return [one.widened() if one.name in wide else one for one in columns]

    def _own_types(self, tables: set[tuple[str, str]]) -> dict[tuple[str, str, str], pa.DataType]:
        """The types that comments tell, of the columns of these tables."""
        return {
            (schema, table, one.name): one.own
            for schema, table in tables
            if table != "_towpath_rows"
            for one in self._declared(f"{schema}.{table}")
            if one.own is not None
        }

    def _batches(self, sql: str, columns: Sequence[reading.Column], batch_rows: int) -> Iterator[pa.RecordBatch]:
        schema = _schema(columns)
        blocks = self._wire.columns(sql, [one.plain for one in columns], batch_rows, _BATCH_BYTES)
        try:
            while True:
                with translated(self._shown):
                    cells = next(blocks, None)
                if cells is None:
                    return
                arrays = [one.read(cell, self._shown) for one, cell in zip(columns, cells, strict=True)]
                del cells
                batch = pa.record_batch(arrays, schema=schema)
                del arrays
                yield batch
                del batch
        finally:
            if self._wire.streaming and self._wire.open:
                self._kill(self._wire.thread_id())
                with contextlib.suppress(pymysql.Error, OSError):
                    for _ in blocks:
                        pass

    def _checked(self, sending: Sending, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches; raises DataError for the first value that MariaDB would keep as another one."""
        before = 0
        for batch in batches:
            for values, column in zip(batch.columns, sending.columns, strict=True):
                row = checks.changed_by(values, column)
                if row is not None:
                    told = textform.write(values)[row].as_py()
                    what = "is null" if told is None else f"({told!r}) would become another value"
                    raise DataError(
                        f"column {column.name} {what} in a column of the type {column.type}"
                        f"{'' if column.nullable else ' not null'}",
                        where=f"{self._shown} row {before + row + 1} of the load",
                        todo="change the value in a query, or alter the column",
                        code="constraint-violated" if told is None else "value-refused",
                    )
            before += batch.num_rows
            yield batch

    def _load(self, sending: Sending, batches: Iterator[pa.RecordBatch]) -> int:
        sent = 0

        def lines() -> Iterator[Any]:
            nonlocal sent
            for batch in batches:
                yield from sending.lines(batch)
                sent += batch.num_rows

        self._wire.feed = lines()
        self._wire.query(sending.load())
        inserted = int(self._wire.affected_rows())
        if inserted != sent or self._wire.warnings():
            raise self._complained(sent, inserted)
        return inserted

    def _complained(self, sent: int, inserted: int) -> TowError:
        """With `local`, what is an error otherwise is a warning, and the row is changed or left out."""
        found = sorted(self._rows("show warnings limit 64"), key=lambda one: _UNNAMED in one[2])
        if not found:
            return Refused(f"MariaDB took {inserted:,} rows of {sent:,}", where=self._shown, code="books-unbalanced")
        _, code, words = found[0]
        error = ours(pymysql.err.DataError(code, words), self._shown)
        if isinstance(error, DataError):
            return error
        return DataError(words, where=self._shown, todo="nothing was published", code="constraint-violated")

    def _insert(self, sending: Sending, batches: Iterator[pa.RecordBatch]) -> int:
        inserted, room = 0, min(int(self._most_bytes), _MOST_STATEMENT)
        for batch in batches:
            for statement, rows in sending.inserts(batch, room):
                self._wire.query(statement)
                if self._wire.affected_rows() != rows or self._wire.warnings():
                    raise self._complained(rows, int(self._wire.affected_rows()))
                inserted += rows
        return inserted


def _with_shapes(error: DataError, columns: Sequence[types.Declared]) -> DataError:
    """The error; that of a shape, which names no column, with those of shapes."""
    names = [one.name for one in columns if one.base in types.GEOMETRIES]
    if _SHAPELESS not in error.what or not names:
        return error
    told = f"column {names[0]}" if len(names) == 1 else f"one of the columns {', '.join(names)}"
    return DataError(f"{told}: {error.what}", where=error.where, todo=error.todo, code=error.code)


def _schema(columns: Sequence[reading.Column]) -> pa.Schema:
    return pa.schema([(one.name, one.type) for one in columns])


def _bare(sql: str) -> str:
    return sql.rstrip().rstrip(";")


def _bound(sql: str, values: Sequence[Any]) -> str:
    """The statement with its values in the place of each `?` that is no part of a name, a text or a comment."""
    if not values:
        return sql
    left = list(values)

    def put(found: re.Match[str]) -> str:
        return _literal(left.pop(0)) if found["value"] else found[0]

    return _PIECES.sub(put, sql)


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, (bytes, bytearray)):
        return f"x'{bytes(value).hex()}'"
    return types.literal(value) if isinstance(value, str) else str(int(value) if isinstance(value, bool) else value)
