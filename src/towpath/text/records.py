"""Framing: cuts delimited text into blocks of whole records that know their lines and raw bytes.

Newlines and quotes are found in bulk; only from the first quote out of order on is a block scanned with care.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from towpath.errors import DataError
from towpath.text.fields import Fields, split
from towpath.text.scan import CR, LF, LONGEST_QUOTED_BYTES, Grammar, Outcome

LONGEST_RECORD = 128 << 20


class Bytes(Protocol):
    """A stream of UTF-8 text."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Broken:
    """A stretch that is no record, for a quoted field in it does not end properly."""

    line: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Whole, well quoted records. `data` holds their bytes, and between them blank lines that are no records.

    Record i is `data[starts[i]:ends[i]]`, line end included, and begins on line `lines[i]` of the file. `fields` are
    those of all records, where each has the right number of them; what `data` holds after the last is no record."""

    data: bytes
    starts: np.ndarray
    ends: np.ndarray
    lines: np.ndarray
    broken: tuple[Broken, ...] = ()
    quoted: bool = False  # or not known
    fields: Fields | None = None

    def raw(self, row: int) -> bytes:
        """The record's own bytes without its line end."""
        return self.data[self.starts[row] : self.ends[row]].rstrip(b"\r\n")

    def without(self, rows: Sequence[int]) -> Block:
        """The block without some of its records."""
        kept = np.delete(np.arange(len(self.starts)), rows)
        data = b"".join(self.data[self.starts[row] : self.ends[row]] for row in kept)
        sizes = self.ends[kept] - self.starts[kept]
        ends = np.cumsum(sizes)
        return Block(data, ends - sizes, ends, self.lines[kept], self.broken, self.quoted)


