"""What each value of a column contributes to its row's hash, an array at a time (rules: docs/reference/digest.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.digest import reference as spec
from towpath.digest.words import Lanes, add_word, mix, of_binary, of_words, places, stored, sums
from towpath.values.logical import Kind, elements, fields, kind, nulls, plain
from towpath.values.textform_times import days, numbers

_SAMPLE, _FEW = 1024, 64  # a text column with so few values in such a sample is hashed by its distinct values
_SCALES = of_words(np.arange(77, dtype=np.uint64))  # the first word of every decimal
_key = lru_cache(maxsize=4096)(spec.key)


@dataclass(slots=True)
class _States:
    """The state of every value in both lanes. Rows in `wide` are of the kind `<name>+` and have states of their own."""

    name: str
    lanes: Lanes
    wide: np.ndarray | None = None
    wide_lanes: Lanes | None = None


def parts(values: pa.Array, name: str) -> Lanes:
    """The contribution of every value of a column, in both lanes; the arrays are the caller's to change."""
    if not pa.types.is_dictionary(values.type):
        values = plain(values)
        if _repeats(values):
            values = values.dictionary_encode()
    if pa.types.is_dictionary(values.type):
        return _by_dictionary(values, name)
    found = kind(values.type)
    if found is Kind.NULL:
        first, second = (np.full(len(values), _null_part(k, name), np.uint64) for k in (0, 1))
        return first, second
    states = _STATES[found](values)
    first, second = (_keyed(states, values, k, name) for k in (0, 1))
    return first, second


def _keyed(states: _States, values: pa.Array, k: int, name: str) -> np.ndarray:
    part = mix(states.lanes[k] ^ np.uint64(_key(k, name, states.name)))
    if states.wide is not None and states.wide_lanes is not None:
        part[states.wide] = mix(states.wide_lanes[k] ^ np.uint64(_key(k, name, states.name + "+")))
    if values.null_count:
        part[nulls(values)] = _null_part(k, name)
    return part


def _null_part(k: int, name: str) -> np.uint64:
    return np.uint64(spec.mix(_key(k, name, "null")))


def _repeats(values: pa.Array) -> bool:
    """Whether a text column has so few values that hashing each once pays."""
    if kind(values.type) is not Kind.TEXT or len(values) < _SAMPLE:
        return False
    return bool(pc.count_distinct(values.slice(0, _SAMPLE)).as_py() <= _FEW)


def _by_dictionary(values: Any, name: str) -> Lanes:
    missing = nulls(values.indices)
    index = pc.fill_null(values.indices, 0).to_numpy(zero_copy_only=False)
    made = []
    for k, distinct in enumerate(parts(values.dictionary, name)):
        known = distinct if len(distinct) else np.zeros(1, np.uint64)
        part = known[index]
        part[missing] = _null_part(k, name)
        made.append(part)
    return made[0], made[1]


def _single(name: str, words: np.ndarray) -> _States:
    return _States(name, (words, words))


def _bools(values: pa.Array) -> _States:
    return _single("bool", pc.fill_null(values, False).to_numpy(zero_copy_only=False).astype(np.uint64))


def _integers(values: pa.Array) -> _States:
    known = _known(values, 0)
    if known.dtype != np.uint64:
        return _single("integer", known.astype(np.int64).view(np.uint64))
    wide = np.flatnonzero(known >> np.uint64(63))
    if len(wide) == 0:
        return _single("integer", known)
    return _States("integer", (known, known), wide, of_words(known[wide], np.zeros(len(wide), np.uint64)))


def _floats(values: pa.Array) -> _States:
    if pa.types.is_float16(values.type):
        values = pc.cast(values, pa.float32())
    known = _known(values, 0.0)
    width, name = (np.uint64, "float64") if known.dtype == np.float64 else (np.uint32, "float32")
    bits = known.view(width).astype(np.uint64)
    bits[np.isnan(known)] = 0x7FF8 << 48 if name == "float64" else 0x7FC0 << 16
    return _single(name, bits)


