from __future__ import annotations

import os
from pathlib import Path

import pytest

from towpath.errors import UserError
from towpath.secrets.pgpass import password


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "pgpass"
    path.touch(0o600)
    monkeypatch.setenv("PGPASSFILE", str(path))
    return path


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("h:5432:db:ann:pw", "pw"),
        ("h:5433:db:ann:pw", None),
        ("*:*:*:*:any\nh:5432:db:ann:pw", "any"),
        ("x:*:*:*:no\nh:*:*:ann:pw", "pw"),
        ("#h:5432:db:ann:no\nh:5432:db:ann:pw\r\n", "pw"),
        (r"h:5432:db:ann:p\:w\\x", r"p:w\x"),
        ("h:5432:db:ann:p:w", "p"),
        (r"h:5432:d\b:ann:pw", "pw"),
        (r"\*:5432:db:ann:no", None),
        ("h:5432:db:ann", None),
        ("h:5432:db:ann:", ""),
        ("H:5432:db:ann:no", None),
        ("**:5432:db:ann:no", None),
        ("\nh:5432:db:ann:p w ", "p w "),
        ("h:5432:db:ann:pw\\", "pw\\"),
    ],
)
def test_the_first_line_that_matches_gives_the_password(file: Path, lines: str, found: str | None) -> None:
    file.write_text(lines)
    assert password("h", None, "db", "ann") == found


def test_escapes_are_taken_from_each_field(file: Path) -> None:
    file.write_text(r"fe80\:\:1:5432:a\\b:c\:d:pw")
    assert password("fe80::1", 5432, r"a\b", "c:d") == "pw"


@pytest.mark.parametrize("host", [None, "localhost", "/var/run/postgresql", "/tmp"])
def test_a_server_of_this_machine_is_localhost(file: Path, host: str | None) -> None:
    file.write_text("localhost:5432:db:ann:pw")
    assert password(host, None, "db", "ann") == "pw"


def test_the_folder_of_another_socket_is_its_own_name(file: Path) -> None:
    file.write_text("/srv/pg:5432:db:ann:pw")
    assert password("/srv/pg", None, "db", "ann") == "pw"
    assert password(None, None, "db", "ann") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_not_used(file: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text("*:*:*:*:pw")
    file.chmod(mode)
    assert password("h", None, "db", "ann") is None
    assert f"chmod 600 {file}" in caplog.text


def test_a_file_that_is_not_there_has_no_password(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.unlink()
    assert password("h", None, "db", "ann") is None
    assert not caplog.records
    os.mkfifo(file, 0o600)
    assert password("h", None, "db", "ann") is None
    assert "no plain file" in caplog.text


def test_the_file_in_the_home_folder_is_the_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSFILE")
    monkeypatch.setenv("HOME", str(file.parent))
    home = file.parent / ".pgpass"
    home.touch(0o600)
    home.write_text("*:*:*:*:pw")
    assert password("h", None, "db", "ann") == "pw"


def test_a_file_that_is_no_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff")
    with pytest.raises(UserError, match="no UTF-8"):
        password("h", None, "db", "ann")
