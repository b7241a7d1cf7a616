from __future__ import annotations

from pathlib import Path

import pytest

from towpath.address import server
from towpath.errors import UserError
from towpath.secrets import Secret, redact
from towpath.secrets.login import complete


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PGSERVICEFILE", "PGSYSCONFDIR", "PGSERVICE", "PGPASSFILE", "PGUSER", "PGPASSWORD", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (".pgpass", ".netrc", ".pg_service.conf"):
        (tmp_path / name).touch(0o600)
    return tmp_path


def test_a_password_comes_from_the_password_file_and_is_known(home: Path) -> None:
    (home / ".pgpass").write_text("h:5432:db:ann:hunter2\n")
    at = complete(server("postgresql://ann@h/db#t"))
    assert (at.user, at.password, at.table) == ("ann", Secret("hunter2"), "t")
    assert redact.clean("hunter2") == "***"
    assert "hunter2" not in str(at)


def test_what_the_address_says_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".pgpass").write_text("*:*:*:*:hunter2\n")
    monkeypatch.setenv("PGUSER", "bob")
    monkeypatch.setenv("PGPASSWORD", "other")
    at = complete(server("postgresql://ann:mine1@h/db"))
    assert (at.user, at.password) == ("ann", Secret("mine1"))


def test_variables_go_before_the_password_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".pgpass").write_text("h:5432:bob:bob:hunter2\n")
    monkeypatch.setenv("PGUSER", "bob")
    assert complete(server("postgresql://h")).password == Secret("hunter2")
    monkeypatch.setenv("PGPASSWORD", "other")
    assert complete(server("postgresql://h")).password == Secret("other")


def test_nobody_named_is_the_user_of_the_system(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "carl")
    (home / ".pgpass").write_text("*:*:carl:carl:hunter2\n")
    at = complete(server("postgresql://h"))
    assert (at.user, at.password) == (None, Secret("hunter2"))


def test_another_password_file_may_be_named(home: Path) -> None:
    (home / "mine").touch(0o600)
    (home / "mine").write_text("*:*:*:*:hunter2\n")
    at = complete(server(f"postgresql://ann@h/db?passfile={home}/mine&sslmode=require"))
    assert at.password == Secret("hunter2")
    assert at.options == {"sslmode": "require"}


def test_a_service_fills_what_the_address_leaves_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".pg_service.conf").write_text(
        "[shop]\nhost=h\nport=5433\ndbname=db\nuser=ann\nsslmode=require\napplication_name=x\n"
    )
    (home / ".pgpass").write_text("h:5433:db:ann:hunter2\n")
    at = complete(server("postgresql://?service=shop&sslmode=disable#t"))
    assert (at.host, at.port, at.path, at.user, at.password) == ("h", 5433, "db", "ann", Secret("hunter2"))
    assert at.options == {"sslmode": "disable", "application_name": "x"}
    at = complete(server("postgresql://bob@other/mine?service=shop"))
    assert (at.host, at.path, at.user, at.password) == ("other", "mine", "bob", None)
    monkeypatch.setenv("PGSERVICE", "none")
    with pytest.raises(UserError, match="no service 'none'"):
        complete(server("postgresql://h"))


def test_a_service_with_a_password_needs_no_file(home: Path) -> None:
    (home / ".pg_service.conf").write_text("[shop]\nhost=h\npassword=hunter2\n[bad]\nport=x\n")
    assert complete(server("postgresql:///db?service=shop")).password == Secret("hunter2")
    with pytest.raises(UserError, match="port is no number"):
        complete(server("postgresql:///db?service=bad"))


def test_a_host_of_http_is_looked_up_in_netrc(home: Path) -> None:
    (home / ".netrc").write_text("machine h login ann password hunter2\n")
    at = complete(server("https://h:8443/api"))
    assert (at.user, at.password) == ("ann", Secret("hunter2"))
    assert complete(server("https://bob@h/api")).password is None
    assert complete(server("https://bob:mine1@h/api")).password == Secret("mine1")
    assert complete(server("https://elsewhere/api")).user is None


def test_other_schemes_stay_as_they_are(home: Path) -> None:
    (home / ".netrc").write_text("default login ann password hunter2\n")
    at = server("kafka://h:9092")
    assert complete(at) is at
