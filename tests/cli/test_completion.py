"""Completion is asked of `tow` itself; the bash script is run in a bash, and those of zsh and fish where they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from towpath import errors_catalogue
from towpath.cli.completion import SCRIPTS, candidates
from towpath.cli.main import COMMANDS, main, parser
from towpath.registry import rows

YAML = """\
pipeline: shop
connections: {warehouse: "duckdb:///w.db", reports: "sqlite:///r.db"}
vars: {day: null, country: DE}
profiles: {prod: {vars: {country: FR}}}
steps: {orders: {from: orders.csv, to: warehouse#orders}, items: {from: i.csv, to: warehouse#items}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("tow.yaml").write_text(YAML)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    Path("orders.csv").touch()
    Path("my data").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("copy --mode ", ["create", "append", "replace", "merge"]),
        ("copy a b --log ", ["text", "json"]),
        ("copy ", ["warehouse#", "reports#", ":files"]),
        ("copy a.csv ", ["warehouse#", "reports#", ":files"]),
        ("copy --mode merge a.csv ", ["warehouse#", "reports#", ":files"]),
        ("copy a.csv b.csv ", []),
        ("copy --where ", []),
        ("copy --from-format ", [row.name for row in rows("format")]),
        ("plan tow.yaml ", ["orders", "items"]),
        ("plan tow.yaml orders ", ["orders", "items"]),
        ("plan ", ["orders", "items", "warehouse#", "reports#", ":files"]),
        ("run ", ["orders", "items", ":files"]),
        ("run --from ", ["orders", "items"]),
        ("run --env ", ["prod"]),
        ("lint tow.yaml --env ", ["prod"]),
        ("run --var ", ["day=", "country="]),
        ("explain ", list(errors_catalogue.codes())),
        ("connections test ", ["warehouse", "reports"]),
        ("secrets set ", []),
        ("copy --key ", []),
        ("completion ", ["bash", "zsh", "fish"]),
        ("adapters ", ["database", "engine", "format", "store"]),
        ("lab up kafka ", ["mariadb", "postgresql", "s3"]),
        ("replay ", [":folders"]),
        ("copy a b --bad-rows ", [":folders"]),
        ("nonsense ", list(COMMANDS)),
    ],
)
def test_what_may_stand_next(folder: Path, line: str, found: list[str]) -> None:
    *before, typed = line.split(" ")
    assert candidates(parser(), before, typed) == found


def test_the_connections_of_the_user_are_offered_too(folder: Path) -> None:
    Path("towpath").mkdir()
    Path("towpath/connections.yaml").write_text("lake: s3://lake\nwarehouse: duckdb:///other.db\n")
    assert candidates(parser(), ["connections", "test"], "") == ["warehouse", "reports", "lake"]


def test_options_are_offered_once_a_hyphen_is_typed(folder: Path) -> None:
    found = candidates(parser(), ["copy"], "--")
    assert {"--mode", "--where", "--quiet", "--json"} <= set(found)
    assert candidates(parser(), [], "-") == ["--help", "--version"]


@pytest.mark.parametrize("text", ["steps: [", "steps: 3", "", "\xff"])
def test_a_tow_yaml_that_cannot_be_read_offers_no_names(folder: Path, text: str) -> None:
    Path("tow.yaml").write_bytes(text.encode("latin-1"))
    assert candidates(parser(), ["plan", "tow.yaml"], "") == []
    Path("tow.yaml").unlink()
    assert candidates(parser(), ["copy"], "") == [":files"]


def test_completing_a_command_loads_no_library_of_others(folder: Path) -> None:
    code = """
import sys
before = set(sys.modules)  # what the interpreter of an environment brings along
from towpath.cli.main import main
main(["__complete", *sys.argv[1:]])
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*loaded - set(sys.stdlib_module_names) - {"towpath", "__main__"})
"""
    for words, allowed in ((["copy", "--mo"], set()), (["copy", ""], {"yaml", "_yaml"})):
        command = [sys.executable, "-c", code, *words]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        loaded = {name for name in done.stdout.splitlines()[-1].split() if "cython" not in name}
        assert loaded - allowed == set()


