"""The lab's own folder of programs: made once, whole or not at all, and used without a network after that."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from towpath import userfiles
from towpath.lab.jobs import Failed
from towpath.lab.recipe import Unobtainable


def folder(name: str) -> Path:
    """Where the programs of this name (with version) lie, or would."""
    return userfiles.cache() / "lab" / name


def filled(name: str, fill: Callable[[Path], object]) -> Path:
    """The folder of this name; `fill` is called with an empty one when there is none. Of several that ask at once, one
    fills it and the others wait. Raises Unobtainable when `fill` fails."""
    target = folder(name)
    with alone(name):
        if not target.exists():
            _fill(target, fill)
    return target


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One process at a time fetches what has this name; the others wait."""
    home = folder("")
    home.mkdir(parents=True, exist_ok=True)
    lock = os.open(home / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _fill(target: Path, fill: Callable[[Path], object]) -> None:
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fill(beside)
        beside.chmod(0o755)
        beside.rename(target)
    except Failed as error:
        raise Unobtainable(str(error)) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
