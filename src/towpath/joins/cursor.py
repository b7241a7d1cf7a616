"""The cursor of a table: which rows a run reads, as an SQL condition on one column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from towpath.errors import Refused, UserError
from towpath.nouns import Checkpoint
from towpath.values import textform

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_LOOKBACK = re.compile(r"([0-9]+)([a-z]*)")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:([T ])([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_DAY = 86_400
_FIRST_DAY = -719_162  # 0001-01-01: databases know no day before it


@dataclass(frozen=True, slots=True)
class Cursor:
    """`monotonic`: later rows always have a greater value, so that equal ones need not be read again. `lookback`: how
    far before the checkpoint a run begins. `since` and `until` bound one run: from `since` on, up to but not with
    `until`. Raises UserError for a look-back that is none."""

    name: str
    monotonic: bool = False
    lookback: str | None = None
    since: str | None = None
    until: str | None = None

    def __post_init__(self) -> None:
        if self.lookback is not None:
            _span(self.lookback)

    def lower(self, since: Checkpoint | None, type: pa.DataType, shown: str) -> tuple[str, str] | None:
        """The comparison and the value that rows newer than a checkpoint meet; None when all do. Raises Refused for a
        checkpoint of another cursor, UserError for a look-back that does not fit the type."""
        if self.lookback is not None:
            _fit(self.lookback, type, self.name)
        if since is None:
            return None
        meant = {"column": self.name, "type": textform.type_name(type)}
        if since.kind != "cursor" or {name: since.value.get(name) for name in meant} != meant:
            raise Refused(
                f"the checkpoint is not one of the cursor {self.name!r} ({type})",
                where=shown,
                todo="load everything anew (--full-refresh)",
                code="checkpoint-foreign",
            )
        value = since.value["value"]
        if value is None:
            return None
        if self.lookback is None:
            return (">" if self.monotonic else ">="), value
        earlier = back(value, type, self.lookback, self.name)
        return None if earlier is None else (">=", earlier)

    def window(self, type: pa.DataType, shown: str) -> list[tuple[str, str]]:
        """The comparisons and values of `since` and `until`, as the cursor's type writes them."""
        bounds = [(">=", "since", self.since), ("<", "until", self.until)]
        found = [
            (sign, value(text, type, f"--{option}", self.name)) for sign, option, text in bounds if text is not None
        ]
        if len(found) == 2 and not before(found[0][1], found[1][1], type):
            raise UserError(
                f"--since {self.since} is not before --until {self.until}, so no row can lie between",
                where=shown,
                todo="rows are read from --since on, up to but not with --until",
                code="window-empty",
            )
        return found


def value(text: str, type: pa.DataType, asked: str, cursor: str) -> str:
    """A value as people write it, in the text form of the cursor's type. An instant without a zone is meant in UTC.

    Raises UserError naming the type."""
    for meant in (text, *_zoned(text, type)):
        values, bad = textform.read(pa.array([meant]), type)
        if not len(bad):
            return str(textform.write(values)[0].as_py())
    raise UserError(
        f"{asked} {text!r} is no {textform.type_name(type)}, the type of the cursor {cursor!r}",
        todo=f"write it like {_example(type)}",
        code="cursor-value-bad",
    )


