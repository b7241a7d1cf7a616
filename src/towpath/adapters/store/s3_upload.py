"""One object on its way: parts go up in the background, and one request, with a condition, makes them the object."""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from towpath.adapters.store.s3_client import FAILURES, is_missing, refused, shown, translated
from towpath.adapters.store.s3_markers import Marker, Upload, now
from towpath.adapters.store.s3_orphans import abort, unnamed
from towpath.errors import Conflict, TowError
from towpath.seams.beside import GivenUp

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TOKEN = "towpath-token"
"""The metadata of an object that names the load and tells its bytes from all others."""
THREADS = 4
_IN_FLIGHT = 64 << 20
"""Bytes of parts that wait for being sent."""
_PARTS = 2000
"""Parts of one size; the following ones are twice as large, for there may be 10,000 in all."""
_LEAST_PART = 5 << 20
_LOOK_SECS = 0.1
"""How soon it is noticed that somebody gave up."""


class StagedObject:
    """Bytes that no reader sees before `publish`. An object of one part is put by one request then; the parts of a
    larger one wait on the server for the request that completes them. The server compares the checksum of each."""

    def __init__(
        self,
        client: Callable[[], Any],
        bucket: str,
        key: str,
        before: tuple[str, int] | None,
        marker: Marker,
        part: int,
    ) -> None:
        """`before`: etag and size of the object that stands there now. `part` in bytes."""
        self._client = client
        self._named = {"Bucket": bucket, "Key": key}
        self._path = f"{bucket}/{key}"
        self._before = before
        self._marker = marker
        self._part_bytes = part
        self._buffer = bytearray()
        self._upload: dict[str, str] = {}
        self._parts: list[Future[dict[str, Any]]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._room = threading.BoundedSemaphore(max(1, min(THREADS + 1, _IN_FLIGHT // part)))
        self._published = False
        self._given_up = False
        self._abandoned = False
        self._remembered = False
        self._twice: Upload | None = None
        self.token = f"{marker.upload.load_id}-{secrets.token_hex(8)}"
        self.file: BinaryIO = cast(BinaryIO, _Written(self))

    @property
    def waiting(self) -> int:
        """Bytes in memory that cannot leave yet, for they are not a part."""
        return len(self._buffer)

    def take(self, data: memoryview) -> None:
        """Takes bytes on; full parts leave."""
        done = 0
        while done < len(data):
            piece = data[done : done + self._part_bytes - len(self._buffer)]
            self._buffer += piece
            done += len(piece)
            if len(self._buffer) == self._part_bytes:
                self._send()

    def begin_with_old(self) -> int:
        """Lets the object begin with the bytes of the one that stands there, copied by the server; returns their
        number, or 0 where they are too few to be a part. Called before anything is written."""
        if self._before is None or self._before[1] < _LEAST_PART:
            return 0
        tag, size = self._before
        source = {"CopySource": dict(self._named), "CopySourceIfMatch": tag}
        pieces = -(-size // (1 << 30))
        for number in range(pieces):
            first, last = size * number // pieces, size * (number + 1) // pieces - 1
            self._submit(self._copy, {**source, "CopySourceRange": f"bytes={first}-{last}"})
        return size

    def seal(self) -> None:
        self.file.close()
        if self._upload:
            if self._buffer:
                self._send()
            for part in self._parts:
                self._done(part)
            self._end_pool()

    def publish(self, *, create: bool) -> None:
        condition = {"IfNoneMatch": "*"} if create or self._before is None else {"IfMatch": self._before[0]}
        try:
            self._make_visible(condition)
        except TowError:
            # The request may have done its work although its answer was lost, and been refused when sent again.
            if not is_out(self._client(), self._path, self.token):
                raise
        self._published = True

    def remember(self) -> None:
        """See `towpath.seams.store.Remembers`."""
        self._remembered = True

    def give_up(self, *, abandon: bool = False) -> None:
        """See `towpath.seams.beside.GivesUp`. Parts that are on their way are waited for when the object is left, for
        one that arrives later would keep its upload; one that was abandoned is left to the next run."""
        self._given_up = True
        self._abandoned |= abandon

    def leave(self) -> None:
        """Takes back what was not published."""
        self._buffer = bytearray()
        if self._abandoned:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
            self._marker.drop(keep=True)
            return
        self._end_pool()
        kept = self._remembered
        if self._upload and not self._published:
            kept |= not abort(self._client(), self._upload)
        if self._twice is not None:
            self._marker.begun(self._twice)
        self._marker.drop(keep=kept or self._twice is not None)

    def _make_visible(self, condition: dict[str, str]) -> None:
        try:
            if not self._upload:
                self._client().put_object(
                    **self._named, **condition, Body=bytes(self._buffer), Metadata={TOKEN: self.token}
                )
                return
            parts = {"Parts": [part.result() for part in self._parts]}
            self._client().complete_multipart_upload(**self._upload, **condition, MultipartUpload=parts)
        except FAILURES as error:
            if "IfNoneMatch" in condition and isinstance(refused(error, self._path, "write"), Conflict):
                raise Conflict(
                    "it was created by somebody else meanwhile",
                    where=shown(self._path),
                    todo="choose --mode append or --mode replace",
                ) from error
            raise refused(error, self._path, "write") from error

    def _send(self) -> None:
        body, self._buffer = self._buffer, bytearray()
        self._submit(self._put, {"Body": body})
        if len(self._parts) % _PARTS == 0:
            self._part_bytes *= 2

    def _submit(self, work: Callable[[dict[str, Any], int], dict[str, Any]], given: dict[str, Any]) -> None:
        if not self._upload:
            self._begin_upload()
        pool = self._pool = self._pool or ThreadPoolExecutor(THREADS, "tow-s3")
        for part in self._parts:
            if part.done():
                part.result()  # a part that failed stops the load now
        while not self._room.acquire(timeout=_LOOK_SECS):
            self._go_on()
        sent = pool.submit(work, given, len(self._parts) + 1)
        sent.add_done_callback(lambda _: self._room.release())
        self._parts.append(sent)

    def _begin_upload(self) -> None:
        begun = replace(self._marker.upload, since=now())
        self._marker.begun(begun)
        try:
            with translated(self._path, "write"):
                made = self._client().create_multipart_upload(**self._named, Metadata={TOKEN: self.token})
        except TowError:
            self.remember()
            raise
        self._upload = {**self._named, "UploadId": made["UploadId"]}
        self._marker.begun(replace(begun, upload=made["UploadId"]))
        if made["ResponseMetadata"].get("RetryAttempts"):
            # A request whose answer was lost has begun another upload, or will when it arrives: the next run looks.
            unnamed(self._client(), begun)
            self._twice = begun

    def _put(self, given: dict[str, Any], number: int) -> dict[str, Any]:
        with translated(self._path, "write"):
            answer = self._client().upload_part(**self._upload, **given, PartNumber=number)
        given.clear()  # the future keeps the arguments as long as its result
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _copy(self, given: dict[str, Any], number: int) -> dict[str, Any]:
        with translated(self._path, "write"):
            answer = self._client().upload_part_copy(**self._upload, **given, PartNumber=number)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    def _done(self, part: Future[dict[str, Any]]) -> None:
        """Waits for a part; raises what it raised."""
        while not part.done():
            self._go_on()
            wait((part,), timeout=_LOOK_SECS)
        part.result()

    def _go_on(self) -> None:
        if self._given_up:
            raise GivenUp(f"the upload of {shown(self._path)}")

    def _end_pool(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class _Written(io.RawIOBase):
    """Where the bytes of a staged object go."""

    def __init__(self, staged: StagedObject) -> None:
        self._staged = staged

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data).cast("B")
        self._staged.take(view)
        return len(view)


def is_out(client: Any, path: str, token: str) -> bool:
    """Whether the object under a path is the one that was staged with `token`."""
    bucket, _, key = path.partition("/")
    try:
        found = client.head_object(Bucket=bucket, Key=key)
    except FAILURES as error:
        if is_missing(error):
            return False
        raise refused(error, path, "read") from error
    return found.get("Metadata", {}).get(TOKEN) == token
