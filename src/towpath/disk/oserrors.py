"""What the operating system says, as sentences: the one translation of OSError for files and standard streams."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from towpath.errors import Refused

_FULL = ("there is no space left", "free some space, then run again; nothing was published")
_DENIED = ("permission was denied", "use an account that may {doing} it, or change its permissions")

_KNOWN = {
    errno.ENOENT: ("there is no such file or folder", "check the path"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "check the path"),
    errno.EISDIR: ("it is a folder, not a file", "end the path with / to mean the files in it"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: ("the file system is read-only", "choose a place that can be written to"),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.ENAMETOOLONG: ("the name is too long for the file system", "choose a shorter one"),
    errno.ELOOP: ("its symbolic links lead in a circle", "correct the links"),
}


def refused(error: OSError, path: str, doing: str) -> Refused:
    """The error as Refused: what failed (`doing` is a verb: read, write), where, why and what to do about it."""
    why, todo = _KNOWN.get(error.errno or 0, (error.strerror or str(error), ""))
    return Refused(f"cannot {doing} it: {why}", where=path, todo=todo.format(doing=doing))


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
