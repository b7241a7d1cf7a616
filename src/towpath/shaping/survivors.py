"""Of many rows known by the hash of their key, the one of each key that stays: sorted part by part, so that only a
part of the keys is ever held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.disk.rowspool import RowSpool

_PART_BITS = 6
_WORST = -(2**62)


class Tied(Exception):
    """Two different rows of one key both win; they are told by their numbers."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(one, other)
        self.one = one
        self.other = other


class Survivors:
    """`how` is first or last (by the rows' numbers), latest or earliest (by an order value). Beyond `memory` bytes,
    what is known of the rows waits in files of `folder` (see `RowSpool`), one for each part of the keys."""

    def __init__(self, how: str, folder: Path, name: str, run: str, memory: int) -> None:
        self._how = how
        self._place = folder, name, run
        self._memory = memory
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0
        self._spools: dict[int, RowSpool] = {}
        self._stack = ExitStack()

    def add(self, keys: np.ndarray, numbers: np.ndarray, order: tuple[pa.Array, np.ndarray] | None) -> None:
        """Enters rows: the 128-bit hashes of their keys, their numbers, and for latest and earliest the values to go by
        with the hashes of the whole rows."""
        columns = {"key0": keys[:, 0], "key1": keys[:, 1], "number": numbers}
        if order is not None:
            columns |= {"order": order[0], "row0": order[1][:, 0], "row1": order[1][:, 1]}
        batch = pa.record_batch(columns)
        self._waiting.append(batch)
        self._bytes += batch.nbytes
        if self._bytes > self._memory:
            self._spill()

    def kept(self, rows: int) -> np.ndarray:
        """For each of `rows` rows whether it stays; those that were never entered do. Raises Tied."""
        kept = np.ones(rows, bool)
        for part in self._parts():
            kept[np.asarray(part["number"])] = False
            kept[self._winners(part)] = True
        return kept

    def _parts(self) -> Iterator[pa.Table]:
        if not self._spools:
            if self._waiting:
                yield pa.Table.from_batches(self._waiting).combine_chunks()
            return
        self._spill()
        for spool in self._spools.values():
            spool.seal()
            yield pa.Table.from_batches(list(spool.batches())).combine_chunks()

    def _spill(self) -> None:
        if not self._waiting:
            return
        waiting = pa.Table.from_batches(self._waiting).combine_chunks()
        parts = np.asarray(waiting["key0"]) >> np.uint64(64 - _PART_BITS)
        for part in np.unique(parts):
            if part not in self._spools:
                folder, name, run = self._place
                self._spools[part] = self._stack.enter_context(RowSpool(folder, name, f"{run}-{part}"))
            mine = waiting.take(pa.array(np.flatnonzero(parts == part)))
            for batch in mine.combine_chunks().to_batches():
                self._spools[part].write(batch)
        self._waiting, self._bytes = [], 0

    def _winners(self, part: pa.Table) -> np.ndarray:
        """The numbers of the rows that stay: of each key the one of the greatest score, the first of equal ones."""
        key0, key1, number = (np.asarray(part[name]) for name in ("key0", "key1", "number"))
        score = self._score(part)
        by_key = np.lexsort((number, -score, key1, key0))
        key0, key1, number, score = key0[by_key], key1[by_key], number[by_key], score[by_key]
        begins = np.ones(len(number), bool)
        begins[1:] = (key0[1:] != key0[:-1]) | (key1[1:] != key1[:-1])
        winner = np.flatnonzero(begins)[np.cumsum(begins) - 1]
        if "row0" in part.column_names:
            row0, row1 = (np.asarray(part[name])[by_key] for name in ("row0", "row1"))
            other = (row0 != row0[winner]) | (row1 != row1[winner])
            ties = np.flatnonzero((score == score[winner]) & other)
            if len(ties):
                first = ties[np.argmin(number[ties])]
                raise Tied(int(number[winner[first]]), int(number[first]))
        return number[begins]

    def _score(self, part: pa.Table) -> np.ndarray:
        if self._how in ("first", "last"):
            number = np.asarray(part["number"])
            return number if self._how == "last" else -number
        order = part["order"].combine_chunks()
        rank = np.asarray(pc.rank(order, sort_keys="ascending", tiebreaker="dense")).astype(np.int64)
        score = rank if self._how == "latest" else -rank
        return np.where(np.asarray(order.is_valid()), score, _WORST)

    def __enter__(self) -> Survivors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