def _decimals(values: Any) -> _States:
    if values.type.bit_width < 128:
        values = pc.cast(values, pa.decimal128(values.type.precision, values.type.scale))
    count, width = len(values), values.type.bit_width // 64
    words = stored(values, np.dtype(np.int64), width).reshape(count, width)
    low = words[:, 0].copy()
    if values.null_count:
        low[nulls(values)] = 0
    large = np.flatnonzero((words[:, 1:] != (words[:, :1] >> 63)).any(axis=1) & ~nulls(values))
    unscaled, scale = _stripped(low, values.type.scale)
    state = _SCALES[0][scale], _SCALES[1][scale]
    add_word(state, unscaled.view(np.uint64), 2)
    for row, value in zip(large, values.take(pa.array(large)).to_pylist(), strict=True):
        content = spec.decimal_bytes(value)
        for k in (0, 1):
            state[k][row] = spec.words_state(k, content)
    return _States("decimal", state)


def _stripped(unscaled: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Decimals without their trailing zeros after the point: the unscaled integers and the scales."""
    scales = np.full(len(unscaled), scale, np.int64)
    rows: Any = slice(None)
    for _ in range(scale):
        shorter = unscaled[rows] // 10
        even = np.flatnonzero(shorter * 10 == unscaled[rows])
        rows = even if isinstance(rows, slice) else rows[even]
        if len(rows) == 0:
            break
        unscaled[rows] = shorter[even]
        scales[rows] -= 1
    return unscaled, scales


def _text(values: pa.Array) -> _States:
    return _States("text", of_binary(values))


def _bytes(values: pa.Array) -> _States:
    return _States("bytes", of_binary(values))


def _dates(values: pa.Array) -> _States:
    return _single("date", days(values).view(np.uint64))


def _times(name: str) -> Callable[[pa.Array], _States]:
    def states(values: Any) -> _States:
        count, by = numbers(values), spec.NANOSECONDS[values.type.unit]
        words = (count * by).view(np.uint64)
        most = (2**63 - 1) // by
        wide = np.flatnonzero((count > most) | (count < -most)) if by > 1 else np.empty(0, np.int64)
        if len(wide) == 0:
            return _single(name, words)
        return _States(name, (words, words), wide, of_words(words[wide], _upper(count[wide], by)))

    return states


def _upper(count: np.ndarray, by: int) -> np.ndarray:
    """The upper 64 bits of the 128-bit products of int64 with a factor below 2^31."""
    low, high = count & 0xFFFFFFFF, count >> 32
    return ((high * by + ((low * by) >> 32)) >> 32).view(np.uint64)


def _intervals(values: Any) -> _States:
    packed = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
    parts_of = stored(values, packed)
    return _States(
        "interval", of_words(*(parts_of[name].astype(np.int64).view(np.uint64) for name in packed.names or ()))
    )


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


def _known(values: pa.Array, instead: Any) -> np.ndarray:
    if values.null_count:
        values = pc.fill_null(values, pa.scalar(instead, values.type))
    return np.asarray(values.to_numpy(zero_copy_only=False))


_STATES: dict[Kind, Callable[[Any], _States]] = {
    Kind.BOOL: _bools,
    Kind.INTEGER: _integers,
    Kind.DECIMAL: _decimals,
    Kind.FLOAT: _floats,
    Kind.TEXT: _text,
    Kind.BYTES: _bytes,
    Kind.DATE: _dates,
    Kind.TIME: _times("time"),
    Kind.LOCAL: _times("local"),
    Kind.INSTANT: _times("instant"),
    Kind.DURATION: _times("duration"),
    Kind.INTERVAL: _intervals,
    Kind.LIST: _lists,
    Kind.STRUCT: _structs,
    Kind.MAP: _maps,
}
