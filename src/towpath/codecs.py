"""Compression by a file name's ending: .gz .bz2 .xz .zst .zip."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import Any, BinaryIO, cast

from towpath.errors import DataError, UserError
from towpath.options import nearest

SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")


LEVELS = {"gz": (0, 9), "bz2": (1, 9), "xz": (0, 9), "zst": (1, 22), "zip": (0, 9)}
"""Each codec's lowest and highest level."""

_BEGINS = {
    "gz": b"\x1f\x8b\x08",
    "bz2": b"1AY&SY",  # behind `BZh` and a digit
    "xz": b"\xfd7zXZ\0",
    "zst": b"\x28\xb5\x2f\xfd",
}
"""How packed bytes begin, where no file of text does. (A format may itself be a zip.)"""
_PROGRAMS = {"gzip": "gz", "bzip2": "bz2", "zstd": "zst"}


def split(path: str) -> tuple[str, str | None]:
    """The path without its codec's ending, and that ending without the dot (None: not compressed)."""
    lower = path.lower()
    for suffix in SUFFIXES:
        if lower.endswith(suffix):
            return path[: -len(suffix)], suffix[1:]
    return path, None


def reader(file: BinaryIO, codec: str | None, name: str) -> BinaryIO:
    """A stream of the decompressed bytes; concatenated members are read through. A truncated or corrupt
    stream, and a zip with not exactly one file, raise DataError naming `name`. Closing it closes `file`."""
    if codec is None:
        return file
    from towpath.codecs_reading import decompressed  # most files are not packed, and the libraries are slow to load

    return decompressed(file, codec, name)


def named(text: str) -> str:
    """The codec that people call by its ending or by its program (`gz`, `gzip`). Raises UserError."""
    codec = _PROGRAMS.get(text, text.removeprefix("."))
    if codec not in LEVELS:
        raise UserError(
            f"there is no codec {text!r}{nearest(text, [*LEVELS, *_PROGRAMS])}",
            todo=f"known: {', '.join(LEVELS)}",
            code="codec-unknown",
        )
    return codec


def check_level(codec: str, level: int) -> None:
    """Raises UserError for a level that the codec does not have."""
    least, most = LEVELS[codec]
    if not least <= level <= most:
        raise UserError(f"the level of {codec} goes from {least} to {most}, not {level}", code="option-wrong")


def refuse_packed(file: BinaryIO, name: str) -> None:
    """Raises DataError when a file that is to be read as it stands begins as packed bytes do; it stays at its start."""
    if not file.seekable():
        return
    begin = file.read(10)
    file.seek(0)
    for codec, sign in _BEGINS.items():
        if begin.startswith(sign, 4 if codec == "bz2" else 0) and (codec != "bz2" or begin.startswith(b"BZh")):
            raise DataError(
                f"its bytes are packed by {codec}, which its name does not say",
                where=name,
                todo=f"let the name end in .{codec}, or say so with the format, such as --from-format csv.{codec}",
                code="codec-contradicted",
            )


def writer(file: BinaryIO, codec: str | None, name: str, level: int | None = None) -> BinaryIO:
    """A stream that compresses into `file` at a level of the codec (None: its usual one); closing it completes the
    member and leaves `file` open."""
    kept = cast(BinaryIO, _KeptOpen(file))
    if codec is None:
        return kept
    from towpath.codecs_writing import compressed

    return compressed(kept, codec, split(PurePath(name).name)[0] or "data", level)


class _KeptOpen(io.RawIOBase):
    """Writes into a file that outlives it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        if not self.closed:
            self._file.flush()
