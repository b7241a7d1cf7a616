from __future__ import annotations

from pathlib import Path

import pytest

from towpath.lab.recipe import Unobtainable
from towpath.lab.ways.jars import Jars

_WAY = Jars("served", "1.0", "org.example:served:1.0", "org.example:log:2.0", java=17)
_MVN = """#!/bin/sh
for word in "$@"; do
    case "$word" in -DoutputDirectory=*) out=${word#*=} ;; */pom.xml) cp "$word" pom ;; esac
done
touch "$out/served.jar"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which scripts play java 17 and Maven."""
    (tmp_path / "bin").mkdir()
    script(tmp_path, "java", "#!/bin/sh\necho 'openjdk version \"17.0.1\" 2021' >&2\n")
    script(tmp_path, "mvn", _MVN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def script(machine: Path, name: str, text: str) -> None:
    (machine / "bin" / name).write_text(text.replace("cp ", "/bin/cp ").replace("touch ", "/usr/bin/touch "))
    (machine / "bin" / name).chmod(0o755)


def test_jars_are_fetched_once(machine: Path) -> None:
    assert _WAY.here() is None
    build = _WAY.fetch()
    assert (build.home / "served.jar").is_file()
    pom = (machine / "pom").read_text()
    assert "<artifactId>served</artifactId><version>1.0</version>" in pom
    assert "<artifactId>log</artifactId><version>2.0</version>" in pom
    (machine / "bin" / "mvn").unlink()
    assert _WAY.here() == build


def test_a_machine_without_java_says_so_even_when_the_jars_are_there(machine: Path) -> None:
    _WAY.fetch()
    (machine / "bin" / "java").unlink()
    assert _WAY.here() is None
    with pytest.raises(Unobtainable, match="no java"):
        _WAY.fetch()


@pytest.mark.parametrize(
    ("said", "why"), [("11.0.2", "java 11, and it needs 17"), ("1.8.0_292", "java 8, and it needs 17"), ("21", "")]
)
def test_the_version_of_java_is_looked_at(said: str, why: str, machine: Path) -> None:
    script(machine, "java", f"#!/bin/sh\necho 'openjdk version \"{said}\"' >&2\n")
    assert _WAY.hindrance() == why


def test_maven_is_quoted_with_what_it_says_first(machine: Path) -> None:
    said = "[ERROR] \\n[ERROR] no such artifact\\n[ERROR] \\n[ERROR] Re-run Maven"
    script(machine, "mvn", f"#!/bin/sh\nprintf 'x\\n{said}'\nexit 1\n")
    with pytest.raises(Unobtainable, match="mvn ended with 1: no such artifact$"):
        _WAY.fetch()
    assert _WAY.here() is None


def test_a_machine_without_maven_is_told(machine: Path) -> None:
    (machine / "bin" / "mvn").unlink()
    with pytest.raises(Unobtainable, match=r"no mvn \(Maven\)"):
        _WAY.fetch()
