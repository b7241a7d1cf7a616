"""JSON records a block at a time, wherever that is exact; None where it is not or may not be.

First by json_compiled.c, which reads what is plainly in order and declines all else; then through pyarrow. What
pyarrow.json does silently, and what guards against it: it rounds long numbers to doubles (the long tokens are tested
one by one), takes -0 as the integer 0, NaN and Infinity as numbers, bytes that are not UTF-8 as text, strings as
decimals (decimals are not read here), several objects on a line as rows (the rows are counted).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from towpath.text import json_numbers
from towpath.values import textform

try:
    import towpath.text.json_compiled as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

_DIRECT = (pa.bool_(), pa.int64(), pa.float64(), pa.string())
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MINUS_ZERO = re.compile(rb"-0(?![.0-9eE])")
_LONG = re.compile(rb"[0-9.]{16,}(?:[eE][-+]?[0-9]+)?")
_FAR = re.compile(rb"[0-9.]+[eE][-+]?[0-9]{3,}")
_MARKS = bytes(
    0x30 if sign in b"0123456789." else 0x65 if sign in b"eE" else 0x2D if sign in b"+-" else 0x20
    for sign in range(256)
)
_WHOLE_DOUBLES = 1e15
"""Up to here every integer is a double."""
_DEEPEST = 64
"""How deeply a type may be nested that json_compiled.c reads."""
_COMPILED = (pa.bool_(), pa.float64(), pa.string())
"""The types that it reads, beside integers, decimals, and lists and structs of these."""


def is_compiled() -> bool:
    return compiled is not None


def lines(text: bytes) -> int:
    """How many lines are not blank, if each begins with `{` and ends with `}`, else 0; only where it is compiled."""
    return compiled.lines(text)


class Fast:
    """Reads blocks into `schema`. `pinned` columns may have any type; the others are those of JSON evidence."""

    def __init__(self, schema: pa.Schema, pinned: Mapping[str, pa.DataType]) -> None:
        self._schema = schema
        asked = [_asked(field.type, pinned=field.name in pinned) for field in schema]
        self._explicit = None if None in asked else pa.schema(list(zip(schema.names, asked, strict=True)))
        kinds = {leaf for type in asked if type is not None for leaf in _leaf_types(type)}
        self._doubles = pa.float64() in kinds
        self._integers = pa.int64() in kinds
        self._forms = _Forms.of(schema, pinned)

    def read(self, text: bytes | None, count: int) -> pa.RecordBatch | None:
        """The rows of `text`, which holds objects parted by white space, if they are `count` and all of them exact."""
        if text is not None and compiled is not None and self._forms is not None:
            arrays = self._forms.read(text, count)
            rows = None if arrays is None else self._shaped(arrays)
            if rows is not None:
                return rows
        return self._through_pyarrow(text, count)

    def _through_pyarrow(self, text: bytes | None, count: int) -> pa.RecordBatch | None:
        if text is None or self._explicit is None or not self._explicit.names or not _is_utf8(text):
            return None
        if self._integers and _MINUS_ZERO.search(text) and _MINUS_ZERO.search(_STRING.sub(b'""', text)):
            return None
        try:
            table = pj.read_json(
                pa.BufferReader(text),
                pj.ReadOptions(use_threads=False, block_size=len(text) + 1),
                pj.ParseOptions(explicit_schema=self._explicit, unexpected_field_behavior="error"),
            )
        except pa.ArrowException:
            return None
        if table.num_rows != count:
            return None
        arrays = [column.combine_chunks() for column in table.columns]
        if self._doubles and not _exact_doubles(text, arrays):
            return None
        return self._shaped(arrays)

    def _shaped(self, arrays: list[pa.Array]) -> pa.RecordBatch | None:
        made = []
        for array, field in zip(arrays, self._schema, strict=True):
            shaped = _shape(array, field.type)
            if shaped is None:
                return None
            made.append(shaped)
        return pa.RecordBatch.from_arrays(made, schema=self._schema)


@dataclass(frozen=True, slots=True)
class _Forms:
    """What json_compiled.c reads: a struct of all columns, then its children, then theirs and so on; for each its type,
    what the extension is told of it, and the number of its first child."""

    types: list[pa.DataType]
    told: tuple[tuple[bytes, str, int, int, int], ...]
    first: list[int]

    @staticmethod
    def of(schema: pa.Schema, pinned: Mapping[str, pa.DataType]) -> _Forms | None:
        """None for a schema with a type that only other ways read."""
        asked = [_compact(field.type, pinned=field.name in pinned) for field in schema]
        if None in asked:
            return None
        fields = [pa.field("", pa.struct(list(zip(schema.names, asked, strict=True))))]
        depths, told, first = [0], [], []
        for field, depth in zip(fields, depths, strict=False):  # both grow
            children = [field.type.field(number) for number in range(field.type.num_fields)]
            form = _form(field.type)
            if form is None or depth > _DEEPEST or len({child.name for child in children}) < len(children):
                return None
            told.append((field.name.encode(), *form, len(children)))
            first.append(len(fields))
            fields += children
            depths += [depth + 1] * len(children)
        return _Forms([field.type for field in fields], tuple(told), first)

    def read(self, text: bytes, count: int) -> list[pa.Array] | None:
        """The columns, or None."""
        found = compiled.parse(text, count, self.told)
        if found is None:
            return None
        arrays: list[pa.Array] = [None] * len(self.types)
        for at in range(len(found), 0, -1):
            length, nulls, validity, *rest = found[at - 1]
            buffers = [None if part is None else pa.py_buffer(part) for part in (validity, *rest)]
            type, first = self.types[at], self.first[at]
            children = arrays[first : first + type.num_fields]
            arrays[at] = pa.Array.from_buffers(type, length, buffers[: type.num_buffers], nulls, children=children)
        return arrays[1 : 1 + self.types[0].num_fields]


def _compact(type: pa.DataType, *, pinned: bool) -> pa.DataType | None:
    """The type to ask of json_compiled.c for a column, from which its own is shaped."""
    if pinned and (pa.types.is_temporal(type) or pa.types.is_large_string(type)):
        return pa.string()
    return type if _form(type) else None


def _form(type: pa.DataType) -> tuple[str, int, int] | None:
    """A type's name for json_compiled.c, precision and scale; None for one that it does not read."""
    if pa.types.is_struct(type):
        return ("struct", 0, 0) if type.num_fields and all(field.nullable for field in type) else None
    if pa.types.is_list(type):
        return ("list", 0, 0) if type.value_field.nullable else None
    if pa.types.is_decimal128(type):
        return ("decimal", type.precision, type.scale) if 0 <= type.scale <= type.precision else None
    return (str(type), 0, 0) if type in _COMPILED or pa.types.is_integer(type) else None


