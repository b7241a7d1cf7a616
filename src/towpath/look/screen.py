"""Text on a screen: how many columns it takes, what cannot be seen written out, and what is too long cut."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

NARROWEST = 20
_PIPED = 80


def visible(text: str) -> str:
    """The text with its invisible characters written out: `\\n`, `\\u200b`, and `␠` for blanks at its ends."""
    core = text.strip(" ")
    before = len(text) - len(text.lstrip(" ")) if core else len(text)
    behind = len(text) - before - len(core)
    written = "".join(letter if letter.isprintable() and letter != "\\" else _escaped(letter) for letter in core)
    return "␠" * before + written + "␠" * behind


def width(text: str) -> int:
    """Columns on a screen: East Asian wide letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def columns(stream: TextIO) -> int | None:
    """The columns of the terminal that `stream` is; None when it is none."""
    return max(NARROWEST, shutil.get_terminal_size().columns) if stream.isatty() else None


def columns_or_80(stream: TextIO) -> int:
    """The columns of a terminal, 80 for what is no terminal: what is made for reading is as wide everywhere."""
    return columns(stream) or _PIPED


def cut(text: str, most: int) -> str:
    """The text in at most `most` columns; `…` stands for its cut end."""
    if width(text) <= most:
        return text
    return _head(text, max(0, most - 1)) + "…"


def cut_middle(text: str, most: int) -> str:
    """The text in at most `most` columns; `…` stands for its middle: an address is told by both of its ends."""
    if width(text) <= most:
        return text
    room = max(0, most - 1)
    tail = _head(text[::-1], room - room // 2)[::-1]
    return _head(text, room // 2) + "…" + tail


def pad(text: str, most: int, *, right: bool = False) -> str:
    """The text with blanks up to `most` columns: behind it, or before it (`right`)."""
    blanks = " " * (most - width(text))
    return blanks + text if right else text + blanks


def table(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Lines of cells under each other, two blanks between them; the columns numbered in `right` stand right."""
    listed, numbers = list(rows), frozenset(right)
    most = [max(map(width, cells)) for cells in zip(*listed, strict=True)]
    return [
        "  ".join(pad(cell, most[at], right=at in numbers) for at, cell in enumerate(row)).rstrip() for row in listed
    ]


def _head(text: str, room: int) -> str:
    used = 0
    for at, letter in enumerate(text):
        used += width(letter)
        if used > room:
            return text[:at]
    return text


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
