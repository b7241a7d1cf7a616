"""How rows become messages: values by a format of lines, by a schema, or as they are; keys and headers from columns."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from towpath.errors import UserError
from towpath.joins.files import plan_columns
from towpath.nouns import ColumnPlan, Existing, Stored
from towpath.options import nearest
from towpath.seams.format import Format
from towpath.seams.queue import MESSAGE
from towpath.seams.record import Record
from towpath.values import textform
from towpath.values.logical import plain_type


class Encoding(Protocol):
    def plan(self, schema: pa.Schema, shown: str) -> tuple[ColumnPlan, ...]:
        """The way of each column. Raises UserError for columns that have no place in a message, Refused for types."""
        ...

    def messages(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Each row as a message of the schema `MESSAGE`. Raises Unfit for one that can be none."""
        ...


class Unfit(Exception):
    """A row (by its number) that can be no message, and why."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


class Keyed:
    """Rows with values of some kind. `key` names the columns that make a message's key: the text of one, an object of
    several. The values of the columns `headers` are headers too."""

    def __init__(self, key: Sequence[str] = (), headers: Sequence[str] = ()) -> None:
        self._key = tuple(key)
        self._headers = tuple(headers)

    def check(self, schema: pa.Schema, shown: str) -> None:
        """Raises UserError for a key or header that is no column."""
        for option, names in (("key", self._key), ("headers", self._headers)):
            for name in names:
                if name not in schema.names:
                    raise UserError(
                        f"{option}: there is no column {name!r}{nearest(name, schema.names)}",
                        where=shown,
                        todo=f"columns: {', '.join(schema.names)}",
                        code="column-unknown",
                    )

    def message(self, rows: pa.RecordBatch, values: pa.Array) -> pa.RecordBatch:
        """Messages of rows whose values are known."""
        return pa.RecordBatch.from_arrays([self._keys(rows), values, self._headers_of(rows)], schema=MESSAGE)

    def _keys(self, rows: pa.RecordBatch) -> pa.Array:
        if not self._key:
            return pa.nulls(rows.num_rows, pa.binary())
        if len(self._key) == 1:
            return _bytes(rows.column(self._key[0]))
        texts = [textform.write(rows.column(name)).to_pylist() for name in self._key]
        objects = (dict(zip(self._key, values, strict=True)) for values in zip(*texts, strict=True))
        return pa.array([json.dumps(one, ensure_ascii=False).encode() for one in objects], pa.binary())

    def _headers_of(self, rows: pa.RecordBatch) -> pa.Array:
        type = MESSAGE.field("headers").type
        if not self._headers:
            return pa.nulls(rows.num_rows, type)
        columns = [(name, _bytes(rows.column(name)).to_pylist()) for name in self._headers]
        return pa.array(
            [[{"name": name, "value": values[row]} for name, values in columns] for row in range(rows.num_rows)], type
        )


class LinesOut:
    """Each row is one object of a format of lines (JSON Lines)."""

    def __init__(self, format: Format, keyed: Keyed) -> None:
        self._format = format
        self._keyed = keyed

    def plan(self, schema: pa.Schema, shown: str) -> tuple[ColumnPlan, ...]:
        self._keyed.check(schema, shown)
        return plan_columns(schema, self._format.stored, None, shown)

    def messages(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        sink = io.BytesIO()
        writer = self._format.writer(sink, rows.schema)
        writer.write(rows)
        writer.close()
        found = sink.getvalue().split(b"\n")[:-1]
        assert len(found) == rows.num_rows
        return self._keyed.message(rows, pa.array(found, pa.binary()))


class RecordsOut:
    """Each row is a record by a schema, which has all of its columns."""

    def __init__(self, record: Record, keyed: Keyed) -> None:
        self._record = record
        self._keyed = keyed

    def plan(self, schema: pa.Schema, shown: str) -> tuple[ColumnPlan, ...]:
        self._keyed.check(schema, shown)
        held = Existing(self._record.schema, {one.name: Stored(one.type) for one in self._record.schema})
        return plan_columns(schema, Stored, held, shown)

    def messages(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        made = self._record.encode(rows)
        for row, reason in made.bad.items():
            raise Unfit(row, reason)
        return self._keyed.message(rows, made.values)


class MessagesOut:
    """Rows that are messages already: key, value and headers. A key or value that is no bytes goes out as its text."""

    def plan(self, schema: pa.Schema, shown: str) -> tuple[ColumnPlan, ...]:
        odd = [name for name in schema.names if name not in MESSAGE.names]
        if odd or "value" not in schema.names:
            raise UserError(
                f"value=raw takes the columns {', '.join(MESSAGE.names)}, not {', '.join(odd or schema.names)}",
                where=shown,
                todo="choose and name them: --select key,value,headers",
                code="columns-differ",
            )
        texts = [one.name for one in schema if one.name != "headers" and not _is_bytes(one.type)]
        stored = {one.name: Stored(one.type) for one in MESSAGE if one.name in schema.names}
        stored |= {name: Stored(pa.string(), "bytes (UTF-8)") for name in texts}
        held = Existing(pa.schema([schema.field(name) for name in schema.names]), stored)
        return plan_columns(schema, Stored, held, shown)

    def messages(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        given = {name: rows.column(name) for name in rows.schema.names}
        nothing = pa.nulls(rows.num_rows, pa.binary())
        key, value = (_bytes(given.get(name, nothing)) for name in ("key", "value"))
        headers = given.get("headers", pa.nulls(rows.num_rows, MESSAGE.field("headers").type))
        return pa.RecordBatch.from_arrays([key, value, headers], schema=MESSAGE)


def _bytes(values: pa.Array) -> pa.Array:
    """Values as bytes: binary ones as they are, others by their text form."""
    if _is_bytes(values.type):
        return values.cast(pa.binary())
    return textform.write(values).cast(pa.binary())


def _is_bytes(type: pa.DataType) -> bool:
    is_, bare = pa.types, plain_type(type)
    return any(
        test(bare) for test in (is_.is_binary, is_.is_large_binary, is_.is_fixed_size_binary, is_.is_binary_view)
    )