class Records:
    """One pass over the records of a stream. `head` first (at most once), then `blocks`.

    `header`: the bytes of the first record, once `head` consumed it."""

    def __init__(self, stream: Bytes, grammar: Grammar, name: str, block_bytes: int) -> None:
        self._stream = stream
        self._grammar = grammar
        self._name = name
        self._block_bytes = max(block_bytes, 1)
        self._data = b""
        self._line = 1
        self._ended = False
        self.header: bytes | None = None

    def head(self, *, consume: bool) -> tuple[list[bytes], int]:
        """The fields of the first record that is not a blank line, without quotes, and its line; [] for none.

        With `consume` the blocks begin after it."""
        while True:
            begin = len(self._data) - len(self._data.lstrip(b"\r\n"))
            outcome, end = Outcome.INCOMPLETE, begin
            if begin < len(self._data):
                outcome, end = self._grammar.scan(self._data, begin, self._ended)
            if outcome is not Outcome.INCOMPLETE or self._ended:
                break
            self._refuse_endless()
            self._fill(max(2 * len(self._data), self._block_bytes))
        if begin == len(self._data):
            return [], 1
        line = self._line + self._lines_in(begin)
        if outcome is Outcome.BROKEN:
            raise DataError(
                "the first record has a quoted field that does not end properly",
                where=f"{self._name}:{line}",
                todo="correct it, or name another quote character (option quote; an empty one for none)",
                code="record-malformed",
            )
        fields = [self._grammar.value(field) for field in self._grammar.fields(self._data, begin, end)]
        if consume:
            self.header = self._data[begin:end]
            self._take(end, self._lines_in(end))
        return fields, line

    @property
    def exhausted(self) -> bool:
        """Whether the blocks so far hold all of the stream."""
        return self._ended and not self._data

    def blocks(self, width: int) -> Iterator[Block]:
        """The rest of the records in blocks of about `block_bytes`; `width` is the right number of fields.

        Blank lines are no records, except where `width` is 1."""
        need = self._block_bytes
        while True:
            self._fill(need)
            if not self._data:
                return
            block, used, lines = self._split(width) or self._frame(width)
            if not used and not self._ended:
                self._refuse_endless()
            self._take(used, lines)
            need = max(self._block_bytes, 2 * len(self._data))
            if len(block.starts) or block.broken:
                yield block

    def _refuse_endless(self) -> None:
        """Raises DataError when the record that begins here does not end within what may be held in memory."""
        if len(self._data) > LONGEST_RECORD:
            raise DataError(
                f"a record is longer than {LONGEST_RECORD >> 20} MB",
                where=f"{self._name}:{self._line}",
                todo="is this delimited text, and are delimiter and quote right?",
                code="record-malformed",
            )

    def _fill(self, size: int) -> None:
        parts = [self._data]
        missing = size - len(self._data)
        while missing > 0 and not self._ended:
            part = self._stream.read(missing)
            self._ended = not part
            parts.append(part)
            missing -= len(part)
        self._data = b"".join(parts) if len(parts) > 1 else self._data

    def _take(self, used: int, lines: int) -> None:
        self._line += lines
        self._data = self._data[used:]

    def _lines_in(self, size: int) -> int:
        """The line ends within so many bytes of those at hand."""
        part = self._data[: size + 1]  # the byte behind tells what a carriage return is
        if b"\r" not in part:
            return part.count(b"\n", 0, size)
        return int(np.searchsorted(self._line_ends(part), size, side="right"))

    def _line_ends(self, data: bytes) -> np.ndarray:
        """The position after each line end that is certain, and after a last line that has none."""
        chars = np.frombuffer(data, np.uint8)
        breaks = np.flatnonzero(chars == LF)
        if b"\r" in data:
            lone = np.flatnonzero(chars == CR)
            following = np.append(chars, 0 if self._ended else LF)[lone + 1]
            lone = lone[following != LF]
            breaks = np.union1d(breaks, lone) if len(lone) else breaks
        ends = breaks + 1
        if self._ended and data and (not len(ends) or ends[-1] < len(data)):
            ends = np.append(ends, len(data))
        return ends

    def _split(self, width: int) -> tuple[Block, int, int] | None:
        """As `_frame`, where all is plainly in order."""
        found = split(self._data, width, self._grammar, self._ended)
        if found is None:
            return None
        lines = found.lines
        lines += self._line
        block = Block(self._data, found.starts, found.ends, lines, quoted=True, fields=found.fields)
        return block, found.used, found.line_ends

    def _frame(self, width: int) -> tuple[Block, int, int]:
        """The whole records of the bytes at hand, how many bytes they take, and how many line ends are in these."""
        data = self._data
        lines = self._line_ends(data)
        quoted = self._grammar.quote is not None and self._grammar.quote in data
        ends, broken_ends = self._quoted(data, lines, width) if quoted else (lines, [])
        used = int(ends[-1]) if len(ends) else 0
        starts = np.concatenate(([0], ends))[: len(ends)]
        before = np.arange(len(ends)) if len(ends) == len(lines) else np.searchsorted(lines, starts, side="right")
        numbers = self._line + before
        broken = np.isin(ends, broken_ends) if broken_ends else np.zeros(len(ends), bool)
        kept = ~broken
        if width != 1:
            first = np.frombuffer(data, np.uint8)[starts]
            kept &= (first != LF) & (first != CR)
        spoilt = tuple(
            Broken(int(numbers[at]), data[starts[at] : ends[at]].rstrip(b"\r\n")) for at in np.flatnonzero(broken)
        )
        if spoilt:
            data = b"".join(data[starts[at] : ends[at]] for at in np.flatnonzero(~broken))
            gone = np.cumsum(np.where(broken, ends - starts, 0))
            starts, ends = starts - gone, ends - gone
        block = Block(data[: used if not spoilt else None], starts[kept], ends[kept], numbers[kept], spoilt, quoted)
        return block, used, int(np.searchsorted(lines, used, side="right"))

    def _quoted(self, data: bytes, lines: np.ndarray, width: int) -> tuple[np.ndarray, list[int]]:
        """Where records end in text with quotes, and which of these ends close a broken stretch."""
        chars = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(chars == self._grammar.quote)
        outside = np.searchsorted(quotes, lines) % 2 == 0
        disorder = self._first_disorder(chars, quotes, lines[~outside])
        ends = lines[outside & (lines <= disorder)]
        if disorder == len(data):
            return ends, []
        begin = int(ends[-1]) if len(ends) else 0
        more, broken = self._careful(data, begin, quotes.tolist(), lines.tolist(), width)
        return np.concatenate((ends, np.array(more, ends.dtype))), broken

    def _first_disorder(self, chars: np.ndarray, quotes: np.ndarray, within: np.ndarray) -> int:
        """The first quote that neither opens, closes nor doubles where it stands; len(chars) when all do. `within`: the
        line ends with an odd number of quotes before them.

        Taken in turns, quotes open and close. While every opening one follows an edge of a field (or doubles
        the closing one before it), and every closing one precedes an edge (or is doubled), that is what a
        careful scan would find.
        """
        size = len(chars)
        edge = np.zeros(256, bool)
        edge[[self._grammar.delimiter, CR, LF]] = True
        before = np.where(quotes > 0, chars[quotes - 1], LF)[0::2]
        after = np.where(quotes < size - 1, chars[np.minimum(quotes + 1, size - 1)], LF)[1::2]
        opens, closes = quotes[0::2], quotes[1::2]
        begun, done = opens[edge[before]], closes[edge[after]]
        pairs = min(len(begun), len(done))
        begun, done = begun[:pairs], done[:pairs]
        long = done - begun >= LONGEST_QUOTED_BYTES
        if len(within):
            spans = np.searchsorted(within, done, side="right") - np.searchsorted(within, begun, side="right")
            long |= spans >= self._grammar.longest_lines
        suspects = (
            opens[~edge[before] & (before != self._grammar.quote)],
            closes[~edge[after] & (after != self._grammar.quote)],
            begun[long],
            opens[len(closes) :],
        )
        return min(int(found[0]) for found in (*suspects, [size]) if len(found))

    def _careful(
        self, data: bytes, at: int, quotes: list[int], lines: list[int], width: int
    ) -> tuple[list[int], list[int]]:
        """Record by record from `at`: where they end, and which of these ends close a broken stretch."""
        ends: list[int] = []
        broken: list[int] = []
        while True:
            next_quote = bisect_left(quotes, at)
            plain_until = quotes[next_quote] if next_quote < len(quotes) else len(data)
            ends += lines[bisect_right(lines, at) : bisect_right(lines, plain_until)]
            if next_quote == len(quotes):
                return ends, broken
            at = max(at, ends[-1]) if ends else at
            outcome, end = self._grammar.scan(data, at, self._ended)
            if outcome is Outcome.BROKEN:
                end = self._resume(data, at, lines, width)
                if end >= 0:
                    broken.append(end)
            if outcome is Outcome.INCOMPLETE or end < 0:
                return ends, broken
            ends.append(end)
            at = end

    def _resume(self, data: bytes, at: int, lines: list[int], width: int) -> int:
        """The first line after `at` that begins a record with the right number of fields; -1 when only more
        bytes can tell."""
        for line in lines[bisect_right(lines, at) :]:
            if line == len(data):
                break
            outcome, end = self._grammar.scan(data, line, self._ended)
            if outcome is Outcome.INCOMPLETE:
                return -1
            if outcome is Outcome.COMPLETE and len(self._grammar.fields(data, line, end)) == width:
                return line
        return len(data) if self._ended else -1
