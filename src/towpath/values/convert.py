"""How one Arrow type becomes another: the only place that decides a column's way and that tests values as they pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import Refused
from towpath.nouns import ColumnPlan, Stored, Way
from towpath.values import convert_scalars as scalar
from towpath.values.logical import (
    Kind,
    build_list,
    build_struct,
    elements,
    fields,
    kind,
    lost,
    nulls,
    plain,
    plain_type,
    without,
)
from towpath.values.refusals import refused_rows, refusing, too_long
from towpath.values.textform import type_name

NESTED = (Kind.LIST, Kind.STRUCT, Kind.MAP)

_ENTRIES = ((Kind.MAP, Kind.LIST), (Kind.LIST, Kind.MAP))
"""A map and the list of its entries, structs of key and value, are each other's form."""


def way(source: pa.DataType, stored: Stored) -> tuple[Way, str]:
    """The way from a source type to what a destination holds, and one clause on why it is not exact (or why it is).

    EXACT is judged for the years 1 to 9999 and times of day before 24:00:00; a value outside that does not fit is still
    reported by `convert`. Raises Refused when no value could pass (a struct to a date)."""
    have, want = plain_type(source), plain_type(stored.type)
    found, why = _way(have, pa.string() if stored.as_text else want)
    if found is Way.EXACT and (whys := _tested(have, want, stored)):
        return Way.CHECKED, "; ".join(whys)
    return found, why


def _tested(have: pa.DataType, want: pa.DataType, stored: Stored) -> list[str]:
    """What is tested of values although their type fits, in clauses."""
    out = []
    if values := refusing(have, want, stored.refuses):
        out.append(f"{stored.native or type_name(want)} cannot hold {values}")
    if stored.longest is not None and kind(want) is Kind.TEXT:
        out.append(f"it has room for {stored.longest:,} character{'s' * (stored.longest != 1)}")
    return [*out, stored.narrow] if stored.narrow else out


def planned(field: pa.Field, to: str, stored: Callable[[pa.DataType], Stored], shown: str) -> ColumnPlan:
    """The plan of one column on its way to the column `to` of a destination. Raises Refused, naming it, when there is
    no way."""
    try:
        held = stored(field.type)
        return ColumnPlan(field.name, field.type, to, held, *way(field.type, held))
    except Refused as error:
        raise Refused(f"column {field.name}: {error.what}", where=shown, todo=error.todo, code=error.code) from error


@dataclass(frozen=True, slots=True)
class Converted:
    """`values` has the stored type and the same length; `bad` the row numbers whose value did not survive (null in
    `values`), ascending."""

    values: pa.Array
    bad: np.ndarray


def convert(values: pa.Array, plan: ColumnPlan) -> Converted:
    """Converts a column by its plan, and reports the values that its destination refuses. LOSSY reports none:
    it gives the nearest value, or null."""
    target, refuses = plan.stored.type, plan.stored.refuses
    done = cast(values, plan.source, plain_type(target))
    kept, bad = done.values, done.bad
    if plan.way is Way.LOSSY:
        kept = scalar.nearest(plain(values), kept, bad)
        if "minus-zero" in refuses and pa.types.is_floating(kept.type):
            kept = pc.add(kept, 0.0)  # the sign alone goes
    refused = refused_rows(kept, refuses)
    if plan.stored.longest is not None and kind(kept.type) is Kind.TEXT:
        if plan.way is Way.LOSSY:
            kept = pc.utf8_slice_codeunits(kept, 0, plan.stored.longest)
        refused = np.union1d(refused, too_long(kept, plan.stored.longest))
    if plan.way is Way.LOSSY:
        bad = np.empty(0, np.int64)
    elif len(refused):  # np.union1d imports numpy.ma, which takes longer than a small load
        bad = np.union1d(bad, refused)
    return Converted(_shaped(without(kept, refused), target), bad)


def cast(values: pa.Array, source: pa.DataType, target: pa.DataType) -> Converted:
    """Converts values so that none is changed: each result means the same as its source, or its row is bad.

    Raises Refused when the types have no way."""
    if values.type == target:
        return Converted(values, np.empty(0, np.int64))
    bare = plain_type(target)
    _way(plain_type(source), bare)
    done = _cast(plain(values), bare)
    return Converted(_shaped(done.values, target), done.bad)


