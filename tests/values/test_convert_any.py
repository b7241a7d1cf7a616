"""Whatever values and types come: each value means the same afterwards, or is reported."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.arrays import SCALARS, arrays, exact, types
from towpath.errors import Refused
from towpath.nouns import ColumnPlan, Stored, Way
from towpath.values.convert import cast, convert, way
from towpath.values.logical import Kind, fields, kind, plain_type
from towpath.values.textform import read

BROAD = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
TEMPORAL = (Kind.DATE, Kind.TIME, Kind.LOCAL, Kind.INSTANT, Kind.DURATION)


def related(type: pa.DataType) -> st.SearchStrategy[pa.DataType]:
    """Types that values of `type` may have a way to: any scalar for a scalar, the same shape for a nested one."""
    if pa.types.is_struct(type) and type.num_fields:
        parts = st.tuples(*(related(field.type) for field in fields(type)))
        names = [field.name for field in fields(type)]
        return parts.flatmap(lambda found: st.permutations(list(zip(names, found, strict=True))).map(pa.struct))
    if pa.types.is_map(type):
        return st.tuples(st.sampled_from(SCALARS[1:]), related(type.item_type)).map(lambda pair: pa.map_(*pair))
    if pa.types.is_nested(type) and not pa.types.is_struct(type):
        inner = related(type.value_type)
        return st.one_of(inner.map(pa.list_), inner.map(pa.large_list), inner.map(lambda found: pa.list_(found, 2)))
    return st.sampled_from(SCALARS)


@st.composite
def conversions(draw: st.DrawFn) -> tuple[pa.Array, pa.DataType]:
    type = draw(st.one_of(st.sampled_from(SCALARS), types()))
    return draw(arrays(type)), draw(related(type))


def meaning(value: Any, type: Any) -> Any:
    """What a value of `tests.arrays.exact` means, so that equal meanings of different types are equal in Python."""
    found = kind(type)
    if value is None:
        return None
    if found in (Kind.INTEGER, Kind.DECIMAL, Kind.BOOL):
        return Fraction(value)
    if found is Kind.FLOAT:
        odd = not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0)
        return repr(value) if odd else Fraction(value)
    if found in TEMPORAL:
        day = {"date32[day]": Fraction(86_400), "date64[ms]": Fraction(1, 1000)}
        return value * (day.get(str(type)) or Fraction(1, PER_SECOND[type.unit]))
    if found is Kind.LIST:
        return [meaning(part, type.value_type) for part in value]
    if found is Kind.MAP:
        return [(meaning(entry["key"], type.key_type), meaning(entry["value"], type.item_type)) for entry in value]
    if found is Kind.STRUCT:
        return {field.name: meaning(value[field.name], field.type) for field in fields(type)}
    return value


def same_meaning(source: Any, have: Any, result: Any, want: Any) -> bool:
    """Whether a result (None: bad) says the same as its source, texts being compared by what they read as."""
    kinds = kind(have), kind(want)
    if source is None or result is None:
        return source is result
    if kinds == (Kind.STRUCT, Kind.STRUCT):
        inner = {field.name: field.type for field in fields(have)}
        return all(
            same_meaning(source[field.name], inner[field.name], result[field.name], field.type)
            for field in fields(want)
        )
    if kinds == (Kind.LIST, Kind.LIST):
        pairs = zip(source, result, strict=True)
        return all(same_meaning(a, have.value_type, b, want.value_type) for a, b in pairs)
    if kinds == (Kind.MAP, Kind.MAP):
        return all(
            same_meaning(a["key"], have.key_type, b["key"], want.key_type)
            and same_meaning(a["value"], have.item_type, b["value"], want.item_type)
            for a, b in zip(source, result, strict=True)
        )
    if kinds[1] is Kind.TEXT and kinds[0] is not Kind.TEXT:
        back, bad = read(pa.array([result]), have)
        return len(bad) == 0 and meaning(exact(back)[0], have) == meaning(source, have)
    if kinds[0] is Kind.TEXT and kinds[1] in (Kind.INTEGER, Kind.DECIMAL):
        return Decimal(source) == result
    if kinds[0] is Kind.TEXT and kinds[1] is not Kind.TEXT:
        back, _ = read(pa.array([source]), want)
        return meaning(exact(back)[0], want) == meaning(result, want)
    return bool(meaning(source, have) == meaning(result, want))


@BROAD
@given(conversions())
def test_every_value_means_the_same_or_is_reported(pair: tuple[pa.Array, pa.DataType]) -> None:
    values, target = pair
    try:
        found, _ = way(values.type, Stored(target))
    except Refused:
        return
    done = cast(values, values.type, target)
    done.values.validate(full=True)
    assert done.values.type == target
    assert done.bad.tolist() == sorted(set(done.bad.tolist()))
    sources, results = exact(values), exact(done.values)
    bad = set(done.bad.tolist())
    for row, (source, result) in enumerate(zip(sources, results, strict=True)):
        if row in bad:
            assert source is not None
            assert result is None
        else:
            assert same_meaning(source, plain_type(values.type), result, plain_type(target)), (source, result)
    if found is Way.EXACT and not any(name in str(values.type) for name in ("date", "timestamp", "duration")):
        assert not bad


@BROAD
@given(conversions(), st.sets(st.sampled_from(["nan", "inf", "nul"])))
def test_a_refused_value_is_reported_and_nulled_and_the_way_says_so(
    pair: tuple[pa.Array, pa.DataType], refuses: set[str]
) -> None:
    values, target = pair
    stored = Stored(target, refuses=frozenset(refuses))
    try:
        found, why = way(values.type, stored)
    except Refused:
        return
    done = convert(values, ColumnPlan("c", values.type, "c", stored, found, why))
    assert all(not done.values[int(row)].is_valid for row in done.bad)
    shown = str(exact(done.values))
    if "nan" in refuses and kind(target) is Kind.FLOAT:
        assert "nan" not in shown
    if "nul" in refuses and kind(target) is Kind.TEXT:
        assert "\\x00" not in shown
    if found is Way.EXACT and not any(name in str(values.type) for name in ("date", "timestamp", "duration")):
        assert len(done.bad) == 0


@BROAD
@given(conversions())
def test_a_lossy_column_reports_no_row_and_changes_no_value_that_survives(
    pair: tuple[pa.Array, pa.DataType],
) -> None:
    values, target = pair
    try:
        checked = cast(values, values.type, target)
    except Refused:
        return
    plan = ColumnPlan("c", values.type, "c", Stored(target), Way.LOSSY)
    lossy = convert(values, plan)
    lossy.values.validate(full=True)
    assert lossy.values.type == target
    assert lossy.bad.tolist() == []
    bad = set(checked.bad.tolist())
    for row, (kept, nearest) in enumerate(zip(exact(checked.values), exact(lossy.values), strict=True)):
        if row not in bad:
            assert str(kept) == str(nearest)