def back(text: str, type: pa.DataType, lookback: str, cursor: str) -> str | None:
    """The value that lies `lookback` before another; None when that is before all values. A date goes back by whole
    days, rounded up; a time that is kept as text (ISO 8601, as in SQLite) in its own form. Raises UserError for a
    look-back that does not fit the type, or a text that is no time."""
    number, seconds = _fit(lookback, type, cursor)
    if seconds is None:
        return str(int(text) - number)
    if pa.types.is_string(type):
        return _text_back(text, seconds, cursor)
    per = _PER_SECOND[type.unit] if pa.types.is_timestamp(type) else 1
    stored = _stored(text, type)
    if pa.types.is_date(type):
        days = stored - -(-seconds // _DAY)
        return None if days < _FIRST_DAY else _written(days, pa.date32(), type)
    earlier = stored - seconds * per
    return None if earlier < max(_FIRST_DAY * _DAY * per, -(2**63) + 1) else _written(earlier, type, type)


def _text_back(text: str, seconds: int, cursor: str) -> str | None:
    found = _TIME.fullmatch(text)
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[3] or '00:00'}" if found else "")
    except ValueError:
        raise UserError(
            f"the cursor {cursor!r} was read up to {text!r}, and that is no date or time to look back from",
            todo="look back where it is one (2026-01-31, or 2026-01-31 12:00:00), or choose another cursor",
            code="lookback-bad",
        ) from None
    assert found is not None
    day = found[3] is None
    try:
        earlier = moment - timedelta(seconds=-(-seconds // _DAY) * _DAY if day else seconds)
    except OverflowError:
        return None
    if day:
        return earlier.date().isoformat()
    written = earlier.isoformat(found[2], "microseconds")[: len(f"{found[1]} {found[3]}")]
    return written + (found[4] or "")


def _fit(lookback: str, type: pa.DataType, cursor: str) -> tuple[int, int | None]:
    """The span of a look-back. Raises UserError when it does not fit the cursor's type."""
    number, seconds = _span(lookback)
    timed = pa.types.is_date(type) or pa.types.is_timestamp(type) or pa.types.is_string(type)
    if timed != (seconds is not None) or not (timed or pa.types.is_integer(type)):
        todo = "write it like 1h, 2d or 30m" if timed else "write a number" if pa.types.is_integer(type) else ""
        raise UserError(
            f"the look-back {lookback!r} does not fit the cursor {cursor!r} ({textform.type_name(type)})",
            todo=todo or "choose a cursor of integers, dates or timestamps",
            code="lookback-bad",
        )
    return number, seconds


def before(first: str, second: str, type: pa.DataType) -> bool:
    """Whether one value of the type, in its text form, is less than another."""
    if pa.types.is_integer(type):
        return int(first) < int(second)
    if pa.types.is_date(type) or pa.types.is_timestamp(type):
        return _stored(first, type) < _stored(second, type)
    return first.encode() < second.encode()


def _stored(text: str, type: pa.DataType) -> int:
    """The integer that stands for a time: days of a date, the unit's ticks of a timestamp."""
    values, _ = textform.read(pa.array([text]), pa.date32() if pa.types.is_date(type) else type)
    return int(np.asarray(values.view(pa.int32() if pa.types.is_date(type) else pa.int64()))[0])


def _written(stored: int, made: pa.DataType, type: pa.DataType) -> str:
    values = pa.array([stored], pa.int32() if pa.types.is_date(made) else pa.int64()).view(made)
    return str(textform.write(values.cast(type))[0].as_py())


def _span(lookback: str) -> tuple[int, int | None]:
    """A look-back as a number, and in seconds when it has a unit. Raises UserError."""
    found = _LOOKBACK.fullmatch(lookback.strip())
    if found is None or (found[2] and found[2] not in _SECONDS):
        raise UserError(
            f"the look-back {lookback!r} is no span",
            todo="write it like 90s, 30m, 1h, 2d or 1w, or as a number for a cursor of integers",
            code="lookback-bad",
        )
    number = int(found[1])
    return number, number * _SECONDS[found[2]] if found[2] else None


def _zoned(text: str, type: pa.DataType) -> list[str]:
    if not pa.types.is_timestamp(type) or type.tz is None:
        return []
    return [f"{text}Z", f"{text} 00:00Z"]


def _example(type: pa.DataType) -> str:
    if pa.types.is_integer(type):
        return "1234"
    if pa.types.is_date(type):
        return "2026-01-31"
    return "2026-01-31, or 2026-01-31 12:00:00" + ("Z" if type.tz is not None else "")
