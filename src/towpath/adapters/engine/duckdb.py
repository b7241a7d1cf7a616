"""SQL over streams by DuckDB, in memory, within a share of the run's limit; it reaches no file and no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from towpath import interrupted
from towpath.disk.heldfolder import held_folder
from towpath.duckdb_values import foreign, literal, quote, whole_where
from towpath.errors import DataError, Refused, TowError, UserError
from towpath.nouns import ColumnPlan, Stored, Way
from towpath.seams.engine import Filter
from towpath.sqlnames import doubled
from towpath.stream import Batch, Counted, Stream
from towpath.values import textform
from towpath.values.convert import convert, planned
from towpath.values.logical import Kind, fields, kind, plain_type, with_scalars

_BATCH_ROWS = 65_536
_FOR_THREADS = 192 << 20
"""Each thread holds blocks of its own: with less memory two of them fail at a sort that one does."""


class DuckDBEngine:
    """Memory in bytes. Instants come out in UTC; sums of integers as decimal(38,0), as DuckDB has them."""

    GAPS: ClassVar[dict[str, str]] = {
        "decimal/long": "never: DuckDB's decimals have 38 digits",
        "duration/s": "never: DuckDB has intervals, no durations",
        "duration/ms": "never: DuckDB has intervals, no durations",
        "duration/us": "never: DuckDB has intervals, no durations",
        "duration/ns": "never: DuckDB has intervals, no durations",
        "instant/ns": "never: TIMESTAMP WITH TIME ZONE holds microseconds",
    }

    def __init__(self, memory: int = 512 << 20, threads: int = 2) -> None:
        self._memory = memory
        self._threads = threads

    def result_schema(self, sql: str, inputs: Mapping[str, pa.Schema]) -> pa.Schema:
        empty = {name: Stream(schema, iter(())) for name, schema in inputs.items()}
        with self._rows(f"select * from ({_inner(sql)}) limit 0", empty) as result:
            return result.schema

    @contextmanager
    def sql(self, sql: str, inputs: Mapping[str, Stream]) -> Iterator[Stream]:
        with ExitStack() as stack:
            yield stack.enter_context(self._rows(sql, inputs, _place(stack)))

    @contextmanager
    def _rows(self, sql: str, inputs: Mapping[str, Stream], folder: Path | None = None) -> Iterator[Stream]:
        failures: list[BaseException] = []
        left = Event()
        with ExitStack() as stack:
            # Left in reverse: the inputs seem to end, so that DuckDB's threads stop pulling at them; then the result
            # and the connection are closed, and only then the inputs.
            for stream in inputs.values():
                stack.callback(stream.close)
            connection = stack.enter_context(self._connect(folder))
            for name, stream in inputs.items():
                connection.register(name, _reader(name, stream, failures, left))
            with _translated(sql, failures):
                reader = _tested(_query(connection, sql), sql).to_arrow_reader(_BATCH_ROWS)
                stack.callback(reader.close)
                stack.callback(left.set)
                schema = pa.schema([pa.field(field.name, _plain(field.type)) for field in reader.schema])
            yield Stream(schema, _batches(reader, schema, sql, failures))

    @contextmanager
    def where(self, condition: str, schema: pa.Schema) -> Iterator[Filter]:
        used = _used(condition, schema)
        plans = _plans(pa.schema([schema.field(name) for name in used]))
        others = pa.schema([(name, pa.null()) for name in schema.names if name not in used])
        with self._connect() as connection:
            given = [*_schema(plans), *others] or [pa.field("_rows", pa.null())]
            connection.register("batch", pa.schema(given).empty_table())
            with _translated(condition, []):
                (type,) = _query(connection, f"select ({condition}) as keep from batch").types
            if str(type) != "BOOLEAN":
                raise UserError(
                    f"the SQL is wrong: a condition is true or false, this one is {type}",
                    where=condition,
                    todo=f"compare it with something, such as ({condition}) > 0",
                    code="sql-wrong",
                )

            def keep(batch: Batch) -> tuple[Batch, int]:
                with _translated(condition, []):
                    connection.register("batch", _batch(batch.rows, plans))
                    mask = connection.execute(f"select ({condition}) is true as keep from batch").fetchnumpy()["keep"]
                    out = connection.execute(f"select count(*) from batch where ({condition}) is not true").fetchall()
                return batch.take(mask.nonzero()[0]), int(out[0][0])

            yield keep

    @contextmanager
    def _connect(self, folder: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that keeps on disk, in `folder`, what its memory does not hold; None: nothing."""
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{self._memory // 1000}KB",
            "threads": self._threads if self._memory >= _FOR_THREADS else 1,
            "temp_directory": "" if folder is None else str(folder),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": True,
        }
        connection = duckdb.connect(config=settings)
        try:
            connection.execute("set timezone = 'UTC'")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            yield connection
        finally:
            connection.close()


