from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from towpath.lab.recipe import Unobtainable
from towpath.lab.ways import debian
from towpath.lab.ways.debian import Debian
from towpath.lab.ways.installed import Installed

_WAY = Debian("served-server", Installed("served"))
_APT = """#!/bin/sh
echo "$@" >> calls
test -x policy && echo "no service" >> calls
case "$*" in *update*) touch lists; exit 0 ;; esac
test -e lists || { echo "E: Unable to locate package"; exit 100; }
printf '#!/bin/sh\\necho served 1.2\\n' > bin/served
chmod +x bin/served
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a script plays apt-get on a new machine, without lists of packages, where we are root."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "apt-get").write_text(_APT)
    (tmp_path / "bin" / "apt-get").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "_POLICY", tmp_path / "policy")
    return tmp_path


def test_a_package_is_installed_without_starting_a_service_and_with_fresh_lists_when_they_lack(machine: Path) -> None:
    build = _WAY.fetch()
    assert (build.home, build.version) == (machine / "bin", "1.2")
    assert build.how == f"system's package served-server, installed in {machine}/bin"
    calls = (machine / "calls").read_text().splitlines()
    assert [line.split()[-1] for line in calls[::2]] == ["served-server", "-q", "served-server"]
    assert calls[1::2] == ["no service"] * 3
    assert not (machine / "policy").exists()


def test_of_two_that_ask_at_once_one_installs(machine: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: _WAY.fetch(), range(2))
    assert one == other
    assert len((machine / "calls").read_text().splitlines()) == 6


def test_a_policy_on_services_that_is_there_is_kept(machine: Path) -> None:
    (machine / "policy").write_text("#!/bin/sh\nexit 104\n")
    mode = stat.S_IMODE((machine / "policy").stat().st_mode)
    _WAY.fetch()
    assert (machine / "policy").read_text() == "#!/bin/sh\nexit 104\n"
    assert stat.S_IMODE((machine / "policy").stat().st_mode) == mode


def test_who_is_not_root_is_told_what_root_would_do(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unobtainable, match=r"not root \(apt-get install served-server\)"):
        _WAY.fetch()
    assert not (machine / "calls").exists()


def test_a_machine_without_apt_is_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "bin" / "apt-get").unlink()
    monkeypatch.setenv("PATH", str(machine / "bin"))
    assert _WAY.hindrance() == "no apt-get"
