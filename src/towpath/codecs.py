"""Compression by a file name's ending: .gz .bz2 .xz .zst .zip."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, BinaryIO, Protocol, cast

import pyarrow as pa

from towpath.disk.spool import Spool
from towpath.errors import DataError, UserError
from towpath.options import nearest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")

_ARROW = {"bz2": "bz2", "gz": "gzip", "zst": "zstd"}
_XZ_MEMORY = 256 << 20
"""Bytes of memory for the dictionary of an .xz: the largest usual one takes 65 MB, a hostile one asks for gigabytes."""
_MEMBERS: dict[str, Callable[[], Any]] = {
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY),
}
_BLOCK = 1 << 18

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
_BROKEN = (
    OSError,
    pa.ArrowException,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,
)


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
    return io.BufferedReader(_Decompressed(file, codec, name), _BLOCK)


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
    if codec == "zip":
        return io.BufferedWriter(_ZipEntry(kept, split(PurePath(name).name)[0] or "data", level), _BLOCK)
    if codec == "xz":
        return cast(BinaryIO, lzma.open(kept, "wb", preset=level))
    if codec == "gz":  # pyarrow's level is fixed at 9: three times slower, and smaller by less than 1 %
        return cast(BinaryIO, gzip.GzipFile("", "wb", 6 if level is None else level, kept, mtime=0))
    if codec == "bz2":
        return cast(BinaryIO, bz2.open(kept, "wb", 9 if level is None else level))
    return cast(BinaryIO, _zstandard(kept, 1 if level is None else level))


def _zstandard(file: BinaryIO, level: int) -> zstd.ZstdFile:
    """A stream that compresses into a frame with a checksum, which is left out unless one asks for it."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    made = zstd.ZstdFile(file, "wb", options=options)
    made.write(b"")  # otherwise what nothing is written to would get no frame
    return made


class _Readable(Protocol):
    def read(self, size: int) -> bytes: ...

    def close(self) -> None: ...


class _Decompressed(io.RawIOBase):
    """The decompressed bytes, with every library's words for a broken stream turned into DataError."""

    def __init__(self, file: BinaryIO, codec: str, name: str) -> None:
        self._file = file
        self._codec = codec
        self._name = name
        self._inner: _Readable | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._translated():
            if self._inner is None:
                self._inner = self._open()
            got = self._inner.read(len(buffer))
        buffer[: len(got)] = got
        return len(got)

    def close(self) -> None:
        if not self.closed:
            if self._inner is not None:
                self._inner.close()
            self._file.close()
        super().close()

    def _open(self) -> _Readable:
        if self._codec == "zip":
            return _ZipMember(self._file, self._name)
        compressed = cast(BinaryIO, _NotEmpty(self._file))
        if self._codec in _MEMBERS:
            return _Members(compressed, _MEMBERS[self._codec])
        return cast(_Readable, pa.CompressedInputStream(compressed, _ARROW[self._codec]))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            if "Memory usage limit" in str(error):
                raise DataError(
                    f"unpacking it would take more than {_XZ_MEMORY >> 20} MB of memory",
                    where=self._name,
                    todo="unpack it with xz --decompress, or pack it with a smaller dictionary",
                    code="file-damaged",
                ) from error
            raise DataError(
                f"the .{self._codec} data is truncated or corrupt: {error}",
                where=self._name,
                todo="fetch the file again, or correct its name if it is compressed in another way",
                code="file-damaged",
            ) from error


class _NotEmpty(io.RawIOBase):
    """Compressed bytes, of which there must be some: no codec writes none, but a broken transfer does."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._met = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        got = self._file.read(size)
        if not got and size and not self._met:
            raise EOFError("the file is empty")
        self._met = True
        return got


class _Members:
    """Decompresses .xz and .bz2 member by member.

    Python's own LZMAFile and BZ2File pass over what follows a member and is none; pyarrow fails on an empty one.
    """

    def __init__(self, file: BinaryIO, decompressor: Callable[[], Any]) -> None:
        self._file = file
        self._decompressor = decompressor
        self._member: Any = None
        self._input = b""

    def read(self, size: int) -> bytes:
        while True:
            if self._member is None and not self._next_member():
                return b""
            if self._member.needs_input and not self._input:
                self._input = self._file.read(_BLOCK)
                if not self._input:
                    raise EOFError("it ends before its end mark")
            got = self._member.decompress(self._input, size)
            self._input = b""
            if self._member.eof:
                self._input, self._member = self._member.unused_data, None
            if got:
                return got

    def close(self) -> None:
        self._member = None

    def _next_member(self) -> bool:
        """Skips zero bytes, the padding that .xz allows; False at the end of the file."""
        while True:
            self._input = self._input.lstrip(b"\0") or self._file.read(_BLOCK)
            if not self._input:
                return False
            if self._input[0]:
                self._member = self._decompressor()
                return True


class _ZipMember:
    """The one file in a zip, which is spooled to disk when its stream cannot seek."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        archive = zipfile.ZipFile(file if file.seekable() else Spool(file, name).open())
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(files) != 1:
            names = ", ".join(entry.filename for entry in files[:5]) + (", ..." if len(files) > 5 else "")
            raise DataError(
                f"the zip holds {len(files)} files{': ' + names if names else ''}; it must hold exactly one",
                where=name,
                todo="unpack it and name the files, or a folder or pattern of them",
                code="zip-unclear",
            )
        if files[0].flag_bits & 1:
            raise DataError(
                f"{files[0].filename} in the zip is encrypted", where=name, todo="unpack it first", code="zip-unclear"
            )
        self._member = archive.open(files[0])

    def read(self, size: int) -> bytes:
        return self._member.read(size)

    def close(self) -> None:
        self._member.close()


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
