"""What each value of a column contributes to its row's hash, an array at a time (rules: docs/reference/digest.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.digest import reference as spec
from towpath.digest.words import (
    Lanes,
    keyed,
    mix,
    of_binary,
    of_decimals,
    of_views,
    of_words,
    places,
    stored,
    sums,
    takes,
)
from towpath.values.logical import Kind, elements, fields, kind, nulls, plain, plain_type
from towpath.values.textform_times import days, numbers

_ENOUGH, _SPREAD = 1024, 4  # rows, and how many of them there must be to a number within their range
_key = lru_cache(maxsize=4096)(spec.key)
_kind = lru_cache(maxsize=1024)(kind)


@lru_cache(maxsize=1024)
def _is_plain(type: pa.DataType) -> bool:
    return bool(plain_type(type) == type)


@dataclass(slots=True)
class _States:
    """The state of every value in both lanes. `wide`: rows of the kind `<name>+`, and their own states."""

    name: str
    lanes: Lanes
    wide: tuple[np.ndarray, Lanes] | None = None

    def keyed(self, name: str) -> Lanes:
        """What the values contribute under a name."""
        return self._lane(0, name), self._lane(1, name)

    def without(self, missing: np.ndarray) -> _States:
        return self

    def _lane(self, k: int, name: str) -> np.ndarray:
        part = keyed(self.lanes[k], _key(k, name, self.name))
        if self.wide is not None:
            rows, lanes = self.wide
            part[rows] = keyed(lanes[k], _key(k, name, self.name + "+"))
        return part


@dataclass(slots=True)
class _Numbers:
    """Values that are told by integers (anything for null), and their states. Where many share a narrow range, each
    integer of the range is hashed once."""

    stored: np.ndarray
    states: Callable[[np.ndarray], _States]

    def keyed(self, name: str) -> Lanes:
        """What the values contribute under a name."""
        numbers = self.stored
        if len(numbers) >= _ENOUGH:
            low, high = int(numbers.min()), int(numbers.max())
            if (high - low) * _SPREAD < len(numbers):
                least = numbers.dtype.type(low)
                index = numbers - least
                first, second = self.states(np.arange(high - low + 1, dtype=numbers.dtype) + least).keyed(name)
                return first.take(index), second.take(index)
        return self.states(numbers).keyed(name)

    def without(self, missing: np.ndarray) -> _Numbers:
        """The same with a number of another row where one is missing, so that the range stays as narrow."""
        known = self.stored[~missing]
        return _Numbers(np.where(missing, known[0], self.stored), self.states) if len(known) else self


def parts(values: pa.Array, name: str) -> Lanes:
    """The contribution of every value of a column, in both lanes; the arrays are the caller's to change."""
    if pa.types.is_dictionary(values.type):
        return _by_dictionary(values, name)
    if not _is_plain(values.type) and not takes(values.type):
        values = plain(values)
    found = _kind(values.type)
    if found is Kind.NULL:
        return _nothing(len(values), name)
    made = _STATES[found](values)
    if not values.null_count:
        return made.keyed(name)
    missing = nulls(values)
    first, second = made.without(missing).keyed(name)
    first[missing], second[missing] = _null_part(0, name), _null_part(1, name)
    return first, second


def _nothing(count: int, name: str) -> Lanes:
    """The contribution of so many nulls."""
    return np.full(count, _null_part(0, name)), np.full(count, _null_part(1, name))


def _null_part(k: int, name: str) -> np.uint64:
    return np.uint64(spec.mix(_key(k, name, "null")))


def _by_dictionary(values: Any, name: str) -> Lanes:
    if len(values.dictionary) == 0:
        return _nothing(len(values), name)
    missing = nulls(values.indices)
    index = pc.fill_null(values.indices, 0).to_numpy()
    first, second = (distinct[index] for distinct in parts(values.dictionary, name))
    first[missing], second[missing] = _null_part(0, name), _null_part(1, name)
    return first, second


def _single(name: str, words: np.ndarray) -> _States:
    return _States(name, (words, words))


def _bools(values: pa.Array) -> _States:
    return _single("bool", _known(values).astype(np.uint64))


def _integers(values: pa.Array) -> _Numbers:
    known = _known(values)
    if known.dtype == np.uint64:
        return _Numbers(known, _wide_integers)
    return _Numbers(np.asarray(known, np.int64), lambda numbers: _single("integer", numbers.view(np.uint64)))


def _wide_integers(numbers: np.ndarray) -> _States:
    wide = np.flatnonzero(numbers >> np.uint64(63))
    if len(wide) == 0:
        return _single("integer", numbers)
    return _States("integer", (numbers, numbers), (wide, of_words(numbers[wide], np.zeros(len(wide), np.uint64))))


