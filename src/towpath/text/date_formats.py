"""Dates and timestamps written in a strptime format, each different text parsed once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

import pyarrow as pa

from towpath.errors import UserError
from towpath.values.convert import cast

_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_NAMED = re.compile(r"([^=%]+)=(.*%.*)", re.DOTALL)
_CLOCK = frozenset("HIMSfpcX")
_WHOLE_DATE = ("YycxG", "mbBjcxV", "djcxu")
_EXAMPLE = "for example %d/%m/%Y or %d/%m/%Y %H:%M:%S"


@dataclass(frozen=True, slots=True)
class DateFormats:
    """One strptime format for all columns (`general`), and others for some by name."""

    general: str | None = None
    named: Mapping[str, str] = field(default_factory=dict)

    def of(self, column: str) -> str | None:
        return self.named.get(column, self.general)


def parse(texts: Sequence[str]) -> DateFormats:
    """Formats as people write them: `%d/%m/%Y` for all columns, or `NAME=%d/%m/%Y` for one. Raises UserError for a
    wrong one, for two that are for all, or two for one column."""
    general: str | None = None
    named: dict[str, str] = {}
    for text in texts:
        found = _NAMED.fullmatch(text)
        check(found[2] if found else text)
        if found:
            if found[1] in named:
                raise UserError(f"date_format: column {found[1]} has two formats", code="option-wrong")
            named[found[1]] = found[2]
        elif general is not None:
            raise UserError(
                f"date_format: {general!r} and {text!r} are both for all columns",
                todo="name the column of one: NAME=FORMAT",
                code="option-wrong",
            )
        else:
            general = text
    return DateFormats(general, named)


def check(date_format: str) -> None:
    """Raises UserError for a directive that strptime does not know, one that stands twice or would forget a part of the
    text, and a format that does not give a whole date."""
    signs = _DIRECTIVE.findall(date_format)
    for sign in signs:
        if not sign or not _known(sign):
            raise _wrong(date_format, f"there is no directive %{sign}" if sign else "it ends in a single %")
    try:
        datetime.strptime("", date_format)
    except re.error:  # also within what %c and %x stand for
        raise _wrong(date_format, "a directive stands in it twice") from None
    except ValueError:
        pass  # no date, of course
    if "Z" in signs:
        raise _wrong(date_format, "%Z would read a zone's name and forget it", "use %z, which reads an offset (+02:00)")
    if "I" in signs and "p" not in signs:
        raise _wrong(date_format, "%I is one of two hours without %p (AM, PM)", "add %p, or use %H")
    if not all(set(part) & set(signs) for part in _WHOLE_DATE):
        raise _wrong(date_format, "a year, month or day is missing, which would be made up")


def type_of(date_format: str) -> pa.DataType:
    """The type that a format describes: a date, a local timestamp, or with %z an instant."""
    signs = set(_DIRECTIVE.findall(date_format))
    if "z" in signs:
        return pa.timestamp("us", "UTC")
    return pa.timestamp("us") if signs & _CLOCK else pa.date32()


def read(texts: pa.Array, date_format: str, type: pa.DataType) -> pa.Array:
    """Values of a date or timestamp type; null where a text is no such value, or finer or farther than the type."""
    coded = texts.dictionary_encode()
    parsed = [_parse(text, date_format, type) for text in coded.dictionary.to_pylist()]
    made = pa.date32() if pa.types.is_date(type) else pa.timestamp("us", type.tz)
    return cast(pa.array(parsed, made), made, type).values.take(coded.indices)


def _known(sign: str) -> bool:
    try:
        datetime.strptime("", f"%{sign}")
    except ValueError as error:
        return "does not match" in str(error)
    return True


def _wrong(date_format: str, why: str, todo: str = _EXAMPLE) -> UserError:
    return UserError(f"date_format {date_format!r} is wrong: {why}", todo=todo, code="option-wrong")


def _parse(text: str, date_format: str, type: pa.DataType) -> datetime | None:
    try:
        value = datetime.strptime(text, date_format)
    except ValueError:
        return None
    aware = value.tzinfo is not None
    if pa.types.is_date(type):
        return value if not aware and value.time() == time() else None
    return value if aware == (type.tz is not None) else None
