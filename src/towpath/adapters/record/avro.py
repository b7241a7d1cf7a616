"""Avro records without their schema, one a message, by fastavro."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import SchemaParseException

from towpath.adapters.record.avro_types import arrow_type, physical, plain
from towpath.errors import Refused, UserError
from towpath.seams.record import Decoded, Encoded

_FRAMINGS = ("none", "confluent")
_MAGIC = 0
_HEADER = struct.Struct(">bI")


class Avro:
    """Records of the schema in the file `schema` (.avsc). `framing=confluent` has five bytes before each: a zero and
    the number `schema_id` that a schema registry gave the schema, which has to be named. No registry is asked."""

    GAPS: ClassVar[dict[str, str]] = {}

    def __init__(self, schema: str, framing: str = "none", schema_id: int | None = None) -> None:
        if framing not in _FRAMINGS:
            raise UserError(f"framing={framing} is none of {', '.join(_FRAMINGS)}", code="option-wrong")
        if (framing == "confluent") != (schema_id is not None):
            raise UserError(
                "framing=confluent and schema_id go together: a schema of another number would be read wrongly",
                todo="name the number that the registry gave the schema: schema_id=7",
                code="options-conflict",
            )
        self._head = b"" if schema_id is None else _HEADER.pack(_MAGIC, schema_id)
        self._parsed, self.schema = _read(Path(schema))
        self._plain = parse_schema(plain(self._parsed))
        self._physical = pa.schema([one.with_type(physical(one.type)) for one in self.schema])

    def decode(self, values: pa.Array) -> Decoded:
        found: list[dict[str, Any] | None] = []
        bad: dict[int, str] = {}
        for row, value in enumerate(values.to_pylist()):
            found.append(None)
            try:
                found[-1] = None if value is None else self._one(value)
            except _UNREADABLE as error:
                bad[row] = f"not a record of the schema: {error or type(error).__name__}"
        try:
            arrays = [self._column(found, one) for one in self._physical]
        except _UNFIT:
            self._set_aside(found, bad)
            arrays = [self._column(found, one) for one in self._physical]
        made = [_cast(array, one.type) for array, one in zip(arrays, self.schema, strict=True)]
        return Decoded(pa.RecordBatch.from_arrays(made, schema=self.schema), bad)

    def encode(self, rows: pa.RecordBatch) -> Encoded:
        arrays = [_cast(column, one.type) for column, one in zip(rows.columns, self._physical, strict=True)]
        found: list[bytes | None] = []
        bad: dict[int, str] = {}
        for row, values in enumerate(zip(*(array.to_pylist() for array in arrays), strict=True)):
            sink = io.BytesIO()
            sink.write(self._head)
            record = {one.name: _written(value, one.type) for one, value in zip(self._physical, values, strict=True)}
            try:
                schemaless_writer(sink, self._plain, record)
                found.append(sink.getvalue())
            except (ValueError, TypeError, OverflowError) as error:
                found.append(None)
                bad[row] = f"no record of the schema: {error}"
        return Encoded(pa.array(found, pa.binary()), bad)

    def _one(self, value: bytes) -> dict[str, Any]:
        if not value.startswith(self._head):
            told = f"it begins with {value[:5].hex(' ')}, not with {self._head.hex(' ')} (schema_id)"
            raise ValueError(told)
        source = io.BytesIO(value)
        source.seek(len(self._head))
        found: dict[str, Any] = schemaless_reader(source, self._plain, None)  # type: ignore[assignment]
        if source.tell() != len(value):
            raise ValueError(f"{len(value) - source.tell()} bytes are left over")
        return found

    def _set_aside(self, found: list[dict[str, Any] | None], bad: dict[int, str]) -> None:
        """The records with a value that its type cannot hold: a decimal of more digits than the schema allows it."""
        for row, one in enumerate(found):
            try:
                for field in self._physical:
                    self._column([one], field)
            except _UNFIT as error:
                found[row] = None
                bad[row] = f"not a record of the schema: {error}"

    def _column(self, found: list[dict[str, Any] | None], field: pa.Field) -> pa.Array:
        values = [None if one is None else _read_back(one[field.name], field.type) for one in found]
        return pa.array(values, field.type)


_UNFIT = (pa.ArrowException, OverflowError)
_UNREADABLE = (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, struct.error)


def _read(path: Path) -> tuple[Any, pa.Schema]:
    try:
        said = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"the schema cannot be read: {error.strerror}", where=str(path), code="path-missing") from error
    except ValueError as error:
        raise UserError(f"the schema is no JSON: {error}", where=str(path), code="option-wrong") from error
    try:
        parsed = parse_schema(said)
    except (SchemaParseException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"it is no Avro schema: {error}", where=str(path), code="option-wrong") from error
    if not isinstance(parsed, dict) or parsed["type"] != "record":
        raise UserError("the schema is no record, so it has no columns", where=str(path), code="option-wrong")
    try:
        return parsed, pa.schema([pa.field(one["name"], arrow_type(one["type"])) for one in parsed["fields"]])
    except Refused as error:
        raise UserError(error.what, where=str(path), todo=error.todo, code="type-impossible") from error


def _cast(values: pa.Array, type: pa.DataType) -> pa.Array:
    """Arrow 26 breaks a slice of lists of nulls when it casts them to what they are."""
    return values if values.type == type else values.cast(type)


def _read_back(value: Any, type: pa.DataType) -> Any:
    """What fastavro gives as pyarrow takes it: the entries of a map are pairs."""
    if value is None:
        return None
    if pa.types.is_map(type):
        return [(one["key"], _read_back(one["value"], type.item_type)) for one in value]
    if pa.types.is_list(type):
        return [_read_back(one, type.value_type) for one in value]
    if pa.types.is_struct(type):
        return {one.name: _read_back(value[one.name], one.type) for one in _fields(type)}
    return value


def _written(value: Any, type: pa.DataType) -> Any:
    """What pyarrow gives as fastavro takes it."""
    if value is None:
        return None
    if pa.types.is_map(type):
        return [{"key": key, "value": _written(one, type.item_type)} for key, one in value]
    if pa.types.is_list(type):
        return [_written(one, type.value_type) for one in value]
    if pa.types.is_struct(type):
        return {one.name: _written(value[one.name], one.type) for one in _fields(type)}
    return value


def _fields(type: pa.DataType) -> Iterator[pa.Field]:
    return (type.field(number) for number in range(type.num_fields))
