"""PostgreSQL's column types: what it keeps for each Arrow type, and what each of its own is in Arrow.

What Arrow cannot hold whole is text in PostgreSQL's own words (interval, timetz, ranges, inet, uuid, json, enums ...).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from towpath.errors import Refused
from towpath.nouns import Stored

NUL = frozenset({"nul"})
DIGITS = 76
"""The most digits that a decimal of Arrow has; PostgreSQL's numeric has up to 1,000."""

PLAIN: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "text": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}
"""The Arrow types that hold every finite value of a type of PostgreSQL's, by its name in `pg_type`."""

WORDS = ("text", "varchar", "bpchar")
"""The types whose values are text to the letter (`char(n)` without the blanks at its end, which are no part of it)."""

NATIVE = {
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.binary(): "bytea",
    pa.date32(): "date",
    pa.time64("us"): "time without time zone",
    pa.timestamp("us"): "timestamp without time zone",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
}

_NARROWED: tuple[tuple[Callable[[Any], bool], pa.DataType], ...] = (
    (lambda type: type in (pa.int8(), pa.uint8()), pa.int16()),
    (lambda type: type == pa.uint16(), pa.int32()),
    (lambda type: type == pa.uint32(), pa.int64()),
    (pa.types.is_float16, pa.float32()),
    (lambda type: pa.types.is_large_binary(type) or pa.types.is_fixed_size_binary(type), pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_time, pa.time64("us")),
    (lambda type: pa.types.is_timestamp(type) and type.tz is None, pa.timestamp("us")),
    (pa.types.is_timestamp, pa.timestamp("us", "UTC")),
)


@dataclass(frozen=True, slots=True)
class Native:
    """A type of PostgreSQL's: its name in `pg_type` (an array's begins with `_`; those of extensions and users have
    their schema before it), its modifier (-1: none), and its kind there (b: base, e: enum ...)."""

    name: str
    mod: int = -1
    kind: str = "b"

    @property
    def element(self) -> str | None:
        """The name of an array's elements."""
        return self.name[1:] if self.name.startswith("_") else None

    @property
    def numeric(self) -> pa.DataType | None:
        """The Arrow type of a numeric column that says its digits; None when it does not, or Arrow has none."""
        if self.name.removeprefix("_") != "numeric" or self.mod < 4:
            return None
        digits, scale = (self.mod - 4) >> 16 & 0xFFFF, (self.mod - 4) & 0x7FF
        if digits > DIGITS or scale > digits:  # above 1,023 it stands for a scale below zero
            return None
        return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)

    @property
    def length(self) -> int | None:
        """How many characters a `varchar(n)` or `char(n)` takes."""
        return self.mod - 4 if self.name in ("varchar", "bpchar") and self.mod >= 4 else None

    @property
    def digits(self) -> int | None:
        """How many digits of a second a time or timestamp keeps, where these are fewer than six."""
        return self.mod if self.name in ("time", "timestamp", "timestamptz") and 0 <= self.mod < 6 else None


def stored(type: Any) -> Stored:
    """What a new column keeps for an Arrow type: the same where PostgreSQL has it, the next wider one, json or text."""
    if isinstance(type, pa.BaseExtensionType):
        return stored(type.storage_type)
    if pa.types.is_dictionary(type) or pa.types.is_run_end_encoded(type):
        return stored(type.value_type)
    if pa.types.is_decimal(type):
        return _decimal(type)
    if type == pa.uint64():
        return _decimal(pa.decimal128(20, 0))
    for test, kept in _NARROWED:
        if test(type):
            return Stored(kept, NATIVE[kept])
    if pa.types.is_nested(type):
        return _nested(type)
    kept = type if type in NATIVE else pa.string()
    return Stored(kept, NATIVE[kept], NUL if kept == pa.string() else frozenset())


def _decimal(type: Any) -> Stored:
    whole, scale = max(type.precision - type.scale, 0), max(type.scale, 0)
    digits = max(whole + scale, 1)
    if digits > DIGITS:
        return Stored(pa.string(), "text", NUL)
    kept = pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)
    return Stored(kept, f"numeric({digits},{scale})")


def _nested(type: Any) -> Stored:
    """An array of a list's values; json for what is deeper, kept as it was written."""
    if pa.types.is_union(type):
        raise Refused(
            f"PostgreSQL has no column type for {type}", todo="cast the column before", code="type-impossible"
        )
    if pa.types.is_struct(type) or pa.types.is_map(type) or pa.types.is_nested(type.value_type):
        return Stored(pa.string(), "json")
    child = stored(type.value_type)
    return Stored(pa.list_(child.type), f"{child.native}[]", child.refuses)


def arrow(native: Native) -> pa.DataType:
    """What a column of a type is in Arrow, all its values being finite; text where Arrow has nothing for it."""
    if native.numeric is not None:
        return pa.list_(native.numeric) if native.element else native.numeric
    if native.element in PLAIN:
        return pa.list_(PLAIN[native.element])
    if native.element in (*WORDS, "numeric"):
        return pa.list_(pa.string())
    return PLAIN.get(native.name, pa.string())


_COARSE = {0: "s", 3: "ms"}


def declared(native: Native, words: str) -> Stored:
    """What a column that is there promises; `words` are its type as SQL says it."""
    kept = arrow(native)
    if native.digits in _COARSE and pa.types.is_timestamp(kept):
        kept = pa.timestamp(_COARSE[native.digits], kept.tz)
    text = kept == pa.string() or kept == pa.list_(pa.string())
    return Stored(kept, words, NUL if text and native.name != "json" else frozenset(), native.length, _narrow(native))


def _narrow(native: Native) -> str:
    """What a column does not keep of its Arrow type."""
    inner = native if native.element is None else Native(native.element, native.mod, native.kind)
    if inner.kind == "e":
        return "only its labels fit"
    if inner.digits is not None:
        return f"it keeps {inner.digits} digits of a second"
    if inner.length is not None:
        room = f"it has room for {inner.length} characters" if native.element else ""  # of a text `longest` says it
        return room or ("no blanks fit at its end" if inner.name == "bpchar" else "")
    if inner.name in PLAIN or inner.name in WORDS or inner.numeric is not None:
        return ""
    return "only JSON fits" if inner.name == "json" else "a text must be as PostgreSQL writes it"


def quote(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"
