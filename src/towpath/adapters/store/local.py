"""Files on this machine's disks."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from towpath.disk import leftovers
from towpath.disk.durable import begin_writing, confirm, sync_folder
from towpath.disk.globbing import matches
from towpath.disk.oserrors import translated
from towpath.disk.spool import Spool
from towpath.errors import Conflict, Refused
from towpath.interrupted import settle, shielded
from towpath.nouns import Guarantee
from towpath.seams.store import Entry, Staged

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER = 1 << 18
_BEGIN_BYTES = 16 << 20


class Local:
    """Files by their path. A name that exists is taken as it stands, even if it could be read as a glob.

    What can be read only once (a FIFO, `/dev/stdin`) is kept in a temporary file at its first opening; it has an
    empty version. Tokens are inode numbers, which hold while the file lies on one local file system.
    """

    guarantee = Guarantee.RECOVERABLE
    writes_beside = True

    def __init__(self) -> None:
        self._spools: dict[str, Spool] = {}

    def entries(self, pattern: str) -> list[Entry]:
        with translated(pattern, "list"):
            paths = matches(pattern)
        found = []
        for path in paths:
            with translated(path, "read"):
                found.append(_entry(path))
        return [entry for entry in found if entry is not None]

    def open(self, path: str) -> BinaryIO:
        with translated(path, "read"):
            if stat.S_ISREG(os.stat(path).st_mode):
                return open(path, "rb")
            if path not in self._spools:
                with open(path, "rb") as source:
                    self._spools[path] = Spool(source, path)
            return self._spools[path].open()

    def local(self, path: str) -> Path | None:
        return Path(path) if os.path.isfile(path) else None

    @contextmanager
    def stage(self, path: str, load_id: str) -> Iterator[Staged]:
        """Writes beside the file, or beside the one that a symbolic link leads to; its mode and owner are kept.

        Missing folders are made, and removed again when the object is discarded. Raises Conflict when a living run
        stages the same object under the same load id, Refused when the file is write-protected or no plain file.
        """
        target = Path(os.path.realpath(path))
        made: list[Path] = []
        staged: _StagedFile | None = None
        try:
            with shielded():
                with translated(path, "write"):
                    before = _replaceable(target)
                staged = _begun(target, load_id, made)
                if before is not None:
                    staged.keep_access(before)
            yield staged
        finally:
            settle(lambda: _discard(staged, made))

    def published(self, path: str, token: str) -> bool:
        """Raises Refused when the file is the one published but was changed in place since, for then nobody can say
        what it holds."""
        with translated(path, "read"):
            try:
                found = os.stat(path)
            except FileNotFoundError:
                return False
        inode, _, size = token.partition("-")
        if str(found.st_ino) != inode:
            return False
        if str(found.st_size) != size:
            raise Refused(
                "a load of this file was interrupted, and the file was changed in place since then",
                where=path,
                todo="restore the file, or remove the .tow-state file beside it to load it afresh",
                code="state-damaged",
            )
        return True

    def sweep(self, path: str) -> list[str]:
        """For a path that ends with `/`: everything that dead runs left anywhere in that folder."""
        with translated(path, "clear"):
            if not path.endswith("/"):
                target = Path(os.path.realpath(path))
                return leftovers.sweep(target.parent, target.name)
            return [
                name
                for folder, _, files in os.walk(path)
                for owner in sorted({_owner(file) for file in files if file.endswith(leftovers.SUFFIX)})
                for name in leftovers.sweep(Path(folder), owner)
            ] + [
                name
                for name in sorted(os.listdir(path) if os.path.isdir(path) else ())
                if name.endswith(leftovers.LOCK) and leftovers.remove(Path(path, name))
            ]

    def remove(self, path: str) -> None:
        with translated(path, "remove"), contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def remove_folders(self, root: str, path: str) -> None:
        between = Path(path).relative_to(root).parents
        _remove_empty([Path(root, folder) for folder in between if folder.name])

    def read_note(self, path: str) -> tuple[bytes, str] | None:
        """The version is the SHA-256 of the content."""
        with translated(path, "read"):
            try:
                content = Path(path).read_bytes()
            except FileNotFoundError:
                return None
        return content, _digest(content)

    def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
        with translated(path, "write"), shielded(), _Lock(Path(path)) as lock:
            found = self.read_note(path)
            if (None if found is None else found[1]) != expected:
                raise Conflict("another run has changed it meanwhile", where=path, todo="run again")
            if content is None:
                Path(path).unlink(missing_ok=True)
            else:
                lock.become(content)
            confirm(Path(path))
        return None if content is None else _digest(content)


class _StagedFile:
    """A locked temporary file beside its target."""

    def __init__(self, target: Path, load_id: str) -> None:
        self._target = target
        self.token = ""
        self._published = False
        try:
            # Stays open, and with it locked, until the file is published or discarded.
            self._held, self.path = leftovers.create(target.parent, target.name, load_id)
        except Refused as error:
            if error.__cause__ is not None:
                raise
            raise Conflict(error.what, where=str(target), todo=error.todo) from None
        self.file: BinaryIO = io.BufferedWriter(_Written(self._held.fileno(), str(target)), _BUFFER)

    def keep_access(self, before: os.stat_result) -> None:
        """Gives it the owner and mode of the file that it will replace."""
        with translated(str(self._target), "write"):
            _keep_access(self._held.fileno(), before)

    def close(self) -> None:
        """Discards it, unless it was published. The second time nothing: its name may be another run's by then."""
        if self._held.closed:
            return
        with contextlib.suppress(OSError, Refused):
            self.file.close()
        if not self._published:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self._held.close()

    def seal(self) -> None:
        self.file.close()
        with translated(str(self._target), "write"):
            os.fsync(self._held.fileno())
            found = os.fstat(self._held.fileno())
        # Not the device: its number may be another after a restart, and then a published load would look lost.
        self.token = f"{found.st_ino}-{found.st_size}"

    def publish(self, *, create: bool) -> None:
        with translated(str(self._target), "write"):
            if create:
                _link(self.path, self._target)
            else:
                os.replace(self.path, self._target)
            self._published = True
            confirm(self._target)


