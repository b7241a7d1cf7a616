"""Rows in the binary form of COPY, by compiled.c: for columns whose types are to the letter those of the rows.

https://www.postgresql.org/docs/current/sql-copy.html (Binary Format); what a type sends: src/backend/utils/adt there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

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
    found = [_form(field.type, native) for field, native in zip(schema, natives, strict=True)]
    return None if None in found else tuple(form for form in found if form is not None)


def rows(batch: pa.RecordBatch, forms: Sequence[str]) -> memoryview:
    """The rows, which stand between HEAD and END with others."""
    columns = tuple(_column(column, form) for column, form in zip(batch.columns, forms, strict=True))
    held, used = compiled.rows(batch.num_rows, columns)
    return memoryview(held)[:used]


def _form(type: pa.DataType, native: Native | None) -> str | None:
    if native is None:
        return None
    if native.name in _AS_TEXT:
        return "bytes" if type == pa.string() else None
    if native.name == _NUMERIC:
        return _NUMERIC if pa.types.is_decimal128(type) and type == native.numeric else None
    return _FORMS.get(native.name, native.name) if type == PLAIN.get(native.name) else None


def _column(values: Any, form: str) -> tuple[Any, ...]:
    validity, held, *content = values.buffers()
    scale = values.type.scale if form == _NUMERIC else 0
    return form, validity, held or b"", content[0] if content else None, values.offset, scale
