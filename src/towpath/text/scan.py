"""The grammar of one delimited record: where it ends, and what its fields hold.

Slow and careful: framing uses it where a block's quotes are not plainly in order, and for headers."""

from __future__ import annotations

import re
from enum import Enum
from functools import cache

LONGEST_QUOTED_LINES = 1_000
"""What is quoted for so many lines is taken for a field whose quote was not closed, unless the reader names more."""
LONGEST_QUOTED_BYTES = 120_000_000

CR, LF = 13, 10


class Outcome(Enum):
    """What scanning from a record's start found. INCOMPLETE: more bytes decide."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    BROKEN = "broken"


class Grammar:
    """One delimiter and one quote character (None: quotes are ordinary text), both a single ASCII byte.

    A quote opens a field only at the field's start; anywhere else in an unquoted field it is literal text. `lines` is
    how many a quoted field may have.
    """

    def __init__(self, delimiter: str, quote: str | None, lines: int | None = None) -> None:
        self.longest_lines = LONGEST_QUOTED_LINES if lines is None else lines
        self.delimiter = ord(delimiter)
        self.quote = None if quote is None else ord(quote)
        self._field, self._record = _patterns(delimiter, quote)

    def scan(self, data: bytes, start: int, final: bool) -> tuple[Outcome, int]:
        """Where the record at `start` ends, its line end included; `final`: nothing follows `data`.

        BROKEN: text after a closing quote, or a quoted field that never closes or is longer than the limits.
        The answer for a given file does not depend on how it is cut into blocks.
        """
        found = self._record.match(data, start)
        stop = start if found is None else found.end()
        if stop == len(data):
            end = stop if final else -1
        elif data[stop] == LF:
            end = stop + 1
        elif data[stop] == CR:
            end = self._after_cr(data, stop, final)
        elif data[stop] == self.quote and not final and not self._too_long(data, stop, len(data) + 1):
            end = -1
        else:
            return Outcome.BROKEN, stop
        if end < 0:
            return Outcome.INCOMPLETE, start
        if stop - start > self.longest_lines and self._has_long_field(data, start, stop):
            return Outcome.BROKEN, stop
        return Outcome.COMPLETE, end

    def fields(self, data: bytes, start: int, end: int) -> list[bytes]:
        """The fields of the complete record `data[start:end]`, as they stand (quotes not taken off)."""
        found = []
        while True:
            field = self._field.match(data, start, end)
            stop = start if field is None else field.end()
            found.append(data[start:stop])
            if stop >= end or data[stop] != self.delimiter:
                return found
            start = stop + 1

    def value(self, field: bytes) -> bytes:
        """What a field means: its text without the quotes."""
        if self.quote is None or field[:1] != bytes([self.quote]):
            return field
        sign = bytes([self.quote])
        return field[1:-1].replace(sign + sign, sign)

    def _after_cr(self, data: bytes, at: int, final: bool) -> int:
        if at + 1 == len(data):
            return at + 1 if final else -1
        return at + 2 if data[at + 1] == LF else at + 1

    def _has_long_field(self, data: bytes, start: int, stop: int) -> bool:
        if self.quote is None:
            return False
        at = start
        for field in self.fields(data, start, stop):
            if field[:1] == bytes([self.quote]) and self._too_long(data, at, at + len(field)):
                return True
            at += len(field) + 1
        return False

    def _too_long(self, data: bytes, start: int, stop: int) -> bool:
        breaks = max(data.count(b"\n", start, stop), data.count(b"\r", start, stop))
        return stop - start > LONGEST_QUOTED_BYTES or breaks >= self.longest_lines


@cache
def _patterns(delimiter: str, quote: str | None) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Of a field, and of a record without its line end."""
    end = re.escape(f"{delimiter}\r\n")
    field = f"[^{end}]*+"
    if quote is not None:
        sign = re.escape(quote)
        field = f"(?:{sign}(?:[^{sign}]++|{sign}{sign})*+{sign}|(?!{sign}){field}|)"
    return re.compile(field.encode()), re.compile(f"{field}(?:{re.escape(delimiter)}{field})*+".encode())
