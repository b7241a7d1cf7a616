"""Cuts JSON Lines into blocks of whole lines: a newline cannot stand inside a JSON string."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from towpath.stream import Place
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

    @cached_property
    def count(self) -> int:
        """Lines that are not blank."""
        return len(self._lines) if self.text() is None else self._tidy.count(b"\n") + 1

    def text(self) -> bytes | None:
        """The lines, if each begins with `{` and ends with `}`. As many objects as lines then means one on each: a line
        that began inside an object of the line before would begin with `{` where JSON has no place for it."""
        tidy = self._tidy
        framed = tidy.startswith(b"{") and tidy.endswith(b"}")
        return tidy if framed and tidy.count(b"}\n{") == tidy.count(b"\n") else None

    def records(self) -> list[tuple[int, bytes]]:
        return self._lines

    def place(self, row: int) -> Place:
        return Place(self.name, *self._lines[row])

    @property
    def _tidy(self) -> bytes:
        """The data without blank lines and blanks at the ends of lines."""
        data = self.data.removesuffix(b"\n")
        if data.count(b"}\n{") == data.count(b"\n"):
            return data
        return _LINE_ENDS.sub(b"\n", self.data).strip(b" \t\r\n")

    @cached_property
    def _lines(self) -> list[tuple[int, bytes]]:
        lines = ((line, raw.strip(_BLANK)) for line, raw in enumerate(self.data.split(b"\n"), self.first))
        return [(line, raw) for line, raw in lines if raw]


def cut(file: BinaryIO, name: str, size: int) -> Iterator[Lines]:
    """Blocks of about `size` bytes. A line over 128 MB raises DataError."""
    line = 1
    begun: list[bytes] = []
    chunk = file.read(size).removeprefix(_BYTE_ORDER_MARK)
    while chunk:
        following = file.read(size)
        end = chunk.rfind(b"\n") + 1 if following else len(chunk)
        if end:
            block = Lines(name, line, b"".join([*begun, chunk[:end]]))
            line += block.data.count(b"\n")
            begun = []
            yield block
        begun.append(chunk[end:])
        if sum(map(len, begun)) > LONGEST:
            raise too_long(name, line)
        chunk = following
