"""Objects of Amazon S3 and of servers that speak its protocol, through boto3."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from towpath.adapters.store import s3_conditions, s3_listing, s3_markers, s3_notes, s3_orphans
from towpath.adapters.store.s3_client import FAILURES, Login, code_of, is_missing, no_bucket, refused, shown, translated
from towpath.adapters.store.s3_markers import PROBE, Marker, Upload
from towpath.adapters.store.s3_reading import Reading
from towpath.adapters.store.s3_upload import StagedObject, is_out
from towpath.disk.globbing import is_wild
from towpath.errors import TowError, UserError
from towpath.nouns import Guarantee
from towpath.seams.store import Entry, Staged
from towpath.secrets.secret import Secret

_LEAST_PART_MB, _MOST_PART_MB = 5, 5_000
_STYLES = ("auto", "path", "virtual")


class S3:
    """Paths are `bucket/key`. Without `endpoint`, `region`, `access_key`, `secret_key`, `session_token` or `profile`
    boto3 looks where it always does (environment, profiles), but asks the metadata service of a cloud's machine only
    with `instance_role`. `addressing_style` is auto, path or virtual. Objects of more than `part_mb` MB go up in parts
    of that size. Uploads whose run nobody on this machine knows are taken for dead after `orphan_hours`. A server that
    says nothing for `timeout_secs` is asked again, twice, and then taken to be gone.

    Versions are etags. Every write has a condition: see `s3_conditions`."""

    guarantee = Guarantee.ATOMIC
    writes_beside = True

    GAPS: ClassVar[dict[str, str]] = {
        "read/old": "never: an object that is replaced is gone; reading it stops (source-changed) instead of mixing two"
    }

    def __init__(
        self,
        endpoint: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: Secret | None = None,
        session_token: Secret | None = None,
        profile: str | None = None,
        addressing_style: str = "auto",
        instance_role: bool = False,
        part_mb: int = 8,
        orphan_hours: float = 24.0,
        timeout_secs: float = 60.0,
    ) -> None:
        if addressing_style not in _STYLES:
            raise UserError(f"addressing_style is {', '.join(_STYLES)}, not {addressing_style!r}", code="option-wrong")
        if not _LEAST_PART_MB <= part_mb <= _MOST_PART_MB:
            raise UserError(
                f"part_mb goes from {_LEAST_PART_MB} to {_MOST_PART_MB}, not {part_mb}", code="option-wrong"
            )
        if (access_key is None) != (secret_key is None):
            raise UserError("access_key and secret_key belong together", todo="give both", code="option-missing")
        self._login = Login(
            endpoint,
            region,
            access_key,
            secret_key,
            session_token,
            profile,
            addressing_style,
            instance_role,
            timeout_secs,
        )
        self._part_bytes = part_mb << 20
        self._orphan_secs = orphan_hours * 3600
        self._buckets: set[str] = set()

    def entries(self, pattern: str) -> list[Entry]:
        bucket, key = _parted(pattern)
        if is_wild(key):
            with translated(pattern, "list"):
                return sorted(s3_listing.entries(self._client(), bucket, key), key=lambda entry: entry.path)
        found = self._head(bucket, key) if key and not key.endswith("/") else None
        return [] if found is None else [Entry(pattern, found["ContentLength"], found["ETag"])]

    def open(self, path: str) -> BinaryIO:
        bucket, key = _parted(path)
        with translated(path, "read"):
            return cast(BinaryIO, Reading(self._client, bucket, key))

    def local(self, path: str) -> Path | None:
        return None

    @contextmanager
    def stage(self, path: str, load_id: str) -> Iterator[Staged]:
        """Raises Conflict when a living run of this machine stages the same object under the same load id, Refused when
        the server keeps no conditions."""
        bucket, key = _parted(path)
        s3_orphans.of_the_dead(self._client(), bucket, key, load_id)
        marker = Marker(Upload(self._server(), bucket, key, load_id, s3_markers.now()))
        try:
            found = self._head(bucket, key)
            s3_conditions.of(self._client(), bucket, key)
            before = None if found is None else (found["ETag"], found["ContentLength"])
            staged = StagedObject(self._client, bucket, key, before, marker, self._part_bytes)
        except BaseException:
            marker.drop()
            raise
        try:
            yield staged
        finally:
            staged.leave()

    def published(self, path: str, token: str) -> bool:
        return is_out(self._client(), path, token)

    def sweep(self, path: str) -> list[str]:
        """For a path that ends with `/`: everything below it."""
        bucket, key = _parted(path)
        ended = s3_orphans.of_the_dead(self._client(), bucket, key)
        ended += s3_orphans.of_the_dead(self._client(), bucket, "", PROBE)
        return ended + s3_orphans.older_than(self._client(), bucket, key, self._orphan_secs)

    def abandoned(self, path: str, load_id: str, since: float) -> bool:
        """See `towpath.seams.store.SeesThisMachine`."""
        bucket, key = _parted(path)
        for one, _, lives in s3_markers.noted(self._server(), bucket, key):
            if one.load_id == load_id:
                return not lives
        return since < time.time() - self._orphan_secs

    def fence(self, path: str) -> None:
        """See `towpath.seams.store.SeesThisMachine`."""
        s3_notes.fence(self._client(), path)

    def remove(self, path: str) -> None:
        bucket, key = _parted(path)
        with translated(path, "remove"):
            self._client().delete_object(Bucket=bucket, Key=key)

    def read_note(self, path: str) -> tuple[bytes, str] | None:
        """The version is the etag."""
        _parted(path)
        return s3_notes.read(self._client(), path)

    def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
        bucket, key = _parted(path)
        self._check_bucket(bucket, key)
        conditions = s3_conditions.of(self._client(), bucket, key)
        if content is not None:
            return s3_notes.put(self._client(), path, content, expected)
        s3_notes.remove(self._client(), path, expected, deletes=conditions.deletes)
        return None

    def _head(self, bucket: str, key: str) -> dict[str, Any] | None:
        """What the server says of an object; None when there is none. Raises Refused when there is no such bucket."""
        try:
            found: dict[str, Any] = self._client().head_object(Bucket=bucket, Key=key)
        except FAILURES as error:
            if not is_missing(error):
                raise self._explained(error, bucket, key) from error
            self._check_bucket(bucket, key)
            return None
        self._buckets.add(bucket)
        return found

    def _explained(self, error: Exception, bucket: str, key: str) -> TowError:
        """An answer to HEAD has no words: the same question by GET has them."""
        if code_of(error) in ("403", "400", "301"):
            with translated(f"{bucket}/{key}", "read"):
                self._client().get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()
        return refused(error, f"{bucket}/{key}", "read")

    def _check_bucket(self, bucket: str, key: str) -> None:
        """Some servers make the bucket that a name is written to: one that is not there is probably a slip."""
        if bucket in self._buckets:
            return
        try:
            self._client().head_bucket(Bucket=bucket)
        except FAILURES as error:
            if is_missing(error):
                raise no_bucket(f"{bucket}/{key}") from error
            if code_of(error) not in ("403", "AccessDenied"):  # it is there, and that is all that is asked
                raise refused(error, f"{bucket}/{key}", "read") from error
        self._buckets.add(bucket)

    def _client(self) -> Any:
        return self._login.client()

    def _server(self) -> str:
        return str(self._client().meta.endpoint_url)


def _parted(path: str) -> tuple[str, str]:
    """Bucket and key. Raises UserError for a path without a bucket."""
    bucket, _, key = path.partition("/")
    if not bucket or is_wild(bucket):
        raise UserError(
            "it names no bucket" if not bucket else "a bucket is named without wildcards",
            where=shown(path),
            todo="write s3://BUCKET/KEY",
            code="address-wrong",
        )
    return bucket, key
