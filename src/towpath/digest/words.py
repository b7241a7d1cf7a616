"""The arithmetic of the content digest on whole arrays: mixing, and the state of runs of 8-byte words. By compiled.c,
or by numpy where that was not compiled."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from towpath.digest.reference import G, L
from towpath.values.logical import nulls

try:
    import towpath.digest.compiled as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

Lanes = tuple[np.ndarray, np.ndarray]

_GROUP = 1 << 20  # bytes of text, after which no more is taken at a time: its words stay in the processor's cache
_PLACES = 64  # words of values that are all of one length, beyond which each may be taken by itself
_KEPT = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)  # a mask of the first bytes of a word
_MIX = tuple(np.uint64(number) for number in (30, 0xBF58476D1CE4E5B9, 27, 0x94D049BB133111EB, 31))


@cache
def keep_freed_memory() -> None:
    """Lets the allocator keep what is freed, so that no page is taken anew for each array. glibc does so from when as
    large a piece was freed (mallopt(3), M_MMAP_THRESHOLD)."""
    np.empty(8 << 20, np.uint8)


def mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser of every element, in place."""
    if compiled is not None:
        compiled.mix(x, 0, x)
        return x
    shifted = np.right_shift(x, _MIX[0])
    np.bitwise_xor(x, shifted, out=x)
    np.multiply(x, _MIX[1], out=x)
    np.right_shift(x, _MIX[2], out=shifted)
    np.bitwise_xor(x, shifted, out=x)
    np.multiply(x, _MIX[3], out=x)
    np.right_shift(x, _MIX[4], out=shifted)
    np.bitwise_xor(x, shifted, out=x)
    return x


def keyed(x: np.ndarray, key: int) -> np.ndarray:
    """Mix(x ^ key) of every element."""
    if compiled is None:
        return mix(x ^ np.uint64(key))
    out = np.empty(len(x), np.uint64)
    compiled.mix(x, key, out)
    return out


def places(count: int, step: int) -> np.ndarray:
    """step, 2 step, 3 step... modulo 2^64."""
    return np.arange(1, count + 1, dtype=np.uint64) * np.uint64(step)


