"""SQLite's columns: which declaration carries each Arrow type without loss, and what values a declaration promises.

SQLite keeps integers of 64 bits, doubles, text and bytes, whatever was declared. Every other type is kept as its text
form, in a column declared `"TEXT <type>"`.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import TowError
from towpath.nouns import Stored
from towpath.values import rows, textform

_OWN = "TEXT "

EXACT = 2**53
"""Up to here every integer is a double."""

_INTEGER = Stored(pa.int64(), "INTEGER")
_REAL = Stored(pa.float64(), "REAL", frozenset({"nan", "minus-zero"}))
_TEXT = Stored(pa.string(), "TEXT")
_BLOB = Stored(pa.binary(), "BLOB")
_BOOLEAN = Stored(pa.bool_(), "BOOLEAN")

# What SQLite takes for a number when a column of numeric affinity is given text.
_NUMERIC = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"

_PYTHON: dict[pa.DataType, tuple[type, ...]] = {
    pa.int64(): (int,),
    pa.float64(): (float,),
    pa.string(): (str,),
    pa.binary(): (bytes,),
    pa.bool_(): (int,),
}

_KINDS = {
    pa.int64(): rows.Kind.INTEGER,
    pa.float64(): rows.Kind.FLOAT,
    pa.binary(): rows.Kind.BINARY,
    pa.bool_(): rows.Kind.BOOLEAN,
}


def stored(type: Any) -> Stored:
    """What a new column keeps for an Arrow type. Numbers, text, bytes and booleans have columns of SQLite's own."""
    if isinstance(type, pa.BaseExtensionType):
        return stored(type.storage_type)
    if pa.types.is_dictionary(type) or pa.types.is_run_end_encoded(type):
        return stored(type.value_type)
    if pa.types.is_boolean(type):
        return _BOOLEAN
    if pa.types.is_integer(type):
        return _INTEGER
    if pa.types.is_floating(type):
        return _REAL
    if (
        pa.types.is_null(type)
        or pa.types.is_string(type)
        or pa.types.is_large_string(type)
        or pa.types.is_string_view(type)
    ):
        return _TEXT
    if (
        pa.types.is_binary(type)
        or pa.types.is_large_binary(type)
        or pa.types.is_fixed_size_binary(type)
        or pa.types.is_binary_view(type)
    ):
        return _BLOB
    return Stored(type, quote(_OWN + textform.type_name(type)))


def declared(text: str) -> Stored | None:
    """What a column's declaration promises; None when it promises nothing (NUMERIC, DATE, none at all)."""
    if text.startswith(_OWN):
        try:
            return Stored(textform.parse_type(text[len(_OWN) :]), quote(text))
        except TowError:
            return Stored(pa.string(), text)
    if text.upper() in ("BOOLEAN", "BOOL"):
        return Stored(pa.bool_(), text)
    kept = {"INTEGER": _INTEGER, "TEXT": _TEXT, "BLOB": _BLOB, "REAL": _REAL}.get(affinity(text) if text else "")
    return None if kept is None else Stored(kept.type, text, kept.refuses)


def strictly(type: Any) -> Stored:
    """What a new column of a STRICT table keeps: of types that are not SQLite's own, their text forms."""
    kept = stored(type)
    if kept.native.startswith(quote(_OWN)[:-1]):
        return _TEXT
    return _INTEGER if kept is _BOOLEAN else kept


def affinity(declaration: str, *, strict: bool = False) -> str:
    """What SQLite turns values of a column into (sqlite.org/datatype3.html, 3.1). Only STRICT tables know ANY."""
    upper = declaration.upper()
    if strict and upper == "ANY":
        return "BLOB"
    for words, found in (
        (("INT",), "INTEGER"),
        (("CHAR", "CLOB", "TEXT"), "TEXT"),
        (("BLOB",), "BLOB"),
        (("REAL", "FLOA", "DOUB"), "REAL"),
    ):
        if any(word in upper for word in words):
            return found
    return "NUMERIC" if declaration else "BLOB"


class Mismatch(Exception):
    """The value number `row` of a column is not of the column's type."""

    def __init__(self, row: int, value: Any) -> None:
        super().__init__(row, value)
        self.row = row
        self.value = value


