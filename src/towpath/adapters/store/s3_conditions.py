"""Whether a server keeps the conditions of requests: without them two runs could overwrite each other unseen."""

from __future__ import annotations

import contextlib
import hashlib
import json
import posixpath
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from towpath import userfiles
from towpath.adapters.store import s3_orphans
from towpath.adapters.store.s3_client import FAILURES, code_of, shown, translated
from towpath.adapters.store.s3_markers import PROBE, Marker, Upload, now
from towpath.errors import Refused
from towpath.interrupted import shielded

_DAYS = 30
"""How long an answer is believed: servers are replaced."""
_KNOWN = ("amazonaws.com", "amazonaws.com.cn")
_ABSENT = '"00000000000000000000000000000000"'


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a server was seen to keep: conditions of writing, and of deleting."""

    writes: bool
    deletes: bool


_found: dict[tuple[str, str], Conditions] = {}


def of(client: Any, bucket: str, key: str) -> Conditions:
    """What the server of a bucket keeps, tried beside `key` at first and remembered in the user's cache folder. Raises
    Refused when it ignores conditions of writing."""
    server = str(client.meta.endpoint_url)
    if (server, bucket) not in _found:
        s3_orphans.of_the_dead(client, bucket, "", PROBE)
        _found[server, bucket] = _remembered(server, bucket) or _tried(client, server, bucket, key)
    found = _found[server, bucket]
    if not found.writes:
        raise Refused(
            "its server ignores conditions (If-Match, If-None-Match), so two runs could overwrite each other unseen",
            where=shown(f"{bucket}/{key}"),
            todo="write to a server that keeps them; reading from this one works",
            code="guarantee-lacking",
        )
    return found


def _remembered(server: str, bucket: str) -> Conditions | None:
    if str(urlsplit(server).hostname).endswith(_KNOWN):
        return Conditions(True, True)
    with contextlib.suppress(OSError, ValueError, TypeError):
        file = _file(server, bucket)
        if time.time() - file.stat().st_mtime < _DAYS * 86_400:
            return Conditions(**json.loads(file.read_bytes()))
    return None


def _tried(client: Any, server: str, bucket: str, key: str) -> Conditions:
    place = {"Bucket": bucket, "Key": posixpath.join(posixpath.dirname(key), f".tow-probe-{secrets.token_hex(8)}")}
    with shielded(), _noted(client, **place) as probe, translated(f"{bucket}/{key}", "write"):
        client.put_object(**place, Body=b"")
        try:
            writes = (
                _unmet(lambda: client.put_object(**place, Body=b"", IfNoneMatch="*"))
                and _unmet(lambda: client.put_object(**place, Body=b"", IfMatch=_ABSENT))
                and _completes(client, place, probe)
            )
            deletes = _unmet(lambda: client.delete_object(**place, IfMatch=_ABSENT))
        finally:
            client.delete_object(**place)
    found = Conditions(writes, deletes)
    if not found.writes:
        return found  # it may be another one tomorrow
    with contextlib.suppress(OSError):  # then it is tried again by the next run
        file = _file(server, bucket)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(found)))
    return found


@contextlib.contextmanager
def _noted(client: Any, Bucket: str, Key: str) -> Iterator[Upload]:  # noqa: N803 - the library's words
    """Until it is over, so that what a run leaves that dies meanwhile is cleared by the next one; also where a request
    may have been made twice, of which the first may come when all was cleared."""
    marker = Marker(Upload(str(client.meta.endpoint_url), Bucket, Key, PROBE, now()))
    begun, over = time.monotonic(), False
    try:
        yield marker.upload
        over = time.monotonic() - begun < client.meta.config.read_timeout
    finally:
        marker.drop(keep=not over)


def _completes(client: Any, place: dict[str, str], probe: Upload) -> bool:
    """Whether an upload in parts is completed only under its condition."""
    made = client.create_multipart_upload(**place)
    upload = {**place, "UploadId": made["UploadId"]}
    try:
        tag = client.upload_part(**upload, PartNumber=1, Body=b" ")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
        return _unmet(lambda: client.complete_multipart_upload(**upload, MultipartUpload=parts, IfNoneMatch="*"))
    finally:
        with contextlib.suppress(*FAILURES):  # it was completed
            client.abort_multipart_upload(**upload)
        if made["ResponseMetadata"].get("RetryAttempts"):
            s3_orphans.unnamed(client, probe)


def _unmet(request: Callable[[], Any]) -> bool:
    """Whether a request whose condition does not hold is refused for it."""
    try:
        request()
    except FAILURES as error:
        if code_of(error) not in ("PreconditionFailed", "412"):
            raise
        return True
    return False


def _file(server: str, bucket: str) -> Any:
    name = hashlib.sha256(f"{server} {bucket}".encode()).hexdigest()[:24]
    return userfiles.cache() / "s3" / f"{name}.json"
