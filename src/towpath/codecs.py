"""Compression by a file name's ending: .gz .bz2 .xz .zst .zip."""

from __future__ import annotations

from typing import BinaryIO

SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")


def split(path: str) -> tuple[str, str | None]:
    """The path without its codec's ending, and that ending without the dot (None: not compressed)."""
    lower = path.lower()
    for suffix in SUFFIXES:
        if lower.endswith(suffix):
            return path[: -len(suffix)], suffix[1:]
    return path, None


def reader(file: BinaryIO, codec: str | None, name: str) -> BinaryIO:
    """A stream of the decompressed bytes; concatenated members are read through. A truncated or corrupt stream, and a
    zip with not exactly one file, raise DataError naming `name`. Closing it closes `file`."""
    raise NotImplementedError


def writer(file: BinaryIO, codec: str | None, name: str) -> BinaryIO:
    """A stream that compresses into `file`; closing it completes the member and leaves `file` open."""
    raise NotImplementedError
