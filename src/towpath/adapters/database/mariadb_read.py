"""How the columns of a query become Arrow: from the text that the server sends for each type.

Which type a column has may depend on its values: one that has a date with a zero in it, or a time beyond the day, is
read as text, and a `tinyint(1)` that has more than 0 and 1 as a number. A query over the rows says so beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE as KIND

from towpath.adapters.database.mariadb_types import decimal, quote, timed
from towpath.adapters.database.mariadb_wire import Field
from towpath.errors import DataError, TypeUnfit
from towpath.values import textform

_UNSIGNED, _BINARY = 32, 63
_INTEGERS = {
    KIND.TINY: (pa.int8(), pa.uint8()),
    KIND.SHORT: (pa.int16(), pa.uint16()),
    KIND.INT24: (pa.int32(), pa.uint32()),
    KIND.LONG: (pa.int32(), pa.uint32()),
    KIND.LONGLONG: (pa.int64(), pa.uint64()),
}
_TIMES = {KIND.TIME: "time", KIND.DATETIME: "datetime", KIND.TIMESTAMP: "timestamp"}
_OTHERS = {
    KIND.NULL: pa.null(),
    KIND.FLOAT: pa.float32(),
    KIND.DOUBLE: pa.float64(),
    KIND.YEAR: pa.uint16(),
    KIND.DATE: pa.date32(),
    KIND.NEWDATE: pa.date32(),
    KIND.GEOMETRY: pa.binary(),
}
_MOST_FRACTION = 6
_FIRST_DAY = -719_162  # 0001-01-01

Parse = Callable[[pa.Array, pa.DataType], pa.Array]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a query. `sql` selects it from the query's rows; `unless` is the condition of a value that `type`
    does not hold, in which case the column has the type `wide`. `presumed`: nobody has asked for such values."""

    name: str
    type: pa.DataType
    sql: str
    parse: Parse
    unless: str = ""
    wide: pa.DataType | None = None
    presumed: bool = False

    @property
    def plain(self) -> pa.DataType | None:
        """The type, if a cell that is plainly written in it needs no more than that; `read` takes its values too."""
        known = self.parse in _PLAIN and (not pa.types.is_timestamp(self.type) or self.type.tz in (None, "UTC"))
        return self.type if known else None

    def read(self, cells: pa.Array, where: str) -> pa.Array:
        """The values of cells as the server sent them. Raises DataError for one that is none, by way of TypeUnfit where
        the type is presumed."""
        if cells.type == self.plain:
            return cells
        try:
            values = self.parse(cells, self.type)
            if self.presumed:
                _refuse_year_zero(values)
        except pa.ArrowInvalid as error:
            wrong = DataError(
                f"column {self.name}: a value is no {textform.type_name(self.type)} ({error})",
                where=where,
                todo="read the column as text: a query with `cast(column as char)`",
                code="type-violated",
            )
            if self.presumed:
                raise TypeUnfit(wrong.what, where=where, todo="run again") from wrong
            raise wrong from error
        return values

    def known_as(self, type: pa.DataType) -> Column:
        """The column as it was found before: also a type that was asked for its values may be presumed."""
        if not self.unless:
            return self
        return replace(self, presumed=True) if type == self.type else self.widened()

    def widened(self) -> Column:
        assert self.wide is not None
        return replace(self, type=self.wide, parse=_parsed, unless="", wide=None)


def column(field: Field, own: pa.DataType | None) -> Column:
    """How a column is read; `own` is the type that its comment tells."""
    name = quote(field.name)
    if own is not None:
        timed_own = pa.types.is_timestamp(own)
        unless = _zeros(name) if timed_own else ""
        return Column(field.name, own, name, _instant if timed_own else _text_form, unless, pa.string())
    type = _type(field)
    found = Column(field.name, type, name, _parsed)
    if field.kind == KIND.BIT:
        return replace(found, parse=_bits)
    if pa.types.is_float32(type):  # a float's own text has six digits
        return replace(found, sql=f"cast({name} as double) as {name}", parse=_single)
    if pa.types.is_boolean(type):
        return replace(found, unless=f"{name} not in (0, 1)", wide=pa.int8())
    if pa.types.is_time(type):
        beyond = f"{name} < '00:00:00' or {name} > '23:59:59.999999'"
        return replace(found, parse=_time, unless=beyond, wide=pa.string())
    if pa.types.is_timestamp(type) or pa.types.is_date(type):
        parse = _instant if pa.types.is_timestamp(type) else _parsed
        return replace(found, parse=parse, unless=_zeros(name), wide=pa.string())
    return found


