"""Compressed bytes as a stream of what they were: each codec's library, and its words for a broken stream as ours."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Protocol, cast

import pyarrow as pa

from towpath.disk.spool import Spool
from towpath.errors import DataError

_ARROW = {"bz2": "bz2", "gz": "gzip", "zst": "zstd"}
_XZ_MEMORY = 256 << 20
"""Bytes of memory for the dictionary of an .xz: the largest usual one takes 65 MB, a hostile one asks for gigabytes."""
_MEMBERS: dict[str, Callable[[], Any]] = {
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY),
}
_BLOCK = 1 << 18
_BROKEN = (
    OSError,
    pa.ArrowException,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,
)


def decompressed(file: BinaryIO, codec: str, name: str) -> BinaryIO:
    """The stream; see `towpath.codecs.reader`."""
    return io.BufferedReader(_Decompressed(file, codec, name), _BLOCK)


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
