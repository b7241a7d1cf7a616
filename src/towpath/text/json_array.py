"""Cuts one JSON array, or one object, into the texts of its elements without parsing them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from towpath.badrows import shorten
from towpath.errors import DataError
from towpath.stream import Place
from towpath.text.json_read import LONGEST, too_long

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_SPACE = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OPEN, _CLOSE, _COMMA, _QUOTE, _NEWLINE = 1, 2, 3, 4, 5
_KINDS = np.zeros(256, np.uint8)
for _signs, _kind in (b"[{", _OPEN), (b"]}", _CLOSE), (b",", _COMMA), (b'"', _QUOTE), (b"\n", _NEWLINE):
    _KINDS[list(_signs)] = _kind
_STEPS = np.array([0, 1, -1, 0], np.int64)
_HINT = "one array of objects, or one object, is read; for an object on each line say --from-format jsonl"


@dataclass(frozen=True, slots=True)
class Elements:
    """Some elements of an array: the line on which each begins, and its bytes."""

    name: str
    elements: list[tuple[int, bytes]]

    @property
    def count(self) -> int:
        return len(self.elements)

    def text(self) -> bytes | None:
        """The elements, if each begins with `{` and ends with `}`: cut at commas between balanced brackets, none can
        hold more than one object then."""
        texts = [raw for _, raw in self.elements]
        framed = all(raw.startswith(b"{") and raw.endswith(b"}") for raw in texts)
        return b"\n".join(texts) if framed else None

    def records(self) -> list[tuple[int, bytes]]:
        return self.elements

    def place(self, row: int) -> Place:
        return Place(self.name, *self.elements[row])


def cut(file: BinaryIO, name: str, size: int) -> Iterator[Elements]:
    """Blocks of about `size` bytes. What is not one array or object, whole and alone, raises DataError, as does an
    element over 128 MB; what is wrong within an element is left to its reader."""
    scanner = _Scanner(name)
    chunk = file.read(size).removeprefix(_BYTE_ORDER_MARK)
    while chunk:
        elements = scanner.feed(chunk)
        if elements:
            yield Elements(name, elements)
        chunk = file.read(size)
    scanner.finish()


class _Scanner:
    """Follows strings and brackets through the chunks of a file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._line = 1  # of the first byte of the next chunk
        self._top = b""  # the bracket that opens the whole value
        self._depth = 0
        self._in_string = False
        self._escape = b""  # a backslash whose character comes with the next chunk
        self._element = _Element()
        self._ended = False
        self._some = False

    def feed(self, chunk: bytes) -> list[tuple[int, bytes]]:
        """The elements that end in the next bytes of the file."""
        chunk = self._escape + chunk
        plain = _ESCAPE.sub(b"__", chunk)
        self._escape = b"\\" if plain.endswith(b"\\") else b""
        chunk = chunk.removesuffix(self._escape) if self._escape else chunk
        signs = _Signs(plain[: len(chunk)], self._line, in_string=self._in_string)
        if signs.broken_at is not None:
            raise self._error(signs.broken_at, "a string is not closed on its line")
        elements = self._elements(chunk, signs)
        self._line = signs.line(len(chunk))
        self._in_string = signs.in_string
        if self._element.length > LONGEST:
            raise too_long(self._name, self._element.line)
        return elements

    def finish(self) -> None:
        """Says that the file has ended; raises DataError when its value has not."""
        if not self._ended:
            found = (
                f"the {'array' if self._top == b'[' else 'object'} is not closed" if self._top else "the file is empty"
            )
            raise self._error(self._line, f"{found}: it may be truncated")

    def _elements(self, chunk: bytes, signs: _Signs) -> list[tuple[int, bytes]]:
        start = 0 if self._top else self._begin(chunk, signs)
        if self._ended or not self._top:
            self._only_space(chunk[start:], start, signs)
            return []
        depth = self._depth + np.cumsum(signs.steps)
        closed = np.flatnonzero((depth == 0) & (signs.steps < 0))[:1]
        commas = np.flatnonzero((depth == 1) & (signs.kinds == _COMMA)) if self._top == b"[" else closed[:0]
        if len(closed):
            commas = commas[commas < closed[0]]
        found = []
        for comma in signs.positions[commas].tolist():
            self._element.add(chunk[start:comma], start, signs)
            found.append(self._element.taken(signs.line(comma)))
            start = comma + 1
        self._some = self._some or bool(found)
        if len(closed):
            found += self._close(chunk, start, int(signs.positions[closed[0]]), signs)
        else:
            self._element.add(chunk[start:], start, signs)
            self._depth = int(depth[-1]) if len(depth) else self._depth
        return found

    def _begin(self, chunk: bytes, signs: _Signs) -> int:
        """Where the first element begins, if the value begins in this chunk."""
        start = len(chunk) - len(chunk.lstrip(_SPACE))
        first = chunk[start : start + 1]
        if first and first not in (b"[", b"{"):
            raise self._error(signs.line(start), f"the file begins with {shorten(repr(chunk[start:])[1:], 20)}")
        self._top = first
        return start + (first == b"[")

    def _close(self, chunk: bytes, start: int, end: int, signs: _Signs) -> list[tuple[int, bytes]]:
        """The last element, once the bracket at `end` has closed the whole value."""
        self._ended = True
        if chunk[end : end + 1] != {b"[": b"]", b"{": b"}"}[self._top]:
            raise self._error(signs.line(end), f"{chr(chunk[end])} closes what {self._top.decode()} opened")
        self._element.add(chunk[start : end + (self._top == b"{")], start, signs)
        self._only_space(chunk[end + 1 :], end + 1, signs)
        line, raw = self._element.taken(signs.line(end))
        return [(line, raw)] if raw or self._some else []

    def _only_space(self, rest: bytes, start: int, signs: _Signs) -> None:
        tail = rest.lstrip(_SPACE)
        if tail:
            line = signs.line(start + len(rest) - len(tail))
            raise self._error(line, f"more follows the end: {shorten(repr(tail[:80])[1:], 20)}")

    def _error(self, line: int, what: str) -> DataError:
        return DataError(what, where=f"{self._name}:{line}", todo=_HINT, code="json-malformed")


