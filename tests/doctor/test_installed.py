"""What is installed, and the command that adds what is not."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import pytest

from towpath import registry
from towpath.digest import words
from towpath.doctor.installed import checks, extras, lacking
from towpath.mariadb import textrows
from towpath.postgresql import copybinary
from towpath.text import fields, json_fast, lines
from towpath.values import rows

MISSING = registry.Row("format", "nosuch", "towpath_no_such:X", "x", library="towpath_no_such", extra="nosuch")
BROKEN = registry.Row("format", "broken", "towpath.registry:NoSuchClass", "x")


def test_a_missing_or_too_old_requirement_is_lacking() -> None:
    assert lacking(["pyarrow>=20", "numpy"]) == []
    assert lacking(["towpath-no-such>=1", "pyarrow>=999", 'numpy>=1; python_version > "3"']) == [
        "towpath-no-such>=1",
        "pyarrow>=999",
    ]


def test_an_extra_is_shown_with_its_versions_or_its_command() -> None:
    has, lacks = extras(
        ['no-such-library>=1; extra == "secrets"', 'numpy>=1; extra == "numbers"', 'ruff; extra == "dev"']
    )
    assert (has.name, has.found) == ("extra numbers", f"numpy {metadata.version('numpy')}")
    assert (lacks.level, lacks.todo) == ("ok", "pip install 'towpath[secrets]'")


def test_every_core_library_and_adapter_is_looked_at() -> None:
    found = {one.name: one for one in checks()}
    assert {"Python", "towpath", "pyarrow", "duckdb", "numpy", "format adapters"} <= set(found)
    assert found["pyarrow"].found == metadata.version("pyarrow")
    assert {one.level for one in found.values()} == {"ok"}


def test_an_adapter_without_its_library_is_told_apart_from_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ROWS", (MISSING, BROKEN))
    found = {one.name: one for one in checks()}
    assert (found["format nosuch"].level, found["format nosuch"].todo) == ("ok", "pip install 'towpath[nosuch]'")
    assert found["format broken"].level == "problem"
    assert "NoSuchClass" in found["format broken"].found


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("content digest", words),
        ("delimited text", fields),
        ("JSON records", json_fast),
        ("lines of text", lines),
        ("rows of databases", rows),
        ("rows for PostgreSQL", copybinary),
        ("rows of MariaDB", textrows),
    ],
)
def test_what_was_not_compiled_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, name: str, module: Any) -> None:
    monkeypatch.setattr(module, "compiled", None)
    told = [check for check in checks() if check.name == name]
    assert [(check.level, "C compiler" in check.todo) for check in told] == [("warning", True)]
    monkeypatch.setattr(module, "compiled", module)
    assert [check.level for check in checks() if check.name == name] == ["ok"]
