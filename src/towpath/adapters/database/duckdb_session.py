"""One connection to a DuckDB file: what the table join asks of it, in DuckDB's words."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from towpath import interrupted
from towpath.adapters.database import duckdb_catalog as catalog
from towpath.adapters.database import duckdb_errors as errors
from towpath.adapters.database import duckdb_types as types
from towpath.errors import Refused
from towpath.nouns import Existing, Stored
from towpath.sqlnames import quoted, refuse_doubled
from towpath.values.widening import BEYOND_INT64


class DuckDBSession:
    """One connection to a DuckDB file, with one transaction when it writes."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: str) -> None:
        self._connection = connection
        self._path = path

    def table(self, name: str) -> Existing | None:
        with self._translated():
            found = catalog.columns(self._connection, name)
            if not found:
                return None
            rows = f"select * from {quoted(name, types.quote)}"
            native, arrow = self._types(rows), self._arrow(self._readable(rows))
            key = catalog.key(self._connection, name)
        stored = {field.name: Stored(field.type, str(native[field.name]), types.REFUSES) for field in arrow}
        return Existing(arrow, stored, key=key, generated=catalog.generated(found), required=catalog.required(found))

    def tables(self) -> dict[str, int | None]:
        """All tables with DuckDB's estimate of their rows, and views."""
        with self._translated():
            return catalog.tables(self._connection)

    def widened(self, table: str, column: str, type: pa.DataType) -> Stored:
        """The type of that width. Raises Refused for a column that constraints, indexes or other columns rest on."""
        with self._translated():
            why = catalog.fixed(self._connection, table, column)
        if why:
            raise Refused(f"DuckDB cannot alter the column {column!r}: {why}", where=self._path, code="column-fixed")
        return Stored(type, "HUGEINT") if type == BEYOND_INT64 else types.kept(type)

    def columns(self, sql: str, sure: Collection[str] | None = None) -> tuple[pa.Schema, frozenset[str]]:
        with self._translated():
            return self._arrow(self._readable(sql)), frozenset()

    def select(
        self, sql: str, batch_rows: int, known: pa.Schema | None = None
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        with self._translated():
            relation = self._connection.sql(self._readable(sql, known))
            reader = relation.to_arrow_reader(batch_rows)
        schema = _plain_schema(reader.schema)
        return schema, self._batches(relation, reader, schema)

    def scalar(self, sql: str, values: Sequence[Any] = ()) -> Any:
        with self._translated():
            rows = self._connection.execute(sql, list(values)).fetchall()
        return rows[0][0] if rows else None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with self._translated():
            rows = self._connection.execute(sql, list(values)).fetchall()
        return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 and isinstance(rows[0][0], int) else -1

    def insert(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        failures: list[BaseException] = []
        name = f"_towpath_{secrets.token_hex(4)}"
        reader = pa.RecordBatchReader.from_batches(schema, _noting(batches, failures))
        with self._translated(failures):
            target = {
                name.casefold(): type
                for name, type in self._types(f"select * from {quoted(table, types.quote)}").items()
            }
            columns = ", ".join(_kept(field, target.get(field.name.casefold())) for field in schema)
            self._connection.register(name, reader)
            done = self._connection.execute(
                f"insert into {quoted(table, types.quote)} by name select {columns} from {name}"
            ).fetchall()
            self._connection.unregister(name)
        return int(done[0][0]) if done else 0

    def commit(self) -> None:
        with self._translated():
            self._connection.commit()

    def row_expression(self, table: str) -> str:
        """SQL for a row whose `hash` tells -0.0 from 0.0, which DuckDB alone does not."""
        floats = [
            f"cast(_towpath_row.{types.quote(name)} as varchar)"
            for name, type in self._types(f"select * from {quoted(table, types.quote)}").items()
            if "FLOAT" in str(type) or "DOUBLE" in str(type)
        ]
        return f"row({', '.join(['_towpath_row', *floats])})"

    def _types(self, sql: str) -> dict[str, Any]:
        """The columns of a query with DuckDB's types. Raises UserError when two have one name."""
        relation = self._connection.sql(sql)
        names, found = relation.columns, relation.types
        relation.close()
        refuse_doubled(names, self._path)
        return dict(zip(names, found, strict=True))

    def _arrow(self, sql: str) -> pa.Schema:
        """The schema of a query's rows, none of which is read."""
        relation = self._connection.sql(f"select * from (\n{sql}\n) limit 0")
        reader = relation.to_arrow_reader(1)
        schema = _plain_schema(reader.schema)
        reader.close()
        relation.close()
        return schema

    def _readable(self, sql: str, known: pa.Schema | None = None) -> str:
        """The query with columns cast to text that Arrow would not hold whole; the values of those that are `known` are
        not looked at for that."""
        inner = f"(\n{sql.rstrip().rstrip(';')}\n)"
        found = {types.quote(name): type for name, type in self._types(sql).items()}
        conditions = {column: types.whole_where(column, type) for column, type in found.items()}
        lost = {column for column, type in found.items() if not types.whole(type) and not conditions[column]}
        for field in known or ():
            if conditions.pop(types.quote(field.name), "") and pa.types.is_string(field.type):
                lost.add(types.quote(field.name))
        lost |= self._unfit(conditions, inner)
        if not lost:
            return sql
        chosen = [f"{types.as_text(name, type)} as {name}" if name in lost else name for name, type in found.items()]
        return f"select {', '.join(chosen)} from {inner}"

    def _unfit(self, conditions: dict[str, str], inner: str) -> set[str]:
        """The columns with a value that does not meet its condition (an empty one: none is set)."""
        tested = {column: condition for column, condition in conditions.items() if condition}
        if not tested:
            return set()
        met = ", ".join(f"coalesce(bool_and({condition}), true)" for condition in tested.values())
        (row,) = self._connection.execute(f"select {met} from {inner}").fetchall()
        return {column for column, fits in zip(tested, row, strict=True) if not fits}

    def _batches(self, relation: Any, reader: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        ended = False
        try:
            with self._translated():
                for batch in reader:
                    yield batch.cast(schema)
            ended = True
        finally:
            if not ended:  # else closing would wait for DuckDB to fill its buffers with rows that nobody wants
                with contextlib.suppress(duckdb.ConnectionException):  # closed already
                    self._connection.interrupt()
            reader.close()
            relation.close()

    @contextmanager
    def _translated(self, failures: Sequence[BaseException] = ()) -> Iterator[None]:
        """Raises DuckDB's errors as ours; an error of the rows that it was fed comes out as it went in."""
        try:
            with interrupted.told_as("Query interrupted"):
                yield
        except duckdb.Error as error:
            if failures:
                raise failures[0] from error
            raise errors.translated(error, self._path) from error


def _kept(field: pa.Field, type: Any) -> str:
    """The SQL for one column on its way into a column of `type`: text that the type would change is an error."""
    column = types.quote(field.name)
    if type is None or type.id == "varchar" or not pa.types.is_string(field.type):
        return column
    cast = f"cast({column} as {type})"
    told = types.literal(f"column {field.name}: {type} would change the value ")
    return (
        f"case when {column} is null or {types.as_text(cast, type)} = {column} then {cast}"
        f" else error({told} || {column}) end as {column}"
    )


def _noting(batches: Iterator[pa.RecordBatch], failures: list[BaseException]) -> Iterator[pa.RecordBatch]:
    """The batches; what they raise is kept, for Arrow's C stream passes on only its text."""
    try:
        yield from batches
    except BaseException as error:
        failures.append(error)
        raise


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(field.name, types.plain(field.type)) for field in schema])
