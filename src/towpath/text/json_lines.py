"""Cuts JSON Lines into blocks of whole lines: a newline cannot stand inside a JSON string."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from towpath.stream import Place
from towpath.text import fields, json_fast
from towpath.text.json_read import LONGEST, too_long

_BLANK = b" \t\r"
_LINE_ENDS = re.compile(rb"[ \t\r]*\n[ \t\r\n]*")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Lines:
    """Whole lines of a file; its records are the lines that are not blank."""

    name: str
    first: int
    data: bytes

    @property
    def count(self) -> int:
        """Lines that are not blank."""
        return self._framed[1]

    def text(self) -> bytes | None:
        """The lines, if each begins with `{` and ends with `}`. As many objects as lines then means one on each: a line
        that began inside an object of the line before would begin with `{` where JSON has no place for it."""
        return self._framed[0]

    def records(self) -> list[tuple[int, bytes]]:
        return self._lines

    def place(self, row: int) -> Place:
        return Place(self.name, *self._lines[row])

    @cached_property
    def _framed(self) -> tuple[bytes | None, int]:
        """The text, or None, and the number of lines that are not blank."""
        if json_fast.is_compiled():
            count = json_fast.lines(self.data)
            return (self.data, count) if count else (None, len(self._lines))
        count = _objects(self.data)
        if count:
            return self.data, count
        tidy = _LINE_ENDS.sub(b"\n", self.data).strip(b" \t\r\n")
        count = _objects(tidy)
        return (tidy, count) if count else (None, len(self._lines))

    @cached_property
    def _lines(self) -> list[tuple[int, bytes]]:
        lines = ((line, raw.strip(_BLANK)) for line, raw in enumerate(self.data.split(b"\n"), self.first))
        return [(line, raw) for line, raw in lines if raw]


def _objects(text: bytes) -> int:
    """How many lines there are, if each begins with `{` and ends with `}`, else 0."""
    if not text.startswith(b"{") or not text.endswith((b"}", b"}\n")):
        return 0
    ends = text.count(b"\n") - text.endswith(b"\n")
    return ends + 1 if text.count(b"}\n{") == ends else 0


def cut(file: BinaryIO, name: str, size: int) -> Iterator[Lines]:
    """Blocks of about `size` bytes. A line over 128 MB raises DataError."""
    line = 1
    begun: list[bytes] = []
    chunk = file.read(size).removeprefix(_BYTE_ORDER_MARK)
    while chunk:
        following = file.read(size)
        end = chunk.rfind(b"\n") + 1 if following else len(chunk)
        if end:
            block = Lines(name, line, b"".join([*begun, memoryview(chunk)[:end]]))
            line += fields.line_feeds(block.data)
            begun = []
            yield block
        begun.append(chunk[end:])
        if sum(map(len, begun)) > LONGEST:
            raise too_long(name, line)
        chunk = following
