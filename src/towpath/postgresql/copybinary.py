"""Rows in the binary form of COPY, by compiled.c: for columns whose types are to the letter those of the rows.

https://www.postgresql.org/docs/current/sql-copy.html (Binary Format); what a type sends: src/backend/utils/adt there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from towpath.postgresql.reading import Field
from towpath.postgresql.types import PLAIN, WORDS, Native

try:
    import towpath.postgresql.compiled as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""Signature, no flags, and no more of a header."""
END = b"\xff\xff"

_AS_TEXT = (*WORDS, "json")
_FORMS = {**dict.fromkeys(("text", "bytea"), "bytes"), "timestamptz": "timestamp"}
_NUMERIC = "numeric"


def is_compiled() -> bool:
    return compiled is not None


def forms(schema: pa.Schema, natives: Sequence[Native | None]) -> tuple[str, ...] | None:
    """The form of each column for `rows`; None where one has none, and the whole goes as text. `natives` are the types
    of the table's columns, None for one of which only text is known to be right."""
    if compiled is None or not natives:
        return None
    return _all(_form(field.type, native) for field, native in zip(schema, natives, strict=True))


def received(calls: tuple[int, int, int], connection: int, most: int) -> tuple[bytes, int]:
    """What came of a COPY that is under way, in whole rows, and the outcome: 0 where the socket has no more now, below
    0 at the end. `calls` are those of `libpq`, `connection` is the address of a PGconn."""
    return compiled.received(*calls, connection, most)


def rows(batch: pa.RecordBatch, forms: Sequence[str]) -> memoryview:
    """The rows, which stand between HEAD and END with others."""
    columns = tuple(_column(column, form) for column, form in zip(batch.columns, forms, strict=True))
    held, used = compiled.rows(batch.num_rows, columns)
    return memoryview(held)[:used]


def forms_of(fields: Sequence[Field]) -> tuple[str, ...] | None:
    """The form of each column of a query, as `reading.asked` puts it with decimals whole; None where one has none."""
    if compiled is None or not fields:
        return None
    return _all(_form(field.type, Native("text") if field.text else field.native, whole=False) for field in fields)


def batch(data: bytes, schema: pa.Schema, forms: Sequence[str]) -> pa.RecordBatch:
    """Rows that came, without HEAD, as a batch. Raises ValueError where a value is none of its column's type."""
    about = tuple(
        (form, type.precision, type.scale) if form == _NUMERIC else (form, 0, 0)
        for form, type in zip(forms, schema.types, strict=True)
    )
    try:
        count, columns = compiled.columns(data, about)
    except ValueError as error:
        what, at = error.args
        raise ValueError(what if at < 0 else f"{what} of column {schema.names[at]}, {schema.types[at]}") from None
    made = [_array(type, count, *column) for type, column in zip(schema.types, columns, strict=True)]
    return pa.RecordBatch.from_arrays(made, schema=schema)


def _array(
    type: pa.DataType, count: int, nulls: int, validity: bytes, values: bytes, content: bytes | None
) -> pa.Array:
    buffers = [validity if nulls else None, values, *([] if content is None else [content])]
    return pa.Array.from_buffers(type, count, [one if one is None else pa.py_buffer(one) for one in buffers], nulls)


def _all(forms: Iterable[str | None]) -> tuple[str, ...] | None:
    found = tuple(forms)
    return None if None in found else found  # type: ignore[return-value]


def _form(type: pa.DataType, native: Native | None, *, whole: bool = True) -> str | None:
    """`whole`: a numeric must say the digits of the type itself."""
    if native is None:
        return None
    if native.name in _AS_TEXT:
        return "bytes" if type == pa.string() else None
    if native.name == _NUMERIC:
        return _NUMERIC if pa.types.is_decimal128(type) and (not whole or type == native.numeric) else None
    return _FORMS.get(native.name, native.name) if type == PLAIN.get(native.name) else None


def _column(values: Any, form: str) -> tuple[Any, ...]:
    validity, held, *content = values.buffers()
    scale = values.type.scale if form == _NUMERIC else 0
    return form, validity, held or b"", content[0] if content else None, values.offset, scale
