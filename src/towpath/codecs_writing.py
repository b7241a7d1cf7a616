"""What a codec makes of bytes that are written."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
from typing import Any, BinaryIO, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BLOCK = 1 << 18


def compressed(file: BinaryIO, codec: str, entry: str, level: int | None) -> BinaryIO:
    """A stream that compresses into `file` and leaves it open; `entry` is the name of what is in a zip."""
    if codec == "zip":
        return io.BufferedWriter(_ZipEntry(file, entry, level), _BLOCK)
    if codec == "xz":
        return cast(BinaryIO, lzma.open(file, "wb", preset=level))
    if codec == "gz":  # pyarrow's level is fixed at 9: three times slower, and smaller by less than 1 %
        return cast(BinaryIO, gzip.GzipFile("", "wb", 6 if level is None else level, file, mtime=0))
    if codec == "bz2":
        return cast(BinaryIO, bz2.open(file, "wb", 9 if level is None else level))
    return cast(BinaryIO, _zstandard(file, 1 if level is None else level))


def _zstandard(file: BinaryIO, level: int) -> zstd.ZstdFile:
    """A stream that compresses into a frame with a checksum, which is left out unless one asks for it."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    made = zstd.ZstdFile(file, "wb", options=options)
    made.write(b"")  # otherwise what nothing is written to would get no frame
    return made


class _ZipEntry(io.RawIOBase):
    """The one entry of a zip being written; closing it completes entry and archive."""

    def __init__(self, file: BinaryIO, entry: str, level: int | None) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level)
        self._entry = self._archive.open(entry, "w", force_zip64=True)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._entry.write(data)

    def close(self) -> None:
        if not self.closed:
            self._entry.close()
            self._archive.close()
        super().close()
