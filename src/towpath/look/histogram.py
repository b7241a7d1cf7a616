"""How the values of one column are spread: numbers and times in bars of equal width, else by the commonest values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.values import textform
from towpath.values.logical import Kind, kind, plain

MOST_BARS = 20
_TOP = 15
_REMEMBERED = 1 << 16
_SAMPLE = 1 << 14
_LARGEST = 1e300
_NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT})
_TIMES = frozenset({Kind.DATE, Kind.LOCAL, Kind.INSTANT})
_STEPS = (
    ("s", 1), ("s", 5), ("s", 15), ("m", 1), ("m", 5), ("m", 15), ("h", 1), ("h", 3), ("h", 6), ("D", 1), ("D", 7),
    ("M", 1), ("M", 3), ("Y", 1), ("Y", 5), ("Y", 10), ("Y", 50), ("Y", 100), ("Y", 1000),
)  # fmt: skip
"""The widths that a bar of time may have."""


@dataclass(slots=True)
class Bars:
    """What is drawn: each bar's name and rows, in order. `about`: rare values were lost from sight on the way, so the
    counts may be too low."""

    bars: list[tuple[str, int]] = field(default_factory=list)
    about: bool = False


@dataclass(slots=True)
class _Sample:
    """Values drawn evenly from all that were added: those with the smallest random numbers, the same on every run."""

    values: np.ndarray = field(default_factory=lambda: np.empty(0))
    _drawn: np.ndarray = field(default_factory=lambda: np.empty(0))
    _draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def add(self, values: np.ndarray) -> None:
        self.values = np.concatenate([self.values, values])
        self._drawn = np.concatenate([self._drawn, self._draw.random(len(values))])
        if len(self.values) > _SAMPLE:
            kept = np.argpartition(self._drawn, _SAMPLE)[:_SAMPLE]
            self.values, self._drawn = self.values[kept], self._drawn[kept]


def spread(type: pa.DataType, batches: Callable[[], Iterable[pa.Array]]) -> Bars:
    """The bars of a column of `type`. `batches` gives its values; it is called twice for numbers and times (once to
    find the limits), and must give the same values each time."""
    meant = kind(type)
    if meant in _NUMBERS:
        return _numbers(batches)
    if meant in _TIMES:
        return _times(batches, date=meant is Kind.DATE)
    return _commonest(batches)


def _commonest(batches: Callable[[], Iterable[pa.Array]]) -> Bars:
    counts: Counter[str | None] = Counter()
    about = False
    for values in batches():
        for one in pc.value_counts(textform.write(plain(values))).to_pylist():
            counts[one["values"]] += one["counts"]
        if len(counts) > _REMEMBERED:
            counts, about = Counter(dict(counts.most_common(_REMEMBERED // 2))), True
    nulls = counts.pop(None, 0)
    top = [("" if name is None else name, number) for name, number in counts.most_common(_TOP)]
    rest = sum(counts.values()) - sum(number for _, number in top)
    found = Bars(top, about)
    if rest:
        others = len(counts) - len(top)
        found.bars.append((f"({others:,}{' or more' if about else ''} others)", rest))
    return _with_nulls(found, nulls)


def _numbers(batches: Callable[[], Iterable[pa.Array]]) -> Bars:
    low, high, whole, sample = np.inf, -np.inf, True, _Sample()
    for values in batches():
        near, _ = _floats(values)
        if len(near):
            low, high = min(low, near.min()), max(high, near.max())
            whole = whole and bool((near == np.floor(near)).all())
            sample.add(near)
    if low > high:
        return _count(batches, lambda values: (np.zeros(0, np.int64), _floats(values)[1]), lambda at: "")
    start, end = np.quantile(sample.values, [0.005, 0.995])
    if high - low <= 2 * (end - start):
        start, end = low, high
    step = _nice((end - start) / (MOST_BARS - 4), whole)
    first = int(np.floor(start / step))
    last = int(np.floor(end / step)) - first

    def index(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        near, far = _floats(values)
        with np.errstate(over="ignore"):
            slots = np.floor(near / step) - first
        return np.clip(slots, -1, last + 1).astype(np.int64), far

    def label(at: int) -> str:
        lower, upper = _shown((first + at) * step), _shown((first + at + 1) * step)
        if at < 0:
            return f"under {upper}"
        if at > last:
            return f"{lower} and over"
        return lower if whole and step == 1 else f"{lower} to {upper}"

    return _count(batches, index, label)


def _times(batches: Callable[[], Iterable[pa.Array]], *, date: bool) -> Bars:
    ends: list[np.datetime64] = []
    for values in batches():
        known = _moments(values)
        if len(known):
            ends = [min([*ends[:1], known.min()]), max([*ends[1:], known.max()])]
    steps = [one for one in _STEPS if one[0] in "DMY"] if date else _STEPS
    unit, many = next((one for one in steps if not ends or _bars_between(ends, *one) <= MOST_BARS), steps[-1])

    def index(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        return _slots(_moments(values), unit, many), np.empty(0)

    def label(at: int) -> str:
        first = np.array([at * many - _monday(unit, many)]).astype(f"datetime64[{unit}]")
        return str(first[0]).replace("T", " ")

    return _count(batches, index, label)


def _count(
    batches: Callable[[], Iterable[pa.Array]],
    index: Callable[[pa.Array], tuple[np.ndarray, np.ndarray]],
    label: Callable[[int], str],
) -> Bars:
    counts: Counter[int] = Counter()
    nulls = odd = 0
    for values in batches():
        nulls += values.null_count
        slots, rest = index(values)
        odd += len(rest)
        for at, number in zip(*np.unique(slots, return_counts=True), strict=True):
            counts[int(at)] += int(number)
    bars = [(label(at), counts[at]) for at in range(min(counts), max(counts) + 1)] if counts else []
    if odd:
        bars.append(("NaN or beyond 1e300", odd))
    return _with_nulls(Bars(bars), nulls)


def _with_nulls(found: Bars, nulls: int) -> Bars:
    if nulls:
        found.bars.append(("∅", nulls))
    return found


def _floats(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The values that can be drawn, and those that cannot: NaN, the infinities, and what arithmetic makes infinite."""
    known = np.asarray(plain(values).drop_null().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    near = np.abs(known) <= _LARGEST
    return known[near], known[~near]


def _moments(values: pa.Array) -> np.ndarray:
    known = plain(values).drop_null()
    if pa.types.is_date(known.type):
        return np.asarray(known.cast(pa.date32()).cast(pa.int32())).astype("datetime64[D]")
    moments = np.asarray(known.cast(pa.int64()))
    return moments.astype(f"datetime64[{known.type.unit}]")


def _slots(moments: np.ndarray, unit: str, many: int) -> np.ndarray:
    return (moments.astype(f"datetime64[{unit}]").astype(np.int64) + _monday(unit, many)) // many


def _monday(unit: str, many: int) -> int:
    """Days from a Monday to 1970-01-01, a Thursday: weeks begin on Mondays."""
    return 3 if (unit, many) == ("D", 7) else 0


def _bars_between(ends: list[np.datetime64], unit: str, many: int) -> int:
    first, last = (int(_slots(np.array([end]), unit, many)[0]) for end in ends)
    return last - first + 1


def _nice(width: float, whole: bool) -> float:
    """The next of 1, 2, 5 times a power of ten; at least 1 for whole numbers."""
    if width < 1 / _LARGEST:
        return 1.0
    power = 10.0 ** np.floor(np.log10(width))
    found = next(power * times for times in (1, 2, 5, 10) if power * times >= width * (1 - 1e-9))
    return max(1.0, float(found)) if whole else float(found)


def _shown(number: float) -> str:
    if abs(number) >= 1e15:
        return f"{number:.6g}"
    rounded = float(f"{number:.12g}")
    return f"{int(rounded):,}" if rounded == int(rounded) else f"{rounded:.6g}"
