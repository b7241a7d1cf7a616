"""A program for Java, with all the jars that it needs, by Maven."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from towpath.lab import jobs
from towpath.lab.recipe import Build, Unobtainable
from towpath.lab.ways import cache

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>lab</groupId><artifactId>lab</artifactId><version>1</version>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


class Jars:
    """The artifacts (`group:artifact:version`) and all that they depend on, in one folder; needs Java of at least
    `java`."""

    def __init__(self, name: str, version: str, *artifacts: str, java: int) -> None:
        self.title = f"jars of {name} {version}"
        dependencies = "".join(_DEPENDENCY.format(*one.split(":")) for one in artifacts)
        self._pom = _POM.format(dependencies=dependencies)
        self._name, self._version, self._java = f"{name}-{version}", version, java

    def here(self) -> Build | None:
        folder = cache.folder(self._name)
        return Build(folder, self._version, self.title) if folder.is_dir() and not self._no_java() else None

    def hindrance(self) -> str:
        return self._no_java() or ("" if shutil.which("mvn") else "no mvn (Maven)")

    def fetch(self) -> Build:
        if why := self.hindrance():
            raise Unobtainable(why)
        return Build(cache.filled(self._name, self._copy), self._version, self.title)

    def _copy(self, folder: Path) -> None:
        pom = folder / "pom.xml"
        pom.write_text(self._pom, "utf-8")
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        quiet = ["--quiet", "--batch-mode", "-Dstyle.color=never"]
        jobs.run(["mvn", *quiet, "--file", pom, *copy], environment=jobs.own_environment(), words=_first_error)

    def _no_java(self) -> str:
        found = java_version()
        if found is None:
            return "no java"
        return "" if found >= self._java else f"java {found}, and it needs {self._java}"


def java_version() -> int | None:
    """The main version of the `java` on PATH."""
    try:
        found = re.search(r'version "(?:1\.)?(\d+)', jobs.run(["java", "-version"], secs=30))
    except jobs.Failed:
        return None
    return int(found[1]) if found else None


def _first_error(said: str) -> str:
    """What Maven says first; the rest is advice and the paths that the fault took."""
    lines = (line.removeprefix("[ERROR]").strip() for line in said.splitlines() if line.startswith("[ERROR]"))
    errors = [line for line in lines if line]
    return errors[0] if errors else jobs.last_lines(said)
