"""Types by the names that people write: `decimal(12,2)`, `timestamp(us, UTC)`, `struct<a: list<text>>`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from towpath.errors import UserError
from towpath.options import nearest
from towpath.values.logical import Kind, fields, kind, plain_type

_PLAIN: dict[str, pa.DataType] = {
    "text": pa.string(),
    "string": pa.string(),
    "varchar": pa.string(),
    "bool": pa.bool_(),
    "boolean": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "integer": pa.int64(),
    "int": pa.int64(),
    "bigint": pa.int64(),
    "float16": pa.float16(),
    "float32": pa.float32(),
    "real": pa.float32(),
    "float64": pa.float64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "binary": pa.binary(),
    "bytes": pa.binary(),
    "interval": pa.month_day_nano_interval(),
    "null": pa.null(),
}
_UNITS = ("s", "ms", "us", "ns")
_TAKING = (
    "decimal",
    "numeric",
    "time",
    "timestamp",
    "timestamptz",
    "instant",
    "duration",
    "list",
    "struct",
    "map",
)
_TOKEN = re.compile(r'\s*("(?:[^"]|"")*"|[A-Za-z_][\w/+-]*|[0-9]+|[+-]\d\d:\d\d|[(),:<>])')
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def parse_type(text: str, where: str = "") -> pa.DataType:
    """A type from the name that people write. Names ignore case, save for struct fields and zones.

    Raises UserError at `where` naming the nearest."""
    parser = _Parser(text, where)
    found = parser.type()
    if parser.tokens:
        raise parser.wrong(f"nothing follows a whole type, but {parser.tokens[0]!r} does")
    return found


_COMMON = (
    "the most used: text, int64, float64, decimal(12,2), bool, date, time, timestamp, binary; "
    "all: `tow explain type-unknown`"
)


class _Parser:
    """Reads one type name, token by token."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.tokens = [found.group(1) for found in _TOKEN.finditer(text)]
        if "".join(self.tokens) != re.sub(r"\s+", "", text) and '"' not in text:
            raise self.wrong("it has a character that no type has")

    def wrong(self, why: str) -> UserError:
        return UserError(f"{self.text!r} is not a type: {why}", where=self.where, todo=_COMMON, code="type-unknown")

    def next(self) -> str:
        if not self.tokens:
            raise self.wrong("it ends too soon; where commas part values, put it in quotes")
        return self.tokens.pop(0)

    def expect(self, sign: str) -> None:
        found = self.next()
        if found != sign:
            raise self.wrong(f"{sign!r} belongs where {found!r} stands")

    def type(self) -> pa.DataType:
        name = self.next().lower()
        maker = _MAKERS.get(name)
        if maker is not None:
            return maker(self)
        if name not in _PLAIN:
            raise self.wrong(f"there is no {name!r}{nearest(name, [*_PLAIN, *_TAKING])}")
        if name in ("binary", "bytes") and self.tokens[:1] == ["("]:
            return pa.binary(self.number(self.arguments()[0]))
        return _PLAIN[name]

    def arguments(self) -> list[str]:
        """The words within the parentheses that follow, if any do."""
        if self.tokens[:1] != ["("]:
            return []
        self.next()
        found = [self.next()]
        while (sign := self.next()) == ",":
            found.append(self.next())
        if sign != ")":
            raise self.wrong(f"')' belongs where {sign!r} stands")
        return found

    def number(self, word: str) -> int:
        if not word.isdecimal():
            raise self.wrong(f"{word!r} is not a number")
        return int(word)

    def unit(self, arguments: list[str], most: int = 1) -> str:
        if len(arguments) > most:
            raise self.wrong(f"it takes {most} at most, not {len(arguments)}")
        unit = arguments[0].lower() if arguments else "us"
        if unit not in _UNITS:
            raise self.wrong(f"{unit!r} is not a unit ({', '.join(_UNITS)})")
        return unit


