"""One object read by ranges: what is asked for is fetched, and who reads from the start on is served by one stream."""

from __future__ import annotations

import contextlib
import io
import os
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from towpath.adapters.store.s3_client import CUTS, FAILURES, Cut, code_of, refused, shown, whole
from towpath.errors import SourceChanged

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD = 64 << 10
"""Bytes fetched at least; small reads are served from them."""
_IN_ORDER = 3
"""After so many fetches, each where the one before ended, more is fetched than is asked for."""
_AHEAD = 8 << 20
_KEPT = 64 << 20
"""Bytes that are kept of what was fetched here and there: a Parquet reader asks for its column chunks twice."""


class Reading(io.RawIOBase):
    """The object as it was at the opening: each request is made for that version alone, so that a changed object
    raises SourceChanged and two versions are never mixed. `read` gives all that it was asked for, up to the end.

    A stream that is cut is taken up again where it was; what the network has in store is all its read-ahead."""

    def __init__(self, client: Callable[[], Any], bucket: str, key: str) -> None:
        self._client = client
        self._named = {"Bucket": bucket, "Key": key}
        self._path = f"{bucket}/{key}"
        self._position = 0
        self._body: Any = None
        self._body_at = 0
        self._ended = -1
        self._in_order = 0
        self._jumped = False
        self._version = ""
        head, self._size = whole(self._path, self._begin)
        self._kept: OrderedDict[int, bytes] = OrderedDict({0: head})

    def _begin(self) -> tuple[bytes, int]:
        """The first bytes and the size."""
        try:
            answer = self._client().get_object(**self._named, Range=f"bytes=0-{HEAD - 1}")
        except FAILURES as error:
            if code_of(error) in ("InvalidRange", "416"):  # it has no bytes
                return b"", 0
            raise refused(error, self._path, "read") from error
        self._version = answer["ETag"]
        self._ended = min(HEAD, size := int(answer["ContentRange"].rpartition("/")[2]))
        with contextlib.closing(answer["Body"]) as body:
            return body.read(), size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._position = start + offset
        return self._position

    def readall(self) -> bytes:
        rest = bytearray(max(self._size - self._position, 0))
        self.readinto(rest)
        return bytes(rest)

    def readinto(self, buffer: WriteableBuffer) -> int:
        into = memoryview(buffer).cast("B")
        wanted = into[: max(min(len(into), self._size - self._position), 0)]
        done = 0
        while done < len(wanted):
            done += self._some(wanted[done:])
        return done

    def close(self) -> None:
        self._drop_body()
        self._kept.clear()
        super().close()

    def _some(self, into: memoryview) -> int:
        """Reads at least one byte."""
        count = self._from_kept(into)
        if not count:
            count = whole(self._path, lambda: self._from_body(into)) if self._streams() else self._fetch(into)
        self._position += count
        return count

    def _from_kept(self, into: memoryview) -> int:
        for begin, data in self._kept.items():
            behind = self._position - begin
            if 0 <= behind < len(data):
                self._kept.move_to_end(begin)
                return _put(memoryview(data)[behind:], into)
        return 0

    def _streams(self) -> bool:
        """Whether the next bytes come from a stream: it is begun once reading has gone on from the start in order."""
        if self._body is not None and self._body_at == self._position:
            return True
        self._drop_body()
        self._in_order = self._in_order + 1 if self._position == self._ended else 0
        self._jumped = self._jumped or self._in_order == 0
        return self._in_order >= _IN_ORDER and not self._jumped

    def _fetch(self, into: memoryview) -> int:
        """One request for what is asked, or for more of it where that is little or reading goes on in order."""
        least = _AHEAD if self._in_order >= _IN_ORDER else HEAD
        count = min(max(len(into), least), self._size - self._position)
        data = whole(self._path, lambda: self._span(self._position, count))
        self._ended = self._position + len(data)
        self._kept[self._position] = data
        while sum(map(len, self._kept.values())) > _KEPT and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return _put(memoryview(data), into)

    def _span(self, begin: int, count: int) -> bytes:
        with contextlib.closing(self._get(begin, begin + count)) as body:
            return bytes(body.read())

    def _from_body(self, into: memoryview) -> int:
        try:
            if self._body is None:
                self._body, self._body_at = self._get(self._position, self._size), self._position
            data = self._body.read(len(into))
            if not data:
                raise Cut(error="it ended early")
        except CUTS:
            self._drop_body()
            raise
        into[: len(data)] = data
        self._body_at += len(data)
        self._ended = self._body_at
        return len(data)

    def _get(self, begin: int, end: int) -> Any:
        try:
            answer = self._client().get_object(**self._named, Range=f"bytes={begin}-{end - 1}", IfMatch=self._version)
        except FAILURES as error:
            if code_of(error) in ("PreconditionFailed", "412", "NoSuchKey", "404"):
                raise SourceChanged(
                    "it was replaced or removed while it was read", where=shown(self._path), todo="run again"
                ) from error
            raise refused(error, self._path, "read") from error
        return answer["Body"]

    def _drop_body(self) -> None:
        if self._body is not None:
            with contextlib.suppress(Exception):  # a stream that is left half-way ends with its connection
                self._body.close()
            self._body = None


def _put(data: memoryview, into: memoryview) -> int:
    count = min(len(data), len(into))
    into[:count] = data[:count]
    return count