def _asked(type: pa.DataType, *, pinned: bool) -> pa.DataType | None:
    """The type to ask of pyarrow for a column, or None when only the careful way will do."""
    if _direct(type):
        return type
    if not pinned:
        return None
    if pa.types.is_integer(type) and type != pa.uint64():
        return pa.int64()
    if pa.types.is_temporal(type) or pa.types.is_large_string(type):
        return pa.string()
    return None


def _direct(type: pa.DataType) -> bool:
    if pa.types.is_struct(type):
        return type.num_fields > 0 and all(_direct(field.type) for field in type)
    if pa.types.is_list(type):
        return _direct(type.value_type)
    return type in _DIRECT


def _leaf_types(type: pa.DataType) -> Iterator[pa.DataType]:
    if type.num_fields == 0:
        yield type
    for number in range(type.num_fields):
        yield from _leaf_types(type.field(number).type)


def _leaves(array: pa.Array) -> Iterator[pa.Array]:
    if pa.types.is_struct(array.type):
        for child in array.flatten():
            yield from _leaves(child)
    elif pa.types.is_list(array.type):
        yield from _leaves(array.flatten())
    else:
        yield array


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def _exact_doubles(text: bytes, arrays: list[pa.Array]) -> bool:
    doubles = [leaf for array in arrays for leaf in _leaves(array) if leaf.type == pa.float64()]
    if not all(pc.all(pc.is_finite(leaf), min_count=0).as_py() for leaf in doubles):
        return False
    marks = text.translate(_MARKS)
    suspects = [_LONG] if b"0" * 16 in marks else []
    if b"e000" in marks or b"e-000" in marks:
        suspects.append(_FAR)
    if not suspects:
        return True
    bare = _STRING.sub(b'""', text)
    tokens = [token.decode() for suspect in suspects for token in suspect.findall(bare)]
    inexact = [token for token in tokens if json_numbers.double(token) is None]
    if not all(token.isdigit() for token in inexact):
        return False
    # long integers may stand in integer columns, where they are exact
    return not inexact or not any(
        pc.any(pc.greater_equal(pc.abs(leaf), _WHOLE_DOUBLES), min_count=0).as_py() for leaf in doubles
    )


def _shape(array: pa.Array, type: pa.DataType) -> pa.Array | None:
    if array.type == type:
        return array
    if pa.types.is_temporal(type):
        values, bad = textform.read(array, type)
        return None if len(bad) else values
    try:
        return array.cast(type)
    except pa.ArrowInvalid:
        return None
