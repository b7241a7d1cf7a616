"""A document against its model: each thing that is wrong with it becomes a mistake with its place, and what was
probably meant."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from towpath.options import nearest
from towpath.pipeline.config import Connection, Input, Output, Pipeline, Profile, Rule, Step
from towpath.pipeline.yamltext import Document

_Made = TypeVar("_Made")
_KINDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "int_type": "a whole number",
    "model_type": "a mapping",
}
_SECTIONS: tuple[tuple[type[BaseModel], str], ...] = ((Input, "from"), (Output, "to"))


def validated(kind: Any, document: Document) -> Any:
    """The document's value as `kind` (a model, or a type such as `dict[str, Connection]`), None when it has mistakes,
    which the document holds then."""
    try:
        return TypeAdapter(kind).validate_python(document.value)
    except ValidationError as errors:
        for error in errors.errors():
            _translate(kind, document, error)
    return None


def _translate(kind: Any, document: Document, error: Any) -> None:
    path, fault, value = error["loc"], error["type"], error["input"]
    name = _name(document, path) or _owner(kind, ())[1]
    if fault == "extra_forbidden":
        owner, shown = _owner(kind, path[:-1])
        known = _keys(owner)
        near = _within(owner, str(path[-1])) or nearest(str(path[-1]), known)
        what = f"{shown} has no key {path[-1]!r}" + (near or f" (its keys: {', '.join(known)})")
        document.mistake(path, what, key=True)
    elif fault == "missing":
        document.mistake(path[:-1], f"{_owner(kind, path[:-1])[1]} lacks {path[-1]!r}", key=True)
    elif fault in _KINDS:
        quote = "; put it in quotes if it is text" if fault == "string_type" and isinstance(value, (int, float)) else ""
        document.mistake(path, f"{name} takes {_KINDS[fault]}, not {_shown(value)}{quote}")
    elif fault == "literal_error":
        choices = error["ctx"]["expected"].replace("'", "")
        near = nearest(str(value), choices.replace(" or ", ", ").split(", "))
        document.mistake(path, f"{name} takes {choices}, not {_shown(value)}{near}")
    elif fault == "string_pattern_mismatch":
        document.mistake(path, f"the name {value!r} may have only letters, digits, and . _ - between them", key=True)
    elif fault == "greater_than_equal":
        document.mistake(path, f"{name} takes a whole number from {error['ctx']['ge']} on, not {_shown(value)}")
    elif fault == "too_short":
        document.mistake(path, f"{name} is empty")
    else:
        document.mistake(path, f"{name}: {error['msg'].removeprefix('Value error, ')}")


def _within(owner: type[BaseModel], name: str) -> str:
    """Where a key of a step belongs that is one of what it reads or writes; empty for another."""
    if owner is not Step:
        return ""
    homes = [section for model, section in _SECTIONS if name in _keys(model) and name != "address"]
    told = " or ".join(f"`{section}: {{address: ..., {name}: ...}}`" for section in homes)
    return f"; it belongs into {told}" if told else ""


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _name(document: Document, path: tuple[Any, ...]) -> str | None:
    """The last key of a path that stands in the text: short forms stand for keys that do not."""
    known: tuple[Any, ...] = ()
    name = None
    for part in path:
        if (*known, part) in document.values:
            known = (*known, part)
            name = part if isinstance(part, str) else name
    return name


def _owner(kind: Any, path: tuple[Any, ...]) -> tuple[type[BaseModel], str]:
    """The model whose keys stand at `path`, and what to call it."""
    if kind is Rule or path[2:3] == ("rules",):
        return Rule, "a rule"
    if kind is not Pipeline:
        return Connection, f"the connection {path[0]}" if path else "the file"
    if not path:
        return Pipeline, "the pipeline"
    if path[0] == "connections":
        return Connection, f"the connection {path[1]}"
    if path[0] == "profiles":
        return (Connection, f"the connection {path[3]}") if len(path) > 2 else (Profile, f"the profile {path[1]}")
    for model, section in _SECTIONS:
        if path[2:3] == (section,):
            return model, f"`{section}` of step {path[1]}"
    return Step, f"step {path[1]}"


def _shown(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", type(None): "nothing", bool: str(value).lower()}
    return names.get(type(value), repr(value))
