"""The ends of the pairs: each makes a table and reads one by a library of its own system, never by Towpath.

A table has the column `n`, which orders its rows, and the column that is under attack. `cells` gives that one's cells
as `meaning.py` has them; `words` tells the values of a native type as the database itself writes them.
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
from confluent_kafka import Consumer, TopicPartition

from tests.attacks.fidelity import meaning
from tests.attacks.fidelity.meaning import Cell
from tests.attacks.fidelity.natives import Native
from tests.attacks.fidelity.written import Written
from tests.kafkakit import brokers, produce
from tests.postgresqlkit import Place
from tests.s3kit import BUCKET, S3Place
from towpath.conformance import hostile
from towpath.conformance.hostile import Hostile
from towpath.lab import Server

Cells = dict[str, list[Cell]]


class Destination(Protocol):
    def address(self, table: str) -> str:
        """Where Towpath writes (and reads)."""
        ...

    def cells(self, table: str, columns: Sequence[str]) -> Cells | None:
        """The cells of columns in the order of `n`; None where there is no such table."""
        ...


class Source(Protocol):
    def address(self, table: str) -> str: ...

    def make(self, table: str, columns: Sequence[Any]) -> None:
        """A table of the columns, whose values begin again until they are as many as those of the longest."""
        ...

    def words(self, table: str, columns: Mapping[str, pa.DataType]) -> Cells:
        """The cells of columns that are said to be read as these types."""
        ...


def _declared(quote: str, table: str, columns: Sequence[Native]) -> list[str]:
    names = ", ".join(f"{quote}{one.name}{quote} {one.declared}" for one in columns)
    made = [one.before for one in columns if one.before] + [f"create table {table} (n integer, {names})"]
    for n in range(max(len(one.values) for one in columns)):
        values = ", ".join(one.values[n % len(one.values)] for one in columns)
        made.append(f"insert into {table} values ({n}, {values})")
    return made


def _quoted(name: str, sign: str = '"') -> str:
    return sign + name.replace(sign, sign * 2) + sign


class PostgreSQLEnd:
    def __init__(self, place: Place) -> None:
        self.place = place

    def address(self, table: str) -> str:
        return self.place.address(table)

    def make(self, table: str, columns: Sequence[Native]) -> None:
        self.place.run(*_declared('"', table, columns))

    def words(self, table: str, columns: Mapping[str, pa.DataType]) -> Cells:
        found = self._texts(table, list(columns))
        return {name: [_of_postgresql(one, columns[name]) for one in texts] for name, (_, texts) in found.items()}

    def cells(self, table: str, columns: Sequence[str]) -> Cells | None:
        if self.place.ask(f"select to_regclass('{table}')")[0][0] is None:
            return None
        found = self._texts(table, columns)
        return {
            name: [_of_postgresql(one, _postgresql(native)) for one in texts] for name, (native, texts) in found.items()
        }

    def _texts(self, table: str, columns: Sequence[str]) -> dict[str, tuple[str, list[str | None]]]:
        """The type of each column, and its values as PostgreSQL writes them."""
        asked = (
            "select attname::text, format_type(case when typbasetype <> 0 then typbasetype else t.oid end, null)"
            " from pg_attribute join pg_type t on t.oid = atttypid where attnum > 0 and attrelid ="
        )
        types = dict(self.place.ask(f"{asked} '{table}'::regclass"))
        terms = []
        for name in columns:
            term = f"{_quoted(name)}::text"
            if types[name] == "inet":  # a cast adds a mask that the address does not have
                term = f"case when {_quoted(name)} is not null then format('%s', {_quoted(name)}) end"
            if types[name] == "character[]":  # the blanks at its end are no part of a value
                term = f"{_quoted(name)}::text[]::text"
            terms.append(term)
        self.place.run("set timezone = 'UTC'")
        rows = self.place.ask(f"select {', '.join(terms)} from {table} order by n")
        return {name: (types[name], [row[at] for row in rows]) for at, name in enumerate(columns)}


_POSTGRESQL = {
    "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(), "numeric": pa.decimal128(38, 10),
    "real": pa.float32(), "double precision": pa.float64(), "boolean": pa.bool_(), "bytea": pa.binary(),
    "date": pa.date32(), "time without time zone": pa.time64("us"), "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
}  # fmt: skip


def _postgresql(native: str) -> pa.DataType:
    kept = _POSTGRESQL.get(native.removesuffix("[]"), pa.string())
    return pa.list_(kept) if native.endswith("[]") else kept


def _of_postgresql(words: str | None, type: pa.DataType) -> Cell:
    if words is None:
        return None
    if pa.types.is_list(type):
        return [_of_postgresql(one, type.value_type) for one in meaning.postgresql_array(words)]
    if pa.types.is_binary(type):
        return bytes.fromhex(words.removeprefix("\\x"))
    return meaning.worded(words, type)


class MariaDBEnd:
    """`database` is one of the test's own."""

    def __init__(self, server: Server, database: str) -> None:
        import pymysql

        assert server.password is not None
        self.place = server.address.rpartition("/")[0] + f"/{database}"
        self.connection = pymysql.connect(
            host=server.host, port=server.port, user=server.user, password=server.password.reveal(), database=database,
            autocommit=True, conv={}, charset="utf8mb4",
        )  # fmt: skip
        self.run("set sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES', time_zone = '+00:00'")

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def address(self, table: str) -> str:
        return f"{self.place}#{table}"

    def make(self, table: str, columns: Sequence[Native]) -> None:
        self.run(*_declared("`", table, columns))

    def words(self, table: str, columns: Mapping[str, pa.DataType]) -> Cells:
        found = self._texts(table, list(columns))
        return {
            name: [_of_mariadb(one, columns[name], native) for one in texts]
            for name, (native, _, texts) in found.items()
        }

    def cells(self, table: str, columns: Sequence[str]) -> Cells | None:
        if not self.run(f"show tables like '{table}'"):
            return None
        return {
            name: [_of_mariadb(one, _mariadb(native, comment), native) for one in texts]
            for name, (native, comment, texts) in self._texts(table, columns).items()
        }

    def _texts(self, table: str, columns: Sequence[str]) -> dict[str, tuple[str, str, list[Any]]]:
        """The type of each column, its comment, and its values as MariaDB writes them."""
        told = {row[0]: (row[1], row[8]) for row in self.run(f"show full columns from {table}")}
        shown = [
            f"cast({_quoted(name, '`')} as double)" if told[name][0].startswith("float") else _quoted(name, "`")
            for name in columns
        ]
        rows = self.run(f"select {', '.join(shown)} from {table} order by n")
        return {name: (*told[name], [row[at] for row in rows]) for at, name in enumerate(columns)}


