"""A program that the system's packages bring, where we are root on Debian or one of its kin."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from towpath.lab import jobs
from towpath.lab.recipe import Build, Unobtainable
from towpath.lab.ways import cache
from towpath.lab.ways.installed import Installed

_POLICY = Path("/usr/sbin/policy-rc.d")
_NO_SERVICE = "#!/bin/sh\nexit 101\n"


class Debian:
    """The system's package `package`, which brings what `installed` then finds."""

    def __init__(self, package: str, installed: Installed) -> None:
        self.title = f"system's package {package}"
        self._package, self._installed = package, installed

    def here(self) -> Build | None:
        return None  # once it is here, `installed` finds it

    def hindrance(self) -> str:
        if not shutil.which("apt-get"):
            return "no apt-get"
        return "" if os.geteuid() == 0 else f"not root (apt-get install {self._package})"

    def fetch(self) -> Build:
        if why := self.hindrance():
            raise Unobtainable(why)
        with cache.alone(self._package):
            build = self._installed.here()  # of two that ask at once, the other was first
            if build is None:
                self._install()
                build = self._installed.here()
        if build is None:
            raise Unobtainable(f"{self._package} is installed, but {self._installed.hindrance()}")
        return Build(build.home, build.version, f"{self.title}, {build.how}")

    def _install(self) -> None:
        environment = {**jobs.own_environment(), "DEBIAN_FRONTEND": "noninteractive"}
        wait = ["-o", "DPkg::Lock::Timeout=300"]  # another installation may be under way
        install = ["apt-get", *wait, "install", "-y", "-q", "--no-install-recommends", self._package]
        try:
            with _no_service_started():
                try:
                    jobs.run(install, environment=environment)
                except jobs.Failed:  # a new machine has no lists of packages, or old ones
                    jobs.run(["apt-get", "update", "-q"], environment=environment)
                    jobs.run(install, environment=environment)
        except jobs.Failed as error:
            raise Unobtainable(str(error)) from error


@contextlib.contextmanager
def _no_service_started() -> Iterator[None]:
    """Packages of servers start them when they are installed, unless this file says no. One that is there is kept."""
    try:
        descriptor = os.open(_POLICY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    except FileExistsError:
        yield
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(_NO_SERVICE)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
