"""An output that holds other rows is noticed, whatever their order; other types alone are only noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.content import EQUAL, Reference, compared

ROWS = "select i as id, i % 3 as kind, 'text ' || i as note, (i * 1.25)::decimal(15,2) as price from range(1000) t(i)"
REFERENCE = Reference.of(ROWS)


def test_the_same_rows_in_another_order_are_equal() -> None:
    assert compared(REFERENCE, f"from ({ROWS}) order by hash(id)") == (EQUAL, "")


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (f"select * replace (if(id = 500, 'text', note) as note) from ({ROWS})", "note: 'text 500' became 'text'"),
        (f"select * replace (if(id = 500, null, note) as note) from ({ROWS})", "note: 'text 500' became null"),
        (f"select * replace (if(id = 5, price + 0.01, price) as price) from ({ROWS})", "price: '6.25' became '6.26'"),
        (
            f"select * replace (note || if(id = 7, repeat('x', 90) || 'y', '') as note) from ({ROWS})",
            f"note: 'text 7' became 'text 7{'x' * 54}'",
        ),
        (f"from ({ROWS}) where id <> 500", "999 rows instead of 1,000"),
        (f"from ({ROWS}) where id <> 500 union all from ({ROWS}) where id = 7",
         "id, kind, note, price: '500' became '7'"),
        (f"select * exclude (note) from ({ROWS})", "no column note"),
    ],
)  # fmt: skip
def test_one_changed_value_is_noticed_and_told(output: str, told: str) -> None:
    assert compared(REFERENCE, output)[0] == f"differs: {told}"


def test_values_that_changed_places_are_noticed() -> None:
    swapped = f"select * replace (if(id < 2, 'text ' || (1 - id), note) as note) from ({ROWS})"
    assert "not in the rows where they were" in compared(REFERENCE, swapped)[0]


def test_long_values_are_told_around_where_they_differ() -> None:
    long = Reference.of("select repeat('a', 100) || 'b' as note")
    told = compared(long, "select repeat('a', 100) || 'c' as note")[0]
    assert told == f"differs: note: ...'{'a' * 20}b' became ...'{'a' * 20}c'"


def test_other_types_and_more_columns_are_noted() -> None:
    other = f"select * replace (price::double as price), 'x' as _load from ({ROWS})"
    assert compared(REFERENCE, other) == (EQUAL, "decimal as double; adds _load")


def test_decimals_of_text_count_by_their_nearest_double() -> None:
    query = "select 0.07::decimal(15,2) as rate"
    assert compared(Reference.of(query, text=True), "select 0.07::double as rate")[0] == EQUAL
    assert compared(Reference.of(query, text=True), "select 0.07000000000000002::double as rate")[0] != EQUAL


def test_an_output_that_cannot_be_read_differs(tmp_path: Path) -> None:
    told = compared(REFERENCE, f"from '{tmp_path}/none.parquet'")[0]
    assert told.startswith("differs: IO Error")
    assert str(tmp_path) not in told
