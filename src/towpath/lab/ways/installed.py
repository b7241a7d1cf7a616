"""A program that is installed on this machine."""

from __future__ import annotations

import glob
import os
import re
import shutil
from pathlib import Path

from towpath.lab import jobs
from towpath.lab.recipe import Build, Unobtainable

_NUMBER = re.compile(r"\d+(?:\.\d+)+")


class Installed:
    """`program` on PATH, or in one of `folders` (globs; the highest name is the newest). Whatever else the recipe needs
    lies beside it, or on PATH."""

    def __init__(self, program: str, *folders: str, ask: tuple[str, ...] = ("--version",)) -> None:
        self.title = f"installed {program}"
        self._program, self._folders, self._ask = program, folders, ask

    def here(self) -> Build | None:
        found = self._found()
        return None if found is None else Build(found.parent, self._version(found), f"installed in {found.parent}")

    def hindrance(self) -> str:
        places = f" nor in {', '.join(self._folders)}" if self._folders else ""
        return f"no {self._program} on PATH{places}"

    def fetch(self) -> Build:
        raise Unobtainable(self.hindrance())

    def _found(self) -> Path | None:
        folders = [one for pattern in self._folders for one in sorted(glob.glob(pattern), key=_by_number, reverse=True)]
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])
        found = shutil.which(self._program, path=path)
        return None if found is None else Path(os.path.realpath(found))

    def _version(self, program: Path) -> str:
        try:
            found = _NUMBER.search(jobs.run([program, *self._ask], secs=30))
        except jobs.Failed:
            return ""
        return found[0] if found else ""


def _by_number(path: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", path))
