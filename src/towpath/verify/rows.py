"""Which rows of two sides differ: found by hashes, paired by key, and told by column and value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from towpath.badrows import shorten
from towpath.digest import row_hashes
from towpath.values.textform import write
from towpath.verify.sides import Part, Side, Types

_GUESSES = 3  # the most leading columns that a guessed key has
_BITS = 4  # of a hash, by which rows are parted


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `key` names the row (`id=7`), `where_a` and `where_b` its places; `a` and `b` are the
    values' text forms (None: null)."""

    key: str = ""
    column: str | None = None
    a: str | None = None
    b: str | None = None
    where_a: str = ""
    where_b: str = ""
    note: str = ""

    def line(self) -> str:
        """The difference in one line."""
        name = ", ".join(part for part in (self.key, f"column {self.column}" if self.column else "") if part)
        if self.where_a and self.where_b:
            said = f"{_shown(self.a)} in A ({self.where_a}), {_shown(self.b)} in B ({self.where_b})"
            return f"{name}: {said}{f' ({self.note})' if self.note else ''}"
        place = self.where_a or self.where_b
        value = f" {_shown(self.b)}" if self.b is not None else ""
        return f"{name or 'a row'}{value}: {self.note}{f' ({place})' if place else ''}"


def _shown(value: str | None) -> str:
    return "null" if value is None else repr(shorten(value))


@dataclass(slots=True)
class Pair:
    """The differing rows of two sides, and the key that they were paired by."""

    differences: list[Difference] = field(default_factory=list)
    key: tuple[str, ...] = ()
    guessed: bool = False


def find(sides: tuple[Side, Side], types: Types, key: tuple[str, ...], most: int) -> Pair:
    """Up to `most` differences. Without a key the smallest unique run of A's leading columns serves."""
    known = tuple(name for name in key if name in types)
    candidates = [known] if known else [tuple(types)[:size] for size in range(1, min(_GUESSES, len(types)) + 1)]
    one = sides[0].read(lambda schema: types, lambda types: _Hashes(candidates))
    chosen = 0 if known else one.unique_key()
    name = () if chosen is None else candidates[chosen]
    rows, keys = [one.rows], [one.key(chosen)]
    del one  # the other candidates' hashes are as large again
    other = sides[1].read(lambda schema: types, lambda types: _Hashes([name] if name else []))
    rows.append(other.rows)
    keys.append(other.key(0 if name else None))
    del other
    odd = _more(rows[0], rows[1]), _more(rows[1], rows[0])
    picked = _pick(keys[0][odd[0]], keys[1][odd[1]], most)
    wanted = rows[0][odd[0][picked[0]]], rows[1][odd[1][picked[1]]]
    found = [
        side.read(lambda schema: types, lambda types, hashes=hashes: _Fetched(hashes, name)).rows  # type: ignore[misc]
        for side, hashes in zip(sides, wanted, strict=True)
    ]
    return Pair(_tell(*found)[:most], name, bool(name) and not known)


