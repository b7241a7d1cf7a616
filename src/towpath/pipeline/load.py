"""A tow.yaml read and checked whole: every mistake is told with line and column, and what was probably meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from towpath.errors import UserError
from towpath.job import RuleSpec
from towpath.options import nearest
from towpath.pipeline import yamltext
from towpath.pipeline.config import Input, Output, Pipeline, Rule, Step
from towpath.pipeline.yamltext import Document

_Made = TypeVar("_Made", bound=BaseModel)
_KINDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "int_type": "a whole number",
    "model_type": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked pipeline, its text's places, and the absolute folder that its relative paths start from."""

    pipeline: Pipeline
    document: Document
    folder: Path


def load(path: Path) -> Loaded:
    """Reads a tow.yaml. Raises one UserError that lists all its mistakes."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot be read: {reason}", where=str(path)) from error
    document = yamltext.parse(text, str(path))
    pipeline = _validated(Pipeline, document)
    if pipeline is not None:
        _check_steps(pipeline, document)
    document.check()
    assert pipeline is not None
    return Loaded(pipeline, document, path.absolute().parent)


def rules(texts: list[str]) -> tuple[RuleSpec, ...]:
    """Rules as the command line gives them: each text is what stands behind one `-` of tow.yaml's rules."""
    found: list[RuleSpec] = []
    for text in texts:
        document = yamltext.parse(text, f"--rule {text!r}")
        rule = _validated(Rule, document)
        document.check()
        assert rule is not None
        found += rule_specs([rule])
    return tuple(found)


def rule_specs(rules: list[Rule]) -> list[RuleSpec]:
    """The rules in order; those of one mapping as not_null, unique, range, one_of, pattern."""
    found = []
    for rule in rules:
        if rule.not_null:
            found.append(RuleSpec("not_null", tuple(rule.not_null)))
        if rule.unique:
            found.append(RuleSpec("unique", tuple(rule.unique)))
        found += [RuleSpec("range", (column,), tuple(limits)) for column, limits in rule.range.items()]
        found += [RuleSpec("one_of", (column,), tuple(values)) for column, values in rule.one_of.items()]
        found += [RuleSpec("pattern", (column,), (text,)) for column, text in rule.pattern.items()]
    return found


def _validated(model: type[_Made], document: Document) -> _Made | None:
    try:
        return model.model_validate(document.value)
    except ValidationError as errors:
        for error in errors.errors():
            _translate(model, document, error)
    return None


def _translate(model: type[BaseModel], document: Document, error: Any) -> None:
    """One of pydantic's errors as a mistake of the document."""
    path, kind, value = error["loc"], error["type"], error["input"]
    name = next((part for part in reversed(path) if isinstance(part, str)), model.__name__.lower())
    if kind == "extra_forbidden":
        owner, shown = _owner(model, path[:-1])
        known = [field.alias or name for name, field in owner.model_fields.items()]
        what = f"{shown} has no key {name!r}{nearest(name, known)} (its keys: {', '.join(known)})"
        document.mistake(path, what, key=True)
    elif kind == "missing":
        document.mistake(path[:-1], f"{_owner(model, path[:-1])[1]} lacks {name!r}", key=True)
    elif kind in _KINDS:
        quote = "; put it in quotes if it is text" if kind == "string_type" and isinstance(value, (int, float)) else ""
        document.mistake(path, f"{name} takes {_KINDS[kind]}, not {_shown(value)}{quote}")
    elif kind == "literal_error":
        choices = error["ctx"]["expected"].replace("'", "")
        near = nearest(str(value), choices.replace(" or ", ", ").split(", "))
        document.mistake(path, f"{name} takes {choices}, not {_shown(value)}{near}")
    elif kind == "string_pattern_mismatch":
        document.mistake(path, f"the name {value!r} may have only letters, digits, and . _ - between them", key=True)
    else:
        document.mistake(path, f"{name}: {error['msg'].removeprefix('Value error, ')}")


def _owner(model: type[BaseModel], path: tuple[Any, ...]) -> tuple[type[BaseModel], str]:
    """The model whose keys stand at `path`, and what to call it."""
    if model is Rule or path[2:3] == ("rules",):
        return Rule, "a rule"
    if not path:
        return Pipeline, "the pipeline"
    for model, section in ((Input, "from"), (Output, "to")):
        if path[2:3] == (section,):
            return model, f"`{section}` of step {path[1]}"
    return Step, f"step {path[1]}"


def _shown(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", type(None): "nothing", bool: str(value).lower()}
    return names.get(type(value), repr(value))


def _check_steps(pipeline: Pipeline, document: Document) -> None:
    """What concerns several keys at once, so that no step runs before another one's mistake is told."""
    for name, step in pipeline.steps.items():
        here = ("steps", name)
        if step.mode == "merge" and not step.key:
            document.mistake((*here, "mode"), "merge needs a key: the columns that identify a row")
        if len(step.from_) > 1 and step.sql is None:
            document.mistake((*here, "from"), "several inputs need sql that says how they come together")
        if len(step.from_) > 1 and step.cursor is not None:
            document.mistake((*here, "cursor"), "several inputs: give the cursor to the input that it belongs to")
        for other in step.depends_on:
            if other not in pipeline.steps:
                what = f"there is no step {other!r}{nearest(other, pipeline.steps)}"
                document.mistake((*here, "depends_on"), what)
        for label, one in step.from_.items():
            _check_connection(pipeline, document, (*here, "from", label, "address"), one.address)
        _check_connection(pipeline, document, (*here, "to", "address"), step.to.address)


def _check_connection(pipeline: Pipeline, document: Document, path: tuple[str, ...], text: str) -> None:
    """`warehose#flights` would be a file of that name; next to a connection `warehouse` it is a mistake."""
    head, sign, _ = text.partition("#")
    if sign and ":" not in head and "/" not in head and head not in pipeline.connections:
        near = nearest(head, pipeline.connections)
        if near:
            document.mistake(path, f"there is no connection {head!r}{near} (a file of this name: ./{text})")