class _Written(io.FileIO):
    """The descriptor of a staged file: a disk that is full or gone is named in words. What has come begins to go to the
    disk, so that whoever seals the file does not wait for all of it."""

    def __init__(self, descriptor: int, shown: str) -> None:
        super().__init__(os.dup(descriptor), "wb")
        self._shown = shown
        self._size = self._begun = 0

    def write(self, data: ReadableBuffer) -> int:
        with translated(self._shown, "write"):
            count = super().write(data)
        self._size += count
        if self._size - self._begun >= _BEGIN_BYTES:
            begin_writing(self.fileno(), self._begun, self._size - self._begun)
            self._begun = self._size
        return count


class _Lock:
    """Holds `.{name}.tow-lock` beside a note: a file, locked while its process lives, that may become the note."""

    def __init__(self, note: Path) -> None:
        self._note = note
        self._path = note.parent / f".{note.name}{leftovers.LOCK}"

    def __enter__(self) -> _Lock:
        while True:
            self._file = open(self._path, "ab")
            fcntl.flock(self._file, fcntl.LOCK_EX)
            # The one who held it before may have removed it, or made it the note: then its name is another file's.
            if self._is_ours():
                return self
            self._file.close()

    def become(self, content: bytes) -> None:
        """Puts `content` in the note's place, durably."""
        self._file.truncate(0)
        self._file.write(content)
        self._file.flush()
        os.fsync(self._file.fileno())
        os.replace(self._path, self._note)

    def __exit__(self, *_: object) -> None:
        if self._is_ours():
            self._path.unlink()
        self._file.close()

    def _is_ours(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False


def _entry(path: str) -> Entry | None:
    """None for a folder."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if not os.path.islink(path):
            return None  # removed since it was listed
        raise Refused(
            f"it is a symbolic link to {os.readlink(path)}, which is not there",
            where=path,
            todo="correct or remove the link",
            code="path-missing",
        ) from None
    if stat.S_ISDIR(found.st_mode):
        return None
    if not stat.S_ISREG(found.st_mode):
        return Entry(path, 0, "")
    return Entry(path, found.st_size, f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}")


def _replaceable(target: Path) -> os.stat_result | None:
    """What stands at `target` now; refuses what a rename over it would destroy."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise Refused(
            "it is not a plain file, and cannot be replaced by one",
            where=str(target),
            todo="use - for standard output",
            code="path-kind-wrong",
        )
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        why = errno.EROFS if os.statvfs(target).f_flag & os.ST_RDONLY else errno.EACCES
        raise OSError(why, os.strerror(why))
    return found


def _keep_access(descriptor: int, before: os.stat_result) -> None:
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (before.st_uid, before.st_gid):
        with contextlib.suppress(PermissionError):  # only root may give a file away
            os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _link(path: Path, target: Path) -> None:
    """Gives the file its name only if that is free."""
    try:
        os.link(path, target)
        os.unlink(path)
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP):
            raise
        # A file system without hard links (FAT): looking just before renaming is the best that it allows.
        if os.path.lexists(target):
            raise _taken(target) from None
        os.rename(path, target)


def _taken(target: Path) -> Conflict:
    return Conflict(
        "it was created by somebody else meanwhile",
        where=str(target),
        todo="choose --mode append or --mode replace",
    )


def _begun(target: Path, load_id: str, made: list[Path]) -> _StagedFile:
    """A staged file in its folder, which is made if it is missing. `made` gets the folders to remove at the end."""
    while True:
        with translated(str(target), "write"):
            _make_folders(target.parent, made)
        try:
            return _StagedFile(target, load_id)
        except Refused as error:
            # Another load has just removed the folder, which was empty.
            if not isinstance(error.__cause__, FileNotFoundError) or target.parent.is_dir():
                raise


def _discard(staged: _StagedFile | None, made: list[Path]) -> None:
    if staged is not None:
        staged.close()
    _remove_empty(made)


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Makes what is missing of a path; `made` gets the folders before they are there, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    made[:0] = [path for path in missing if path not in made]
    folder.mkdir(parents=True, exist_ok=True)
    for new in missing:
        sync_folder(new.parent)


def _remove_empty(folders: list[Path]) -> None:
    """Removes folders as far as they are empty, the innermost first: what they were made for may be discarded."""
    with contextlib.suppress(OSError):
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()


def _owner(leftover: str) -> str:
    """The name that a leftover `.{name}.{load_id}.tow-tmp` was made for; load ids have no dots."""
    return leftover.removesuffix(leftovers.SUFFIX).rpartition(".")[0].removeprefix(".")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