def _decimal(parser: _Parser) -> pa.DataType:
    arguments = [parser.number(word) for word in parser.arguments()]
    if len(arguments) not in (1, 2):
        raise parser.wrong("a decimal says how many digits it has, and how many after the point: decimal(12,2)")
    precision, scale = (*arguments, 0)[:2]
    if not 1 <= precision <= 76 or scale > precision:
        raise parser.wrong("a decimal has 1 to 76 digits, and no more after the point")
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _time(parser: _Parser) -> pa.DataType:
    unit = parser.unit(parser.arguments())
    return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)


def _timestamp(parser: _Parser) -> pa.DataType:
    arguments = parser.arguments()
    return pa.timestamp(parser.unit(arguments, most=2), *arguments[1:])


def _instant(parser: _Parser) -> pa.DataType:
    return pa.timestamp(parser.unit(parser.arguments()), "UTC")


def _duration(parser: _Parser) -> pa.DataType:
    return pa.duration(parser.unit(parser.arguments()))


def _list(parser: _Parser) -> pa.DataType:
    parser.expect("<")
    found = pa.list_(parser.type())
    parser.expect(">")
    return found


def _map(parser: _Parser) -> pa.DataType:
    parser.expect("<")
    key = parser.type()
    parser.expect(",")
    found = pa.map_(key, parser.type())
    parser.expect(">")
    return found


def _struct(parser: _Parser) -> pa.DataType:
    parser.expect("<")
    found: list[pa.Field] = []
    sign = ">" if parser.tokens[:1] == [">"] else ","
    if sign == ">":
        parser.next()
    while sign == ",":
        name = parser.next()
        parser.expect(":")
        found.append(pa.field(name[1:-1].replace('""', '"') if name[0] == '"' else name, parser.type()))
        sign = parser.next()
    if sign != ">":
        raise parser.wrong(f"'>' belongs where {sign!r} stands")
    if len({field.name for field in found}) != len(found):
        raise parser.wrong("it names a field twice")
    return pa.struct(found)


_MAKERS: dict[str, Callable[[_Parser], pa.DataType]] = {
    "decimal": _decimal,
    "numeric": _decimal,
    "time": _time,
    "timestamp": _timestamp,
    "timestamptz": _instant,
    "instant": _instant,
    "duration": _duration,
    "list": _list,
    "map": _map,
    "struct": _struct,
}


def type_name(type: Any) -> str:
    """The name that `parse_type` reads. Types that differ in layout only (dictionaries) share one."""
    return _name(plain_type(type))


def _name(type: Any) -> str:
    found = kind(type)
    if found in _NAMES:
        return _NAMES[found](type)
    return {Kind.INTERVAL: "interval", Kind.DATE: "date", Kind.TEXT: "text", Kind.BOOL: "bool"}.get(found) or _width(
        type
    )


def _width(type: Any) -> str:
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(str(type), str(type))


def _unit_name(word: str) -> Callable[[Any], str]:
    return lambda of: word if of.unit == "us" else f"{word}({of.unit})"


def _bytes_name(type: Any) -> str:
    return f"binary({type.byte_width})" if pa.types.is_fixed_size_binary(type) else "binary"


def _struct_name(type: Any) -> str:
    parts = [f"{_field_name(field.name)}: {_name(field.type)}" for field in fields(type)]
    return f"struct<{', '.join(parts)}>"


def _field_name(name: str) -> str:
    return name if _WORD.fullmatch(name) else '"' + name.replace('"', '""') + '"'


_NAMES: dict[Kind, Callable[[Any], str]] = {
    Kind.DECIMAL: lambda of: f"decimal({of.precision},{of.scale})",
    Kind.BYTES: _bytes_name,
    Kind.TIME: _unit_name("time"),
    Kind.LOCAL: _unit_name("timestamp"),
    Kind.INSTANT: lambda of: f"timestamp({of.unit}, {of.tz})",
    Kind.DURATION: _unit_name("duration"),
    Kind.LIST: lambda of: f"list<{_name(of.value_type)}>",
    Kind.STRUCT: _struct_name,
    Kind.MAP: lambda of: f"map<{_name(of.key_type)}, {_name(of.item_type)}>",
}
