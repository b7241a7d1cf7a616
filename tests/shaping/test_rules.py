from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import Refused, UserError
from towpath.job import RuleSpec
from towpath.shaping.rules import compile_rules

MEMORY = 1 << 30
ROWS = pa.record_batch(
    {
        "id": pa.array([1, 2, None, 2], pa.int64()),
        "x": pa.array([0.5, float("nan"), None, -1.0]),
        "code": ["AB", "ab", None, "ABC"],
        "day": pa.array([0, 1, 2, None], pa.date32()),
    }
)


def broken(rule: RuleSpec, *batches: pa.RecordBatch) -> list[tuple[int, str]]:
    (check,) = compile_rules([rule], ROWS.schema, MEMORY)
    return [(found.row, found.column) for batch in batches or (ROWS,) for found in check(batch)]


def test_not_null_names_each_column() -> None:
    assert broken(RuleSpec("not_null", ("id", "code"))) == [(2, "id"), (2, "code")]


def test_a_range_lets_null_pass_and_nan_not() -> None:
    assert broken(RuleSpec("range", ("x",), (0, None))) == [(1, "x"), (3, "x")]
    assert broken(RuleSpec("range", ("x",), (None, 0))) == [(1, "x"), (0, "x")]
    assert broken(RuleSpec("range", ("day",), ("1970-01-02", "1970-01-02"))) == [(0, "day"), (2, "day")]


def test_one_of_and_pattern_let_null_pass() -> None:
    assert broken(RuleSpec("one_of", ("id",), (1,))) == [(1, "id"), (3, "id")]
    assert broken(RuleSpec("pattern", ("code",), ("^[A-Z]{2}$",))) == [(1, "code"), (3, "code")]


def test_unique_keeps_the_first_and_remembers_earlier_batches() -> None:
    rule = RuleSpec("unique", ("id",))
    assert broken(rule) == [(3, "id")]
    assert broken(rule, ROWS, ROWS.slice(0, 2)) == [(3, "id"), (0, "id"), (1, "id")]
    assert broken(RuleSpec("unique", ("id", "code"))) == []


@given(st.lists(st.lists(st.integers(0, 50), max_size=30), max_size=8))
def test_unique_finds_exactly_the_later_ones(batches: list[list[int]]) -> None:
    schema = pa.schema([("id", pa.int64())])
    (check,) = compile_rules([RuleSpec("unique", ("id",))], schema, MEMORY)
    seen: set[int] = set()
    for values in batches:
        expected = []
        for row, value in enumerate(values):
            if value in seen:
                expected.append(row)
            seen.add(value)
        found = [one.row for one in check(pa.record_batch({"id": pa.array(values, pa.int64())}))]
        assert found == expected


def test_unique_says_when_it_outgrows_its_memory() -> None:
    schema = pa.schema([("id", pa.int64())])
    (check,) = compile_rules([RuleSpec("unique", ("id",))], schema, 64_000)
    with pytest.raises(Refused, match="--memory"):
        list(check(pa.record_batch({"id": np.arange(10_000)})))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RuleSpec("uniqe", ("id",)), "did you mean 'unique'"),
        (RuleSpec("range", ("idd",), (0, 1)), "did you mean 'id'"),
        (RuleSpec("range", ("id",), ("low", 1)), "'low' is no int64"),
        (RuleSpec("pattern", ("id",), ("x",)), "a pattern needs text"),
        (RuleSpec("range", ("code",), (0, 100)), "0 is a number, and the column is text"),
        (RuleSpec("pattern", ("code",), ("(",)), "no regular expression"),
    ],
)
def test_a_rule_that_cannot_be_is_the_users_mistake(rule: RuleSpec, words: str) -> None:
    with pytest.raises(UserError, match=words.replace("(", r"\(")):
        compile_rules([rule], ROWS.schema, MEMORY)