class _Signs:
    """The brackets and commas of a chunk that stand outside of strings, by position."""

    def __init__(self, plain: bytes, line: int, *, in_string: bool) -> None:
        data = np.frombuffer(plain, np.uint8)
        kinds = _KINDS[data]
        positions = np.flatnonzero(kinds)
        kinds = kinds[positions]
        inside = (np.cumsum(kinds == _QUOTE) + in_string) & 1 == 1
        self.in_string = bool(inside[-1]) if len(inside) else in_string
        self._line = line
        self._newlines = positions[kinds == _NEWLINE].tolist()
        broken = positions[(kinds == _NEWLINE) & inside]
        self.broken_at = self.line(int(broken[0])) if len(broken) else None
        signs = ~inside & (kinds <= _COMMA)
        self.positions = positions[signs]
        self.kinds = kinds[signs]
        self.steps = _STEPS[self.kinds]

    def line(self, position: int) -> int:
        """The line of the file on which a position of the chunk stands."""
        return self._line + bisect_left(self._newlines, position)


class _Element:
    """The element being met, which may reach over many chunks."""

    def __init__(self) -> None:
        self.line = 0
        self.length = 0
        self._parts: list[bytes] = []

    def add(self, part: bytes, start: int, signs: _Signs) -> None:
        if not self.length:
            stripped = part.lstrip(_SPACE)
            self.line = signs.line(start + len(part) - len(stripped))
            part = stripped
        self.length += len(part)
        self._parts.append(part)

    def taken(self, end_line: int) -> tuple[int, bytes]:
        """Its line and bytes; the next one begins."""
        raw = b"".join(self._parts).rstrip(_SPACE)
        line = self.line if raw else end_line
        self._parts, self.length = [], 0
        return line, raw
