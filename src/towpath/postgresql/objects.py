"""Sessions of drivers that make Python objects of rows: read from a cursor of the server, written by COPY."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pyarrow as pa

from towpath.errors import DataError
from towpath.postgresql import catalog, loading, reading
from towpath.postgresql.catalog import Relation
from towpath.postgresql.copying import Copying
from towpath.postgresql.loading import Lane
from towpath.postgresql.reading import Field
from towpath.postgresql.session import PostgreSQLSession
from towpath.postgresql.types import Native, quote
from towpath.sqlnames import quoted

_FIRST_ROWS = 256
_BATCH_BYTES = 8 << 20
"""What comes together at most, by the size of the rows before: wide rows are fetched in small numbers."""

_NAMES = {
    16: "bool", 17: "bytea", 20: "int8", 21: "int2", 23: "int4", 25: "text", 700: "float4", 701: "float8",
    869: "inet", 650: "cidr", 1042: "bpchar", 1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp",
    1184: "timestamptz", 1700: "numeric",
    1000: "_bool", 1001: "_bytea", 1005: "_int2", 1007: "_int4", 1016: "_int8", 1021: "_float4", 1022: "_float8",
    1009: "_text", 1014: "_bpchar", 1015: "_varchar", 1182: "_date", 1183: "_time", 1115: "_timestamp",
    1185: "_timestamptz", 1231: "_numeric",
}  # fmt: skip
"""Names in `pg_type` by their fixed oids; what is not here is read as text."""


class ObjectsSession(PostgreSQLSession):
    """`_run` and `_copy` are what psycopg and psycopg2 do differently."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self._numbers = count(1)

    @abstractmethod
    def _run(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """A cursor that has run the statement."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Sequence[Any]]:
        with self._translated(), self._run(sql, values) as cursor:
            return list(cursor.fetchall())

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with self._translated(), self._run(sql, values) as cursor:
            return int(cursor.rowcount)

    def _natives(self, sql: str) -> list[tuple[str, Native]]:
        with self._translated(), self._run(f"select * from {reading.within(sql)} limit 0") as cursor:
            return [(column.name, _native(column)) for column in cursor.description]

    def _stream(self, sql: str, fields: Sequence[Field], batch_rows: int) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([(field.name, field.type) for field in fields])
        sql = reading.asked(sql, fields, plainly=True)
        name = f"_towpath_{next(self._numbers)}"
        self.execute(f"declare {name} no scroll cursor for {sql.rstrip().rstrip(';')}")
        size = min(batch_rows, _FIRST_ROWS)
        try:
            while found := self.rows(f"fetch forward {size} from {name}"):
                with reading.steady(self._where):
                    parts = zip(zip(*found, strict=True), fields, strict=True)
                    columns = [_array(values, field) for values, field in parts]
                batch = pa.record_batch(columns, schema=schema)
                size = max(1, min(batch_rows, _BATCH_BYTES * len(found) // max(batch.nbytes, 1)))
                del found, columns
                yield batch
        finally:
            self._close(name)

    def _close(self, name: str) -> None:
        """Ends a cursor; where the transaction failed or the connection is gone, it is ended already."""
        if self._open():
            self.execute(f"close {name}")

    @abstractmethod
    def _open(self) -> bool:
        """Whether the transaction can still run statements."""

    @abstractmethod
    def _copy(self, copying: Copying, batches: Iterator[pa.RecordBatch]) -> int:
        """Copies rows into columns that take them as they are; returns how many."""

    def insert(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        about = catalog.relation(self.rows, table)
        found = [] if about is None else catalog.columns(self.rows, about.oid)
        lanes = loading.lanes(found, schema)
        batches = loading.checked(batches, lanes, self._where)
        try:
            if not any(lane.staged for lane in lanes):
                natives = [lane.native for lane in lanes]
                return self._copy(Copying(about or _unknown(table), schema, natives), batches)
            return self._insert_staged(table, lanes, schema, batches)
        except DataError as error:
            raise loading.named(error, lanes) from error

    def _insert_staged(
        self, table: str, lanes: list[Lane], schema: pa.Schema, batches: Iterator[pa.RecordBatch]
    ) -> int:
        self.execute(loading.stage(lanes))
        staged = catalog.relation(self.rows, loading.STAGE)
        assert staged is not None, "it was made a moment ago"
        self._copy(Copying(staged, schema, [lane.native for lane in lanes]), batches)
        for lane in lanes:
            if lane.staged:
                loading.try_texts(self.rows, lane, self._where)
        inserted = self.execute(loading.unstage(quoted(table, quote), lanes))
        self.execute(f"drop table {loading.STAGE}")
        return inserted

    def commit(self) -> None:
        self.execute("commit")


def _unknown(table: str) -> Relation:
    """A table that is not there, for the database to say so."""
    return Relation(0, "public", table, "r")


def _native(column: Any) -> Native:
    name = _NAMES.get(column.type_code, "other")
    if name != "numeric" or column.precision is None or column.precision > 1_000:
        return Native(name)
    return Native(name, 4 + (column.precision << 16 | (column.scale & 0x7FF)))


def _array(values: Sequence[Any], field: Field) -> pa.Array:
    """Values as the driver made them, in the field's type."""
    if field.type == pa.binary():
        values = [None if value is None else bytes(value) for value in values]
    made = pa.array(values, _sent(field))
    return reading.decoded(made, field.type)


def _sent(field: Field) -> pa.DataType:
    """The type that the driver's objects of a column have in Arrow."""
    type = field.type
    inner = type.value_type if pa.types.is_list(type) else type
    if pa.types.is_decimal(inner):
        sent = pa.string()
    elif pa.types.is_date(inner):
        sent = pa.int32()
    elif pa.types.is_time(inner) or pa.types.is_timestamp(inner):
        sent = pa.int64()
    else:
        sent = inner
    return pa.list_(sent) if pa.types.is_list(type) else sent