def _more(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The numbers of the rows whose hash stands more often in `rows` than in `others`, as many as it is too often.
    Taken in parts by the hash's first bits, so that what is sorted is small beside the hashes."""
    parts = []
    for first in range(1 << _BITS):
        mine = np.flatnonzero(rows >> np.uint64(64 - _BITS) == first)
        theirs = others[others >> np.uint64(64 - _BITS) == first]
        parts.append(mine[_excess(rows[mine], theirs)])
    return np.sort(np.concatenate(parts))


def _excess(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    order = np.argsort(rows, kind="stable")
    values, first, count = np.unique(rows[order], return_index=True, return_counts=True)
    beside = np.sort(others)
    there = np.searchsorted(beside, values, "right") - np.searchsorted(beside, values, "left")
    excess = np.maximum(count - there, 0)
    within = np.arange(excess.sum()) - np.repeat(np.cumsum(excess) - excess, excess)
    return np.asarray(order[np.repeat(first, excess) + within])


def _pick(keys: np.ndarray, others: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the odd rows' keys on both sides, which to look at: A's first, with B's of the same key, and B's first that
    stand alone."""
    mine = np.arange(min(most, len(keys)))
    paired = np.flatnonzero(np.isin(others, keys[mine]))
    alone = np.flatnonzero(~np.isin(others, keys))
    return mine, np.concatenate([paired[:most], alone[:most]])


class _Hashes:
    """Takes a pass: the first half of each row's hash, and of its columns' of each candidate key."""

    def __init__(self, candidates: Sequence[Sequence[str]]) -> None:
        self._candidates = candidates
        self._rows: list[np.ndarray] = []
        self._keys: list[list[np.ndarray]] = [[] for _ in candidates]

    def take(self, part: Part) -> None:
        self._rows.append(_hashes(part))
        for names, keys in zip(self._candidates, self._keys, strict=True):
            keys.append(row_hashes(part.rows.select(list(names)))[:, 0])

    @property
    def rows(self) -> np.ndarray:
        return _joined(self._rows)

    def key(self, at: int | None) -> np.ndarray:
        """The hashes of a candidate; of whole rows for None."""
        return self.rows if at is None else _joined(self._keys[at])

    def unique_key(self) -> int | None:
        """The first candidate that no two rows share; None when there is none."""
        keys = ((at, self.key(at)) for at in range(len(self._keys)))
        return next((at for at, found in keys if len(np.unique(found)) == len(found)), None)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """All parts in one array, which takes their place: they are as large again."""
    if len(parts) != 1:
        parts[:] = [np.concatenate([np.empty(0, np.uint64), *parts])]
    return parts[0]


def _hashes(part: Part) -> np.ndarray:
    """Row hashes; a row with an unfit value has one that no row of the other side has."""
    hashes = row_hashes(part.rows)[:, 0]
    hashes[part.unfit] = ~hashes[part.unfit]
    return hashes


@dataclass(frozen=True, slots=True)
class _Row:
    """One row in words: its key's values, its values as text, the columns whose value is unfit, and its place."""

    key: str
    values: dict[str, str | None]
    unfit: frozenset[str]
    where: str


class _Fetched:
    """Takes a pass: the rows that have the wanted hashes, as often as these are wanted."""

    def __init__(self, hashes: np.ndarray, key: Sequence[str]) -> None:
        self._wanted = Counter(hashes.tolist())
        self._hashes = hashes
        self._key = key
        self.rows: list[_Row] = []

    def take(self, part: Part) -> None:
        hashes = _hashes(part)
        for row in np.flatnonzero(np.isin(hashes, self._hashes)).tolist():
            if self._wanted[int(hashes[row])] > 0:
                self._wanted[int(hashes[row])] -= 1
                self.rows.append(_in_words(part, row, self._key))


def _in_words(part: Part, row: int, key: Sequence[str]) -> _Row:
    values, unfit = {}, set()
    for name in part.rows.schema.names:
        cell, source = part.rows.column(name)[row : row + 1], part.batch.rows.column(name)[row : row + 1]
        if cell.null_count and not source.null_count:
            cell = source
            unfit.add(name)
        values[name] = write(cell)[0].as_py()
    shown = ", ".join(f"{name}={'null' if values[name] is None else shorten(str(values[name]))}" for name in key)
    return _Row(shown, values, frozenset(unfit), str(part.batch.origin.place(row)))


def _tell(rows: list[_Row], others: list[_Row]) -> list[Difference]:
    """The differences of rows of one key, value by value; then the rows that the other side lacks."""
    partners: dict[str, list[_Row]] = {}
    for other in others:
        partners.setdefault(other.key, []).append(other)
    told = []
    for row in rows:
        met = partners.get(row.key) if row.key else None
        if met:
            told += _values(row, met.pop(0))
        else:
            told.append(Difference(row.key, where_a=row.where, note=f"only A has this row{_whole(row)}"))
    for left in partners.values():
        told += [Difference(row.key, where_b=row.where, note=f"only B has this row{_whole(row)}") for row in left]
    return told


def _whole(row: _Row) -> str:
    """The row's values, when no key tells which it is."""
    return "" if row.key else ": " + shorten(", ".join(f"{name}={value}" for name, value in row.values.items()), 200)


def _values(row: _Row, other: _Row) -> list[Difference]:
    names = [
        name
        for name in row.values
        if row.values[name] != other.values[name] or name in row.unfit or name in other.unfit
    ]
    return [
        Difference(
            row.key,
            name,
            row.values[name],
            other.values[name],
            row.where,
            other.where,
            "it has no equal in the other's type" if name in row.unfit | other.unfit else "",
        )
        for name in names
    ]
