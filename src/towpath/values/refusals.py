"""Values that a destination refuses although their type fits (`Stored.refuses` lists them)."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.values import textform
from towpath.values.logical import Kind, elements, fields, kind, nulls
from towpath.values.textform_times import DAY, PER_SECOND, numbers

_NAMES = {
    "nan": "NaN",
    "inf": "infinity",
    "minus-zero": "-0.0",
    "nul": "text with U+0000",
    "twins": "a map with a key twice",
    "endless": "the first and last values of its type",
    "nanoseconds": "nanoseconds in an interval",
}
_BY_KIND = {
    Kind.FLOAT: ("nan", "inf", "minus-zero"),
    Kind.TEXT: ("nul",),
    Kind.INTERVAL: ("nanoseconds",),
    Kind.DURATION: ("endless",),
}
_TIMES = (Kind.DATE, Kind.LOCAL, Kind.INSTANT, Kind.DURATION)
_FIRST_MICROSECOND = -9_223_372_022_400_000_000  # of 290309 BC, the first day of which int64 holds every one


def minus_zero(floats: np.ndarray) -> np.ndarray:
    """Which of them are -0.0."""
    return np.asarray((floats == 0) & np.signbit(floats))


_FLOATS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"nan": np.isnan, "inf": np.isinf, "minus-zero": minus_zero}


def refusing(source: Any, target: Any, refuses: Set[str]) -> str:
    """The refused values that a column of `source` could bring to `target`, in words; empty when there are none."""
    possible = _reaching(source, target) & refuses
    return " or ".join(words for name, words in _NAMES.items() if name in possible)


def _reaching(source: Any, target: Any) -> set[str]:
    have, want = kind(source), kind(target)
    if have is not want:
        return set()
    if have is Kind.STRUCT:
        inner = {field.name: field.type for field in fields(source)}
        return set().union(*(_reaching(inner[field.name], field.type) for field in fields(target)))
    if have is Kind.LIST:
        return _reaching(source.value_type, target.value_type)
    if have is Kind.MAP:
        inside = _reaching(source.key_type, target.key_type) | _reaching(source.item_type, target.item_type)
        return {"twins"} | inside
    if have in (Kind.LOCAL, Kind.INSTANT) and source.unit == "ns":
        return {"endless"}  # what takes the year 290000 for infinity has the years 1 to 9999 whole in other units
    return set(_BY_KIND.get(have, ()))


def refused_rows(values: pa.Array, refuses: Set[str]) -> np.ndarray:
    """The ascending numbers of the rows that hold a refused value, however deep."""
    if not refuses:
        return np.empty(0, np.int64)
    return np.flatnonzero(_refused(values, refuses))


def too_long(texts: pa.Array, longest: int) -> np.ndarray:
    """The ascending numbers of the rows whose text has more characters (code points)."""
    return np.flatnonzero(_mask(pc.greater(pc.utf8_length(texts), longest)))


def _refused(values: pa.Array, refuses: Set[str]) -> np.ndarray:
    found = kind(values.type)
    if found is Kind.STRUCT:
        parts = [_refused(child, refuses) for child in values.flatten()]
        return np.logical_or.reduce([np.zeros(len(values)), *parts])
    if found in (Kind.LIST, Kind.MAP):
        child, lengths = elements(values)
        gone = np.zeros(len(values), bool)
        owner = np.repeat(np.arange(len(values)), lengths)
        gone[owner[_refused(child, refuses)]] = True
        if found is Kind.MAP and "twins" in refuses:
            gone[_with_twins(child.flatten()[0], owner)] = True
        return gone
    if found is Kind.INTERVAL and "nanoseconds" in refuses:
        return np.array([value is not None and value.nanoseconds % 1000 != 0 for value in values.to_pylist()], bool)
    if found is Kind.TIME and "midnight" in refuses:
        return _known(values, numbers(values) >= DAY * PER_SECOND[values.type.unit])
    if found in _TIMES and "endless" in refuses:
        return _known(values, _endless(values))
    if found is Kind.TEXT and "nul" in refuses:
        return _mask(pc.match_substring(values, "\0"))
    if found is Kind.FLOAT:
        floats = np.asarray(values)
        odds = [test(floats) for name, test in _FLOATS.items() if name in refuses]
        return _known(values, np.logical_or.reduce([np.zeros(len(values)), *odds]))
    return np.zeros(len(values), bool)


def _with_twins(keys: pa.Array, owner: np.ndarray) -> np.ndarray:
    """The maps that have a key twice; `owner` is the map of each key."""
    codes = np.asarray(pc.dictionary_encode(textform.write(keys)).indices)
    pairs, counts = np.unique(np.stack([owner, codes]), axis=1, return_counts=True)
    return np.asarray(pairs[0][counts > 1])


def _endless(values: pa.Array) -> np.ndarray:
    """Which dates and times a system that counts microseconds, or days, has no place for, or takes for infinity."""
    count = numbers(values)
    if pa.types.is_date32(values.type):
        return np.asarray((count < -(2**31) + 2) | (count > 2**31 - 2))
    per = 1000 if pa.types.is_date64(values.type) else PER_SECOND[values.type.unit]
    if pa.types.is_duration(values.type):
        most = (2**63 - 1) // (PER_SECOND["ns"] // per)
        return np.asarray((count < -most) | (count > most))
    if per > PER_SECOND["us"]:
        return np.asarray((count < -(2**63) + 2) | (count > 2**63 - 2))
    step = PER_SECOND["us"] // per
    return np.asarray((count < -(-_FIRST_MICROSECOND // step)) | (count > (2**63 - 2) // step))


def _known(values: pa.Array, odd: np.ndarray) -> np.ndarray:
    """The rows in `odd` that are not null."""
    return odd & ~nulls(values)


def _mask(flags: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(flags, False))
