"""Every code has a page, every page's code is used, every example is what the command says, every raise has a code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.errors.run import GOLDEN
from towpath import errors, errors_catalogue
from towpath.cli.main import main
from towpath.errors import TowError, UserError

SOURCE = Path(errors.__file__).parent
GENERAL = ("TowError", "UserError", "DataError", "Refused")
"""The classes whose own code says little; the others (Conflict, MissingLibrary, ...) name their fault by themselves."""

WITHOUT_CODE: tuple[str, ...] = ()
"""Files that may still raise a general error without a code. This may only become shorter."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        if not name.startswith("conformance/"):
            yield name, ast.parse(path.read_text("utf-8"))


def without_code(name: str, tree: ast.Module) -> list[str]:
    """The places that make a general error and name no code."""
    return [
        f"{name}:{node.lineno}: {ast.unparse(node)[:80]}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in GENERAL
        and not any(keyword.arg == "code" for keyword in node.keywords)
    ]


def named() -> set[str]:
    """The codes that `code=` or a class's own `code` names."""
    return {
        value.value
        for _, tree in trees()
        for node in ast.walk(tree)
        for value in (
            [keyword.value for keyword in node.keywords if keyword.arg == "code"] if isinstance(node, ast.Call)
            else [node.value] if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code"
            else []
        )
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value
    }  # fmt: skip


def words() -> set[str]:
    """All texts in the source but the catalogue's own: codes stand in tables too."""
    return {
        node.value
        for name, tree in trees()
        if not name.startswith("errors_catalogue/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_error_is_raised_with_a_code() -> None:
    found = [place for name, tree in trees() if name not in WITHOUT_CODE for place in without_code(name, tree)]
    assert not found, "\n".join(["add code= to:", *found])


def test_an_error_without_a_code_is_seen() -> None:
    tree = ast.parse("raise Refused('no', where='x')\nraise Refused('no', code='a-b')\nraise Conflict('no')")
    assert without_code("a.py", tree) == ["a.py:1: Refused('no', where='x')"]


def test_every_code_has_a_page_and_stands_in_one_group() -> None:
    listed = errors_catalogue.codes()
    assert len(listed) == len(set(listed))
    missing = sorted(named() - set(listed))
    assert not missing, f"write errors_catalogue/pages/CODE.md, and name it in GROUPS: {missing}"
    pages = {path.stem for path in (SOURCE / "errors_catalogue" / "pages").glob("*.md")}
    assert pages == set(listed)


def test_every_page_is_of_a_code_that_is_used() -> None:
    assert sorted(set(errors_catalogue.codes()) - words() - named()) == []


@pytest.mark.parametrize("code", errors_catalogue.codes())
def test_a_page_says_what_why_and_what_to_do(code: str) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", code)
    text = errors_catalogue.source(code)
    assert text.startswith(f"# {code}\n\n")
    assert "\n## Why tow stops\n\n" in text
    assert re.search(r"\n## What to do\n\n- .", text)
    assert all(len(line) <= 80 for line in errors_catalogue.page(code) if not line.startswith("    "))


@pytest.mark.parametrize("code", errors_catalogue.codes())
def test_the_example_of_a_page_is_what_the_command_says(code: str) -> None:
    golden = {path.read_text("utf-8") for path in GOLDEN.glob("*.txt")}
    examples = re.findall(r"```console\n(.*?)```", errors_catalogue.source(code), re.DOTALL)
    assert all(example in golden and f"[{code}]" in example for example in examples)
    if not examples:
        assert not any(f"[{code}]" in text for text in golden), "show one of the golden messages on the page"


def test_a_message_holds_place_code_and_what_to_do() -> None:
    error = UserError("there is no column 'x'", where="a.csv", todo="columns: y", code="column-unknown")
    assert str(error) == "a.csv: there is no column 'x' [column-unknown]\n  columns: y"
    assert str(TowError("it broke")) == "it broke [error]"


def test_explain_shows_a_page_and_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "column-unknown"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("column-unknown\n\n")
    assert "\nWhat to do\n\n- " in page
    assert main(["explain", "[column-unknown]"]) == 0
    assert capsys.readouterr().out == page
    assert main(["explain"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {code} " in out for code in errors_catalogue.codes())
    assert all(len(line) <= 80 for line in out.splitlines())
