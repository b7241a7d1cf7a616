"""Text of any encoding as UTF-8 bytes, in which what could not be decoded stays marked, so its row is bad."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from towpath.errors import UserError

_MARK = "towpath-mark"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


_MARKED = re.compile("([\udc00-\udcff]+)")


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    """Each byte that is no text becomes a lone surrogate, which UTF-8 excludes."""
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end
    raise error


codecs.register_error(_MARK, _mark)


def known(encoding: str) -> str:
    """The codec's own name. Raises UserError for one that Python does not know or that is not of text."""
    try:
        "".encode(encoding)
    except LookupError as error:
        raise UserError(
            f"there is no text encoding {encoding!r}", todo="for example utf-8, utf-16, latin-1", code="option-wrong"
        ) from error
    return codecs.lookup(encoding).name


class Decoded:
    """The bytes of `stream` as UTF-8 without a byte order mark; `encoding` None: UTF-8, or as the mark says."""

    def __init__(self, stream: BinaryIO, encoding: str | None) -> None:
        self._stream = stream
        self._unread = b""
        self._begun = b""
        self.mark = b""
        """The byte order mark that says more than UTF-8 would."""
        while len(self._begun) < 4 and (more := stream.read(4 - len(self._begun))):
            self._begun += more
        name = known(encoding or "utf-8")
        self.encoding = _UNMARKED.get(name, name)
        for bom, marked in _BOMS:
            if self._begun.startswith(bom) and (encoding is None or name in marked or marked == self.encoding):
                self.encoding = marked
                self.mark = b"" if marked == "utf-8" else bom
                self._begun = self._begun[len(bom) :]
                break
        self._decoder = None
        if self.encoding != "utf-8":
            self._decoder = codecs.getincrementaldecoder(self.encoding)(_MARK)

    def read(self, size: int, /) -> bytes:
        """About `size` bytes of UTF-8; b"" at the end only."""
        if self._unread:
            data, self._unread = self._unread[:size], self._unread[size:]
            return data
        while True:
            data, self._begun = self._begun or self._stream.read(size), b""
            if self._decoder is None:
                return data
            text = self._decoder.decode(data, final=not data)
            if text or not data:
                return text.encode("utf-8", "surrogatepass")

    def unread(self, data: bytes) -> None:
        """Puts back bytes that were read, to be read again."""
        self._unread = data + self._unread

    def original(self, raw: bytes) -> bytes:
        """What stood in the file for these bytes of the result."""
        if self._decoder is None:
            return raw
        parts = _MARKED.split(raw.decode("utf-8", "surrogatepass"))
        return b"".join(
            bytes(ord(sign) - 0xDC00 for sign in part) if at % 2 else part.encode(self.encoding)
            for at, part in enumerate(parts)
        )
