"""Rows as the CSV that COPY takes: every value in a form that PostgreSQL reads back exactly."""

from __future__ import annotations

import binascii
import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from towpath.values import textform
from towpath.values.logical import nulls

_OPTIONS = csv.WriteOptions(include_header=False)
_FAR = r"^[+-]|^0000-"


def copied(batch: pa.RecordBatch) -> bytes:
    """The rows as CSV: text in quotes, null as nothing at all."""
    columns = [_writable(column) for column in batch.columns]
    sink = io.BytesIO()
    csv.write_csv(pa.record_batch(columns, names=[str(at) for at in range(len(columns))]), sink, _OPTIONS)
    return sink.getvalue()


def _writable(column: pa.Array) -> pa.Array:
    """A column that Arrow's CSV writer says as PostgreSQL understands it."""
    if pa.types.is_integer(column.type) or pa.types.is_string(column.type):
        return column
    return text(column)


def text(values: pa.Array) -> pa.Array:
    """Values as PostgreSQL's input functions read them; null stays null."""
    type: Any = values.type
    if pa.types.is_list(type):
        return _arrays(values)
    if pa.types.is_binary(type):
        return _hexadecimal(values)
    written = textform.write(values)
    return _eras(written) if pa.types.is_date(type) or pa.types.is_timestamp(type) else written


def _hexadecimal(values: pa.Array) -> pa.Array:
    r"""Bytes as `\x00ff`."""
    filled = pc.fill_null(values, b"")
    whole = pa.concat_arrays([filled])  # begins at its buffer's beginning
    offsets = np.frombuffer(whole.buffers()[1], np.int32)[: len(whole) + 1].astype(np.int64)
    digits = binascii.hexlify(memoryview(whole.buffers()[2] or b"")[offsets[0] : offsets[-1]])
    starts = pa.py_buffer(((offsets - offsets[0]) * 2).tobytes())
    hexes = pa.Array.from_buffers(pa.large_string(), len(whole), [None, starts, pa.py_buffer(digits)])
    told = pc.binary_join_element_wise("\\x", pc.cast(hexes, pa.string()), "")
    return pc.if_else(pa.array(~nulls(values)), told, pa.scalar(None, pa.string()))


def _eras(texts: pa.Array) -> pa.Array:
    """ISO 8601's years outside of 1 to 9999 as PostgreSQL writes them: `0044-03-15 BC` is the year -43."""
    far = np.flatnonzero(pc.fill_null(pc.match_substring_regex(texts, _FAR), False).to_numpy(zero_copy_only=False))
    if not len(far):
        return texts
    said = texts.to_pylist()
    for row in far:
        year, rest = said[row][:1] + said[row][1:].partition("-")[0], said[row][1:].partition("-")[2]
        said[row] = f"{year[1:]}-{rest}" if year.startswith("+") else f"{1 - int(year):04d}-{rest} BC"
    return pa.array(said, pa.string())


def _arrays(values: pa.Array) -> pa.Array:
    r"""Lists as `{"a","\"",NULL}`."""
    inner = text(values.flatten())
    escaped = pc.replace_substring(pc.replace_substring(inner, "\\", "\\\\"), '"', '\\"')
    told = pc.fill_null(pc.binary_join_element_wise('"', escaped, '"', ""), "NULL")
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    starts = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    joined = pc.binary_join(pa.ListArray.from_arrays(starts, told), ",")
    whole = pc.binary_join_element_wise("{", joined, "}", "")
    return pc.if_else(pa.array(~nulls(values)), whole, pa.scalar(None, pa.string()))
