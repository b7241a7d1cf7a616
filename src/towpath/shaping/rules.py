"""Rules: the built-in validator. A rule names rows that break it, with the column, the value and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.digest import row_hashes
from towpath.errors import Refused, UserError
from towpath.job import RuleSpec
from towpath.options import nearest
from towpath.stream import Batch
from towpath.values import textform

KINDS = ("not_null", "unique", "range", "one_of", "pattern")

DOUBLED = "was met before, and must be unique"

# 16 bytes are kept per row of a unique rule; past this share of the run's memory it says so instead of swapping.
_UNIQUE_SHARE = 4


@dataclass(frozen=True, slots=True)
class Broken:
    """Row number `row` of a batch breaks a rule about `column`."""

    row: int
    column: str
    reason: str


Check = Callable[[pa.RecordBatch], Iterator[Broken]]


def compile_rules(rules: Sequence[RuleSpec], schema: pa.Schema, memory: int) -> list[Check]:
    """The rules as checks of batches of `schema`, each with its own memory of earlier batches.

    Raises UserError for an unknown kind or column, or limits that the column's type cannot have."""
    return [_compile(rule, schema, memory) for rule in rules]


def _compile(rule: RuleSpec, schema: pa.Schema, memory: int) -> Check:
    for column in rule.columns:
        if column not in schema.names:
            raise UserError(
                f"rule {rule.kind}: there is no column {column!r}{nearest(column, schema.names)}",
                todo=f"columns: {', '.join(schema.names)}",
                code="column-unknown",
            )
    if rule.kind == "not_null":
        return lambda rows: _not_null(rows, rule.columns)
    if rule.kind == "unique":
        return _Unique(rule.columns, schema, memory // _UNIQUE_SHARE)
    (column,) = rule.columns
    type = schema.field(column).type
    if rule.kind == "range":
        low, high = (None if limit is None else _limit(limit, type, rule, column) for limit in rule.limits)
        return lambda rows: _range(rows, column, low, high)
    if rule.kind == "one_of":
        allowed = pa.array([_limit(value, type, rule, column).as_py() for value in rule.limits], type)
        return lambda rows: _one_of(rows, column, allowed)
    if rule.kind == "pattern":
        return _pattern(column, type, str(rule.limits[0]))
    raise UserError(
        f"there is no rule {rule.kind!r}{nearest(rule.kind, KINDS)}",
        todo=f"rules: {', '.join(KINDS)}",
        code="rule-wrong",
    )


def still_doubled(rule: RuleSpec, batch: Batch) -> Iterator[Broken]:
    """Rows of a replay that have the key yet for which they were set aside: its first row is not among them."""
    keys = [textform.write(batch.rows.column(name)) for name in rule.columns]
    joined = pc.binary_join_element_wise(*keys, ", ", null_handling="replace", null_replacement="None")
    met = {(place, key) for place, key in rule.limits}
    for row in _rows(pc.is_in(joined, value_set=pa.array([key for _, key in met], pa.string()))):
        if (str(batch.origin.place(int(row))), joined[row].as_py()) in met:
            yield Broken(int(row), ", ".join(rule.columns), DOUBLED)


def _limit(value: Any, type: pa.DataType, rule: RuleSpec, column: str) -> pa.Scalar:
    """A limit as people write it, as a value of the column's type."""
    if _is_text(type) and not isinstance(value, str):
        raise UserError(
            f"rule {rule.kind} on {column}: {value!r} is a number, and the column is text",
            todo=f"give the column a type ({column}=int64, say), or put the limit in quotes to compare letters",
            code="rule-wrong",
        )
    text = str(value).lower() if isinstance(value, bool) else str(value)
    values, bad = textform.read(pa.array([text]), type)
    if len(bad):
        raise UserError(
            f"rule {rule.kind} on {column}: {value!r} is no {textform.type_name(type)}",
            todo="write limits of the column's type, such as [0, 100] or [0, null]",
            code="rule-wrong",
        )
    return values[0]


def _is_text(type: pa.DataType) -> bool:
    return bool(pa.types.is_string(type) or pa.types.is_large_string(type))


def _rows(mask: pa.Array) -> np.ndarray:
    return np.flatnonzero(np.asarray(mask.fill_null(False)))


def _not_null(rows: pa.RecordBatch, columns: Sequence[str]) -> Iterator[Broken]:
    for column in columns:
        values = rows.column(column)
        if values.null_count:
            for row in _rows(values.is_null()):
                yield Broken(int(row), column, "is null, and must not be")


def _range(rows: pa.RecordBatch, column: str, low: pa.Scalar | None, high: pa.Scalar | None) -> Iterator[Broken]:
    values = rows.column(column)
    if pa.types.is_floating(values.type):
        for row in _rows(pc.is_nan(values)):
            yield Broken(int(row), column, "is NaN, which is in no range")
    if low is not None:
        for row in _rows(pc.less(values, low)):
            yield Broken(int(row), column, f"is less than {low.as_py()}")
    if high is not None:
        for row in _rows(pc.greater(values, high)):
            yield Broken(int(row), column, f"is greater than {high.as_py()}")


def _one_of(rows: pa.RecordBatch, column: str, allowed: pa.Array) -> Iterator[Broken]:
    values = rows.column(column)
    outside = pc.and_(pc.invert(pc.is_in(values, value_set=allowed)), values.is_valid())
    for row in _rows(outside):
        yield Broken(int(row), column, f"is not one of {', '.join(str(value) for value in allowed.to_pylist())}")


def _pattern(column: str, type: pa.DataType, pattern: str) -> Check:
    if not _is_text(type):
        raise UserError(
            f"rule pattern on {column}: it is {textform.type_name(type)}, and a pattern needs text",
            todo=f"read the column as text (--types {column}=text), or use the rule range or one_of",
            code="rule-wrong",
        )
    try:
        re.compile(pattern)
        pc.match_substring_regex(pa.array(["x"]), pattern)
    except (re.error, pa.ArrowInvalid) as error:
        raise UserError(
            f"rule pattern on {column}: {pattern!r} is no regular expression (RE2): {error}",
            todo="close each [ with ] and each ( with ), or write a backslash before it",
            code="rule-wrong",
        ) from error

    def check(rows: pa.RecordBatch) -> Iterator[Broken]:
        for row in _rows(pc.invert(pc.match_substring_regex(rows.column(column), pattern))):
            yield Broken(int(row), column, f"does not match {pattern}")

    return check


class _Unique:
    """Remembers 128-bit hashes of keys in runs of doubling size, sorted by their first half: 16 bytes a row."""

    def __init__(self, columns: Sequence[str], schema: pa.Schema, most: int) -> None:
        self._columns = list(columns)
        self._most = most
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, rows: pa.RecordBatch) -> Iterator[Broken]:
        valid = np.ones(len(rows), bool)
        for column in self._columns:
            valid &= np.asarray(rows.column(column).is_valid())
        numbers = np.flatnonzero(valid)
        keys = row_hashes(rows.select(self._columns))[numbers]
        # Stable by key, so that of equal keys in one batch the first row is the one that stays.
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        keys = keys[order]
        again = np.zeros(len(keys), bool)
        again[1:] = (keys[1:] == keys[:-1]).all(axis=1)
        for run in self._runs:
            again |= _found(keys, run)
        fresh = keys[~again]
        self._remember((fresh[:, 0].copy(), fresh[:, 1].copy()))
        for row in np.sort(numbers[order[again]]):
            yield Broken(int(row), ", ".join(self._columns), DOUBLED)

    def _remember(self, run: tuple[np.ndarray, np.ndarray]) -> None:
        if not len(run[0]):
            return
        while self._runs and len(self._runs[-1][0]) <= 2 * len(run[0]):
            first, second = (np.concatenate(halves) for halves in zip(self._runs.pop(), run, strict=True))
            order = np.argsort(first, kind="stable")
            run = (first[order], second[order])
        self._runs.append(run)
        if sum(len(first) for first, _ in self._runs) * 16 > self._most:
            raise Refused(
                f"rule unique on {', '.join(self._columns)} needs more than its share of the memory",
                todo="give more with --memory, or let the destination's key check it (mode merge)",
                code="memory-short",
            )


def _found(keys: np.ndarray, run: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Which keys are in a run. Where only the first halves agree, the run is searched on among its equals."""
    first, second = run
    at = np.minimum(np.searchsorted(first, keys[:, 0]), len(first) - 1)
    half = first[at] == keys[:, 0]
    found = half & (second[at] == keys[:, 1])
    for number in np.flatnonzero(half & ~found):
        same = first == keys[number, 0]
        found[number] = bool((second[same] == keys[number, 1]).any())
    return found