def _type(field: Field) -> pa.DataType:
    unsigned = bool(field.flags & _UNSIGNED)
    if field.kind == KIND.TINY and field.length == 1 and not unsigned:
        return pa.bool_()
    if field.kind in _INTEGERS:
        return _INTEGERS[field.kind][unsigned]
    if field.kind in (KIND.DECIMAL, KIND.NEWDECIMAL):
        digits = field.length - (not unsigned) - (field.decimals > 0)
        return decimal(max(digits, field.decimals, 1), field.decimals)
    if field.kind in _TIMES:
        return timed(_TIMES[field.kind], min(field.decimals, _MOST_FRACTION))
    if field.kind == KIND.BIT:
        return pa.bool_() if field.length == 1 else pa.uint64()
    if field.kind in _OTHERS:
        return _OTHERS[field.kind]
    return pa.binary() if field.charset == _BINARY and field.kind != KIND.JSON else pa.string()


def _refuse_year_zero(values: pa.Array) -> None:
    """Arrow has a year zero, which counts as zeros here."""
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        first = pc.min(values)
        if first.is_valid and first.cast(pa.date32()).value < _FIRST_DAY:
            raise pa.ArrowInvalid("a date in the year zero")


def _zeros(name: str) -> str:
    """Dates that no calendar has: with a month or day of zero, or in the year zero."""
    return f"{name} < '0001-01-01' or month({name}) = 0 or dayofmonth({name}) = 0"


def _parsed(cells: pa.Array, type: pa.DataType) -> pa.Array:
    if pa.types.is_null(type):
        return pa.nulls(len(cells))
    if pa.types.is_binary(type):
        return cells
    return cells.cast(pa.string()).cast(type)


def _single(cells: pa.Array, type: pa.DataType) -> pa.Array:
    return _parsed(cells, pa.float64()).cast(type)


def _instant(cells: pa.Array, type: pa.DataType) -> pa.Array:
    """Times without a zone, which are in UTC where the type has one."""
    local = _parsed(cells, pa.timestamp(type.unit))
    return local if type.tz is None else local.cast(pa.timestamp(type.unit, "UTC")).cast(type)


def _time(cells: pa.Array, type: pa.DataType) -> pa.Array:
    dated = pc.binary_join_element_wise("1970-01-01", cells.cast(pa.string()), " ")
    return dated.cast(pa.timestamp(type.unit)).cast(type)


def _bits(cells: pa.Array, type: pa.DataType) -> pa.Array:
    """Bits come as bytes, the highest first, equally many in each row."""
    width = next((len(one) for one in cells.drop_null()[:1].to_pylist()), 1)
    held = cells.fill_null(bytes(width))
    offsets = np.frombuffer(held.buffers()[1], np.int32)[held.offset : held.offset + len(held) + 1]
    data = np.frombuffer(held.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]].reshape(len(held), width)
    numbers = np.zeros(len(held), np.uint64)
    for byte in range(width):
        numbers = (numbers << np.uint64(8)) | data[:, byte].astype(np.uint64)
    null = cells.is_null().to_numpy(zero_copy_only=False)
    return pa.array(numbers != 0 if pa.types.is_boolean(type) else numbers, type, mask=null)


def _text_form(cells: pa.Array, type: pa.DataType) -> pa.Array:
    texts = cells.cast(pa.string())
    values, bad = textform.read(texts, type)
    if len(bad):
        raise pa.ArrowInvalid(repr(texts[int(bad[0])].as_py()))
    return values


_PLAIN = (_parsed, _single, _instant, _time)
