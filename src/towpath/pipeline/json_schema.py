"""The JSON Schema (draft 2020-12) of tow.yaml: what editors complete and check, made from the one definition of its
keys."""

from __future__ import annotations

from typing import Any

from towpath.pipeline.config import Pipeline

_VARIABLE = {"type": "string", "pattern": r"^\$\{var:[^}]+\}$", "description": "A variable, whose type it takes."}
_REFERENCE = {"$ref": "#/$defs/Variable"}
_OPEN = {"pipeline"}
"""Keys that take no variable."""


def json_schema() -> dict[str, Any]:
    """The schema; where a value is not text anyway, `${var:NAME}` may stand for it."""
    made = Pipeline.model_json_schema()
    definitions = {name: _model(one) for name, one in made.pop("$defs").items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_model({**made, "title": "tow.yaml"}),
        "$defs": {**definitions, "Variable": _VARIABLE},
    }


def _model(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _property(name, one) for name, one in schema["properties"].items()}
    return {**schema, "properties": properties}


def _property(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
    plain = _plain({key: value for key, value in schema.items() if key not in told})
    return {**told, **(plain if name in _OPEN else _open(plain))}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A value's schema without titles, and with what is within the value open to variables."""
    found = {key: value for key, value in schema.items() if key != "title"}
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), dict):
            found[key] = _open(_plain(found[key]))
    if "patternProperties" in found:
        found["patternProperties"] = {name: _open(_plain(one)) for name, one in found["patternProperties"].items()}
        found["additionalProperties"] = False
    if "anyOf" in found:
        found["anyOf"] = [_plain(one) for one in found["anyOf"]]
    return found


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or a variable instead."""
    forms = schema.get("anyOf", [schema])
    if not schema or any(_any_text(one) for one in forms):
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*forms, _REFERENCE]}
    return {"anyOf": [schema, _REFERENCE]}


def _any_text(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", [])
    return "string" in ([kinds] if isinstance(kinds, str) else kinds) and not {"enum", "pattern"} & schema.keys()
