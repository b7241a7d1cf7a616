"""Uploads that nobody will complete: those of this machine's dead runs, and of anybody's when they are old."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from towpath.adapters.store import s3_markers
from towpath.adapters.store.s3_client import FAILURES, code_of, translated
from towpath.adapters.store.s3_markers import PROBE, Upload
from towpath.disk import leftovers
from towpath.errors import Refused

_GRACE_SECS = 600
"""How much later than its note an upload can have begun whose id was never noted."""


def of_the_dead(client: Any, bucket: str, key: str, load_id: str | None = None) -> list[str]:
    """Ends the uploads of this machine's dead runs (of one load alone) to a key, or below a prefix; returns what names
    them."""
    ended = []
    for one, file, lives in s3_markers.noted(_server(client), bucket, key):
        if load_id in (None, one.load_id) and not lives and _abort(client, one) and leftovers.remove(file):
            ended.append(f"{one.key} (load {one.load_id})")
    return ended


def older_than(client: Any, bucket: str, key: str, seconds: float) -> list[str]:
    """Ends the uploads to a key, or below a prefix, that began so long ago and that no living run of this machine
    noted; returns what names them. An account that may write need not be one that may list uploads: it ends none."""
    known, ended = _known(client, bucket, key), []
    with contextlib.suppress(Refused):
        for one, begun in _uploads(client, bucket, key):
            if begun < time.time() - seconds and one["UploadId"] not in known and abort(client, one):
                ended.append(f"{one['Key']} (upload {one['UploadId']})")
    return ended


def abort(client: Any, upload: dict[str, str]) -> bool:
    """Ends an upload and frees its parts; False when the server could not be asked."""
    try:
        client.abort_multipart_upload(**upload)
    except FAILURES as error:
        return code_of(error) == "NoSuchUpload"
    return True


def unnamed(client: Any, upload: Upload) -> bool:
    """Ends what was begun as this upload without its id having come to be known: its run died meanwhile, or the answer
    was lost. One of another machine that began then is ended too; its run fails, and nothing else happens. False when
    one of them could not be ended."""
    known, ended = _known(client, upload.bucket, upload.key), True
    with contextlib.suppress(Refused):
        for one, begun in _uploads(client, upload.bucket, upload.key):
            if one["UploadId"] not in known and -1 <= begun - upload.since <= _GRACE_SECS:
                ended &= abort(client, one)
    return ended


def _abort(client: Any, upload: Upload) -> bool:
    if upload.load_id == PROBE:
        with translated(f"{upload.bucket}/{upload.key}", "remove"):
            client.delete_object(Bucket=upload.bucket, Key=upload.key)
    if upload.upload is not None:
        return abort(client, {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload})
    return unnamed(client, upload)


def _known(client: Any, bucket: str, key: str) -> set[str | None]:
    """The ids of the uploads of living runs of this machine."""
    return {one.upload for one, _, lives in s3_markers.noted(_server(client), bucket, key) if lives}


def _uploads(client: Any, bucket: str, key: str) -> Iterator[tuple[dict[str, str], float]]:
    """The unfinished uploads to a key, or below a prefix, and when they began (the server's time)."""
    with translated(f"{bucket}/{key}", "list"):
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=key):
            for one in page.get("Uploads", ()):
                if one["Key"] == key or not key or key.endswith("/"):
                    named = {"Bucket": bucket, "Key": one["Key"], "UploadId": one["UploadId"]}
                    yield named, one["Initiated"].timestamp()


def _server(client: Any) -> str:
    return str(client.meta.endpoint_url)
