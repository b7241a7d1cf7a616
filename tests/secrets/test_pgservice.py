from __future__ import annotations

from pathlib import Path

import pytest

from towpath.errors import UserError
from towpath.secrets.pgservice import definition


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PGSERVICEFILE", "PGSYSCONFDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_section_gives_its_parameters(home: Path) -> None:
    (home / ".pg_service.conf").write_text(
        "# comment\n[other]\nhost=no\n\n[shop]\n  host=h  \n# more\nport=5433\n"
        "user=ann\noptions=-c a=b\nhost=later\n[shop]\nx=1\n"
    )
    assert definition("shop") == {"host": "h", "port": "5433", "user": "ann", "options": "-c a=b"}


def test_the_users_file_goes_before_the_systems(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = home / "etc"
    system.mkdir()
    (system / "pg_service.conf").write_text("[shop]\nhost=system\n[only]\nhost=there\n")
    monkeypatch.setenv("PGSYSCONFDIR", str(system))
    assert definition("shop") == {"host": "system"}
    (home / ".pg_service.conf").write_text("[shop]\nhost=user\n")
    assert definition("shop") == {"host": "user"}
    assert definition("only") == {"host": "there"}
    (home / "mine").write_text("[shop]\nhost=mine\n")
    monkeypatch.setenv("PGSERVICEFILE", str(home / "mine"))
    assert definition("shop") == {"host": "mine"}


def test_an_unknown_service_is_told_with_the_files_looked_at(home: Path) -> None:
    (home / ".pg_service.conf").write_text("[shops]\nhost=h\n[shop\n")
    with pytest.raises(UserError, match=r"no service 'shop' in .*\.pg_service\.conf"):
        definition("shop")


def test_a_named_file_that_is_not_there_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICEFILE", str(home / "none"))
    with pytest.raises(UserError, match="not there"):
        definition("shop")


@pytest.mark.parametrize("line", ["host", "host = h", "=h", "service=other"])
def test_a_line_that_is_no_parameter_is_told_with_its_number(home: Path, line: str) -> None:
    (home / ".pg_service.conf").write_text(f"[other]\nanything\n[shop]\n{line}\n")
    with pytest.raises(UserError) as caught:
        definition("shop")
    assert caught.value.where.endswith(".pg_service.conf:4")
