"""MariaDB's column types: what it keeps for each Arrow type, and as what each of its own is read and written.

A type that MariaDB lacks (instants of all years, lists, durations) is kept as the nearest one, in a column whose
comment says `towpath TYPE`; it is read back as that type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from towpath.errors import TowError
from towpath.nouns import Stored
from towpath.values import textform

CHARSET, COLLATION = "utf8mb4", "utf8mb4_nopad_bin"
"""Text to the letter: blanks at its end count, as capitals do."""
ESCAPES = (("\\", "\\\\"), ("'", "''"))
OWN = "towpath "
_TEXT_NATIVE = f"longtext character set {CHARSET} collate {COLLATION}"
_MOST_COMMENT = 1_024
_INDEXED = 40
"""Signs of a text in an index: sixteen such columns fit into one."""
_MOST_DIGITS, _MOST_SCALE = 65, 38

TEXT = Stored(pa.string(), _TEXT_NATIVE)
_BINARY = Stored(pa.binary(), "longblob")
_NO_FLOATS = frozenset({"nan", "inf", "minus-zero"})
_INTEGERS = {
    "tinyint": (pa.int8(), pa.uint8()),
    "smallint": (pa.int16(), pa.uint16()),
    "mediumint": (pa.int32(), pa.uint32()),
    "int": (pa.int32(), pa.uint32()),
    "bigint": (pa.int64(), pa.uint64()),
}
_NATIVE = {
    pa.bool_(): "tinyint(1)",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.uint8(): "tinyint unsigned",
    pa.uint16(): "smallint unsigned",
    pa.uint32(): "int unsigned",
    pa.uint64(): "bigint unsigned",
    pa.date32(): "date",
    pa.time32("s"): "time",
    pa.time32("ms"): "time(3)",
    pa.time64("us"): "time(6)",
    pa.timestamp("s"): "datetime",
    pa.timestamp("ms"): "datetime(3)",
    pa.timestamp("us"): "datetime(6)",
}
_BLOBS = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
GEOMETRIES = (
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection",
)  # fmt: skip
_HAVE_TEXT = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set")
_SHORT = ("char", "varchar", "binary", "varbinary", "tinytext", "tinyblob", "enum", "set")
_INLINE = 65_535
"""How long a value may be in the text of its row: `concat` gives null for what outgrows max_allowed_packet."""
_DECLARED = re.compile(r"(\w+)(?:\(([^']*?)\))?")


def stored(type: Any) -> Stored:
    """What a new column keeps for an Arrow type."""
    if isinstance(type, pa.BaseExtensionType):
        return stored(type.storage_type)
    if pa.types.is_dictionary(type) or pa.types.is_run_end_encoded(type):
        return stored(type.value_type)
    if type in _NATIVE:
        return Stored(type, _NATIVE[type])
    if pa.types.is_decimal(type) and (kept := _decimal(type)) is not None:
        return kept
    for test, found in _NARROWED:
        if test(type):
            return found
    if pa.types.is_timestamp(type):
        unit = "us" if type.unit == "ns" else type.unit
        return stored(pa.timestamp(unit)) if type.tz is None else _own(pa.timestamp(unit, "UTC"), unit)
    return _own(type)


def _decimal(type: Any) -> Stored | None:
    scale = max(type.scale, 0)
    digits = max(type.precision - type.scale, 0) + scale
    if digits > _MOST_DIGITS or scale > _MOST_SCALE:
        return None
    return Stored(decimal(max(digits, 1), scale), f"decimal({max(digits, 1)},{scale})")


def decimal(digits: int, scale: int) -> pa.DataType:
    """Arrow's decimal of so many digits."""
    return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)


