from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

import towpath
from towpath.cli.main import main
from towpath.secrets import vault

SOURCE = str(Path(towpath.__file__).parents[1])


@pytest.fixture(autouse=True)
def _file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)
    monkeypatch.setenv("TOWPATH_PASSPHRASE", "correct horse")
    monkeypatch.setattr(vault, "_asked", {})


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_secret_is_set_listed_and_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, "hunter2hunter2\n")
    assert main(["secrets", "set", "shop/ann"]) == 0
    out = capsys.readouterr().out
    assert "write ${keyring:shop/ann}" in out
    assert vault.opened().get("shop/ann") == "hunter2hunter2"
    assert main(["secrets", "list"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("kept in the encrypted file ")
    assert out.endswith(":\n  shop/ann\n")
    assert main(["secrets", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["names"] == ["shop/ann"]
    assert main(["secrets", "remove", "shop/anm"]) == 1
    assert "did you mean 'shop/ann'" in capsys.readouterr().err
    assert main(["secrets", "remove", "shop/ann"]) == 0
    assert main(["secrets", "list"]) == 0
    assert capsys.readouterr().out.endswith(": none\n")


def test_several_lines_are_kept_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, "one\ntwo\n")
    assert main(["secrets", "set", "a/b"]) == 2
    assert "--stdin" in capsys.readouterr().err
    given(monkeypatch, "one\ntwo\n\n")
    assert main(["secrets", "set", "a/b", "--stdin"]) == 0
    assert vault.opened().get("a/b") == "one\ntwo\n"


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_secret_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, text)
    assert main(["secrets", "set", "a/b"]) == 2
    assert vault.opened().names() == []


def test_a_name_without_a_user_is_refused_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", "set", "shop"]) == 2
    assert "write service/user" in capsys.readouterr().err


def test_a_terminal_is_asked_without_echo(tmp_path: Path) -> None:
    """A real terminal: what is typed there never comes back from it."""
    keep = {name: os.environ[name] for name in ("PATH", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "TOWPATH_STATE")}
    environment = {**keep, "PYTHONPATH": SOURCE, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "towpath.cli.main", "secrets", "set", "shop/ann"]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True, cwd=tmp_path
    )
    os.close(theirs)
    shown = ""
    answers = [
        ("ann: ", "hunter2"),
        ("again: ", "hunter2"),
        ("secrets: ", "correct horse"),
        ("again: ", "correct horse"),
    ]
    for prompt, answer in answers:
        shown += _until(ours, prompt)
        time.sleep(0.1)  # getpass throws away what was typed before its prompt
        os.write(ours, f"{answer}\n".encode())
    shown += _until(ours, "${keyring:shop/ann}")
    assert process.wait(30) == 0
    os.close(ours)
    assert "hunter2" not in shown
    assert "horse" not in shown
    assert vault.opened().get("shop/ann") == "hunter2"


def _until(terminal: int, text: str) -> str:
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 1000).decode()
    return shown
