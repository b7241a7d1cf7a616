"""What the operating system says, as sentences: the one translation of OSError for files and standard streams."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from towpath.errors import Refused
from towpath.options import nearest

_BESIDE = re.compile(r"(?<![^/])\.([^/]*?)\.tow-(?:state|lock|tmp)$")
_IN_FOLDER = re.compile(r"(?<=/)(?:_manifest\.json|\.tow-loads)$")
_FULL = ("there is no space left", "free some space, then run again; nothing was published", "disk-full")
_DENIED = (
    "permission was denied",
    "use an account that may {doing} it, or change its permissions",
    "permission-denied",
)

READ_ONLY = ("the file system is read-only", "choose a place that can be written to", "permission-denied")
"""What is wrong, what to do, and the error's code."""

_KNOWN = {
    errno.ENOENT: ("there is no such file or folder", "check the path", "path-missing"),
    errno.ENOTDIR: (
        "a part of the path is a file, not a folder",
        "check the path, or choose another name",
        "path-kind-wrong",
    ),
    errno.EISDIR: (
        "it is a folder, not a file",
        "choose another name; a folder of files is written with / at its end",
        "path-kind-wrong",
    ),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: READ_ONLY,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: (
        "the file would be larger than the system allows",
        "raise the limit (ulimit -f), or write several files",
        "disk-full",
    ),
    errno.ENAMETOOLONG: ("the name is too long for the file system", "choose a shorter one", "address-wrong"),
    errno.ELOOP: ("its symbolic links lead in a circle", "correct the links", "path-missing"),
}


def refused(error: OSError, path: str, doing: str) -> Refused:
    """The error as Refused: what failed (`doing` is a verb: read, write), where, why and what to do about it."""
    unknown = (error.strerror or str(error), "see what the system says, then run again", "system-refused")
    why, todo, code = _KNOWN.get(error.errno or 0, unknown)
    if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR):
        path = subject(path)
    return Refused(f"cannot {doing} it: {why}", where=path, todo=todo.format(doing=doing), code=code)


def on_read_only(path: str) -> bool:
    """Whether a file's folder lies on a file system that takes no writes, which libraries tell as something else."""
    try:
        return bool(os.statvfs(os.path.dirname(path) or ".").f_flag & os.ST_RDONLY)
    except OSError:
        return False


def subject(path: str) -> str:
    """What one of our own notes is about, which the user named; other paths as they are."""
    return _IN_FOLDER.sub("", _BESIDE.sub(r"\1", path))


def missing(what: str, path: Path) -> Refused:
    """The error of a `what` (file, database) that is not there, with the name beside it that was probably meant."""
    try:
        known = os.listdir(path.parent)
    except OSError:
        known = []
    return Refused(
        f"there is no such {what}{nearest(path.name, known)}",
        where=str(path),
        todo="check the path",
        code="path-missing",
    )


@contextmanager
def translated(path: str, doing: str) -> Iterator[None]:
    """Raises any OSError within as Refused, except BrokenPipeError: the reader of our output left, which the
    command answers by ending quietly."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise refused(error, path, doing) from error
