"""JSON Schemas of what the commands print for programs, made from the definitions that print it."""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, NotRequired, TypedDict

from towpath.receipt import ColumnWay, Receipt

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}


class PlanState(TypedDict):
    """How far the step has come."""

    load: Annotated[str, "the id of its last load"]
    at: Annotated[str, "when that was published, in UTC, ISO 8601"]


class PlanJson(TypedDict):
    """What a run would do. One that would move nothing says why in `unchanged` or `waiting`, and ends there."""

    step: Annotated[str | None, "pipeline/step; null for a copy"]
    source: Annotated[str, "the addresses that would be read"]
    destination: Annotated[str, "the address that would be written"]
    route: Annotated[list[str], "each part with its adapter, library and file of code"]
    rows: Annotated[int | None, "rows of all sources, where they are known beforehand"]
    size: Annotated[int | None, "bytes of all sources, where they are known beforehand"]
    unchanged: Annotated[str, "why nothing would move; else empty"]
    waiting: Annotated[str, "which steps must run before this one can be planned; else empty"]
    state: Annotated[PlanState | None, "what the destination has committed for the step"]
    mode: NotRequired[Annotated[str, "create, append, replace or merge"]]
    key: NotRequired[Annotated[list[str], "the columns that identify a row"]]
    effect: NotRequired[Annotated[str, "what happens to the rows that exist"]]
    guarantee: NotRequired[Annotated[str, "atomic, recoverable or at-least-once"]]
    why: NotRequired[Annotated[str, "what the guarantee rests on"]]
    columns: NotRequired[Annotated[list[ColumnWay], "the way of each column"]]
    lacking: NotRequired[Annotated[list[str], "columns of the destination that the rows do not have"]]
    bad_rows: NotRequired[Annotated[str | None, "the folder or topic that bad rows are set aside in"]]
    max_bad: NotRequired[Annotated[str | None, "how many may be, or which share of the rows read; null: any number"]]
    instead: NotRequired[Annotated[list[str], "changed files whose earlier rows make way"]]
    notes: NotRequired[Annotated[list[str], "what a reader of the plan should know"]]
    ddl: NotRequired[Annotated[list[str], "the statements or file operations that make the destination"]]


def receipt() -> dict[str, Any]:
    """The receipt of one run: what `--json` prints for `tow copy`, `tow run`, `tow replay` and `tow runs`."""
    made = _object(Receipt)
    return {"$schema": _DIALECT, "title": "Receipt", **made, "required": sorted(made["properties"])}


def log() -> dict[str, Any]:
    """One line of `--log json`."""
    from towpath.progress import LogLine

    return {"$schema": _DIALECT, "title": "LogLine", **_object(LogLine)}


def plan() -> dict[str, Any]:
    """The plan of one run: what `tow plan --json` prints."""
    return {"$schema": _DIALECT, "title": "Plan", **_object(PlanJson)}


def _object(model: Any) -> dict[str, Any]:
    """The schema of a dataclass or TypedDict whose fields are annotated with what they hold. Every field of a dataclass
    without a default is required, and no other key is allowed."""
    hints = typing.get_type_hints(model, include_extras=True)
    return {
        "type": "object",
        "description": " ".join((model.__doc__ or "").split()),
        "properties": {name: _property(hint) for name, hint in hints.items()},
        "required": sorted(_required(model, hints)),
        "additionalProperties": False,
    }


def _property(hint: Any) -> dict[str, Any]:
    if typing.get_origin(hint) is NotRequired:
        (hint,) = typing.get_args(hint)
    if typing.get_origin(hint) is not Annotated:
        return _type(hint)
    bare, *told = typing.get_args(hint)
    found = _type(bare)
    for one in told:
        if isinstance(one, str):
            found["description"] = one
        else:
            found["items"] = _object(one)
    return found


def _type(hint: Any) -> dict[str, Any]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if isinstance(hint, types.UnionType):
        kinds = [_type(one) for one in inner]
        plain = all(kind.keys() == {"type"} for kind in kinds)
        return {"type": [kind["type"] for kind in kinds]} if plain else {"anyOf": kinds}
    if origin is list:
        return {"type": "array", "items": _type(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(inner[1])}
    if typing.is_typeddict(hint):
        return _object(hint)
    return {}


def _required(model: Any, hints: dict[str, Any]) -> list[str]:
    if is_dataclass(model):
        return [one.name for one in fields(model) if one.default is MISSING and one.default_factory is MISSING]
    return [name for name, hint in hints.items() if typing.get_origin(hint) is not NotRequired]
