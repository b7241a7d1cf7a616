"""Which uploads are under way on this machine: small files in the user's state folder, locked while their run lives.

S3 has no locks, and a list of unfinished uploads does not say whose they are. So each upload is noted here before it
begins; a note whose lock is gone is a dead run's, and its upload can be ended at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from towpath import userfiles
from towpath.disk import leftovers
from towpath.errors import Conflict, Refused

PROBE = "probe"
"""The load id of what is tried with a server, which no load needs."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload under way: `server` is the endpoint's URL, `upload` the server's id for it once it has begun. `since`
    is a time of this machine's clock in seconds."""

    server: str
    bucket: str
    key: str
    load_id: str
    since: float
    upload: str | None = None

    @property
    def name(self) -> str:
        return hashlib.sha256(f"{self.server} {self.bucket} {self.key}".encode()).hexdigest()[:24]


class Marker:
    """The note of an upload of this process, until it is dropped or the process ends."""

    def __init__(self, upload: Upload) -> None:
        """Raises Conflict when a living run of this machine writes the same object under the same load id."""
        self.upload = upload
        try:
            self._file, self._path = leftovers.create(_folder(), upload.name, upload.load_id)
        except Refused as error:
            if error.__cause__ is not None:
                raise
            raise Conflict(error.what, where=f"s3://{upload.bucket}/{upload.key}", todo=error.todo) from None
        _write(self._file, upload)

    def begun(self, upload: Upload) -> None:
        """Notes the server's id."""
        self.upload = upload
        _write(self._file, upload)

    def drop(self, *, keep: bool = False) -> None:
        """Forgets the upload, or (`keep`) leaves it to the next sweep."""
        if not keep:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._file.close()


def noted(server: str, bucket: str, path: str) -> Iterator[tuple[Upload, Path, bool]]:
    """The uploads noted here to one key, or to all keys below a prefix that ends with `/` (or is empty); each with its
    note and whether its run lives. A dead run's empty note, of an upload that was never begun, is removed."""
    for file, lives in leftovers.found(_folder()):
        upload = _read(file)
        if upload is None:
            leftovers.remove(file)
            continue
        if (upload.server, upload.bucket) != (server, bucket):
            continue
        if upload.key == path or ((not path or path.endswith("/")) and upload.key.startswith(path)):
            yield upload, file, lives


def _folder() -> Path:
    folder = userfiles.state() / "s3"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _write(file: BinaryIO, upload: Upload) -> None:
    file.seek(0)
    file.write(json.dumps(asdict(upload)).encode() + b"\n")
    file.flush()


def _read(path: Path) -> Upload | None:
    """None for a note that its run had no time to write, which had then begun nothing."""
    try:
        first, ended, _ = path.read_bytes().partition(b"\n")  # what follows is the end of a longer note before it
        return Upload(**json.loads(first)) if ended else None
    except (OSError, ValueError, TypeError):
        return None


def now() -> float:
    return time.time()
