"""Which values of DuckDB's types Arrow holds, told in SQL: DuckDB's export changes the others without a word."""

from __future__ import annotations

from typing import Any

NESTED = {"list", "array", "struct", "map"}
FOREIGN = {"time with time zone", "bit", "bignum"}
"""The ids of types whose values leave DuckDB as others: without their zone, or as bytes of DuckDB's own."""

_HUGE = 10**38 - 1
_INFINITE = {"date", "timestamp_s", "timestamp_ms", "timestamp", "timestamp_ns", "timestamp with time zone"}
_MOST_MICROSECONDS = (2**63 - 1) // 1000


def whole_where(value: str, type: Any, depth: int = 0) -> str:
    """The condition under which Arrow holds a value of which its type alone does not tell; empty for none.

    DuckDB's infinities of time leave it as days and microseconds millennia off, and 24:00:00 as no time of a day;
    Arrow's decimals have 38 digits, and its intervals nanoseconds, which end at 292 years. `depth`: in how many lists
    the value lies."""
    if type.id in ("hugeint", "uhugeint"):
        return f"{value} between -{_HUGE} and {_HUGE}" if type.id == "hugeint" else f"{value} <= {_HUGE}"
    if type.id == "interval":
        # Months, days and microseconds are apart; the parts from hours on are those of the microseconds.
        parts = f"date_part('hour', {value}) * 3600000000 + date_part('minute', {value}) * 60000000"
        micros = f"{parts} + date_part('microsecond', {value})"
        return f"{micros} between -{_MOST_MICROSECONDS} and {_MOST_MICROSECONDS}"
    if type.id in ("time", "time_ns"):
        return f"{value} < {type.id} '24:00:00'"
    if type.id in _INFINITE:
        return f"isfinite({value})"
    if type.id not in NESTED:
        return ""
    if type.id == "map":
        found = [_each(f"map_{name}s({value})", child, depth) for name, child in type.children]
    elif type.id == "struct":
        fields = ((f"struct_extract({value}, {literal(name)})", child) for name, child in type.children)
        found = [whole_where(field, child, depth) for field, child in fields]
    else:
        found = [_each(value, type.children[0][1], depth)]
    return " and ".join(f"coalesce({condition}, true)" for condition in found if condition)


def _each(values: str, type: Any, depth: int) -> str:
    """The condition that each value of a list must meet."""
    one = f"_towpath_{depth}"
    condition = whole_where(one, type, depth + 1)
    return f"list_bool_and(list_transform({values}, lambda {one}: coalesce({condition}, true)))" if condition else ""


def foreign(type: Any) -> bool:
    """Whether a type is one of `FOREIGN`, or holds one."""
    if type.id in NESTED:
        return any(foreign(child) for name, child in type.children if name != "size")
    return type.id in FOREIGN


def literal(text: str) -> str:
    """Text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def quote(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
