from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from towpath.pipeline import config, yamltext
from towpath.pipeline.json_schema import json_schema

EXAMPLES = Path(__file__).parents[2] / "examples"
FULL = """\
pipeline: shop
vars: {day: null, rows: 5, strict: true}
connections:
  warehouse: "duckdb:///w.db"
  reports: {like: warehouse, options: {memory: 1000000, x: true}}
profiles: {prod: {vars: {day: 2026-01-01}, connections: {warehouse: {address: "duckdb:///p.db"}}}}
parallel: 2
on_failure: stop
steps:
  one:
    from: {address: a.csv, options: {null: [NA, ""]}, timezone: Europe/Berlin}
    to: {address: out/, partition_by: "day, month", rows_per_file: "${var:rows}", file_size: 1GB, schema: freeze}
    key: a, b
    memory: 512MiB
    all_text: ${var:strict}
    rules: [{not_null: a, range: {x: [0, null]}}, {one_of: {o: [1, b]}, pattern: {o: '^x$'}}]
    load_columns: [run_id]
    depends_on: two
    on_failure: ignore
  two: {from: {x: x.csv, y: {address: y, table: t}}, sql: s, to: z.csv, mode: "${var:mode}", memory: 5}
"""


def faults(text: str) -> list[Any]:
    document = yamltext.parse(text, "tow.yaml")
    document.check()
    return list(jsonschema.Draft202012Validator(json_schema()).iter_errors(document.value))


def test_it_is_a_schema_of_its_draft() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("tow.yaml")), ids=lambda path: path.parent.name)
def test_the_examples_pass(path: Path) -> None:
    assert faults(path.read_text("utf-8")) == []


def test_every_short_form_and_a_variable_in_place_of_anything_passes() -> None:
    assert faults(FULL) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pipeline: shop", "pipelin: shop"),
        ("pipeline: shop", "pipeline: my shop"),
        ("on_failure: stop", "on_failure: ignore"),
        ("parallel: 2", "parallel: 0"),
        ("parallel: 2", "parallel: two"),
        ("  two:", "  t w o:"),
        ("key: a, b", "kye: a, b"),
        ("key: a, b", "key: 1"),
        ("key: a, b", "key: {a: b}"),
        ("{address: a.csv, options", "{address: a.csv, adress: b.csv, options"),
        ("{x: x.csv, y:", "{x: 5, y:"),
        ('"${var:mode}"', "upsert"),
        ('"${var:rows}"', "many"),
        ('"${var:rows}"', '"${env:rows}"'),
        ("${var:strict}", "yes"),
        ("[0, null]", "[0]"),
        ("x: true}}", "x: [true]}}"),
        ("like: warehouse", "lik: warehouse"),
        ("[run_id]", "[run]"),
        ("schema: freeze", "schema: frozen"),
        ("vars: {day: 2026", "var: {day: 2026"),
    ],
)
def test_a_wrong_file_does_not_pass(before: str, after: str) -> None:
    assert FULL.count(before) == 1
    assert faults(FULL.replace(before, after)) != []


@pytest.mark.parametrize("model", [one for one in vars(config).values() if isinstance(one, type)])
def test_every_key_is_described(model: type) -> None:
    if issubclass(model, BaseModel):
        bare = [name for name, one in model.model_fields.items() if not (one.description or "").endswith((".", "`."))]
        assert bare == []
        assert model.__doc__
