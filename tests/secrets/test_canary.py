"""Unusual secrets are planted on every way into a database's key, and looked for in everything that a run leaves."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import keyring
import pytest
from keyring.backends import fail

from towpath import history, move
from towpath.cli.main import main
from towpath.secrets import vault

WORKING = ["qu'o\"te%41@ /+=&#$ {}", "aGVsbG8gd29ybGQ+Lw==", "line one x\nline\ttwo"]
REFUSED = ["line é\nline\ttwo \\n", "päß wörd ключ {}"]
"""Keys that DuckDB itself refuses, quoting them: the errors that come of it must be clean."""
CANARIES = [*WORKING, *REFUSED]


def _env(value: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setenv("TOW_CANARY", value)
    return "${env:TOW_CANARY}"


def _dotenv(value: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    told = value.replace("\\", "\\\\").replace('"', '\\"')
    (folder / ".env").write_text(f'TOW_CANARY="{told}"\n')
    return "${env:TOW_CANARY}"


def _keyring(value: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(keyring, "get_keyring", fail.Keyring)
    patch.setenv("TOWPATH_PASSPHRASE", "correct horse")
    vault.opened().set("shop/key", value)
    return "${keyring:shop/key}"


def _file(value: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "canary.key").write_text(value + "\n")
    return "${file:canary.key}"


def _plain(value: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    return value


WAYS = [_env, _dotenv, _keyring, _file, _plain]
PLANTED = (".env", "canary.key", "tow.yaml", "connections.yaml")
Way = Callable[[str, Path, pytest.MonkeyPatch], str]


def forms(value: str) -> set[str]:
    """Written without the code that is tested."""
    raw = value.encode()
    found = {value, repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    found |= {quote(value), quote(value, safe=""), quote_plus(value), value.replace("'", "''")}
    found |= {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return found | {line.strip() for line in value.splitlines()}


def search(value: str, folder: Path, texts: dict[str, str]) -> list[str]:
    """Where a value stands: in the texts, or in a file below the folder that it was not planted in."""
    everything = {name: text.encode() for name, text in texts.items()}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in PLANTED:
            everything[str(path.relative_to(folder))] = path.read_bytes()
    return [
        f"{name}: {form!r}" for name, content in everything.items() for form in forms(value) if form.encode() in content
    ]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOWPATH_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(vault, "_asked", {})
    (tmp_path / "in.csv").write_text("id,n\n1,a\n2,b\nx,c\n")
    return tmp_path


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    for number, canary in enumerate(CANARIES):
        for form in forms(canary):
            (tmp_path / "leak").write_text(f"x{form}y")
            assert search(canary, tmp_path, {})
            assert search(canary, tmp_path / str(number), {"out": f"x{form}y"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "canary"),
    [(_env, one) for one in CANARIES] + [(way, WORKING[at]) for way in WAYS[1:] for at in (0, 2)],
)
def test_no_way_of_giving_a_secret_leaves_it_anywhere(
    way: Way, canary: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given = way(canary, here, monkeypatch)
    key = ["--to-opt", f"encryption_key={given}", "--to-opt", "builtin_encryption=true"]
    copy = ["in.csv", "duckdb:///shop.db#t", "--types", "id=int64", "--bad-rows", "bad", *key]
    back = ["--from-opt", f"encryption_key={given}"]
    texts = {}

    def tow(*words: str, fails: bool = False) -> str:
        got = main(list(words))
        out, err = capfd.readouterr()
        texts[" ".join(words).replace(given, "...")] = out + err
        if canary in WORKING:
            assert bool(got) == fails, err
        return out

    tow("plan", *copy)
    tow("plan", *copy, "--json")
    tow("copy", *copy)
    assert canary in REFUSED or list((here / "bad").rglob("load.json"))
    tow("copy", *copy, "-v", "--log", "json", fails=True)
    data = tow("copy", "duckdb:///shop.db#t", "-", "--to-format", "csv", *back)
    assert canary in REFUSED or data == "id,n\n1,a\n2,b\n"
    tow("peek", "duckdb:///shop.db#t", *back)
    tow("copy", "duckdb:///shop.db#t", "out.parquet", *back, "--json")
    tow("copy", "duckdb:///shop.db#none", "none.parquet", *back, fails=True)
    tow("copy", "duckdb:///shop.db#t", "wrong.parquet", "--from-opt", f"encryption_key={given}x", fails=True)
    quoted = given if way is not _plain else quote(given, safe="")
    tow("copy", f"duckdb:///shop.db?encryption_key={quoted}#t", "address.parquet")
    tow("copy", f"duckdb:///shop.db?encryption_key={quoted}&bogus=1#t", "x.parquet", fails=True)
    tow("runs")
    tow("runs", "--json")
    tow("runs", history.latest(1)[0].run)
    assert search(canary, here, texts) == []
    plain = "written plainly" in "".join(texts.values())
    assert plain == (way is _plain)


@pytest.mark.parametrize("canary", CANARIES)
def test_pipelines_and_connections_leave_it_nowhere(
    canary: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _dotenv(canary, here, monkeypatch)
    (here / "tow.yaml").write_text(
        "pipeline: shop\nconnections:\n"
        "  store: duckdb:///shop.db?builtin_encryption=true&encryption_key=${env:TOW_CANARY}\n"
        "steps:\n  load:\n    from: in.csv\n    to: store#t\n"
        "    mode: append\n    bad_rows: bad\n    types: {id: int64}\n"
    )
    texts = {}
    for words in ("run tow.yaml", "run tow.yaml", "plan tow.yaml", "state show", "connections list --json",
                  "connections test", "connections discover store", "lint", "runs --json"):  # fmt: skip
        main(words.split())
        texts[words] = "".join(capfd.readouterr())
    assert canary in REFUSED or "store: ok" in texts["connections test"]
    assert search(canary, here, texts) == []


@pytest.mark.parametrize("canary", CANARIES)
def test_a_function_of_the_user_that_quotes_it_is_told_without_it(
    canary: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOW_CANARY", canary)
    (here / "leaky_canary.py").write_text(
        "import os\n\ndef leak(rows):\n    value = os.environ['TOW_CANARY']\n    try:\n"
        "        raise ValueError(f'first {value}')\n    except ValueError as error:\n"
        "        raise RuntimeError(f'then {value!r}') from error\n"
    )
    texts = {}
    for number, log in enumerate(("text", "json")):
        words = ["copy", "in.csv", f"o{number}.db", "--python", "leaky_canary:leak", "--log", log, "--to-format", "csv",
                 "--from-opt", "null=${env:TOW_CANARY}"]  # fmt: skip
        main(words)
        texts[log] = "".join(capfd.readouterr())
        assert "then" in texts[log]
    sys.modules.pop("leaky_canary", None)
    assert search(canary, here, texts) == []


@pytest.mark.parametrize("canary", CANARIES)
def test_a_defect_of_ours_that_quotes_it_prints_a_clean_traceback_and_keeps_a_clean_receipt(
    canary: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOW_CANARY", canary)

    def broken(*_: Any) -> None:
        try:
            raise ValueError(f"first {canary}")
        except ValueError as error:
            raise RuntimeError(f"then {canary!r}") from error

    monkeypatch.setattr(move, "_move", broken)
    assert main(["copy", "in.csv", "out.csv", "--from-opt", "null=${env:TOW_CANARY}"]) == 1
    text = "".join(capfd.readouterr())
    assert "ValueError: first ***" in text
    assert "RuntimeError: then" in text
    (receipt,) = history.latest(1)
    assert (receipt.status, receipt.why.partition(":")[0]) == ("failed", "RuntimeError")
    assert search(canary, here, {"shown": text}) == []


def test_a_command_line_that_is_wrong_is_told_without_its_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["copy", "a", "b", "postgresql://ann:hunter2@h", "encryption_key=hunter3hunter3"])
    err = capfd.readouterr().err
    assert "too many words" in err
    assert "hunter" not in err


def test_data_on_standard_output_is_never_altered(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOW_CANARY", "hunter2")
    (here / "in.csv").write_text("id,n\n1,hunter2\n")
    assert main(["copy", "in.csv", "-", "--to-format", "csv", "--from-opt", "null=${env:TOW_CANARY}x"]) == 0
    out, _ = capfd.readouterr()
    assert out == "id,n\n1,hunter2\n"


def test_a_password_in_an_address_is_hidden_before_anything_is_known_of_it(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for text in ("postgresql://ann:hunter2@h/db#t", "postgresql://ann:hun/ter2@h/db#t", "sqlite://ann:hunter2@h.db#t"):
        assert main(["copy", "in.csv", text])
        assert main(["plan", text, "x.csv"])
    text = "".join(capfd.readouterr())
    assert "hunter2" not in text
    assert "ter2" not in text
    assert "written plainly" in text
    assert search("hunter2", here, {}) == []
    assert [one.destination for one in history.latest(9)][-1] == "postgresql://ann:***@h/db#t"


def loaded(folder: Path) -> Any:
    return json.loads(next((folder / "bad").rglob("load.json")).read_text())


def test_a_replay_of_a_plain_secret_says_what_is_missing(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    key = ["--to-opt", "encryption_key=hunter2hunter2", "--to-opt", "builtin_encryption=true"]
    assert main(["copy", "in.csv", "duckdb:///shop.db#t", "--types", "id=int64", "--bad-rows", "bad", *key]) == 0
    assert loaded(here)["to"]["options"]["encryption_key"] == "***"
    capfd.readouterr()
    assert main(["replay", "bad", "--types", "id=text"])
    assert "was not kept" in capfd.readouterr().err
