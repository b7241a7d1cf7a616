"""Logging in to PostgreSQL: what the address, its options and libpq's files say; and how a refusal is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgresqlkit import Place
from towpath import assemble, copy
from towpath.address import parse
from towpath.errors import Refused, TowError, Transient, UserError
from towpath.lab import Server
from towpath.lab.ports import HOST


def password(place: Place) -> str:
    assert place.server.password is not None
    return place.server.password.reveal()


def bare(place: Place, **options: str) -> str:
    """The address without its password."""
    return place.address("t", **options).replace(f":{password(place)}@", "@")


@pytest.fixture
def filled(postgresql: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    for name in ("PGPASSWORD", "PGSERVICE", "PGUSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    postgresql.run("create table t as select 1 as id")
    return postgresql


def test_a_password_comes_from_the_environment_or_the_password_file(
    filled: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"{HOST}:{filled.server.port}:*:lab:{password(filled)}\n")
    file.chmod(0o600)
    assert copy(bare(filled, passfile=str(file)), tmp_path / "a.csv").rows == 1
    monkeypatch.setenv("PGPASSFILE", str(file))
    assert copy(bare(filled), tmp_path / "b.csv").rows == 1
    monkeypatch.delenv("PGPASSFILE")
    monkeypatch.setenv("PGPASSWORD", password(filled))
    assert copy(bare(filled), tmp_path / "c.csv").rows == 1


def test_a_service_says_the_whole_login(filled: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "services"
    server = filled.server
    lines = ("[shop]", f"host={HOST}", f"port={server.port}", "user=lab", "dbname=lab", f"password={password(filled)}")
    file.write_text("\n".join(lines) + f"\noptions=-csearch_path={filled.schema}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert copy(f"postgresql{filled.library}:///?service=shop#t", tmp_path / "a.csv").rows == 1
    monkeypatch.setenv("PGSERVICE", "shop")
    assert copy(f"postgresql{filled.library}://#t", tmp_path / "b.csv").rows == 1


def test_options_reach_libpq(filled: Place) -> None:
    for name, value in (("application_name", "it's a \\ job"), ("application_name", "towpath")):
        given = {name: value} if value != "towpath" else {}
        with filled.database(**given).read() as session:
            assert session.scalar("select current_setting('application_name')") == value
            assert session.scalar("select current_setting('transaction_read_only')") == "on"
            assert session.scalar("select current_setting('transaction_isolation')") == "repeatable read"
    with pytest.raises(Refused, match="SSL"), filled.database(sslmode="require").read():
        pass


def test_an_unknown_option_is_told_with_the_nearest(filled: Place) -> None:
    with pytest.raises(UserError, match="did you mean 'sslmode'"):
        filled.database(sslmod="require")


def test_a_wrong_password_a_missing_database_and_a_silent_server_are_told_apart(filled: Place) -> None:
    right = filled.address()
    wrong = {
        right.replace(password(filled), "letmein"): (Refused, "permission-denied", 'failed for user "lab"'),
        right.replace("/lab?", "/shop?"): (Refused, "path-missing", 'database "shop" does not exist'),
        right.replace(f":{filled.server.port}/", ":1/"): (Transient, "transient", "refused"),
        right.replace(f"@{HOST}:", "@nowhere.invalid:"): (Refused, "system-refused", "nowhere.invalid"),
    }  # fmt: skip
    for address, (kind, code, words) in wrong.items():
        with pytest.raises(TowError) as refused, assemble.database(address).read():
            pass
        assert type(refused.value) is kind, refused.value
        assert refused.value.code == code
        assert words in str(refused.value)
        assert refused.value.todo
        assert "letmein" not in str(refused.value)
        assert password(filled) not in str(refused.value)


def test_a_lacking_right_is_told(filled: Place, tmp_path: Path) -> None:
    role = f"r_{filled.schema}"
    filled.run(f"create role {role} login password 'x1'", f"grant usage on schema {filled.schema} to {role}")
    try:
        address = filled.address("t").replace(f"lab:{password(filled)}@", f"{role}:x1@")
        with pytest.raises(Refused, match="permission denied for table t") as refused:
            copy(address, tmp_path / "out.csv")
        assert refused.value.code == "permission-denied"
    finally:
        filled.run(f"drop owned by {role}", f"drop role {role}")


def test_postgres_is_another_name_of_the_scheme(postgresql_server: Server) -> None:
    assert parse("postgres://h/d#t").scheme == "postgresql"
    assert parse("postgres+psycopg://h/d#t").library == "psycopg"
    database = assemble.database(postgresql_server.address.replace("postgresql://", "postgres://"))
    with database.read() as session:
        assert session.scalar("select 1") == 1
