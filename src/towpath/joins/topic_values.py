"""The messages of a topic as a format reads them: their values as lines, and what was beside each of them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

import pyarrow as pa

from towpath.badrows import BadRow, BadRows
from towpath.stream import Place

Opening = Callable[[], AbstractContextManager[Iterator[pa.RecordBatch]]]
_TOMBSTONE = b"{}"
_NOTHING = b'""'
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Messages:
    """The origin of rows that are messages: `orders[3]@1042` is the one at offset 1042 of partition 3."""

    topic: str
    rows: pa.RecordBatch

    def place(self, row: int) -> Place:
        partition, offset = self.rows.column("partition")[row].as_py(), self.rows.column("offset")[row].as_py()
        return Place(f"{self.topic}[{partition}]@{offset}", raw=self.rows.column("value")[row].as_py())


class ValueLines:
    """A stream of JSON Lines with one line for each message; a tombstone is an object without members.

    Line breaks within a value become tabs: between the tokens of JSON both are white space, and within a string neither
    is allowed. A value that is empty, and so no line, becomes a line that is no object."""

    def __init__(self, opening: Opening) -> None:
        self.given = 0
        """Messages that were made lines of."""
        self._context = ExitStack()
        self._batches = self._context.enter_context(opening())
        self._waiting: deque[pa.RecordBatch] = deque()
        self._text = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        if not self._text:
            rows = next(self._batches, None)
            if rows is None:
                return b""
            self._waiting.append(rows)
            self.given += rows.num_rows
            self._text = memoryview(lines(rows.column("value")))
        size = len(self._text) if size < 0 else size
        piece, self._text = self._text[:size], self._text[size:]
        return bytes(piece)

    def close(self) -> None:
        self._context.close()

    def waiting(self, number: int) -> tuple[pa.RecordBatch, int]:
        """The message `number` of those that were not taken yet: a batch that has it, and its row there."""
        for rows in self._waiting:
            if number < rows.num_rows:
                return rows, number
            number -= rows.num_rows
        raise IndexError(number)

    def take(self, count: int) -> pa.RecordBatch:
        """The next `count` messages, which are forgotten then."""
        taken: list[pa.RecordBatch] = []
        while count:
            rows = self._waiting.popleft()
            taken.append(rows.slice(0, count))
            if rows.num_rows > count:
                self._waiting.appendleft(rows.slice(count))
            count -= taken[-1].num_rows
        return taken[0] if len(taken) == 1 else pa.concat_batches(taken)


class PlacedBadRows:
    """Bad rows that a format tells by their line, sent on with their message's place and bytes."""

    def __init__(self, lines: ValueLines, topic: str, behind: BadRows) -> None:
        self.numbers: list[int] = []
        """The lines (from 0) of the bad rows since they were last looked at."""
        self.taken = 0
        """The messages taken from `lines` so far."""
        self._lines = lines
        self._topic = topic
        self._behind = behind

    def add(self, bad: BadRow) -> None:
        assert bad.place.line is not None
        number = bad.place.line - 1
        self.numbers.append(number)
        rows, row = self._lines.waiting(number - self.taken)
        place = Messages(self._topic, rows).place(row)
        if place.raw is not None and not place.raw.strip():
            bad = replace(bad, reason="the value is empty")
        self._behind.add(replace(bad, place=place))

    def placed(self, words: str) -> str:
        """What a format says of a line, said of its message."""
        found = re.match(f"{re.escape(self._topic)}:([0-9]+)", words)
        if found is None:
            return words
        rows, row = self._lines.waiting(int(found[1]) - 1 - self.taken)
        return f"{Messages(self._topic, rows).place(row)}{words[found.end() :]}"


def lines(values: pa.Array) -> bytes:
    """The values as lines, which end with a line break each."""
    found = [_TOMBSTONE if value is None else value for value in values.to_pylist()]
    whole = b"\n".join(found)
    if whole.count(b"\n") >= len(found) or not all(map(bytes.strip, found)):
        whole = b"\n".join(value.replace(b"\n", b"\t") if value.strip() else _NOTHING for value in found)
    # A byte order mark at the beginning of a file is dropped; here it would be that of one value.
    return (b" " if whole.startswith(_BYTE_ORDER_MARK) else b"") + whole + b"\n"