def kind(type: pa.DataType, *, mixed: bool = False) -> rows.Kind:
    """What a column of a type plainly holds. Of text there may be other values besides, of doubles integers."""
    if mixed and pa.types.is_floating(type):
        return rows.Kind.NUMBER
    return _KINDS.get(type, rows.Kind.TEXT)


def column(found: rows.Column, type: pa.DataType, *, mixed: bool = False) -> pa.Array:
    """A column of this kind as an array of `type`, by what `array` tells of the values that are not plainly of it.
    Raises Mismatch at the first that is not of the type."""
    taken = found.taken if type in _PYTHON else _formed(found.taken, type)
    if not found.rest:
        return taken
    try:
        rest = array(found.rest, type, mixed=mixed)
    except Mismatch as mismatch:
        raise Mismatch(len(taken) + mismatch.row, mismatch.value) from None
    return pa.concat_arrays([taken, rest]) if len(taken) else rest


def array(values: Sequence[Any], type: pa.DataType, *, mixed: bool = False) -> pa.Array:
    """Values as SQLite gave them, as an array of `type`. Raises Mismatch at the first that is not of it.

    `mixed`: a column of several kinds of values, read as the text form of each (or, as float64, with integers)."""
    if mixed:
        values = [_widened(value, type, row) for row, value in enumerate(values)]
    expected = _PYTHON.get(type, (str,))
    if not set(map(_class, values)) <= {_class(None), *expected}:
        row = next(row for row, value in enumerate(values) if value is not None and _class(value) not in expected)
        raise Mismatch(row, values[row])
    if pa.types.is_boolean(type):
        return _booleans(values)
    if type in _PYTHON:
        return pa.array(values, type)
    return _formed(pa.array(values, pa.string()), type)


def _formed(text: pa.Array, type: pa.DataType) -> pa.Array:
    """Values of a type from their text forms."""
    read, bad = textform.read(text, type)
    if len(bad):
        raise Mismatch(int(bad[0]), text[int(bad[0])].as_py())
    return read


_class = builtins.type


def _widened(value: Any, type: pa.DataType, row: int) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        raise Mismatch(row, value)
    if pa.types.is_floating(type):
        if not -EXACT <= value <= EXACT and isinstance(value, int):
            raise Mismatch(row, value)
        return float(value)
    return str(value) if isinstance(value, int) else textform.write(pa.array([value]))[0].as_py()


def _booleans(values: Sequence[Any]) -> pa.Array:
    for row, value in enumerate(values):
        if value not in (None, 0, 1):
            raise Mismatch(row, value)
    return pa.array([None if value is None else value == 1 for value in values], pa.bool_())


def values(column: pa.Array) -> list[Any]:
    """A column as the values to bind: SQLite's own kinds as they are, all others as their text forms."""
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    own = column.type in _PYTHON or pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    bound: list[Any] = (column if own else textform.write(column)).to_pylist()
    return bound


def changed_by(column: pa.Array, affinity: str) -> int | None:
    """The first row whose value a column of this affinity would change without a word; None when all stay."""
    if pa.types.is_floating(column.type):
        if affinity == "BLOB":
            lost = np.isnan(_numbers(column))
        else:
            numbers = _numbers(column)
            lost = np.isnan(numbers) | ((numbers == 0) & np.signbit(numbers))
    elif affinity in ("INTEGER", "REAL", "NUMERIC") and not (
        pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)
    ):
        lost = _looks_numeric(column)
    elif affinity == "REAL" and pa.types.is_integer(column.type):
        lost = _beyond_double(column)
    else:
        return None
    lost &= column.is_valid().to_numpy(zero_copy_only=False)
    return int(np.argmax(lost)) if lost.any() else None


def _numbers(column: pa.Array) -> np.ndarray:
    return pc.fill_null(pc.cast(column, pa.float64(), safe=False), 0.5).to_numpy(zero_copy_only=False)


def _beyond_double(column: pa.Array) -> np.ndarray:
    whole = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    return np.array((whole > 2**53) | (whole < -(2**53)))


def _looks_numeric(column: pa.Array) -> np.ndarray:
    if pa.types.is_binary(column.type):
        return np.zeros(len(column), bool)
    looks = pc.match_substring_regex(textform.write(column), _NUMERIC)
    return np.array(pc.fill_null(looks, False).to_numpy(zero_copy_only=False))


def quote(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
