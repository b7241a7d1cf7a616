"""Small charts in text: a bar a line, in blocks of an eighth of a letter where the output can show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from towpath.look.screen import cut, cut_middle, pad, width

_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = "█"
_LONGEST_LABEL = 32


def bars(rows: Sequence[tuple[str, float, str]], most: int, *, blocks: bool) -> list[str]:
    """A line for each (label, number, note): the label, a bar as long as the number is large, and the note, in `most`
    columns. Without `blocks` the bars are of `#`. Numbers are 0 or more; what is not 0 has a mark."""
    if not rows:
        return []
    labels = [cut_middle(label, min(_LONGEST_LABEL, most // 3)) for label, _, _ in rows]
    widest = max(map(width, labels))
    notes = max(width(note) for _, _, note in rows)
    room = max(1, most - widest - notes - len("    "))
    largest = max(number for _, number, _ in rows) or 1
    lines = []
    for label, (_, number, note) in zip(labels, rows, strict=True):
        drawn = pad(_bar(number / largest * room, blocks=blocks), room)
        lines.append(cut(f"{pad(label, widest)}  {drawn}  {pad(note, notes, right=True)}", most).rstrip())
    return lines


def has_blocks(stream: TextIO) -> bool:
    """Whether a stream can hold blocks: whether it is UTF-8."""
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def _bar(length: float, *, blocks: bool) -> str:
    if not blocks:
        return "#" * (max(1, round(length)) if length else 0)
    eighths = max(1, round(length * 8)) if length else 0
    return _FULL * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
