from __future__ import annotations

import os
from pathlib import Path

import pytest

from towpath import address
from towpath.errors import UserError
from towpath.secrets import Secret, redact
from towpath.secrets.references import has_reference, resolve, resolve_options

NASTY = "p'w\"%@:/?#[] é\\&=+ü{}$"


def test_a_variable_of_the_environment_stands_for_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOW_A", "some/folder")
    assert resolve("${env:TOW_A}/x.csv") == "some/folder/x.csv"
    assert redact.clean("some/folder/x.csv") == "***/x.csv"


def test_within_a_url_a_value_may_have_any_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOW_P", NASTY)
    at = address.server(
        resolve("postgresql://${env:TOW_P}:${env:TOW_P}@h:5432/${env:TOW_P}?k=${env:TOW_P}#${env:TOW_P}")
    )
    assert at.password is not None
    assert [at.user, at.password.reveal(), at.path, at.options["k"], at.table] == [NASTY] * 5
    assert (at.host, at.port) == ("h", 5432)


def test_a_reference_may_stand_for_a_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOW_URL", "postgresql://ann:hunter2%21@h/db")
    at = address.server(resolve("${env:TOW_URL}#orders"))
    assert (at.user, at.password, at.table) == ("ann", Secret("hunter2!"), "orders")
    assert redact.clean("hunter2! and hunter2%21 in postgresql://ann:hunter2%21@h/db") == "*** and *** in ***"


def test_a_value_is_not_searched_for_references_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOW_A", "${env:TOW_B}")
    assert resolve("${env:TOW_A}") == "${env:TOW_B}"


def test_a_file_is_read_from_the_folder_of_the_job_less_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b" two\nlines \n\n")
    (tmp_path / "dos").write_bytes(b"value\r\n")
    assert resolve("${file:key}", folder=str(tmp_path)) == " two\nlines \n"
    assert resolve(f"${{file:{tmp_path}/dos}}") == "value"


@pytest.mark.parametrize("text", ["${env:TOW_NONE}", "${file:none}", "${env:}", "${vault:x}", "${}", "${env:X:-d}"])
def test_what_cannot_be_resolved_says_where_and_what_to_do(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        resolve(f"a{text}", "tow.yaml:3:5", str(tmp_path))
    assert caught.value.where == "tow.yaml:3:5"
    assert caught.value.todo
    if text == "${env:TOW_NONE}":
        assert caught.value.todo.startswith("export TOW_NONE=...")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="no UTF-8"):
        resolve("${file:key}", folder=str(tmp_path))


def test_a_doubled_sign_writes_the_sign() -> None:
    assert resolve("a$${env:X}") == "a${env:X}"
    assert not has_reference("a$${env:X}")
    assert resolve_options({"a": "$${x}"}) == {"a": "${x}"}


def test_option_values_with_references_are_secrets_and_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOW_A", "hunter2")
    found = resolve_options({"key": "x${env:TOW_A}", "null": ["NA", "${env:TOW_A}"], "n": 3, "plain": "a"})
    assert found == {"key": Secret("xhunter2"), "null": ["NA", Secret("hunter2")], "n": 3, "plain": "a"}
    assert redact.clean("hunter2") == "***"


def test_a_dotenv_file_stands_in_for_the_environment_and_never_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOW_C", "from outside")
    folder = str(tmp_path)
    (tmp_path / ".env").write_text(
        '# about\nTOW_A=a b\nexport TOW_B="two\\nlines" # note\nTOW_C=inside\nTOW_E=${TOW_B}\n'
    )
    assert resolve("${env:TOW_A}", folder=folder) == "a b"
    assert resolve("${env:TOW_B}", folder=folder) == "two\nlines"
    assert resolve("${env:TOW_C}", folder=folder) == "from outside"
    assert resolve("${env:TOW_E}", folder=folder) == "${TOW_B}"
    assert "TOW_A" not in os.environ


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\n\n\nB C\n", 4), ("A=1\nB='never ends\nC=2\n", 2), ("A\n", 1), ("=x\n", 1), ('A=1\n\n B="x" y\n', 3)],
)
def test_a_broken_line_of_a_dotenv_file_is_told_with_its_number(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(UserError) as caught:
        resolve("${env:HOME}", folder=str(tmp_path))
    assert caught.value.where == f"{tmp_path / '.env'}:{line}"
    assert "never ends" not in str(caught.value)


def test_a_dotenv_file_that_changed_is_read_again(tmp_path: Path) -> None:
    for value in ("first", "second one"):
        (tmp_path / ".env").write_text(f"TOW_A={value}\n")
        assert resolve("${env:TOW_A}", folder=str(tmp_path)) == value
