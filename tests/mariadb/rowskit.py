"""Rows of the text protocol, made as a server makes them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pytest

from towpath.mariadb import textrows

Row = Sequence[bytes | None]


def cell(content: bytes | None, width: int | None = None) -> bytes:
    """A cell; `width` is that of its length, where it is not the least."""
    if content is None:
        return b"\xfb"
    size = len(content)
    least = 0 if size < 251 else 2 if size < 1 << 16 else 3 if size < 1 << 24 else 8
    width = least if width is None else width
    return {0: b"", 2: b"\xfc", 3: b"\xfd", 8: b"\xfe"}[width] + size.to_bytes(width or 1, "little") + content


def packet(payload: bytes, number: int = 0) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number & 255]) + payload


def held(payloads: Iterable[bytes]) -> tuple[bytearray, array[int]]:
    """Packets one after another, and where each ends."""
    out, ends = bytearray(), array("q")
    for number, payload in enumerate(payloads):
        out += packet(payload, number)
        ends.append(len(out))
    return bytearray(bytes(out)), ends  # of no more room than that: what looks beyond it is found out


def rows_held(rows: Iterable[Row]) -> tuple[bytearray, array[int]]:
    return held(b"".join(map(cell, row)) for row in rows)


@contextmanager
def not_compiled() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textrows, "compiled", None)
        yield


def columns(rows: Sequence[Row], types: Sequence[pa.DataType | None]) -> list[pa.Array]:
    data, ends = rows_held(rows)
    found = textrows.columns(data, ends, len(rows), types)
    for one in found:
        one.validate(full=True)
    return found
