"""How a file writes numbers: its decimal sign, and the sign between groups of three digits."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import UserError

GROUPING = (".", ",", "'", "’", "_", " ", "\u00a0", "\u202f")
"""Signs that may part groups of digits; the last ones are blanks that do not break a line."""


@dataclass(frozen=True, slots=True)
class Numerals:
    """`decimal` stands before a number's fraction. With `thousands` the digits before it may be grouped by that sign,
    all in threes from the right (`1.234.567`) or not at all: `12.34` and `1.2345` are no numbers then."""

    decimal: str = "."
    thousands: str | None = None

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise UserError(
                f"the decimal sign is . or , and not {self.decimal!r}", todo="option decimal", code="option-wrong"
            )
        if self.thousands is not None and self.thousands not in GROUPING:
            raise UserError(
                f"the sign between thousands is not {self.thousands!r}",
                todo=f"option thousands takes one of {' '.join(map(repr, GROUPING))}",
                code="option-wrong",
            )
        if self.thousands == self.decimal:
            raise UserError(
                f"{self.decimal!r} cannot be both the decimal sign and the sign between thousands",
                todo="give the option decimal too, such as decimal=, with thousands=.",
                code="option-wrong",
            )

    def plain(self, texts: pa.Array) -> pa.Array:
        """The texts with numbers written plainly (`-1234.5`); what is no number here is none afterwards."""
        if self.thousands is not None:
            texts = self._ungrouped(texts, self.thousands)
        return texts if self.decimal == "." else _swapped(texts)

    def _ungrouped(self, texts: pa.Array, sign: str) -> pa.Array:
        grouped = pc.match_substring_regex(
            texts, f"^-?[1-9][0-9]{{0,2}}(?:{re.escape(sign)}[0-9]{{3}})+(?:{re.escape(self.decimal)}[0-9]+)?$"
        )
        return pc.if_else(grouped, pc.replace_substring(texts, sign, ""), texts)


def _swapped(texts: pa.Array) -> pa.Array:
    """The texts with "," for "." and "." for ","."""
    validity, offsets, data = texts.buffers()
    if data is None:
        return texts
    other = pa.py_buffer(data.to_pybytes().translate(bytes.maketrans(b".,", b",.")))
    return pa.Array.from_buffers(texts.type, len(texts), [validity, offsets, other], offset=texts.offset)
