"""The arithmetic of the content digest on whole arrays: mixing, and the state of runs of 8-byte words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from towpath.digest.reference import G, L

Lanes = tuple[np.ndarray, np.ndarray]

_GROUP = 1 << 20  # bytes of text at a time, so that its words stay in the processor's cache
_LONG = 1 << 12  # a longer cell is worth a turn of its own
_KEPT = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)  # a mask of the first bytes of a word


def mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser of every element, in place."""
    shifted = np.right_shift(x, np.uint64(30))
    np.bitwise_xor(x, shifted, out=x)
    np.multiply(x, np.uint64(0xBF58476D1CE4E5B9), out=x)
    np.right_shift(x, np.uint64(27), out=shifted)
    np.bitwise_xor(x, shifted, out=x)
    np.multiply(x, np.uint64(0x94D049BB133111EB), out=x)
    np.right_shift(x, np.uint64(31), out=shifted)
    np.bitwise_xor(x, shifted, out=x)
    return x


def places(count: int, step: int) -> np.ndarray:
    """step, 2 step, 3 step... modulo 2^64."""
    return np.arange(1, count + 1, dtype=np.uint64) * np.uint64(step)


def sums(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sums of consecutive runs of `x` of the given lengths: differences of a running sum, exact modulo 2^64."""
    running = np.zeros(len(x) + 1, np.uint64)
    np.cumsum(x, dtype=np.uint64, out=running[1:])
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
    states: Lanes = (np.zeros(len(words[0]), np.uint64), np.zeros(len(words[0]), np.uint64))
    for place, word in enumerate(words, 1):
        add_word(states, word, place)
    return states


def add_word(states: Lanes, word: np.ndarray, place: int) -> None:
    """Adds one more word to every value; `place` counts from 1."""
    for state, step in zip(states, G, strict=True):
        state += mix(word + np.uint64(place * step % 2**64))
        state += np.uint64(8 * L % 2**64)


def of_binary(values: Any) -> Lanes:
    """The states of an array of text or bytes: their words are gathered from Arrow's own buffers. What a null row
    gets is of no use."""
    offsets, content = _buffers(values)
    states = np.zeros(len(values), np.uint64), np.zeros(len(values), np.uint64)
    first = 0
    while first < len(values):
        last = int(np.searchsorted(offsets, offsets[first] + _GROUP, side="right")) - 1
        last = min(max(last, first + 1), len(values))
        for state, found in zip(states, _group(offsets[first : last + 1], content), strict=True):
            state[first:last] = found
        first = last
    return states


def _buffers(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where each value begins and ends, and the bytes that this counts in."""
    buffers = values.buffers()
    content = np.frombuffer(buffers[-1] or b"", np.uint8)
    if pa.types.is_fixed_size_binary(values.type):
        width = values.type.byte_width
        return np.arange(values.offset, values.offset + len(values) + 1) * width, content
    wide = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
    if len(values) == 0:
        return np.zeros(1, np.int64), content
    unit = np.dtype(np.int64 if wide else np.int32)
    offsets = np.frombuffer(buffers[1], unit, len(values) + 1, values.offset * unit.itemsize)
    return offsets.astype(np.int64), content


def _group(offsets: np.ndarray, content: np.ndarray) -> Lanes:
    lengths = np.diff(offsets)
    long = np.flatnonzero(lengths > _LONG)
    short = np.where(lengths > _LONG, 0, lengths)
    states = _short(offsets[:-1], short, content[offsets[0] : offsets[-1]])
    for row in long:
        for state, found in zip(states, _one(content[offsets[row] : offsets[row + 1]]), strict=True):
            state[row] = found
    return states


def _short(starts: np.ndarray, lengths: np.ndarray, content: np.ndarray) -> Lanes:
    """The states of values that begin at `starts`, counted as the first begins where `content` does."""
    counts = (lengths + 7) >> 3
    padded = np.concatenate([content, np.zeros(8, np.uint8)])
    unaligned: np.ndarray = np.ndarray(len(content) + 1, "<u8", padded, 0, (1,))
    total = int(counts.sum())
    before = np.cumsum(counts) - counts
    words = unaligned[np.repeat(starts - starts[0] - 8 * before, counts) + 8 * np.arange(total)]
    ends = np.flatnonzero(counts)
    words[(before + counts - 1)[ends]] &= _KEPT[(lengths - 8 * (counts - 1))[ends]]
    place = np.repeat(before, counts).astype(np.uint64)
    np.subtract(np.arange(1, total + 1, dtype=np.uint64), place, out=place)
    size = lengths.astype(np.uint64) * np.uint64(L)
    first, second = (sums(mix(words + place * np.uint64(step)), counts) + size for step in G)
    return first, second


def _one(content: np.ndarray) -> tuple[np.uint64, np.uint64]:
    """The state of one long value, a stretch of its words at a time."""
    states = [len(content) * L, len(content) * L]
    for at in range(0, len(content), _GROUP):
        stretch = content[at : at + _GROUP]
        padded = np.concatenate([stretch, np.zeros(-len(stretch) % 8, np.uint8)]).view("<u8")
        for k, step in enumerate(G):
            mixed = mix(padded + places(len(padded), step) + np.uint64(at // 8 * step % 2**64))
            states[k] += int(mixed.sum(dtype=np.uint64))
    return np.uint64(states[0] % 2**64), np.uint64(states[1] % 2**64)
