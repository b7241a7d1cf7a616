"""docs/reference/types.json holds what copies do: those without servers are made every day, the others as attacks."""

from __future__ import annotations

import json
from pathlib import Path

from tests.attacks.fidelity import types_page


def test_files_and_embedded_databases_keep_and_read_types_as_the_reference_says(tmp_path: Path) -> None:
    found = json.loads(types_page.RESULTS.read_text("utf8"))
    made = types_page.without_servers(tmp_path)
    differing = {
        f"{kind} {name} {type}": (found[kind][name].get(type), one)
        for kind, systems in made.items()
        for name, types in systems.items()
        for type, one in types.items()
        if found[kind][name].get(type) != one
    }
    assert differing == {}, "run `python -m tests.attacks.fidelity.types_page` and `make reference`"


def test_the_reference_has_every_type_and_no_others() -> None:
    found = json.loads(types_page.RESULTS.read_text("utf8"))
    names = [types_page.type_name(type) for type in types_page.TYPES]
    assert {name: list(types) for name, types in found["kept"].items()} == dict.fromkeys(found["kept"], names)
    assert list(found["read"]) == ["duckdb", "sqlite", "postgresql", "mariadb"]