def sums(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sums of consecutive runs of `x` of the given lengths: differences of a running sum, exact modulo 2^64."""
    running = np.zeros(len(x) + 1, np.uint64)
    np.cumsum(x, out=running[1:])
    ends = np.cumsum(counts)
    return np.asarray(running[ends] - running[ends - counts])


def stored(values: Any, kind: np.dtype[Any], width: int = 1) -> np.ndarray:
    """The fixed-width values of an array as they lie in Arrow's buffer, `width` of `kind` for each row."""
    if len(values) == 0:
        return np.empty(0, kind)
    first, count = values.offset * width * kind.itemsize, len(values) * width
    return np.frombuffer(values.buffers()[1], kind, count, first)


def of_words(*words: np.ndarray) -> Lanes:
    """The states of values that all have these words."""
    size = np.uint64(8 * len(words) * L % 2**64)
    states: Lanes = (np.full(len(words[0]), size), np.full(len(words[0]), size))
    for place, word in enumerate(words, 1):
        add_word(states, word, place)
    return states


def add_word(states: Lanes, word: np.ndarray, place: int) -> None:
    """Adds one more word to every value, but not to its length; `place` counts from 1."""
    for state, step in zip(states, G, strict=True):
        state += mix(word + np.uint64(place * step % 2**64))


def of_decimals(unscaled: np.ndarray, scale: int) -> Lanes:
    """The states of decimals of one scale: without their trailing zeros after the point, each a scale and an unscaled
    integer. The numbers are changed."""
    if compiled is not None:
        states = np.empty(len(unscaled), np.uint64), np.empty(len(unscaled), np.uint64)
        compiled.decimals(unscaled, *_states_of_scales(scale), *states)
        return states
    shorter = []
    rows: Any = slice(None)
    for _ in range(scale):
        tenth = unscaled[rows] // 10
        even = np.flatnonzero(tenth * 10 == unscaled[rows])
        rows = even if isinstance(rows, slice) else rows[even]
        if len(rows) == 0:
            break
        unscaled[rows] = tenth[even]
        shorter.append(rows)
    first, second = (np.full(len(unscaled), state) for state in _scale_states(scale))
    for less, rows in enumerate(shorter, 1):
        for state, one in zip((first, second), _scale_states(scale - less), strict=True):
            state[rows] = one
    add_word((first, second), unscaled.view(np.uint64), 2)
    return first, second


@lru_cache(maxsize=128)
def _states_of_scales(most: int) -> Lanes:
    """Those of the scales 0, 1, ..., most."""
    first, second = zip(*map(_scale_states, range(most + 1)), strict=True)
    return np.array(first), np.array(second)


@lru_cache(maxsize=128)
def _scale_states(scale: int) -> tuple[np.uint64, np.uint64]:
    """What a decimal's first word, its scale, adds to its state, and the length of two words."""
    states = of_words(np.array([scale], np.uint64))
    first, second = (np.uint64((int(state[0]) + 8 * L) % 2**64) for state in states)
    return first, second


def of_binary(values: Any) -> Lanes:
    """The states of an array of text or bytes: their words are gathered from Arrow's own buffers. What a null row
    gets is of no use."""
    states = np.empty(len(values), np.uint64), np.empty(len(values), np.uint64)
    if len(values) == 0:
        return states
    offsets, content = _buffers(values)
    if compiled is not None:
        compiled.runs(offsets, content, *states)
        return states
    first = 0
    while first < len(values):
        last = min(int(np.searchsorted(offsets, offsets[first] + _GROUP)), len(values))
        for state, found in zip(states, _group(offsets[first : last + 1], content), strict=True):
            state[first:last] = found
        first = last
    return states


def is_compiled() -> bool:
    return compiled is not None


def takes(type: pa.DataType) -> bool:
    """Whether values of a layout that is not plain are hashed as they lie: views, where that was compiled."""
    return compiled is not None and (pa.types.is_string_view(type) or pa.types.is_binary_view(type))


def of_views(values: Any) -> Lanes:
    """The states of an array of text or bytes that `takes` names."""
    states = np.empty(len(values), np.uint64), np.empty(len(values), np.uint64)
    if len(values) == 0:
        return states
    _, _, *others = values.buffers()
    views = stored(values, np.dtype("V16"))
    if values.null_count:  # what stands there for null may show anywhere
        views = np.where(nulls(values), np.zeros(1, views.dtype), views)
    compiled.views(views, tuple(others), *states)
    return states


def _buffers(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where each value begins and ends, and the bytes that this counts in."""
    buffers = values.buffers()
    content = np.frombuffer(buffers[-1] or b"", np.uint8)
    if pa.types.is_fixed_size_binary(values.type):
        width = values.type.byte_width
        return np.arange(values.offset, values.offset + len(values) + 1) * width, content
    wide = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
    unit = np.dtype(np.int64 if wide else np.int32)
    offsets = np.frombuffer(buffers[1], unit, len(values) + 1, values.offset * unit.itemsize)
    return offsets.astype(np.int64), content


def _group(offsets: np.ndarray, content: np.ndarray) -> Lanes:
    """The states of some values, taken by ascending number of words, so that those with a word at a place lie
    together."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    counts = (lengths + 7) >> 3
    if counts.min() == (most := counts.max()) and most <= _PLACES:
        return _by_places(starts - offsets[0], lengths, counts, content[offsets[0] : offsets[-1]])
    order = np.argsort(np.minimum(counts, 2**15 - 1).astype(np.int16), kind="stable")  # of 16 bits: a radix sort
    starts, lengths, counts = starts[order], lengths[order], counts[order]
    many = _together(counts)
    made = _by_places(starts[:many] - offsets[0], lengths[:many], counts[:many], content[offsets[0] : offsets[-1]])
    alone = [_one(content[start : start + length]) for start, length in zip(starts[many:], lengths[many:], strict=True)]
    states = np.empty(len(lengths), np.uint64), np.empty(len(lengths), np.uint64)
    for k, state in enumerate(states):
        state[order[:many]] = made[k]
        state[order[many:]] = [one[k] for one in alone]
    return states


def _together(counts: np.ndarray) -> int:
    """How many of the values, by ascending number of words, to take place by place; the others one by one. A place
    costs about what a value by itself does."""
    costs = np.arange(len(counts), -1, -1)
    costs[1:] += counts
    return int(np.argmin(costs))


def _by_places(starts: np.ndarray, lengths: np.ndarray, counts: np.ndarray, content: np.ndarray) -> Lanes:
    """The states of values by ascending number of words. A word that does not begin on a multiple of 8 bytes is made of
    the two that it lies in."""
    aligned = np.concatenate([content, np.zeros(16 - len(content) % 8, np.uint8)]).view("<u8")
    at, right = starts >> 3, ((starts & 7) << 3).astype(np.uint64)
    left = np.uint64(64) - right  # a shift by all of a word's 64 bits gives 0
    size = lengths.astype(np.uint64) * np.uint64(L)
    states: Lanes = (size, size.copy())
    most = int(counts[-1]) if len(counts) else 0
    firsts = np.searchsorted(counts, np.arange(1, most + 2))
    here = aligned.take(at)
    for place, (first, ending) in enumerate(pairwise(firsts), 1):
        shown = slice(first, None)
        beyond = aligned.take(at[first:] + place)
        words = (here[first - len(at) :] >> right[shown]) | (beyond << left[shown])
        here = beyond
        words[: ending - first] &= _KEPT[lengths[first:ending] - 8 * (place - 1)]
        add_word((states[0][shown], states[1][shown]), words, place)
    return states


def _one(content: np.ndarray) -> tuple[np.uint64, np.uint64]:
    """The state of one long value, a stretch of its words at a time."""
    states = [len(content) * L, len(content) * L]
    for at in range(0, len(content), _GROUP):
        stretch = content[at : at + _GROUP]
        padded = np.concatenate([stretch, np.zeros(-len(stretch) % 8, np.uint8)]).view("<u8")
        for k, step in enumerate(G):
            mixed = mix(padded + places(len(padded), step) + np.uint64(at // 8 * step % 2**64))
            states[k] += int(mixed.sum())
    return np.uint64(states[0] % 2**64), np.uint64(states[1] % 2**64)
