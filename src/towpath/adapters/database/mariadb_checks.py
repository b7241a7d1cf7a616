"""Values that a column of MariaDB would keep as others, without a word.

What MariaDB says a word about (a value out of range, a text too long, a second one of a unique key) is a warning when
rows come by `load data local`, and any warning stops the load. These are the others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.adapters.database.mariadb_types import GEOMETRIES, Declared

_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_SIZE = re.compile(r"\((\d+)(?:,(\d+))?\)")
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_DAY = 86_400
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_FIRST_YEAR, _LAST_YEAR = 1901, 2155
_SRID_BYTES, _KIND_BYTES, _POINT_BYTES = 4, 4, 16
_KIND = _SRID_BYTES + 1
"""Where the kind of a shape stands: behind its reference system and the order of its bytes (which is ever the same)."""
_POINT, *_OTHER_SHAPES = (number.to_bytes(_KIND_BYTES, "little") for number in range(1, 8))


def changed_by(values: pa.Array, column: Declared) -> int | None:
    """The first row whose value the column would not keep as it is; None when it keeps all."""
    if values.null_count and not column.nullable:
        return int(pc.index(values.is_null(), True).as_py())
    lost = _lost(values, column)
    if lost is None:
        return None
    at = pc.index(lost, True).as_py()
    return None if at < 0 else int(at)


def _lost(values: pa.Array, column: Declared) -> pa.Array | None:
    base, type = column.base, values.type
    if pa.types.is_date(type) or pa.types.is_timestamp(type):
        return _or(_beyond_calendar(values), _too_fine(values, column.fraction))
    if pa.types.is_time(type):
        return _too_fine(values, column.fraction)
    if base == "year":
        return pc.and_(pc.not_equal(values, 0), pc.or_(pc.less(values, _FIRST_YEAR), pc.greater(values, _LAST_YEAR)))
    if pa.types.is_floating(type):
        return _rounded(values, column)
    if not (pa.types.is_string(type) or pa.types.is_binary(type)):
        return None
    if base == "char":
        return pc.ends_with(values, " ")
    if base == "binary":
        return pc.not_equal(pc.binary_length(values), int(_sizes(column)[0]))
    if base in GEOMETRIES:
        return _shapeless(values)
    if base == "enum":
        return pc.invert(pc.is_in(values, pa.array([*_labels(column), None], pa.string())))
    if base == "set":
        return _among(values, _ordered(_labels(column)))
    if base == "uuid":
        return pc.invert(pc.match_substring_regex(values, _UUID))
    return _among(values, _ADDRESSES[base]) if base in _ADDRESSES else None


def _beyond_calendar(values: pa.Array) -> pa.Array:
    """Before the year 1 or after 9999."""
    type = values.type
    if pa.types.is_date(type):
        number, first, last = values.cast(pa.int32()), _FIRST_DAY, _LAST_DAY
    else:
        per = _PER_SECOND[type.unit]
        number, first, last = values.cast(pa.int64()), _FIRST_DAY * _DAY * per, (_LAST_DAY + 1) * _DAY * per - 1
    return pc.or_(pc.less(number, first), pc.greater(number, last))


def _too_fine(values: pa.Array, digits: int) -> pa.Array | None:
    """More digits of a second than the column keeps, which would be cut off."""
    if pa.types.is_date(values.type) or _DIGITS[values.type.unit] <= digits:
        return None
    step = 10 ** (_DIGITS[values.type.unit] - digits)
    whole = pa.int32() if values.type.bit_width == 32 else pa.int64()
    number = np.asarray(values.cast(whole).fill_null(0).cast(pa.int64()))
    return pa.array(number % step != 0)


def _rounded(values: pa.Array, column: Declared) -> pa.Array | None:
    """`double(10,2)` rounds."""
    found = _SIZE.search(column.type)
    if found is None or found[2] is None:
        return None
    kept = np.asarray(values.fill_null(0))
    return pa.array(np.round(kept.astype(np.float64), int(found[2])).astype(kept.dtype) != kept)


def _shapeless(values: pa.Array) -> pa.Array:
    """What does not even begin as a shape does. Of what is wrong behind that, MariaDB names no column."""
    length, kind = pc.binary_length(values), pc.binary_slice(values, _KIND, _KIND + _KIND_BYTES)
    head = _KIND + _KIND_BYTES
    point = pc.and_(pc.equal(kind, _POINT), pc.greater_equal(length, head + _POINT_BYTES))
    other = pc.and_(pc.is_in(kind, pa.array(_OTHER_SHAPES, kind.type)), pc.greater_equal(length, head + _KIND_BYTES))
    return pc.and_(values.is_valid(), pc.invert(pc.or_(point, other)))


def _among(values: pa.Array, kept: Callable[[str], bool]) -> pa.Array:
    """The texts that are not kept as they are, each kind of them looked at once."""
    different = pc.unique(values).drop_null().to_pylist()
    return pc.invert(pc.is_in(values, pa.array([*filter(kept, different), None], pa.string())))


def _ordered(labels: list[str]) -> Callable[[str], bool]:
    """Sets are kept in the order of their labels, each once."""
    return lambda text: text == ",".join(one for one in labels if one in text.split(","))


def _address4(text: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(text)) == text
    except ValueError:
        return False


def _address6(text: str) -> bool:
    """MariaDB writes what holds an address of version 4 with its points, and a lone zero otherwise than others do."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    number, written = int(address), address.compressed
    if number >> 32 == 0xFFFF or 0xFFFF < number < 1 << 32:
        return text == f"::{'ffff:' if number >> 32 else ''}{ipaddress.IPv4Address(number & 0xFFFFFFFF)}"
    return text == written and ("::" in written or "0" not in written.split(":"))


_ADDRESSES = {"inet4": _address4, "inet6": _address6}


def _labels(column: Declared) -> list[str]:
    return [label.replace("''", "'") for label in _LABEL.findall(column.type)]


def _sizes(column: Declared) -> tuple[str, ...]:
    found = _SIZE.search(column.type)
    return tuple(one for one in (found.groups() if found else ("1",)) if one)


def _or(first: pa.Array, second: pa.Array | None) -> pa.Array:
    return first if second is None else pc.or_(first, second)
