"""Local temporary files that a dead run may leave: named by load id, locked while their writer lives.

The lock is `flock`, which the kernel drops with the process, however it dies. POSIX only: Windows has none.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from towpath.disk.oserrors import translated
from towpath.errors import Refused
from towpath.interrupted import shielded

SUFFIX = ".tow-tmp"
LOCK = ".tow-lock"
"""The end of a lock's name: a file beside a note, `.{note}.tow-lock`, there only while its holder lives."""
_PATIENCE = 0.5

Made = TypeVar("Made")


def create(folder: Path, name: str, load_id: str, suffix: str = "") -> tuple[BinaryIO, Path]:
    """A new empty file `.{name}.{load_id}{suffix}.tow-tmp` in `folder`, open for reading and writing, which
    `sweep` spares until the file and every duplicate of its descriptor (`os.dup`) are closed.

    A dead run's file of the same name is replaced. Raises Refused when a living run holds it, or when the
    folder does not take it.
    """
    path = folder / f".{name}.{load_id}{suffix}{SUFFIX}"
    made: BinaryIO | None = None
    try:
        with translated(str(folder / name), "write"), shielded():
            made = _created(path)
        return made, path
    except BaseException:  # an interrupt that came within
        if made is not None:
            path.unlink(missing_ok=True)
            made.close()
        raise


def create_by(
    make: Callable[[Path], Made], unmake: Callable[[Made], object], folder: Path, name: str, load_id: str, suffix: str
) -> tuple[Made, BinaryIO, Path]:
    """A file as `create` makes it, for a library that makes it by itself (`make`): what the library gave, and what
    holds the file until it is closed, which is after the library has closed it. `unmake` closes what it gave."""
    path = folder / f".{name}.{load_id}{suffix}{SUFFIX}"
    until = time.monotonic() + _PATIENCE
    while True:
        made: Made | None = None
        try:
            with translated(str(folder / name), "write"), shielded():
                if os.path.lexists(path) and not _remove_if_dead(path):
                    if time.monotonic() > until and os.path.lexists(path):
                        raise _held(path)
                    time.sleep(0.01)
                    continue
                made = make(path)
                held = held_as_made(path)
            if held is not None:
                return made, held, path
            unmake(made)
        except BaseException:  # the disk's, or an interrupt that came within
            if made is not None:
                unmake(made)
                path.unlink(missing_ok=True)
            raise


def held_as_made(path: Path) -> BinaryIO | None:
    """Holds a file that a library made. None when a sweep was faster, which took it for a dead run's."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    if _claim(descriptor, path):
        return os.fdopen(descriptor, "w+b")
    os.close(descriptor)
    return None


def _created(path: Path) -> BinaryIO:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            # A sweep holds a dead run's file for the moment that it takes to remove it.
            if not _remove_if_dead(path):
                if time.monotonic() > until and os.path.lexists(path):
                    raise _held(path) from None
                time.sleep(0.01)
            continue
        if _claim(descriptor, path):
            return os.fdopen(descriptor, "w+b")
        os.close(descriptor)


def sweep(folder: Path, name: str) -> list[str]:
    """Removes the files that `create` made for `name`, and the locks of its notes (`.{name}.…`), whose process is dead;
    returns their names."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        ours = [entry for entry in sorted(os.listdir(folder)) if _is_of(entry, name)]
        return [entry for entry in ours if _remove_if_dead(folder / entry)]
    return []


def _is_of(entry: str, name: str) -> bool:
    temporary = entry.startswith(f".{name}.") and entry.endswith(SUFFIX)
    return temporary or (entry.startswith(f"..{name}.") and entry.endswith(LOCK))


def found(folder: Path) -> list[tuple[Path, bool]]:
    """The files in `folder` that runs left or are writing, each with whether its process lives. Changes nothing."""
    with contextlib.suppress(OSError):
        paths = sorted(path for path in folder.iterdir() if path.name[:1] == "." and path.name.endswith((SUFFIX, LOCK)))
        return [(path, _is_held(path)) for path in paths if path.is_file() and not path.is_symlink()]
    return []


def remove(path: Path) -> bool:
    """Removes one of these files; False, and nothing happens, when its process lives."""
    return not _is_held(path) and _remove_if_dead(path)


def _is_held(path: Path) -> bool:
    """Whether a process holds a file, by our lock or by a library's own (fcntl). One that may not be opened counts."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


@contextmanager
def beginning(folder: Path) -> Iterator[bool]:
    """Keeps out others who begin something in the folder, for moments. False when it cannot: some file systems have no
    locks of folders, and a stopped process may hold it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _locked_soon(descriptor)
    finally:
        os.close(descriptor)


def _locked_soon(descriptor: int) -> bool:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        except OSError:
            return False
        else:
            return True


def _held(path: Path) -> Refused:
    return Refused(
        "another run is writing the same load now",
        where=str(path),
        todo="wait for it to end, then run again",
        code="conflict",
    )


def _claim(descriptor: int, path: Path) -> bool:
    """Locks a file just created. False when a sweep took it for a dead run's before it was locked."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return _is_at(descriptor, path)


def _remove_if_dead(path: Path) -> bool:
    """Removes a file that nobody holds. False when it is held, has gone, or cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Since it was opened another sweep may have removed it, and a living run taken its name.
        if not _is_at(descriptor, path):
            return False
        path.unlink()
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
