"""JSON records one by one in Python: exact, and able to say what is wrong with each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from towpath.text import json_numbers
from towpath.text.json_evidence import SOURCE_TEXT
from towpath.text.json_numbers import Number
from towpath.values import textform
from towpath.values.logical import build_list


class Unreadable(Exception):
    """Why a record is no JSON object that can be kept."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """A value that its column's type cannot hold, and the number of its record."""

    row: int
    column: str
    value: str
    reason: str


def parse(raw: bytes) -> dict[str, Any]:
    """One record: numbers are `Number` tokens. Raises Unreadable."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start + 1} is not UTF-8") from error
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
            source(value).encode()
    except json.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except UnicodeEncodeError as error:
        raise Unreadable("a string holds half of a surrogate pair, which is no character") from error
    except RecursionError as error:
        raise Unreadable("nested too deeply") from error
    if type(value) is not dict:
        raise Unreadable(f"{_kind(value)}, not an object")
    return value


def source(value: Any) -> str:
    """A value's JSON text, without white space: numbers with their own digits, characters unescaped."""
    if type(value) is Number:
        return value
    if type(value) is dict:
        return "{" + ",".join(f"{_quoted(name)}:{source(member)}" for name, member in value.items()) + "}"
    if type(value) is list:
        return "[" + ",".join(map(source, value)) + "]"
    return _quoted(value)


def column(values: Sequence[Any], type: pa.DataType, name: str, *, pinned: bool) -> tuple[pa.Array, list[Unfit]]:
    """The values as an array of `type`, null where one does not fit.

    A pinned type also takes strings that hold its text form, and a pinned text any value: strings as they are, others
    as JSON text."""
    builder = _Builder(pinned, [])
    return builder.build(values, type, range(len(values)), name), builder.unfit


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable(f"the key {_quoted(twice)} stands twice in one object")
    return found


def _constant(word: str) -> Any:
    raise Unreadable(f"not JSON: {word} is no JSON value")


_WIDE = Context(prec=200)
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=_constant)
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def _kind(value: Any) -> str:
    names = {Number: "a number", str: "a string", bool: "true or false", dict: "an object", list: "an array"}
    return names.get(type(value), "null")


@dataclass(slots=True)
class _Builder:
    pinned: bool
    unfit: list[Unfit]

    def build(self, values: Sequence[Any], type: pa.DataType, rows: Sequence[int], path: str) -> pa.Array:
        if pa.types.is_struct(type):
            return self._struct(values, type, rows, path)
        if pa.types.is_map(type):
            return self._map(values, type, rows, path)
        if pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type):
            return self._list(values, type, rows, path)
        if _is_text(type):
            return self._text(values, type, rows, path)
        return self._scalar(values, type, rows, path)

    def _reject(self, row: int, path: str, value: Any, type: pa.DataType) -> None:
        shown = source(value)
        self.unfit.append(Unfit(row, path, shown, f"{_kind(value)} that is no {textform.type_name(type)}"))

    def _text(self, values: Sequence[Any], type: pa.DataType, rows: Sequence[int], path: str) -> pa.Array:
        if type == SOURCE_TEXT and not self.pinned:
            return pa.array([None if value is None else source(value) for value in values], type)
        texts: list[str | None] = []
        for value, row in zip(values, rows, strict=True):
            if value is None or value.__class__ is str:
                texts.append(value)
            elif self.pinned:
                texts.append(source(value))
            else:
                texts.append(None)
                self._reject(row, path, value, type)
        return pa.array(texts, type)

    def _scalar(self, values: Sequence[Any], type: pa.DataType, rows: Sequence[int], path: str) -> pa.Array:
        native = _native(type)
        half = pa.types.is_float16(type)
        held: list[Any] = [None] * len(values)
        texts: dict[int, str] = {}
        for at, value in enumerate(values):
            if value is None:
                continue
            if (value.__class__ is str and self.pinned) or (value.__class__ is Number and half):
                texts[at] = value
            else:
                held[at] = native(value)
                if held[at] is None:
                    self._reject(rows[at], path, value, type)
        array = pa.array(held, type)
        return self._from_text(array, texts, rows, path) if texts else array

    def _from_text(self, array: pa.Array, texts: dict[int, str], rows: Sequence[int], path: str) -> pa.Array:
        parsed, bad = textform.read(pa.array(list(texts.values()), pa.string()), array.type)
        at = list(texts)
        for number in bad.tolist():
            self._reject(rows[at[number]], path, texts[at[number]], array.type)
        picked = list(range(len(array)))
        for number, place in enumerate(at):
            picked[place] = len(array) + number
        return pa.concat_arrays([array, parsed]).take(pa.array(picked, pa.int64()))

    def _struct(self, values: Sequence[Any], type: pa.DataType, rows: Sequence[int], path: str) -> pa.Array:
        known = {field.name for field in type}
        objects: list[dict[str, Any] | None] = []
        for value, row in zip(values, rows, strict=True):
            objects.append(None)
            if value.__class__ is not dict:
                if value is not None:
                    self._reject(row, path, value, type)
            elif value.keys() <= known:
                objects[-1] = value
            else:
                new = next(name for name in value if name not in known)
                self.unfit.append(Unfit(row, f"{path}.{new}", source(value[new]), "a field that is new"))
        children = [
            self.build(
                [None if found is None else found.get(field.name) for found in objects],
                field.type,
                rows,
                f"{path}.{field.name}",
            )
            for field in type
        ]
        mask = pa.array([found is None for found in objects], pa.bool_())
        if not children:
            return pa.array([None if found is None else {} for found in objects], type)
        return pa.StructArray.from_arrays(children, fields=list(type), mask=mask)

    def _list(self, values: Sequence[Any], type: pa.DataType, rows: Sequence[int], path: str) -> pa.Array:
        fixed = type.list_size if pa.types.is_fixed_size_list(type) else None
        lists: list[list[Any] | None] = []
        for value, row in zip(values, rows, strict=True):
            fits = value.__class__ is list and fixed in (None, len(value))
            lists.append(value if fits else None)
            if value is not None and not fits:
                self._reject(row, path, value, type)
        offsets, items, owners = _flat(lists, rows)
        child = self.build(items, type.value_type, owners, f"{path}[]")
        null = np.array([found is None for found in lists], bool)
        # Not by a cast to it: Arrow 26 breaks lists of nulls that are cast to lists of a fixed size.
        plain = pa.list_(type.value_field) if _is_view(type) else type
        made = build_list(plain, child, np.diff(np.asarray(offsets)), null)
        return made.cast(type) if _is_view(type) else made

    def _map(self, values: Sequence[Any], type: pa.DataType, rows: Sequence[int], path: str) -> pa.Array:
        lists: list[list[tuple[Any, Any]] | None] = []
        for value, row in zip(values, rows, strict=True):
            lists.append(_entries(value))
            if value is not None and lists[-1] is None:
                self._reject(row, path, value, type)
        offsets, entries, owners = _flat(lists, rows)
        keys = self.build([key for key, _ in entries], type.key_type, owners, f"{path}.key")
        items = self.build([item for _, item in entries], type.item_type, owners, f"{path}.value")
        mask = pa.array([found is None for found in lists], pa.bool_())
        if keys.null_count:  # Arrow allows no null key, not even in a row that will be set aside
            broken = {unfit.row for unfit in self.unfit}
            kept = [None if row in broken else value for value, row in zip(values, rows, strict=True)]
            return self._map(kept, type, rows, path)
        return pa.MapArray.from_arrays(offsets, keys, items, type, mask=mask)