_NARROWED: tuple[tuple[Callable[[Any], bool], Stored], ...] = (
    (pa.types.is_float16, Stored(pa.float32(), "float", _NO_FLOATS)),
    (pa.types.is_float32, Stored(pa.float32(), "float", _NO_FLOATS)),
    (pa.types.is_float64, Stored(pa.float64(), "double", _NO_FLOATS)),
    (pa.types.is_null, TEXT),
    (pa.types.is_string, TEXT),
    (pa.types.is_large_string, TEXT),
    (pa.types.is_string_view, TEXT),
    (pa.types.is_binary, _BINARY),
    (pa.types.is_large_binary, _BINARY),
    (pa.types.is_fixed_size_binary, _BINARY),
    (pa.types.is_binary_view, _BINARY),
    (pa.types.is_date64, Stored(pa.date32(), "date")),
    (pa.types.is_time, Stored(pa.time64("us"), "time(6)")),
)


def _own(type: pa.DataType, unit: str = "") -> Stored:
    """A column whose comment says the type: a `datetime` (with a unit), or the text forms of its values."""
    name = textform.type_name(type)
    if len(OWN + name) > _MOST_COMMENT:
        return TEXT
    native = _NATIVE[pa.timestamp(unit)] if unit else _TEXT_NATIVE
    return Stored(type, f"{native} comment {literal(OWN + name)}")


def prefix(native: str) -> str:
    """How much of a column of this type an index holds: nothing is said of numbers and of short texts."""
    found = _DECLARED.match(native)
    base, size = (found[1], found[2] or "") if found else ("", "")
    short = size.isdigit() and int(size) <= _INDEXED
    long = "text" in base or "blob" in base or (base in ("char", "varchar", "binary", "varbinary") and not short)
    return f"({_INDEXED})" if long else ""


def literal(text: str) -> str:
    """Text quoted for SQL."""
    for sign, written in ESCAPES:
        text = text.replace(sign, written)
    return f"'{text}'"