def _mariadb(native: str, comment: str) -> pa.DataType:
    base = native.partition("(")[0].partition(" ")[0]
    if base.endswith("int") or base in ("bit", "year"):
        return pa.int64()
    if base == "datetime":
        return pa.timestamp("us", "UTC" if comment.startswith("towpath timestamp(") else None)
    return {
        "decimal": pa.decimal128(38, 10), "float": pa.float32(), "double": pa.float64(), "date": pa.date32(),
        "time": pa.time64("us"), "timestamp": pa.timestamp("us", "UTC"),
    }.get(base, pa.binary() if "binary" in base or "blob" in base else pa.string())  # fmt: skip


def _of_mariadb(words: Any, type: pa.DataType, native: str) -> Cell:
    if words is not None and native.startswith("bit"):
        words = str(int.from_bytes(words if isinstance(words, bytes) else words.encode("latin-1"), "big"))
    if isinstance(words, str) and pa.types.is_binary(type):
        return words.encode("utf8")
    if isinstance(words, str) and pa.types.is_timestamp(type) and type.tz is not None:
        words += "Z"  # the session's zone
    return meaning.worded(words, type)


class SQLiteEnd:
    """Cells are what SQLite stores, whatever a column is declared as."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "end.sqlite"

    def address(self, table: str) -> str:
        return f"sqlite:///{self.path}#{table}"

    def make(self, table: str, columns: Sequence[Native]) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            for statement in _declared('"', table, columns):
                connection.execute(statement)
            connection.commit()

    def words(self, table: str, columns: Mapping[str, pa.DataType]) -> Cells:
        found = self.cells(table, list(columns)) or {}
        return {name: [_of_sqlite(one, columns[name]) for one in cells] for name, cells in found.items()}

    def cells(self, table: str, columns: Sequence[str]) -> Cells | None:
        if not self.path.exists():
            return None
        with closing(sqlite3.connect(self.path)) as connection:
            connection.text_factory = lambda stored: stored.decode("utf8", "surrogateescape")
            if not connection.execute("select 1 from sqlite_master where name = ?", [table]).fetchall():
                return None
            names = ", ".join(map(_quoted, columns))
            rows = connection.execute(f"select {names} from {table} order by n").fetchall()
        return {name: [row[at] for row in rows] for at, name in enumerate(columns)}


def _of_sqlite(stored: Cell, type: pa.DataType) -> Cell:
    """A cell of a column that is read as `type`: numbers in a column of texts are told as SQLite casts them."""
    if pa.types.is_boolean(type) and stored in (0, 1):
        return bool(stored)
    if stored is None or isinstance(stored, str) == pa.types.is_string(type):
        return stored
    if pa.types.is_string(type):
        return stored.decode("utf8") if isinstance(stored, bytes) else str(stored)
    return meaning.worded(stored, type)


class DuckDBEnd:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "end.duckdb"

    def address(self, table: str) -> str:
        return f"duckdb:///{self.path}#{table}"

    def make(self, table: str, columns: Sequence[Native]) -> None:
        with duckdb.connect(str(self.path)) as connection:
            for statement in _declared('"', table, columns):
                connection.execute(statement)

    def words(self, table: str, columns: Mapping[str, pa.DataType]) -> Cells:
        return {
            name: _of_duckdb(native, texts, values, columns[name])
            for name, (native, texts, values) in (self._rows(table, list(columns)) or {}).items()
        }

    def cells(self, table: str, columns: Sequence[str]) -> Cells | None:
        found = self._rows(table, columns)
        if found is None:
            return None
        return {
            name: _of_duckdb(native, texts, values, _DUCKDB.get(native.partition("(")[0] if "[" not in native else ""))
            for name, (native, texts, values) in found.items()
        }

    def _rows(self, table: str, columns: Sequence[str]) -> dict[str, tuple[str, list[Cell], list[Cell]]] | None:
        """Of each column the type, the values as texts of DuckDB's (nested ones as its JSON), and as they leave it."""
        if not self.path.exists():
            return None
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("set timezone = 'UTC'")
            if not connection.execute("select 1 from duckdb_tables() where table_name = ?", [table]).fetchall():
                return None
            natives = {row[0]: row[1] for row in connection.execute(f"describe {table}").fetchall()}
            shown = [_DUCKDB_TEXT[_nested(natives[name])].format(_quoted(name)) for name in columns]
            texts = connection.execute(f"select {', '.join(shown)} from {table} order by n").fetchall()
            names = ", ".join(map(_quoted, columns))
            values = connection.sql(f"select {names} from {table} order by n").to_arrow_table()
        return {
            name: (natives[name], [row[at] for row in texts], meaning.from_arrow(values.column(at)))
            for at, name in enumerate(columns)
        }


