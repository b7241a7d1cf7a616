"""Store: named sequences of bytes (a disk, a bucket, an SFTP server), and how they become visible.

Paths are the store's own strings. A store knows nothing of formats, codecs or rows.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from towpath.nouns import Guarantee


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored object. `version` changes whenever its bytes may have changed (an etag, or size and mtime in ns)."""

    path: str
    size: int
    version: str


class Staged(Protocol):
    """One object being written beside its place, invisible under its final name. Not published: discarded."""

    file: BinaryIO
    """Where the bytes go, sequentially."""

    token: str
    """Recognises these bytes after publishing (an inode, an etag): `Store.published(path, token)`. Read it only
    after `seal`."""

    def seal(self) -> None:
        """Closes `file` and makes its bytes durable. After it `publish` cannot fail for want of space."""
        ...

    def publish(self, *, create: bool) -> None:
        """Makes the object visible under its final name, atomically and durably. With `create`, raises Conflict when
        the name exists by then."""
        ...


class Store(Protocol):
    """A place for named bytes."""

    guarantee: Guarantee
    """How far exactly-once goes for one file that is published here."""

    def entries(self, pattern: str) -> list[Entry]:
        """The objects that a path or a glob (`*`, `?`, `[..]`, `**`) names, sorted by path; [] when there are none.
        Names of unpublished or hidden things (a leading `.` or `_` in what a wildcard matched) are left out."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A readable stream over the object as it is now. Raises Refused when it is not there or not allowed."""
        ...

    def local(self, path: str) -> Path | None:
        """The object as a file on this machine's disk, if it is one; for libraries that insist on a path."""
        ...

    def stage(self, path: str, load_id: str) -> AbstractContextManager[Staged]:
        """Begins to write an object; leaving the context unpublished removes its bytes."""
        ...

    def published(self, path: str, token: str) -> bool:
        """Whether the object now under `path` is the one whose Staged had `token`."""
        ...

    def sweep(self, path: str) -> list[str]:
        """Removes what dead runs left unpublished beside `path`; what a living run is writing stays. Returns names."""
        ...

    def remove(self, path: str) -> None:
        """Removes an object; no error when it is not there."""
        ...

    def read_note(self, path: str) -> tuple[bytes, str] | None:
        """A small object whole, with its version; None when it is not there."""
        ...

    def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
        """Compare-and-swap of a small object, atomic and durable: replaces it (None: removes it) only if its version
        is still `expected` (None: not there), else raises Conflict. Returns the new version."""
        ...


@runtime_checkable
class BeginsWithOld(Protocol):
    """A Staged whose store can itself put the bytes of the object that stands there before what is written."""

    def begin_with_old(self) -> int:
        """Does so, and returns how many bytes these were; 0, and nothing happens, where the store cannot copy so few.
        Called before anything is written. Publishing raises Conflict when the object was changed meanwhile."""
        ...


@runtime_checkable
class SeesThisMachine(Protocol):
    """A store that others write to as well, where only the runs of this machine can be told to live: a run elsewhere
    may be writing, and a request of a dead run may still arrive."""

    def abandoned(self, path: str, load_id: str, since: float) -> bool:
        """Whether the run that staged `path` under this load id at `since` (seconds of the epoch) is over: it was one
        of this machine, and its process is gone, or it began longer ago than runs last."""
        ...

    def fence(self, path: str) -> None:
        """Gives a note (also one that is not there) another version, so that no change of it that was asked for before
        is made any more: the last request of a dead run may arrive late."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A Staged of a store that sees this machine's runs alone."""

    def remember(self) -> None:
        """Lets this machine's next run know that this one is over, though it could not clear up after itself."""
        ...


@runtime_checkable
class HasFolders(Protocol):
    """A store whose folders are there also when nothing is in them."""

    def remove_folders(self, root: str, path: str) -> None:
        """Removes the folders on the way from `root` to a path below it as far as they are empty, not `root` itself.
        No error when one is not there, or is used."""
        ...