@pytest.fixture
def shell(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a shell that finds `tow`."""
    bin = tmp_path_factory.mktemp("bin")
    (bin / "tow").write_text(f'#!/bin/sh\nexec {sys.executable} -m towpath.cli.main "$@"\n')
    (bin / "tow").chmod(0o755)
    return {
        **os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["tow", "co"], ["copy", "connections", "completion"]),
        (["tow", "copy", "--mo"], ["--mode"]),
        (["tow", "copy", "--mode", "me"], ["merge"]),
        (["tow", "copy", "o"], ["orders.csv"]),
        (["tow", "copy", "wa"], ["warehouse#"]),
        (["tow", "copy", "my"], ["my data"]),
        (["tow", "replay", ""], ["my data"]),
        (["tow", "plan", "tow.yaml", "it"], ["items"]),
        (["tow", "copy", "--from-format", "par"], ["parquet"]),
        (["tow", "copy", "zzz"], []),
    ],
)
def test_bash_completes(shell: dict[str, str], words: list[str], found: list[str]) -> None:
    script = """
compopt() { :; }  # outside of a real completion there is nothing to set
eval "$(tow completion bash)"
[[ $(complete -p tow) == 'complete -F _tow tow' ]] || exit 3
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_tow tow "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
(( ${#COMPREPLY[@]} )) && printf '%s\\n' "${COMPREPLY[@]}"
exit 0
"""
    command = ["bash", "--norc", "-c", script, "bash", *words]
    done = subprocess.run(command, env=shell, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == found


def test_bash_completes_as_one_types(shell: dict[str, str]) -> None:
    """In an interactive bash, with the tabulator key."""
    import pty

    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env={**shell, "PS1": "$ "},
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b'bind "set enable-bracketed-paste off"; eval "$(tow completion bash)"; echo rea""dy\n')
    _until(ours, b"ready\r\n")
    os.write(ours, b"echo : ; tow copy --mode rep\t && :\n")
    told = _until(ours, b"needs SRC")
    os.write(ours, b"exit\n")
    running.wait(30)
    os.close(ours)
    assert b"--mode replace" in told


def test_zsh_completes_at_the_first_key_from_a_folder_of_fpath(shell: dict[str, str], folder: Path) -> None:
    import pty

    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    (folder / "fp").mkdir()
    (folder / "fp/_tow").write_text(SCRIPTS["zsh"])
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env={**shell, "TERM": "dumb"},
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b'fpath=(fp $fpath); autoload -Uz compinit; compinit -u -D; echo rea""dy\n')
    _until(ours, b"ready\r\n")
    os.write(ours, b"tow copy --mode rep\t")
    _until(ours, b"lace")
    os.write(ours, b"\x15tow run --var da\t2026-01-31 nostep\n")
    _until(ours, b"no step 'nostep'")  # with a blank behind `day=` it would be another one
    os.write(ours, b"exit\n")
    running.wait(30)
    os.close(ours)


def _until(terminal: int, words: bytes) -> bytes:
    import select
    import time

    told, end = b"", time.monotonic() + 30
    while words not in told:
        assert time.monotonic() < end, told
        if select.select([terminal], [], [], 1)[0]:
            told += os.read(terminal, 1 << 16)
    return told


@pytest.mark.parametrize(("name", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_a_script_is_good_syntax_of_its_shell(name: str, check: str, tmp_path: Path) -> None:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    path = tmp_path / "script"
    path.write_text(SCRIPTS[name])
    assert subprocess.run([program, check, str(path)], capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", name]) == 0
    assert capsys.readouterr().out == SCRIPTS[name]
    assert "tow __complete" in SCRIPTS[name]
