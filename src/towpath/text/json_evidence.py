"""What JSON values say about their column's type: null < bool < int64 < double < decimal < text, lists, structs.

Text is held in two forms, told apart by the Arrow type alone: `string` holds the content of JSON strings;
`large_string` holds JSON source text (`5`, `"abc"`, `{}`), for a column whose values have no one type. Nothing is lost
by the second: strings keep their quotes and numbers their digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from towpath.text import json_numbers
from towpath.text.json_numbers import PRECISION, Number

SOURCE_TEXT = pa.large_string()
"""The type of a column that holds each value as its JSON text."""


def is_mixed(type: pa.DataType) -> bool:
    """Whether a type found by evidence has values as their JSON text, also within."""
    return bool(type == SOURCE_TEXT) or any(is_mixed(type.field(at).type) for at in range(type.num_fields))


_INT64 = range(-(1 << 63), 1 << 63)


@dataclass(slots=True)
class Numbers:
    """Which number types hold every token seen; `whole` and `scale` are the most digits before and after the point."""

    int64: bool = True
    double: bool = True
    decimal: bool = True
    whole: int = 0
    scale: int = 0

    def add(self, token: str) -> None:
        if len(token) <= 15 and token.isdigit():
            self.whole = max(self.whole, len(token))
            return
        whole = json_numbers.integer(token)
        self.int64 = self.int64 and whole is not None and whole in _INT64
        self.double = self.double and json_numbers.double(token) is not None
        value = json_numbers.decimal(token)
        if value is None:
            self.decimal = False
        else:
            before, after = json_numbers.digits(value)
            self.whole, self.scale = max(self.whole, before), max(self.scale, after)

    def merge(self, other: Numbers) -> Numbers:
        return Numbers(
            self.int64 and other.int64,
            self.double and other.double,
            self.decimal and other.decimal,
            max(self.whole, other.whole),
            max(self.scale, other.scale),
        )

    def type(self) -> pa.DataType:
        if self.int64:
            return pa.int64()
        if self.double:
            return pa.float64()
        if self.decimal and self.whole + self.scale <= PRECISION:
            return pa.decimal128(PRECISION, self.scale)
        return SOURCE_TEXT


@dataclass(slots=True)
class JSONEvidence:
    """The kinds of values seen in one column, and what is known of the numbers, items and fields among them.

    Types do not depend on the order of adding and merging; a struct's fields stand in the order in which they were
    first added, so merge in the order of the source.
    """

    kinds: set[str] = field(default_factory=set)
    numbers: Numbers = field(default_factory=Numbers)
    items: JSONEvidence | None = None
    fields: dict[str, JSONEvidence] = field(default_factory=dict)

    def add(self, value: Any) -> None:
        """Takes one value as `json_careful.parse` gives it."""
        if value is None:
            return
        kind = type(value)
        if kind is Number:
            self.kinds.add("number")
            self.numbers.add(value)
        elif kind is str:
            self.kinds.add("string")
        elif kind is bool:
            self.kinds.add("bool")
        elif kind is dict:
            self.kinds.add("object")
            add_fields(self.fields, value)
        else:
            self.kinds.add("array")
            self.items = self.items or JSONEvidence()
            for item in value:
                self.items.add(item)

    @property
    def seen(self) -> bool:
        """Whether any value was not null."""
        return bool(self.kinds)

    def merge(self, other: JSONEvidence) -> JSONEvidence:
        if self.items is None or other.items is None:
            items = self.items or other.items
        else:
            items = self.items.merge(other.items)
        fields = merge_fields(self.fields, other.fields)
        return JSONEvidence(self.kinds | other.kinds, self.numbers.merge(other.numbers), items, fields)

    def type(self) -> pa.DataType:
        """The narrowest type that holds every value seen; text when all were null."""
        if not self.kinds:
            return pa.string()
        if len(self.kinds) > 1 or (self.kinds == {"object"} and not self.fields):
            return SOURCE_TEXT
        (kind,) = self.kinds
        if kind == "number":
            return self.numbers.type()
        if kind == "array":
            return pa.list_((self.items or JSONEvidence()).type())
        if kind == "object":
            return pa.struct([(name, evidence.type()) for name, evidence in self.fields.items()])
        return pa.bool_() if kind == "bool" else pa.string()


def add_fields(fields: dict[str, JSONEvidence], value: Mapping[str, Any]) -> None:
    """Adds each member of an object to its field's evidence; new fields are appended."""
    for name, member in value.items():
        evidence = fields.get(name)
        if evidence is None:
            evidence = fields[name] = JSONEvidence()
        evidence.add(member)


def merge_fields(first: Mapping[str, JSONEvidence], second: Mapping[str, JSONEvidence]) -> dict[str, JSONEvidence]:
    """Both sets of fields as one: those of `first`, then the new ones of `second`."""
    merged = dict(first)
    for name, evidence in second.items():
        merged[name] = merged[name].merge(evidence) if name in merged else evidence
    return merged


def gather(objects: Iterable[Mapping[str, Any]]) -> dict[str, JSONEvidence]:
    """The evidence of whole rows."""
    fields: dict[str, JSONEvidence] = {}
    for row in objects:
        add_fields(fields, row)
    return fields
