"""Lists, structs and maps as JSON text, and back: exact numbers, other scalars as their text form."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from towpath.values import textform_scalars as scalar
from towpath.values.logical import Kind, build_list, build_struct, elements, fields, kind, nulls

NESTED = (Kind.LIST, Kind.STRUCT, Kind.MAP)
_BARE = (Kind.NULL, Kind.BOOL, Kind.INTEGER, Kind.DECIMAL)
_NOT_JSON = ("NaN", "inf", "-inf")

Read = tuple[pa.Array, np.ndarray]


class _Number(str):
    """A JSON number, kept as it was written."""


def write(values: pa.Array) -> pa.Array:
    """A plain nested array as compact JSON."""
    pieces = _pieces(values)
    return pa.array(pieces, pa.string(), mask=nulls(values))


def _pieces(values: pa.Array) -> list[str]:
    """The JSON of each value."""
    found = kind(values.type)
    if found is Kind.STRUCT:
        pieces = _struct_pieces(values)
    elif found in NESTED:
        pieces = _list_pieces(values)
    else:
        return _scalar_pieces(values, found)
    return ["null" if null else piece for piece, null in zip(pieces, nulls(values), strict=True)]


def _scalar_pieces(values: pa.Array, found: Kind) -> list[str]:
    texts = scalar.write(values).to_pylist()
    if found in _BARE:
        return ["null" if text is None else text for text in texts]
    if found is Kind.FLOAT:
        return [_float_piece(text) for text in texts]
    return [json.dumps(text, ensure_ascii=False) for text in texts]


def _float_piece(text: str | None) -> str:
    if text is None:
        return "null"
    return f'"{text}"' if text in _NOT_JSON else text


def _struct_pieces(values: pa.Array) -> list[str]:
    names = [json.dumps(field.name, ensure_ascii=False) for field in fields(values.type)]
    columns = [_pieces(child) for child in values.flatten()]
    if not columns:
        return ["{}"] * len(values)
    rows = zip(*columns, strict=True)
    return ["{" + ",".join(f"{name}:{piece}" for name, piece in zip(names, row, strict=True)) + "}" for row in rows]


def _list_pieces(values: pa.Array) -> list[str]:
    child, lengths = elements(values)
    if pa.types.is_map(values.type):
        keys, items = (_pieces(part) for part in child.flatten())
        pieces = [f"[{key},{item}]" for key, item in zip(keys, items, strict=True)]
    else:
        pieces = _pieces(child)
    ends = np.cumsum(lengths).tolist()
    return [
        "[" + ",".join(pieces[end - length : end]) + "]" for end, length in zip(ends, lengths.tolist(), strict=True)
    ]


def read(texts: pa.Array, type: pa.DataType) -> Read:
    """JSON texts as values of a plain nested type; a row is bad when any part of it is."""
    rows, broken = _parse(texts.to_pylist())
    values, bad = _build(rows, type)
    gone = np.union1d(broken, bad).astype(np.int64)
    return values, gone


def _parse(texts: list[str | None]) -> tuple[list[Any], list[int]]:
    rows: list[Any] = []
    broken = []
    for number, text in enumerate(texts):
        try:
            value = None if text is None else _loads(text)
            if text is not None and value is None:
                raise ValueError("null is not a value of its own")
            rows.append(value)
        except (ValueError, RecursionError):
            rows.append(None)
            broken.append(number)
    return rows, broken


def _loads(text: str) -> Any:
    return json.loads(
        text, parse_int=_Number, parse_float=_Number, parse_constant=_no_constant, object_pairs_hook=_once
    )


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a field twice")
    return found


def _build(rows: list[Any], type: Any) -> Read:
    """Parsed JSON values as an array, and the ascending row numbers that do not fit (null there)."""
    found = kind(type)
    if found is Kind.STRUCT:
        return _build_struct(rows, type)
    if found in NESTED:
        return _build_list(rows, type, found)
    texts = [None if row is None else _scalar_text(row, found) for row in rows]
    values, bad = scalar.read(pa.array(texts, pa.string()), type)
    odd = [
        number for number, (row, text) in enumerate(zip(rows, texts, strict=True)) if row is not None and text is None
    ]
    return values, np.union1d(bad, odd).astype(np.int64)


def _scalar_text(value: Any, found: Kind) -> str | None:
    """The text form that a JSON scalar stands for, or None when it is not of its kind's sort."""
    if found is Kind.BOOL:
        return str(value).lower() if isinstance(value, bool) else None
    if found in (Kind.INTEGER, Kind.DECIMAL):
        return str(value) if isinstance(value, _Number) else None
    if found is Kind.FLOAT:
        return str(value) if isinstance(value, _Number) or value in _NOT_JSON else None
    if not isinstance(value, str) or isinstance(value, _Number):
        return None
    return value if _is_unicode(value) else None


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can spell
        return False
    return True


def _build_struct(rows: list[Any], type: Any) -> Read:
    names = [field.name for field in fields(type)]
    good = [isinstance(row, dict) and row.keys() <= set(names) for row in rows]
    bad = _odd(rows, good)
    children = []
    for field in fields(type):
        parts = [row.get(field.name) if fine else None for row, fine in zip(rows, good, strict=True)]
        child, wrong = _build(parts, field.type)
        children.append(child)
        bad.update(wrong.tolist())
        if not field.nullable:
            bad.update(number for number, fine in enumerate(good) if fine and parts[number] is None)
    null = np.array([not fine for fine in good], bool)
    null[list(bad)] = True
    return build_struct(type, children, null), np.array(sorted(bad), np.int64)


def _build_list(rows: list[Any], type: Any, found: Kind) -> Read:
    fits = _entries if found is Kind.MAP else _items(type)
    good = [isinstance(row, list) and fits(row) for row in rows]
    kept = [row if fine else [] for row, fine in zip(rows, good, strict=True)]
    lengths = np.array([len(row) for row in kept], np.int64)
    parts = [part for row in kept for part in row]
    if found is Kind.MAP:
        entry = pa.struct([("key", type.key_type), ("value", type.item_type)])
        child, wrong = _build([{"key": key, "value": item} for key, item in parts], entry)
        null_part = [key is None for key, _ in parts]
    else:
        child, wrong = _build(parts, type.value_type)
        null_part = [part is None and not type.value_field.nullable for part in parts]
    owner = np.repeat(np.arange(len(rows)), lengths)
    bad = _odd(rows, good)
    bad.update(owner[wrong].tolist())
    bad.update(owner[np.flatnonzero(null_part)].tolist())
    return _list_without(type, child, lengths, good, bad), np.array(sorted(bad), np.int64)


def _list_without(type: Any, child: pa.Array, lengths: np.ndarray, good: list[bool], bad: set[int]) -> pa.Array:
    """The lists with bad rows emptied and null, for an invalid element must not linger behind a null."""
    gone = np.zeros(len(lengths), bool)
    gone[list(bad)] = True
    keep = np.flatnonzero(~np.repeat(gone, lengths))
    null = gone | ~np.array(good, bool)
    return build_list(type, child.take(pa.array(keep)), np.where(gone, 0, lengths), null)


def _odd(rows: list[Any], good: list[bool]) -> set[int]:
    return {number for number, row in enumerate(rows) if row is not None and not good[number]}


def _entries(row: list[Any]) -> bool:
    return all(isinstance(entry, list) and len(entry) == 2 for entry in row)


def _items(type: Any) -> Callable[[list[Any]], bool]:
    if pa.types.is_fixed_size_list(type):
        return lambda row: len(row) == type.list_size
    return lambda row: True