def quote(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


@dataclass(frozen=True, slots=True)
class Declared:
    """A column of a table, as `show full columns` tells it."""

    name: str
    type: str
    collation: str | None
    nullable: bool
    default: str | None
    extra: str
    comment: str
    check: str = ""
    """The constraint that is its own (`json` is a text with one), as far as it was asked for."""

    @property
    def base(self) -> str:
        found = _DECLARED.match(self.type)
        return found[1] if found else self.type

    @property
    def generated(self) -> bool:
        return "GENERATED" in self.extra.upper()

    @property
    def numbered(self) -> bool:
        return "auto_increment" in self.extra

    @property
    def required(self) -> bool:
        return not (self.nullable or self.generated or self.numbered) and self.default is None

    @property
    def plain(self) -> bool:
        """Whether a type is all that is declared of it."""
        said = self.extra or self._comment or self.check
        return self.nullable and self.default in (None, "NULL") and not said

    @property
    def native(self) -> str:
        """The type as it would be declared again."""
        text = self.type
        if self.base in _INTEGERS and text != _NATIVE[pa.bool_()]:
            text = re.sub(r"\(\d+\)", "", text) if "zerofill" not in text else text
        if self.collation is not None and self.base in _HAVE_TEXT:
            text += f" character set {self.collation.partition('_')[0]} collate {self.collation}"
        return text if self.own is None else f"{text} comment {literal(self.comment)}"

    @property
    def told(self) -> str:
        """SQL for a value as text that, with those of the row's other columns, tells any two rows apart."""
        name = quote(self.name)
        if self.base in _HAVE_TEXT or self.base in _BLOBS or self.base in GEOMETRIES:
            # As bytes, for texts of several character sets do not mix.
            value = (
                name if self.base in _SHORT else f"if(length({name}) > {_INLINE}, binary md5({name}), binary {name})"
            )
            return f"ifnull(length({name}), '-'), ifnull(binary {value}, '')"
        whole = f"cast({name} as double)" if self.base == "float" else f"hex({name})" if self.base == "bit" else name
        return f"ifnull({whole}, '-')"

    @property
    def stored(self) -> Stored:
        refuses = _NO_FLOATS if self.base in _FLOATS else frozenset()
        narrow = "; ".join(filter(None, (self._narrow, self._checked)))
        return Stored(self.own or self._declared(), self.native, refuses, self._longest, narrow)

    @property
    def _checked(self) -> str:
        if self.check == f"json_valid({quote(self.name)})":
            return "only JSON fits"
        return "only what its check allows fits" if self.check else ""

    @property
    def _narrow(self) -> str:
        """What the column does not keep of its type."""
        if self.own is not None:
            return ""
        found, base = _DECLARED.match(self.type), self.base
        size = found[2] or "" if found else ""
        if self.collation is not None and base in _HAVE_TEXT and not self.collation.startswith((CHARSET, "uca1400")):
            return f"only the signs of {self.collation.partition('_')[0]} fit"
        if base in _ROOM or base in ("binary", "varbinary"):
            return f"it has room for {_ROOM.get(base) or int(size):,} bytes"
        if base == "bit" and size not in ("1", "64"):
            return f"it has {size} bits"
        if (base in _FLOATS and size) or base in _TIMES:
            digits = size.partition(",")[2] or size
            return "" if base in _TIMES and size in ("3", "6") else f"it keeps {digits or 0} digits after the point"
        if "unsigned" in self.type and base in ("decimal", *_FLOATS):
            return "no number below zero fits"
        return _NARROW.get(base, "only shapes fit" if base in GEOMETRIES else "")

    @property
    def _longest(self) -> int | None:
        """How many characters a text takes."""
        found = _DECLARED.match(self.type)
        if found is None or found[1] not in ("char", "varchar") or not (found[2] or "").isdigit():
            return None
        return int(found[2])

    @property
    def own(self) -> pa.DataType | None:
        """The type that the comment tells, where the column can hold it."""
        if not self.comment.startswith(OWN) or self.base not in ("datetime", "longtext"):
            return None
        try:
            type = textform.parse_type(self.comment.removeprefix(OWN))
        except TowError:
            return None
        return type if pa.types.is_timestamp(type) == (self.base == "datetime") else None

    @property
    def fraction(self) -> int:
        """The digits of a second."""
        found = _DECLARED.match(self.type)
        return int(found[2] or 0) if found and (found[2] or "0").isdigit() else 0

    @property
    def _comment(self) -> str:
        return "" if self.own is not None else self.comment

    def _declared(self) -> pa.DataType:
        base, unsigned = self.base, "unsigned" in self.type
        if self.type == _NATIVE[pa.bool_()] or self.type == "bit(1)":
            return pa.bool_()
        if base in _INTEGERS:
            return _INTEGERS[base][unsigned]
        if base == "decimal":
            found = _DECLARED.match(self.type)
            digits, _, scale = (found[2] if found and found[2] else "10,0").partition(",")
            return decimal(int(digits), int(scale or 0))
        if base in _TIMES:
            return timed(base, self.fraction)
        if base in _BLOBS or base in GEOMETRIES:
            return pa.binary()
        return _OTHERS.get(base, pa.string())


_ROOM = {
    "tinytext": 255,
    "text": 65_535,
    "mediumtext": 16_777_215,
    "tinyblob": 255,
    "blob": 65_535,
    "mediumblob": 16_777_215,
}
_NARROW = {
    "mediumint": "its range is smaller",
    "char": "no blanks fit at the end",
    "enum": "only its labels fit",
    "set": "only its labels fit, in its order",
    "year": "only 0 and the years 1901 to 2155 fit",
    "uuid": "a text must be as MariaDB writes it",
    "inet4": "a text must be as MariaDB writes it",
    "inet6": "a text must be as MariaDB writes it",
}
_FLOATS = ("float", "double")
_TIMES = ("time", "datetime", "timestamp")
_OTHERS = {
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "year": pa.uint16(),
    "bit": pa.uint64(),
}


def timed(base: str, fraction: int) -> pa.DataType:
    """The type of a column of times with so many digits of a second."""
    unit = "s" if fraction == 0 else "ms" if fraction <= 3 else "us"
    if base == "time":
        return pa.time64("us") if unit == "us" else pa.time32(unit)
    return pa.timestamp(unit, "UTC" if base == "timestamp" else None)
