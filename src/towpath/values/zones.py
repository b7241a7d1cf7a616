"""Local times of a named zone as instants: exact, or said to have no one instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pyarrow as pa

from towpath.errors import UserError
from towpath.options import nearest
from towpath.values.logical import Kind, build_list, build_struct, elements, fields, kind, nulls, plain, plain_type
from towpath.values.textform_times import DAY, PER_SECOND, numbers

MISSING = "the clocks of {zone} skipped this local time"
TWICE = "the clocks of {zone} showed this local time twice"
UNKNOWN = "the clocks of {zone} are not known so far away"

_FIRST_DAY = datetime(1, 1, 2).toordinal() - datetime(1970, 1, 1).toordinal()
_LAST_DAY = datetime(9999, 12, 30).toordinal() - datetime(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1)
_NESTED = (Kind.STRUCT, Kind.LIST, Kind.MAP)


def find(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises UserError naming the nearest."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = available_timezones()
        todo = "for example Europe/Berlin or UTC" if known else "this machine has no time zones: pip install tzdata"
        raise UserError(
            f"there is no time zone {name!r}{nearest(name, known)}", todo=todo, code="timezone-unknown"
        ) from error


def zoned(type: pa.DataType) -> pa.DataType:
    """The type with its local timestamps, however deep, as instants of the same unit, with the zone UTC. A type that
    holds none stays as it is."""
    bare = plain_type(type)
    made = _zoned(bare)
    return type if made == bare else made


def to_instants(values: pa.Array, zone: ZoneInfo) -> tuple[pa.Array, dict[int, str]]:
    """The values in the type of `zoned`, and by row why a local time in it has no one instant (null there)."""
    target = zoned(values.type)
    return (values, {}) if target == values.type else _instants(plain(values), target, zone)


def _zoned(type: Any) -> Any:
    match kind(type):
        case Kind.LOCAL:
            return pa.timestamp(type.unit, "UTC")
        case Kind.STRUCT:
            return pa.struct([field.with_type(_zoned(field.type)) for field in fields(type)])
        case Kind.MAP:
            return pa.map_(
                type.key_field.with_type(_zoned(type.key_type)), type.item_field.with_type(_zoned(type.item_type))
            )
        case Kind.LIST:
            field = type.value_field.with_type(_zoned(type.value_type))
            if pa.types.is_fixed_size_list(type):
                return pa.list_(field, type.list_size)
            return pa.large_list(field) if pa.types.is_large_list(type) else pa.list_(field)
    return type


def _instants(values: pa.Array, target: Any, zone: ZoneInfo) -> tuple[pa.Array, dict[int, str]]:
    if values.type == target:
        return values, {}
    if kind(target) not in _NESTED:
        return _times(values, target, zone)
    null = nulls(values)
    bad: dict[int, str] = {}
    if kind(target) is Kind.STRUCT:
        parts = [
            _instants(child, field.type, zone) for child, field in zip(values.flatten(), fields(target), strict=True)
        ]
        for _, found in parts:
            bad = found | bad
        null[list(bad)] = True
        return build_struct(target, [made for made, _ in parts], null), bad
    child, lengths = elements(values)
    part, found = _instants(child, _element(target), zone)
    owner = np.repeat(np.arange(len(values)), lengths)
    for at in sorted(found):
        bad.setdefault(int(owner[at]), found[at])
    null[list(bad)] = True
    kept = part.take(pa.array(np.flatnonzero(~null[owner])))
    return build_list(target, kept, np.where(null, 0, lengths), null), bad


def _element(target: Any) -> Any:
    if pa.types.is_map(target):
        return pa.struct([("key", target.key_type), ("value", target.item_type)])
    return target.value_type


def _times(values: pa.Array, target: Any, zone: ZoneInfo) -> tuple[pa.Array, dict[int, str]]:
    per, stored, null = PER_SECOND[target.unit], numbers(values), nulls(values)
    offsets, bad = _offsets(stored // per, ~null, zone)
    if len(stored):  # the ends of int64, where an offset may lead beyond
        for row in np.flatnonzero(np.abs(stored.astype(float)) > 2.0**63 - 2.0 * DAY * per):
            if not -(2**63) <= int(stored[row]) - int(offsets[row]) * per < 2**63 and not null[row]:
                bad[int(row)] = UNKNOWN
    null[list(bad)] = True
    moved = np.where(null, 0, stored) - np.where(null, 0, offsets) * per
    reasons = {row: bad[row].format(zone=zone.key) for row in sorted(bad)}
    return pa.array(moved, pa.int64(), mask=null).view(target), reasons


def _offsets(seconds: np.ndarray, wanted: np.ndarray, zone: ZoneInfo) -> tuple[np.ndarray, dict[int, str]]:
    """How many seconds each local time (seconds since 1970) is ahead of UTC, and which have no one answer."""
    bad: dict[int, str] = {}
    days, place = np.unique(np.where(wanted, seconds // DAY, 0), return_inverse=True)
    steady = [_of_day(int(day), zone) for day in days]
    offsets = np.array([0 if one is None else one for one in steady], np.int64)[place]
    unsteady = np.array([one is None for one in steady], bool)[place] & wanted
    rows = np.flatnonzero(unsteady)
    moments, at = np.unique(seconds[rows], return_inverse=True)
    answers = [_of_moment(int(moment), zone) for moment in moments]
    for row, number in zip(rows.tolist(), at.tolist(), strict=True):
        answer = answers[number]
        if isinstance(answer, str):
            bad[row] = answer
        else:
            offsets[row] = answer
    return offsets, bad


def _of_day(day: int, zone: ZoneInfo) -> int | None:
    """The offset of a whole local day; None when a time of it may have another, or two. No zone has ever changed its
    clocks and changed them back within twelve hours."""
    if not _FIRST_DAY <= day <= _LAST_DAY:
        return None
    begin = _EPOCH + timedelta(days=day)
    times = [begin + timedelta(hours=hours) for hours in (0, 12, 24)]
    found = {_ahead(time.replace(fold=fold), zone) for time in times for fold in (0, 1)}
    return found.pop() if len(found) == 1 else None


def _of_moment(second: int, zone: ZoneInfo) -> int | str:
    if not _FIRST_DAY <= second // DAY <= _LAST_DAY:
        return UNKNOWN
    local = _EPOCH + timedelta(seconds=second)
    before, after = _ahead(local, zone), _ahead(local.replace(fold=1), zone)
    if before == after:
        return before
    return MISSING if before < after else TWICE


def _ahead(local: datetime, zone: ZoneInfo) -> int:
    offset = zone.utcoffset(local.replace(tzinfo=zone))
    assert offset is not None
    return round(offset / timedelta(seconds=1))