_DUCKDB_TEXT = {True: "cast(to_json({}) as varchar)", False: "cast({} as varchar)"}


def _nested(native: str) -> bool:
    return native.endswith("]") or native.startswith(("STRUCT", "MAP", "UNION"))


def _of_duckdb(native: str, texts: list[Cell], values: list[Cell], type: pa.DataType | None) -> list[Cell]:
    if type is None or pa.types.is_nested(type) or pa.types.is_binary(type) or pa.types.is_interval(type):
        return values
    return texts if pa.types.is_string(type) else [meaning.worded(one, type) for one in texts]


_DUCKDB = {
    "DATE": pa.date32(), "TIME": pa.time64("us"), "TIME_NS": pa.time64("ns"), "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP_S": pa.timestamp("s"), "TIMESTAMP_MS": pa.timestamp("ms"), "TIMESTAMP_NS": pa.timestamp("ns"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"), "HUGEINT": pa.int64(), "UHUGEINT": pa.int64(),
    "DECIMAL": pa.decimal128(38, 10),
}  # fmt: skip
"""What is read from DuckDB's text: its values leave it narrower, or not at all."""


class FileEnd:
    """A file on a disk, or an object; `ending` names its format."""

    def __init__(self, folder: Path, ending: str, s3: S3Place | None = None) -> None:
        self.folder = folder
        self.ending = ending
        self.s3 = s3

    def address(self, table: str) -> str:
        name = f"{table}.{self.ending}"
        return str(self.folder / name) if self.s3 is None else self.s3.address(f"{BUCKET}/{self.folder.name}/{name}")

    def make(self, table: str, columns: Sequence[Any]) -> None:
        if self.ending not in _TYPED:
            self._put(table, _WRITERS[self.ending](columns).encode())
            return
        rows = hostile.table(list(columns))
        rows = rows.add_column(0, "n", pa.array(range(len(rows)), pa.int64()))
        self._put(table, _file(self.ending, rows))

    def _put(self, table: str, body: bytes) -> None:
        if self.s3 is None:
            (self.folder / f"{table}.{self.ending}").write_bytes(body)
        else:
            self.s3.client().put_object(Bucket=BUCKET, Key=f"{self.folder.name}/{table}.{self.ending}", Body=body)

    def _body(self, table: str) -> bytes | None:
        if self.s3 is None:
            path = self.folder / f"{table}.{self.ending}"
            return path.read_bytes() if path.exists() else None
        key, client = f"{self.folder.name}/{table}.{self.ending}", self.s3.client()
        if not client.list_objects_v2(Bucket=BUCKET, Prefix=key).get("Contents"):
            return None
        return bytes(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def words(self, table: str, columns: Mapping[str, pa.DataType]) -> Cells:
        found = self.cells(table, list(columns)) or {}
        if self.ending in _TYPED:
            return found
        return {name: [_of_text(one, columns[name]) for one in cells] for name, cells in found.items()}

    def cells(self, table: str, columns: Sequence[str]) -> Cells | None:
        body = self._body(table)
        if body is None:
            return None
        if self.ending in _TYPED:
            source = io.BytesIO(body)
            rows = pq.read_table(source) if self.ending == "parquet" else ipc.open_file(source).read_all()
            order = sorted(range(len(rows)), key=[int(n) for n in rows.column("n").to_pylist()].__getitem__)
            cells = {name: meaning.from_arrow(rows.column(name)) for name in columns}
            return {name: [each[at] for at in order] for name, each in cells.items()}
        if self.ending == "csv":
            head, *records = _csv(body.decode("utf8"))
            found = [dict(zip(head, record, strict=True)) for record in records]
        elif self.ending == "jsonl":
            found = [meaning.from_json(line) for line in body.decode("utf8").removesuffix("\n").split("\n")]
        else:
            found = meaning.from_json(body.decode("utf8"))
        return _ordered(found, columns)


_TYPED = ("parquet", "arrow")


def _rows(columns: Sequence[Written]) -> range:
    return range(max(len(one.cells) for one in columns))


def _as_csv(columns: Sequence[Written]) -> str:
    """In quotes is what is there and has to be; `""` is empty text."""
    lines = [",".join(["n", *(one.name for one in columns)])]
    for n in _rows(columns):
        cells = [one.cells[n % len(one.cells)] for one in columns]
        quoted = [
            "" if one is None else one if re.fullmatch(r'[^",\s]+', one) else '"' + one.replace('"', '""') + '"'
            for one in cells
        ]
        lines.append(",".join([str(n), *quoted]))
    return "\n".join([*lines, ""])


def _objects(columns: Sequence[Written]) -> list[str]:
    found = []
    for n in _rows(columns):
        values = [
            (one.name, one.json[n % len(one.json)] if one.json else json.dumps(one.cells[n % len(one.cells)]))
            for one in columns
        ]
        found.append("{" + ",".join([f'"n":{n}', *(f"{json.dumps(name)}:{value}" for name, value in values)]) + "}")
    return found


def _jsonl(columns: Sequence[Written]) -> str:
    return "\n".join([*_objects(columns), ""])


def _as_json(columns: Sequence[Written]) -> str:
    return f"[{','.join(_objects(columns))}]"


_WRITERS: dict[str, Callable[[Sequence[Written]], str]] = {"csv": _as_csv, "jsonl": _jsonl, "json": _as_json}


def _of_text(cell: Cell, type: pa.DataType) -> Cell:
    """A cell of a text that is read as `type`. A double must be one that is written so."""
    if isinstance(cell, bool) and pa.types.is_string(type):
        return "true" if cell else "false"
    made = meaning.worded(str(cell) if isinstance(cell, str) else cell, type)
    if isinstance(made, np.floating) and np.isfinite(made) and Decimal(str(made)) != Decimal(cell):
        raise ValueError(f"{cell} is not the double {made}")
    return made


def takes(ending: str, column: Hostile) -> bool:
    """Whether pyarrow writes such a column into a file of this kind, and calls it valid."""
    try:
        column.values.validate(full=True)
        _file(ending, hostile.table([column]))
    except (pa.ArrowException, OSError):
        return False
    return True


def _file(ending: str, rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    if ending == "parquet":
        pq.write_table(rows, sink)
    else:
        with ipc.new_file(sink, rows.schema) as writer:
            writer.write_table(rows)
    return sink.getvalue()


def _ordered(rows: list[dict[Any, Cell]], columns: Sequence[str]) -> Cells:
    rows = sorted(rows, key=lambda row: int(row["n"]))
    return {name: [row.get(name) for row in rows] for name in columns}


def _csv(text: str) -> Iterator[list[str | None]]:
    """The records of RFC 4180's CSV: an empty cell without quotes is null."""
    record: list[str | None] = []
    at = 0
    while at < len(text):
        found = _CELL.match(text, at)
        assert found is not None
        record.append(found[2] or None if found[1] is None else found[1].replace('""', '"'))
        at = found.end()
        if found[3] != ",":
            yield record
            record = []


_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r?\n|$)')


class KafkaEnd:
    """Messages of JSON objects. Topics begin with `prefix`."""

    def __init__(self, server: Server, prefix: str) -> None:
        self.server = server
        self.prefix = prefix

    def address(self, table: str) -> str:
        return f"kafka://{brokers(self.server)}#{self.prefix}-{table}"

    def make(self, table: str, columns: Sequence[Written]) -> None:
        produce(self.server, f"{self.prefix}-{table}", [line.encode() for line in _jsonl(columns).splitlines()])

    def words(self, table: str, columns: Mapping[str, pa.DataType]) -> Cells:
        found = self.cells(table, list(columns)) or {}
        return {name: [_of_text(one, columns[name]) for one in cells] for name, cells in found.items()}

    def cells(self, table: str, columns: Sequence[str]) -> Cells | None:
        found = [meaning.from_json(body.decode("utf8")) for body in self._bodies(f"{self.prefix}-{table}")]
        return _ordered(found, columns) if found else None

    def _bodies(self, topic: str) -> list[bytes]:
        consumer = Consumer({"bootstrap.servers": brokers(self.server), "group.id": "ends", "enable.auto.commit": False,
                             "isolation.level": "read_committed"})  # fmt: skip
        try:
            known = consumer.list_topics(timeout=10).topics
            if topic not in known:
                return []
            found = []
            for partition in known[topic].partitions:
                first, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                consumer.assign([TopicPartition(topic, partition, first)])
                while first < end:
                    message = consumer.poll(5)
                    if message is None:
                        break
                    assert message.error() is None, message.error()
                    found.append(message.value())
                    first = message.offset() + 1
                    (place,) = consumer.position([TopicPartition(topic, partition)])
                    first = max(first, place.offset)
            return found
        finally:
            consumer.close()
