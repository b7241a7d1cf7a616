"""Small batches of many files as one: what is done for each batch costs more than the rows of a small file do."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa

from towpath.stream import Batch, Origin, Place

_LEAST, _MOST = 1 << 9, 1 << 20
"""How many bytes batches hold together, at first and later."""
_ORIGIN = 512
"""About the bytes that one's origin holds at the least."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The origin of rows that came in several batches; `ends` are the numbers of the rows behind each."""

    parts: Sequence[Origin]
    ends: Sequence[int]

    def place(self, row: int) -> Place:
        at = bisect_right(self.ends, row)
        return self.parts[at].place(row - (self.ends[at - 1] if at else 0))


def gathered(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """The same rows in the same order, in fewer batches, which name no file where they are of several. The first ones
    are small still: who wants a few rows alone should not wait for many files. An exception of `batches` is raised
    behind the rows that came before it. Closing it closes `batches`."""
    waiting: list[Batch] = []
    size, most = 0, _LEAST
    with closing(batches):
        try:
            for batch in batches:
                held = batch.rows.nbytes + _ORIGIN
                if waiting and held >= most:
                    yield _one(waiting)
                    waiting, size = [], 0
                waiting.append(batch)
                size += held
                if size >= most:
                    yield _one(waiting)
                    waiting, size, most = [], 0, min(2 * most, _MOST)
        except Exception:
            if waiting:
                yield _one(waiting)
            raise
        if waiting:
            yield _one(waiting)


def _one(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    ends, rows = [], 0
    for batch in batches:
        rows += len(batch)
        ends.append(rows)
    files = {batch.file for batch in batches}
    origin = Gathered([batch.origin for batch in batches], ends)
    return Batch(pa.concat_batches([batch.rows for batch in batches]), origin, files.pop() if len(files) == 1 else "")
