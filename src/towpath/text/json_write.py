"""Rows as the text of JSON objects, column by column through pyarrow."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import DataError, Refused
from towpath.nouns import Stored
from towpath.text import lines
from towpath.text.lines import Lines, Style
from towpath.values import textform

GAPS = {
    "float/nan": "never: JSON has no NaN",
    "float/infinite": "never: JSON has no infinities",
    "float/single-nan": "never: JSON has no NaN",
    "nested/list-of-double": "never: JSON has no NaN",
    "rows/none": "never: a file without objects names no columns",
    "rows/none-nested": "never: a file without objects names no columns",
}
"""What neither JSON Lines nor a JSON array can hold, for the conformance suite."""

_FLOATS = frozenset({"nan", "inf"})


def stored(type: pa.DataType) -> Stored:
    """What JSON holds: true and false, numbers, strings, arrays and objects as they are; a map as an array of objects
    with `key` and `value`; all else as the strings of `towpath.values.textform`."""
    held = _held(type)
    return Stored(held, refuses=_FLOATS if _has_floats(held) else frozenset())


def _held(type: pa.DataType) -> pa.DataType:
    is_ = pa.types
    if is_.is_dictionary(type) or is_.is_run_end_encoded(type):
        return _held(type.value_type)
    if is_.is_map(type):
        return pa.list_(pa.struct([("key", _held(type.key_type)), ("value", _held(type.item_type))]))
    if is_.is_struct(type):
        _refuse_twins([field.name for field in type])
        return pa.struct([(field.name, _held(field.type)) for field in type])
    if _is_list(type):
        return pa.list_(_held(type.value_type))
    if is_.is_float16(type):
        return pa.float32()
    if is_.is_boolean(type) or is_.is_integer(type) or is_.is_floating(type) or is_.is_decimal(type):
        return type
    return pa.string()


def _is_list(type: pa.DataType) -> bool:
    is_ = pa.types
    return bool(
        is_.is_list(type)
        or is_.is_large_list(type)
        or is_.is_fixed_size_list(type)
        or is_.is_list_view(type)
        or is_.is_large_list_view(type)
    )


def _has_floats(type: pa.DataType) -> bool:
    if pa.types.is_floating(type):
        return True
    return any(_has_floats(type.field(number).type) for number in range(type.num_fields))


def _refuse_twins(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise Refused(
                f"a JSON object cannot hold two members named {name!r}",
                todo="rename one of the columns",
                code="column-doubled",
            )


class Renderer:
    """Renders rows of one schema, each as `before`, its JSON object, and `after`."""

    def __init__(self, schema: pa.Schema, before: str, after: str) -> None:
        _refuse_twins(schema.names)
        self._before = before
        self._after = after
        self._lines: Lines | None = None
        if lines.is_compiled() and schema.names:
            first, *others = lines.json_before(schema.names)
            ending = f"}}{after}".encode()
            self._lines = Lines([before.encode() + first, *others], ending, Style.JSON, b"null", _render)

    def render(self, rows: pa.RecordBatch) -> list[bytes]:
        """The text of all rows, as UTF-8, in pieces. Raises DataError for a NaN or an infinity."""
        if self._lines is not None:
            return self._lines.render(rows)
        texts = [_render(column) for column in rows.columns]
        members = _object(texts, rows.schema.names, rows.num_rows)
        lines = pc.binary_join_element_wise(_text(self._before), members, _text(self._after), _text(""))
        return [bytes(_content(lines))]


def _content(texts: pa.Array) -> Any:
    """The bytes of all texts, one after the other, without a copy."""
    _, offsets, data = texts.buffers()
    if data is None:
        return b""
    ends = pa.Array.from_buffers(pa.int64(), len(texts) + 1, [None, offsets], offset=texts.offset)
    return memoryview(data)[ends[0].as_py() : ends[-1].as_py()]


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())


def _join(*parts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(*parts, _text(""))


def _render(values: pa.Array) -> pa.Array:
    """Each value as its JSON text, `null` for null."""
    type = values.type
    if pa.types.is_struct(type):
        texts = _object([_render(child) for child in values.flatten()], [f.name for f in type], len(values))
        texts = pc.if_else(values.is_valid(), texts, _text("null"))
    elif _is_list(type):
        texts = _array(values)
    elif pa.types.is_floating(type):
        texts = _float(values)
    elif pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type):
        texts = _string(values.cast(pa.large_string()))
    elif pa.types.is_decimal(type):
        texts = textform.write(values).cast(pa.large_string())
    else:
        texts = values.cast(pa.large_string())
    return texts.fill_null("null")


def _object(texts: list[pa.Array], names: list[str], length: int) -> pa.Array:
    if not names:
        return pa.array(["{}"] * length, pa.large_string())
    parts: list[Any] = []
    for before, text in zip(lines.json_before(names), texts, strict=True):
        parts += [_text(before.decode()), text]
    return _join(*parts, _text("}"))


def _array(values: pa.Array) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    items = pa.LargeListArray.from_arrays(offsets, _render(values.flatten()))
    texts = _join(_text("["), pc.binary_join(items, _text(",")), _text("]"))
    return pc.if_else(values.is_valid(), texts, _text("null"))


def _float(values: pa.Array) -> pa.Array:
    """The shortest text that reads back as the same double, with a point so that it stays one.

    A float32 is written as the double equal to it: read as either, it is the same number."""
    values = values.cast(pa.float64())
    finite = pc.is_finite(values)
    if not pc.all(finite, min_count=0).as_py():
        worst = values.filter(pc.invert(finite))[0].as_py()
        raise DataError(
            f"JSON has no number {worst}", todo="filter such values, or cast the column to text", code="value-refused"
        )
    texts = values.cast(pa.large_string())
    whole = pc.invert(pc.match_substring_regex(texts, "[.e]"))
    return pc.if_else(whole, _join(texts, _text(".0")), texts)


def _string(values: pa.Array) -> pa.Array:
    special = pc.match_substring_regex(values, r'["\\\x00-\x1f]')
    texts = _join(_text('"'), values, _text('"'))
    if not pc.any(special, min_count=0).as_py():
        return texts
    marked = values.filter(special.fill_null(False))
    escaped = pa.array([lines.json_quoted(value) for value in marked.to_pylist()], pa.large_string())
    return pc.replace_with_mask(texts, special.fill_null(False), escaped)