def _flat(lists: Sequence[list[Any] | None], rows: Sequence[int]) -> tuple[pa.Array, list[Any], list[int]]:
    offsets = [0]
    items: list[Any] = []
    owners: list[int] = []
    for found, row in zip(lists, rows, strict=True):
        items += found or ()
        owners += [row] * len(found or ())
        offsets.append(len(items))
    return pa.array(offsets, pa.int32()), items, owners


def _is_view(type: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(type) or pa.types.is_large_list_view(type))


def _entries(value: Any) -> list[tuple[Any, Any]] | None:
    if type(value) is dict:
        return list(value.items())
    if type(value) is not list:
        return None
    if any(type(entry) is not dict or set(entry) != {"key", "value"} or entry["key"] is None for entry in value):
        return None
    return [(entry["key"], entry["value"]) for entry in value]


def _is_text(type: pa.DataType) -> bool:
    return pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)


def _native(type: pa.DataType) -> Callable[[Any], Any]:
    """A function from a JSON value that is no string to what `pa.array` takes for `type`; None when it does not fit."""
    if pa.types.is_boolean(type):
        return lambda value: value if value.__class__ is bool else None
    if pa.types.is_integer(type):
        bits = type.bit_width
        held = range(-(1 << bits - 1), 1 << bits - 1) if pa.types.is_signed_integer(type) else range(1 << bits)
        return lambda value: _within(value, held)
    if pa.types.is_float64(type):
        return lambda value: json_numbers.double(value) if value.__class__ is Number else None
    if pa.types.is_float32(type):
        return lambda value: json_numbers.single(value) if value.__class__ is Number else None
    if pa.types.is_decimal(type):
        return lambda value: _decimal(value, type)
    return lambda value: None


def _within(value: Any, held: range) -> int | None:
    whole = json_numbers.integer(value) if value.__class__ is Number else None
    return whole if whole is not None and whole in held else None


def _decimal(value: Any, type: pa.DataType) -> Any:
    found = json_numbers.decimal(value) if value.__class__ is Number else None
    if found is None:
        return None
    before, after = json_numbers.digits(found)
    if after > type.scale or before > type.precision - type.scale:
        return None
    # pyarrow counts the zeros at the end among the digits
    return (
        found
        if found.as_tuple().exponent >= -type.scale
        else found.quantize(Decimal(1).scaleb(-type.scale), context=_WIDE)
    )
