"""What a dataclass or a pydantic model says of its members: names, types, and what may be left out."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from typing import Annotated, Any, Literal, Union
from uuid import UUID

import pyarrow as pa
from pydantic import BaseModel

from towpath.errors import UserError

LISTS = (list, tuple, set, frozenset)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a class. `name` is the column's; `attribute` its own (they differ by a pydantic alias).
    `optional`: None is a value of it; `required`: it has no default."""

    name: str
    attribute: str
    annotation: Any
    optional: bool
    required: bool
    given: bool = True


def is_record(kind: Any) -> bool:
    """Whether it is a class whose instances are rows."""
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, BaseModel))


def members(kind: Any) -> list[Member]:
    """The members of a class, in order. Raises UserError for annotations that cannot be looked up."""
    try:
        if issubclass(kind, BaseModel):
            return [_of_model(name, field) for name, field in kind.model_fields.items()]
        hints = typing.get_type_hints(kind)
    except NameError as error:
        raise UserError(
            f"{kind.__name__} has an annotation that cannot be looked up: {error}",
            todo="define the class at the top of a module",
            code="class-unreadable",
        ) from error
    return [_of_dataclass(field, hints[field.name]) for field in dataclasses.fields(kind)]


def refuse_endless(kind: Any, around: tuple[Any, ...]) -> None:
    """Raises UserError for a class that is a part of itself: a column's type has an end."""
    if kind in around:
        raise UserError(
            f"{kind.__name__} holds itself, so its column would have no end",
            todo="give the rows that are nested a key of their own, and write them as a table of their own",
            code="class-unfit",
        )


def ignores_others(kind: Any) -> bool:
    """Whether a pydantic model says itself what becomes of columns that it has no field for."""
    return issubclass(kind, BaseModel) and kind.model_config.get("extra") in ("ignore", "allow")


def bare(annotation: Any) -> tuple[Any, bool]:
    """The annotation without Annotated, NewType and None, and whether None was in it."""
    if typing.get_origin(annotation) is Annotated:
        return bare(typing.get_args(annotation)[0])
    if isinstance(annotation, typing.NewType):
        return bare(annotation.__supertype__)
    if typing.get_origin(annotation) in (Union, types.UnionType):
        parts = [one for one in typing.get_args(annotation) if one is not type(None)]
        optional = len(parts) < len(typing.get_args(annotation))
        inner, deeper = bare(parts[0]) if len(parts) == 1 else (Union[tuple(parts)], False)  # noqa: UP007
        return inner, optional or deeper
    if annotation in (Any, object, None, type(None)):
        return Any, True
    return annotation, False


def item(annotation: Any) -> Any:
    """What a list type holds; Any when it does not say."""
    return next(iter(typing.get_args(annotation)), Any)


def is_list(annotation: Any) -> bool:
    origin = typing.get_origin(annotation) or annotation
    if origin is tuple:
        return typing.get_args(annotation)[1:] in ((), (...,))
    return origin in LISTS or (isinstance(origin, type) and issubclass(origin, Iterable) and _is_abstract(origin))


def is_mapping(annotation: Any) -> bool:
    origin = typing.get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, Mapping)


def pinned(kind: Any) -> dict[str, pa.DataType]:
    """The types that a class asks of text, whose own types would be a guess."""
    asked = {one.name: _pin(one.annotation) for one in members(kind)}
    return {name: type for name, type in asked.items() if type is not None}


_PINS: dict[Any, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    UUID: pa.string(),
    date: pa.date32(),
    time: pa.time64("us"),
}


def _pin(annotation: Any) -> pa.DataType | None:
    if typing.get_origin(annotation) is Literal:
        values = typing.get_args(annotation)
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        values = tuple(one.value for one in annotation)
    else:
        return _PINS.get(annotation)
    kinds = {type(value) for value in values}
    return _PINS.get(kinds.pop()) if len(kinds) == 1 else None


def _is_abstract(origin: type) -> bool:
    return origin.__module__ in ("collections.abc", "typing") and not issubclass(origin, Mapping)


def _of_dataclass(field: Any, hint: Any) -> Member:
    inner, optional = bare(hint)
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return Member(field.name, field.name, inner, optional, required and field.init, field.init)


def _of_model(attribute: str, field: Any) -> Member:
    inner, optional = bare(field.annotation)
    alias = field.validation_alias if isinstance(field.validation_alias, str) else field.alias
    return Member(alias or attribute, attribute, inner, optional, field.is_required())
