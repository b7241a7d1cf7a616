"""Wider types hold every value of both, exactly, and stay of one kind."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.nouns import Stored, Way
from towpath.values import convert
from towpath.values.logical import Kind, kind
from towpath.values.widening import BEYOND_INT64, wider

DECIMALS = st.tuples(st.integers(1, 38), st.integers(0, 38)).filter(lambda of: of[1] <= of[0])
TYPES = st.one_of(
    st.sampled_from(
        [
            pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
            pa.float32(), pa.float64(), pa.string(), pa.bool_(), pa.date32(), pa.time32("s"), pa.time64("us"),
            pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("ms", "UTC"), pa.null(),
        ]
    ),
    DECIMALS.map(lambda of: pa.decimal128(*of)),
)  # fmt: skip


@given(kept=TYPES, type=TYPES)
def test_a_wider_type_is_of_the_columns_kind_and_takes_its_values_exactly(kept: pa.DataType, type: pa.DataType) -> None:
    wide = wider(kept, type)
    if wide is None:
        return
    assert kind(wide) is kind(kept) or (kind(kept) is Kind.INTEGER and wide == BEYOND_INT64)
    old, new = (convert.way(one, Stored(wide))[0] for one in (kept, type))
    if kind(kept) in (Kind.INTEGER, Kind.DECIMAL):
        assert old is new is Way.EXACT
    if kind(kept) is Kind.FLOAT:
        assert old is Way.EXACT


def test_a_column_that_holds_both_already_stays() -> None:
    for type in (pa.int64(), pa.float64(), pa.decimal128(38, 2), pa.timestamp("us"), pa.time64("ns")):
        assert wider(type, type) == type
    assert wider(pa.int64(), pa.int8()) == pa.int64()
    assert wider(pa.decimal128(12, 4), pa.decimal128(10, 2)) == pa.decimal128(12, 4)


def test_what_no_type_of_the_kind_holds_is_none() -> None:
    assert wider(pa.decimal128(38, 2), pa.decimal128(38, 10)) is None
    assert wider(pa.int32(), pa.decimal128(10, 2)) is None
    assert wider(pa.int32(), pa.float64()) is None
    assert wider(pa.timestamp("us"), pa.timestamp("us", "UTC")) is None
    assert wider(pa.int64(), pa.uint64()) == BEYOND_INT64


@pytest.mark.parametrize(
    ("kept", "type", "wide"),
    [
        (pa.int8(), pa.int16(), pa.int16()),
        (pa.int16(), pa.int8(), pa.int16()),
        (pa.int8(), pa.int64(), pa.int64()),
        (pa.int8(), pa.uint8(), pa.int16()),
        (pa.int32(), pa.uint16(), pa.int32()),
        (pa.int64(), pa.uint32(), pa.int64()),
        (pa.uint8(), pa.uint16(), pa.uint16()),
        (pa.uint8(), pa.uint8(), pa.uint8()),
        (pa.uint64(), pa.uint8(), pa.uint64()),
        (pa.uint8(), pa.int8(), pa.int16()),
        (pa.uint32(), pa.int8(), pa.int64()),
        (pa.uint64(), pa.int8(), BEYOND_INT64),
        # 2 digits fit in 8 bits, 3 no longer do; 18 in 64, 19 no longer.
        (pa.int8(), pa.decimal128(2, 0), pa.int8()),
        (pa.int8(), pa.decimal128(3, 0), pa.int16()),
        (pa.uint8(), pa.decimal128(2, 0), pa.int16()),
        (pa.int8(), pa.decimal128(9, 0), pa.int32()),
        (pa.int8(), pa.decimal128(10, 0), pa.int64()),
        (pa.int64(), pa.decimal128(18, 0), pa.int64()),
        (pa.int64(), pa.decimal128(19, 0), BEYOND_INT64),
        (pa.int64(), pa.decimal128(38, 0), BEYOND_INT64),
        (pa.int64(), pa.decimal256(39, 0), None),
        (pa.int8(), pa.decimal128(4, 1), None),
        (pa.decimal128(5, 2), pa.int8(), pa.decimal128(5, 2)),
        (pa.decimal128(4, 2), pa.int8(), pa.decimal128(5, 2)),
        (pa.decimal128(4, 2), pa.uint64(), pa.decimal128(22, 2)),
        (pa.decimal128(4, 0), pa.int8(), pa.decimal128(4, 0)),
        (pa.decimal128(38, 20), pa.int64(), None),
        (pa.decimal128(38, 19), pa.int64(), pa.decimal128(38, 19)),
        (pa.decimal128(4, 2), pa.float64(), None),
        (pa.float32(), pa.int8(), pa.float64()),
        (pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("ns")),
        (pa.timestamp("ns"), pa.timestamp("s"), pa.timestamp("ns")),
        (pa.timestamp("ms"), pa.timestamp("s"), pa.timestamp("ms")),
        (pa.timestamp("s", "Europe/Berlin"), pa.timestamp("us", "UTC"), pa.timestamp("us", "Europe/Berlin")),
        (pa.time32("s"), pa.time32("ms"), pa.time32("ms")),
        (pa.time32("ms"), pa.time64("us"), pa.time64("us")),
        (pa.time64("us"), pa.time32("s"), pa.time64("us")),
        (pa.time64("ns"), pa.time32("s"), pa.time64("ns")),
        (pa.timestamp("s"), pa.date32(), None),
        (pa.date32(), pa.timestamp("s"), None),
        (pa.time32("s"), pa.timestamp("s"), None),
    ],
)  # fmt: skip
def test_the_wider_type_is_the_narrowest_that_holds_both(
    kept: pa.DataType, type: pa.DataType, wide: pa.DataType | None
) -> None:
    assert wider(kept, type) == wide