def _floats(values: pa.Array) -> _States:
    if pa.types.is_float16(values.type):
        values = pc.cast(values, pa.float32())
    known = _known(values)
    if known.dtype == np.float64:
        name, bits, quiet = "float64", known.view(np.uint64), 0x7FF8 << 48
    else:
        name, bits, quiet = "float32", known.view(np.uint32).astype(np.uint64), 0x7FC0 << 16
    odd = np.isnan(known)
    return _single(name, np.where(odd, np.uint64(quiet), bits) if odd.any() else bits)


def _decimals(values: Any) -> _Numbers | _States:
    if values.type.bit_width < 128:
        values = pc.cast(values, pa.decimal128(values.type.precision, values.type.scale))
    count, width = len(values), values.type.bit_width // 64
    words = stored(values, np.dtype(np.int64), width).reshape(count, width)
    low = words[:, 0].copy()
    wide = (words[:, 1] != low >> 63) if width == 2 else (words[:, 1:] != (words[:, :1] >> 63)).any(axis=1)
    if values.null_count:
        wide &= ~nulls(values)
    scale = values.type.scale
    if not wide.any():
        return _Numbers(low, lambda numbers: _States("decimal", of_decimals(numbers.copy(), scale)))
    states = of_decimals(low, scale)
    large = np.flatnonzero(wide)
    for row, value in zip(large, values.take(pa.array(large)).to_pylist(), strict=True):
        content = spec.decimal_bytes(value)
        for k in (0, 1):
            states[k][row] = spec.words_state(k, content)
    return _States("decimal", states)


def _binary(name: str, values: pa.Array) -> _States:
    return _States(name, of_views(values) if takes(values.type) else of_binary(values))


def _dates(values: pa.Array) -> _Numbers:
    return _Numbers(days(values), lambda numbers: _single("date", numbers.view(np.uint64)))


def _times(name: str, values: Any) -> _Numbers:
    by = spec.NANOSECONDS[values.type.unit]

    def states(count: np.ndarray) -> _States:
        if by == 1:
            return _single(name, count.view(np.uint64))
        words = (count * by).view(np.uint64)
        most = (2**63 - 1) // by
        wide = np.flatnonzero((count > most) | (count < -most))
        if len(wide) == 0:
            return _single(name, words)
        return _States(name, (words, words), (wide, of_words(words[wide], _upper(count[wide], by))))

    return _Numbers(numbers(values), states)


def _upper(count: np.ndarray, by: int) -> np.ndarray:
    """The upper 64 bits of the 128-bit products of int64 with a factor below 2^31."""
    low, high = count & 0xFFFFFFFF, count >> 32
    return ((high * by + ((low * by) >> 32)) >> 32).view(np.uint64)


def _intervals(values: Any) -> _States:
    packed = stored(values, np.dtype("<i4, <i4, <i8"))  # months, days, nanoseconds
    words = (packed[name].astype(np.int64).view(np.uint64) for name in packed.dtype.names or ())
    return _States("interval", of_words(*words))


def _structs(values: Any) -> _States:
    total = np.zeros(len(values), np.uint64), np.zeros(len(values), np.uint64)
    for field, child in zip(fields(values.type), values.flatten(), strict=True):
        for lane, part in zip(total, parts(child, field.name), strict=True):
            lane += part
    return _States("struct", total)


def _lists(values: pa.Array) -> _States:
    child, lengths = elements(values)
    before = np.repeat(np.cumsum(lengths) - lengths, lengths).astype(np.uint64)
    place = (places(len(child), 1) - before) * np.uint64(spec.P)
    size = lengths.astype(np.uint64) * np.uint64(spec.L)
    first, second = (sums(mix(part + place), lengths) + size for part in parts(child, ""))
    return _States("list", (first, second))


def _maps(values: pa.Array) -> _States:
    child, lengths = elements(values)
    keys, items = child.flatten()
    size = lengths.astype(np.uint64) * np.uint64(spec.L)
    pairs = zip(parts(keys, "key"), parts(items, "value"), strict=True)
    first, second = (sums(mix(key + item), lengths) + size for key, item in pairs)
    return _States("map", (first, second))


def _known(values: pa.Array) -> np.ndarray:
    """The values, and anything for null."""
    if values.null_count:
        values = pc.fill_null(values, pa.scalar(0).cast(values.type))
    return np.asarray(values.to_numpy(zero_copy_only=False))


_STATES: dict[Kind, Callable[[Any], _States | _Numbers]] = {
    Kind.BOOL: _bools,
    Kind.INTEGER: _integers,
    Kind.DECIMAL: _decimals,
    Kind.FLOAT: _floats,
    Kind.TEXT: partial(_binary, "text"),
    Kind.BYTES: partial(_binary, "bytes"),
    Kind.DATE: _dates,
    Kind.TIME: partial(_times, "time"),
    Kind.LOCAL: partial(_times, "local"),
    Kind.INSTANT: partial(_times, "instant"),
    Kind.DURATION: partial(_times, "duration"),
    Kind.INTERVAL: _intervals,
    Kind.LIST: _lists,
    Kind.STRUCT: _structs,
    Kind.MAP: _maps,
}