def _place(stack: ExitStack) -> Path | None:
    """A folder for what SQL keeps on disk; None where no temporary file can be made, which small queries do without."""
    with suppress(Refused, OSError):
        return stack.enter_context(held_folder("towpath-sql"))
    return None


def _query(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    """The query as a relation: not yet run, so that its rows stream."""
    relation = connection.sql(_inner(sql))
    if relation is None:
        raise UserError(
            "it is no query that gives rows",
            where=_shown(sql),
            todo="write one select over the inputs",
            code="sql-wrong",
        )
    return relation


def _tested(result: duckdb.DuckDBPyRelation, sql: str) -> duckdb.DuckDBPyRelation:
    """The result, which fails on a value that Arrow does not hold. Raises Refused for a type of which it holds none."""
    columns = list(zip(result.columns, result.types, strict=True))
    for name, type in columns:
        if foreign(type):
            raise Refused(
                f"column {name}: DuckDB gives {type} only as something else",
                where=_shown(sql),
                todo=f"cast it to text in the SQL: cast({quote(name)} as varchar)",
                code="type-impossible",
            )
    if not any(whole_where("v", type) for _, type in columns):
        return result
    # By number, for two may have one name.
    return result.project(", ".join(_whole(f"#{number}", *column) for number, column in enumerate(columns, 1)))


def _whole(value: str, name: str, type: Any) -> str:
    """SQL for a column of a result, which fails on a value that Arrow does not hold."""
    condition = whole_where(value, type)
    if condition:
        told = f"{literal(f'{_BEYOND}column {name} (')} || cast({value} as varchar) || {literal(f'): {_NOT_HELD}')}"
        value = f"case when coalesce({condition}, true) then {value} else error({told}) end"
    return f"{value} as {quote(name)}"


_BEYOND = "towpath:beyond:"
"""What DuckDB says behind it are our words about a value."""

_NOT_HELD = "DuckDB gives this value only as another"


def _inner(sql: str) -> str:
    return sql.strip().rstrip(";")


_REFUSES = frozenset({"twins", "nanoseconds", "endless"})
"""DuckDB drops nanoseconds of intervals, takes the ends of dates and timestamps for infinity, and gives back durations
over 292 years as others."""


def _held_type(type: pa.DataType) -> pa.DataType:
    """What DuckDB keeps for a type; others are cast exactly or refused before they reach it, for DuckDB itself cuts
    nanoseconds off and gives a field without a name one."""
    return with_scalars(_named(plain_type(type)), _held_scalar)


def _held_scalar(type: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(type) and type.tz is not None:
        return pa.timestamp("us", "UTC")
    if pa.types.is_decimal256(type):
        return pa.decimal128(38, min(type.scale, 38))
    if pa.types.is_float16(type):
        return pa.float32()
    return pa.duration("us") if pa.types.is_duration(type) else type


def _named(type: Any) -> Any:
    if kind(type) is Kind.STRUCT:
        if "" in [field.name for field in fields(type)]:
            raise Refused(f"DuckDB has no type for {textform.type_name(type)}", code="type-impossible")
        for field in fields(type):
            _named(field.type)
    elif kind(type) in (Kind.LIST, Kind.MAP):
        for part in (type.key_type, type.item_type) if pa.types.is_map(type) else (type.value_type,):
            _named(part)
    return type


def _plans(schema: pa.Schema) -> list[ColumnPlan]:
    """How columns are given to DuckDB, which would give one without a name, or whose name differs from another's by
    case alone, a new name. Raises Refused, naming it, for one that cannot be."""
    pair = ("", "another") if "" in schema.names else doubled(schema.names)
    if pair is not None:
        raise Refused(
            f"the column {pair[0]!r} cannot be told from {pair[1]!r} in SQL"
            if pair[0]
            else "'' is no column's name in SQL",
            where="the SQL",
            todo="rename it at the source",
            code="column-doubled" if pair[0] else "name-impossible",
        )
    given = (planned(field, field.name, _stored, "the SQL") for field in schema)
    return [replace(plan, way=Way.CHECKED) for plan in given]


def _stored(type: pa.DataType) -> Stored:
    return Stored(_held_type(type), "DuckDB", _REFUSES)


def _schema(plans: Sequence[ColumnPlan]) -> pa.Schema:
    return pa.schema([(plan.name, plan.stored.type) for plan in plans])


def _used(condition: str, schema: pa.Schema) -> list[str]:
    """The columns that a condition may use: those whose names its text holds. The others need not be held by DuckDB at
    all."""
    text = condition.casefold()
    written = {name: name.casefold().replace('"', '""') for name in schema.names}  # a quoted name doubles its quotes
    return [name for name in schema.names if name and (written[name] in text or "columns" in text)]


def _batch(rows: pa.RecordBatch, plans: Sequence[ColumnPlan]) -> pa.RecordBatch:
    """The rows of a condition; a column without values tells their number where it uses none."""
    return _held("the rows", rows, plans) if plans else pa.record_batch([pa.nulls(rows.num_rows)], names=["_rows"])


def _held(name: str, rows: pa.RecordBatch, plans: Sequence[ColumnPlan]) -> pa.RecordBatch:
    columns = []
    for plan in plans:
        values = rows.column(plan.name)
        converted = convert(values, plan)
        if len(converted.bad):
            value = textform.write(values.slice(int(converted.bad[0]), 1))[0].as_py()
            raise DataError(
                f"column {plan.name} ({value}): DuckDB cannot hold this {plan.source} as {plan.stored.type}",
                where=name,
                todo=f"read the column as text, which the SQL may cast: --types '{plan.name}=text'",
                code="value-refused",
            )
        columns.append(converted.values)
    return pa.record_batch(columns, schema=_schema(plans))


def _reader(name: str, stream: Stream, failures: list[BaseException], left: Event) -> pa.RecordBatchReader:
    plans = _plans(stream.schema)
    if not plans:
        raise Refused(
            "rows without columns cannot be queried", where=name, todo="leave the SQL out", code="type-impossible"
        )

    def batches() -> Iterator[pa.RecordBatch]:
        # An exception that crosses DuckDB comes out as its own text only; the true one is kept for the caller.
        try:
            for batch in stream:
                if left.is_set():
                    return
                yield _held(name, batch.rows, plans)
        except BaseException as error:
            failures.append(error)
            raise

    return pa.RecordBatchReader.from_batches(_schema(plans), batches())


def _plain(type: pa.DataType) -> pa.DataType:
    """The type without what only DuckDB's export adds: dictionaries of enums, zone names other than UTC."""
    if pa.types.is_dictionary(type):
        return type.value_type
    if pa.types.is_timestamp(type) and type.tz is not None:
        return pa.timestamp(type.unit, "UTC")
    return type


def _batches(
    reader: pa.RecordBatchReader, schema: pa.Schema, sql: str, failures: list[BaseException]
) -> Iterator[Batch]:
    first = 1
    while True:
        with _translated(sql, failures):
            try:
                rows = reader.read_next_batch()
            except StopIteration:
                return
        columns = [
            values if values.type == field.type else values.cast(field.type)
            for field, values in zip(schema, rows.columns, strict=True)
        ]
        yield Batch(pa.record_batch(columns, schema=schema), Counted("the SQL's result", first))
        first += rows.num_rows


_INPUTS = "correct it; the source is the table `input`, or has the name that `from` gives it"


def _bare(words: str) -> str:
    """DuckDB's words without its picture of the place, and without a guess at tables that nobody means here."""
    first = words.partition("\n\nLINE ")[0].partition("\nDid you mean")[0]
    return first.replace("\n", "; ")


@contextmanager
def _translated(sql: str, failures: list[BaseException]) -> Iterator[None]:
    """DuckDB's errors as ours; a failure of an input comes out as it was."""
    try:
        with interrupted.told_as("Query interrupted"):
            yield
    except TowError:
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if failures:
            raise failures[0] from error
        words = str(error).strip()
        _, beyond, value = words.partition(_BEYOND)
        if beyond:
            raise DataError(
                value,
                where=_shown(sql),
                todo="nothing was published; cast the column in the SQL, cast(... as varchar), or filter it",
                code="value-refused",
            ) from error
        if isinstance(error, (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)):
            raise UserError(
                f"the SQL is wrong: {_bare(words)}", where=_shown(sql), todo=_INPUTS, code="sql-wrong"
            ) from error
        # From a reader of its rows it comes as an error of Arrow's.
        if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory Error" in words:
            raise Refused(
                f"the SQL needs more memory: {_bare(words).partition('; ; ')[0]}",
                where=_shown(sql),
                todo="give more with --memory",
                code="memory-short",
            ) from error
        if isinstance(error, duckdb.PermissionException):
            raise UserError(
                f"the SQL may use its inputs alone: {_bare(words)}",
                where=_shown(sql),
                todo="name what it reads under `from`, one name for each input",
                code="sql-wrong",
            ) from error
        raise DataError(
            f"the SQL failed on a value: {_bare(words)}",
            where=_shown(sql),
            todo="nothing was published; let the SQL pass over such values (try_cast), or filter them out",
            code="sql-failed",
        ) from error


def _shown(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= 60 else line[:59] + "…"
