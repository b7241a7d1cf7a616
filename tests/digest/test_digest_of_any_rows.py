"""What takes long: random arrays of every type, and cells of megabytes."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.arrays import arrays, types
from tests.digest.kit import digest
from towpath.digest import reference, row_hashes
from towpath.values.logical import kind, plain_type

BROAD = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@BROAD
@given(arrays(), st.text(max_size=5))
def test_the_quick_digest_equals_the_reference(values: pa.Array, name: str) -> None:
    rows = pa.record_batch([values], names=[name])
    assert digest(rows) == reference.digest(rows.schema, [rows])


@BROAD
@given(st.data())
def test_rows_of_several_columns_have_the_references_hashes(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 4))
    columns = [data.draw(arrays()) for _ in range(count)]
    shortest = min(map(len, columns))
    rows = pa.record_batch([column[:shortest] for column in columns], names=[f"c{n}" for n in range(count)])
    expected = [
        [reference.row_hash(k, {name: rows.column(name)[row] for name in rows.schema.names}) for k in (0, 1)]
        for row in range(shortest)
    ]
    assert row_hashes(rows).tolist() == expected


@BROAD
@given(types())
def test_no_rows_have_the_digest_zero(type: pa.DataType) -> None:
    assert digest(pa.record_batch([pa.array([], plain_type(type))], names=["c"])) == "tow1:" + "0" * 32
    assert kind(type)


def test_cells_of_a_megabyte_and_empty_ones_hash_as_the_reference_does() -> None:
    cells = ["", "x" * (1 << 20) + "yz", None, "é" * 5000, "a" * 4096, "b" * 4097, "c" * (3 << 20)]
    for type in (pa.string(), pa.large_string()):
        rows = pa.record_batch([pa.array(cells, type)], names=["c"])
        assert digest(rows[1:]) == reference.digest(rows.schema, [rows[1:]])


@pytest.mark.parametrize("longest", [0, 7, 8, 9, 100, 5000])
def test_texts_of_all_lengths_hash_as_each_by_itself(longest: int) -> None:
    rng = random.Random(longest)
    lengths = [rng.choice([0, 1, 8, 16, 17, rng.randrange(60)]) for _ in range(500)] + [longest] * 3
    rng.shuffle(lengths)
    cells = [None if rng.random() < 0.1 else rng.randbytes(length) for length in lengths]
    for type in (pa.binary(), pa.large_binary()):
        rows = pa.record_batch([pa.array(cells, type)], names=["c"])
        assert digest(rows[3:]) == reference.digest(rows.schema, [rows[3:]])


@pytest.mark.parametrize("width", [1, 8, 9, 24, 600])
def test_texts_of_one_length_hash_as_each_by_itself(width: int) -> None:
    cells = [random.Random(number).randbytes(width) for number in range(100)]
    for type in (pa.binary(), pa.binary(width)):
        rows = pa.record_batch([pa.array(cells, type)], names=["c"])
        assert digest(rows[1:]) == reference.digest(rows.schema, [rows[1:]])
