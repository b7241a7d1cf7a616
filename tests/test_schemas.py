"""The published schemas hold for what the commands really print, and say what each field is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from towpath import schemas
from towpath.cli.main import main

Print = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Print:
    """Runs a command with --json and gives the objects that it prints."""
    monkeypatch.chdir(tmp_path)
    Path("orders.csv").write_text("id,zip,amount\n1,00501,1.50\n2,10001,x\n3,,-1\n")
    Path("tow.yaml").write_text("pipeline: p\nsteps: {a: {from: orders.csv, to: 'duckdb:///s.db#a', mode: replace}}")

    def run(*arguments: str) -> list[dict[str, Any]]:
        main([*arguments, "--json", "-q"])
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.mark.parametrize("made", [schemas.receipt(), schemas.plan(), schemas.log()], ids=lambda made: made["title"])
def test_a_schema_is_a_good_schema_and_tells_what_each_field_is(made: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(made)
    assert all(one.get("description") for one in made["properties"].values())
    assert made["additionalProperties"] is False


def test_every_receipt_fits(printed: Print) -> None:
    found = [
        *printed("copy", "orders.csv", "o.parquet"),
        *printed("copy", "orders.csv", "duckdb:///s.db#o", "--types", "amount=float64", "--bad-rows", "bad"),
        *printed("copy", "orders.csv", "duckdb:///s.db#o", "--mode", "merge", "--key", "id", "--allow-lossy", "id"),
        *printed("run", "tow.yaml"),
        *printed("run", "tow.yaml"),
        *printed("runs"),
    ]
    assert {one["status"] for one in found} >= {"done", "unchanged"}
    for one in found:
        jsonschema.validate(one, schemas.receipt())
    broken = {**found[0], "rows": "three"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schemas.receipt())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**found[0], "columns": [{"name": "id"}]}, schemas.receipt())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**found[0], "colour": "red"}, schemas.receipt())


def test_every_plan_fits(printed: Print) -> None:
    found = [
        *printed("plan", "orders.csv", "o.parquet"),
        *printed("plan", "orders.csv", "duckdb:///s.db#o"),
        *printed("plan", "tow.yaml"),
    ]
    printed("run", "tow.yaml")
    found += printed("plan", "tow.yaml")
    assert [bool(one["unchanged"]) for one in found] == [False, False, False, True]
    for one in found:
        jsonschema.validate(one, schemas.plan())
