from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from towpath.lab import jobs
from towpath.lab.recipe import Unobtainable
from towpath.lab.ways.wheel import Wheel


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip is held to, and a cache of our own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    info = "served-1.0.dist-info"
    with zipfile.ZipFile(tmp_path / "served-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("served/bin/served", "#!/bin/sh\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: served\nVersion: 1.0\nRequires-Dist: pandas\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return tmp_path


def test_a_wheel_is_fetched_alone_into_the_cache_and_is_there_without_a_network_after_that(shelf: Path) -> None:
    way = Wheel("served", "1.0", "served/bin", "7.5")
    assert way.here() is None
    assert way.hindrance() == ""
    build = way.fetch()
    assert (build.version, build.how) == ("7.5", "wheel served==1.0")
    assert (build.home / "served").is_file()
    assert build.home.is_relative_to(shelf / "cache" / "towpath" / "lab")
    assert not (shelf / "cache" / "towpath" / "lab" / "served-1.0" / "pandas").exists()
    (shelf / "served-1.0-py3-none-any.whl").unlink()
    assert way.here() == build


def test_a_wheel_that_pip_does_not_find_says_so_in_its_words(shelf: Path) -> None:
    with pytest.raises(Unobtainable, match="No matching distribution found for served==2.0"):
        Wheel("served", "2.0", "served/bin").fetch()


def test_a_python_without_pip_is_told() -> None:
    code = "import sys; sys.modules['pip'] = None\nfrom towpath.lab.ways.wheel import Wheel\n"
    code += "print(Wheel('served', '1.0', '').hindrance())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "no pip in this Python\n"


def test_a_program_that_fails_is_told_with_the_end_of_what_it_said() -> None:
    with pytest.raises(jobs.Failed, match="sh ended with 3: two / three"):
        jobs.run(["/bin/sh", "-c", r"printf 'two\n\n\033[1;31mthree\033[m\n'; exit 3"])
    with pytest.raises(jobs.Failed, match="no-such-program: No such file"):
        jobs.run(["no-such-program"])
    with pytest.raises(jobs.Failed, match="took more than 0 s"):
        jobs.run(["/bin/sleep", "60"], secs=0.1)