def _shaped(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Plain values in the layout that was asked for: a dictionary, a view, an extension."""
    # Arrow's cast breaks empty maps in lists even where the type stays.
    return values if values.type == target else values.cast(target)


def _way(source: Any, target: Any) -> tuple[Way, str]:
    kinds = kind(source), kind(target)
    if kinds == (Kind.STRUCT, Kind.STRUCT):
        return _struct_way(source, target)
    if kinds == (Kind.LIST, Kind.LIST):
        return _list_way(source, target)
    if kinds == (Kind.MAP, Kind.MAP):
        parts = _way(source.key_type, target.key_type), _way(source.item_type, target.item_type)
        return _weakest([(found, why and f"in its entries, {why}") for found, why in parts])
    if kinds in _ENTRIES:
        found, why = _way(_element_type(source), _element_type(target))
        return (Way.CHECKED, "each entry must have a key") if kinds[1] is Kind.MAP else (found, why)
    if kinds[1] is Kind.NULL and kinds[0] is not Kind.NULL:
        return Way.CHECKED, "only null fits"
    return scalar.way(source, target)


def _struct_way(source: Any, target: Any) -> tuple[Way, str]:
    have, want = ({field.name: field.type for field in fields(type)} for type in (source, target))
    if have.keys() != want.keys():
        odd = ", ".join(sorted(have.keys() ^ want.keys()))
        raise Refused(
            f"{type_name(source)} does not become {type_name(target)}: only one of them has {odd}",
            todo="give both the same fields, or send the struct as text",
            code="type-impossible",
        )
    ways = [(name, *_way(have[name], want[name])) for name in want]
    return _weakest([(found, why and f"in {name}, {why}") for name, found, why in ways])


def _list_way(source: Any, target: Any) -> tuple[Way, str]:
    found, why = _way(source.value_type, target.value_type)
    if pa.types.is_fixed_size_list(target) and getattr(source, "list_size", None) != target.list_size:
        return Way.CHECKED, f"a list must have {target.list_size} elements"
    return found, why and f"in its elements, {why}"


def _weakest(ways: list[tuple[Way, str]]) -> tuple[Way, str]:
    for found, why in ways:
        if found is Way.CHECKED:
            return found, why
    return Way.EXACT, next((why for _, why in ways if why), "")


def _cast(values: pa.Array, target: Any) -> Converted:
    if values.type == target:
        return Converted(values, np.empty(0, np.int64))
    kinds = kind(values.type), kind(target)
    if kinds == (Kind.STRUCT, Kind.STRUCT):
        return _cast_struct(values, target)
    if kinds[1] is Kind.NULL:
        return Converted(pa.nulls(len(values)), np.flatnonzero(~nulls(values)))
    if kinds in ((Kind.LIST, Kind.LIST), (Kind.MAP, Kind.MAP), *_ENTRIES):
        return _cast_lists(values, target)
    done = scalar.cast(values, target)
    return Converted(done, lost(values, done))


def _cast_struct(values: pa.Array, target: Any) -> Converted:
    children = values.flatten()
    parts = [_cast(children[values.type.get_field_index(field.name)], field.type) for field in fields(target)]
    bad = np.unique(np.concatenate([np.empty(0, np.int64), *(part.bad for part in parts)]))
    null = nulls(values)
    null[bad] = True
    return Converted(build_struct(target, [part.values for part in parts], null), bad)


def _cast_lists(values: pa.Array, target: Any) -> Converted:
    child, lengths = elements(values)
    part = _cast(child, _element_type(target))
    owner = np.repeat(np.arange(len(values)), lengths)
    bad = np.unique(owner[part.bad])
    if kind(target) is Kind.MAP:
        bad = np.union1d(bad, owner[nulls(part.values) | nulls(part.values.field("key"))])
    null = nulls(values)
    if pa.types.is_fixed_size_list(target):
        bad = np.union1d(bad, np.flatnonzero((lengths != target.list_size) & ~null))
    null[bad] = True
    kept = part.values.take(pa.array(np.flatnonzero(~null[owner])))
    return Converted(build_list(target, kept, np.where(null, 0, lengths), null), bad)


def _element_type(target: Any) -> Any:
    if pa.types.is_map(target):
        return pa.struct([("key", target.key_type), ("value", target.item_type)])
    return target.value_type
