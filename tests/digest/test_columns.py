"""Every type by values that are told apart only if each byte of them counts, beside the reference."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from towpath.digest import columns, reference, row_hashes

DAY = 86_400_000
NAN = float("nan")
VALUES: list[tuple[pa.DataType, list[Any]]] = [
    (pa.null(), [None, None, None]),
    (pa.bool_(), [True, False, None, True]),
    *((type, [5, -1, None, 0, 100, -128]) for type in (pa.int8(), pa.int16(), pa.int32(), pa.int64())),
    *((type, [5, 255, None, 0]) for type in (pa.uint8(), pa.uint16(), pa.uint32())),
    (pa.int64(), [2**63 - 1, -(2**63), None]),
    (pa.uint64(), [2**63 - 1, 2**63, None, 2**64 - 1, 0]),
    (pa.uint64(), [1, 2, None]),
    (pa.decimal32(6, 2), [Decimal("1.50"), Decimal("-0.01"), None, Decimal("9999.99"), Decimal("0.00")]),
    (pa.decimal64(15, 3), [Decimal("1.500"), Decimal("-0.001"), None, Decimal(10**11)]),
    (pa.decimal128(12, 2), [Decimal("12.50"), Decimal("100.00"), None, Decimal("-0.10"), Decimal("0.01")]),
    (pa.decimal128(4, 4), [Decimal("0.1000"), Decimal("0.1200"), Decimal("0.1230"), Decimal("0.1234"), None]),
    (pa.decimal128(38, 0), [Decimal(2**63 - 1), Decimal(2**63), None, Decimal(-(2**63)), Decimal(-(2**63) - 1)]),
    (pa.decimal128(38, 2), [None, Decimal(10**30), Decimal("-1.10"), Decimal(-(10**35))]),
    (pa.decimal256(60, 7), [Decimal("1.5"), None, Decimal(-1), Decimal(10**50), Decimal(2**64), Decimal(-(2**127))]),
    (pa.float16(), [0.5, -0.0, None, NAN, 1.5]),
    (pa.float32(), [0.5, -0.0, None, NAN, 1.5, 3.4e38]),
    (pa.float32(), [0.5, 0.25]),
    (pa.float64(), [0.1, -0.0, None, NAN, float("-inf"), 5e-324]),
    (pa.float64(), [0.1, 0.2]),
    *((type, ["", "é", None, "eight by", "nine byte", "🚣" * 30]) for type in (pa.string(), pa.large_string())),
    (pa.string_view(), ["", "é", None, "longer than twelve bytes"]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", None, "b", "a", "", None]),
    (pa.dictionary(pa.int32(), pa.int64()), [None, None]),
    (pa.dictionary(pa.int32(), pa.int64()), [7, None]),
    *((type, [b"", b"\0", None, b"eight by", b"\xff" * 17]) for type in (pa.binary(), pa.large_binary())),
    (pa.binary_view(), [b"", b"\0", None, b"longer than twelve bytes"]),
    (pa.binary(3), [b"abc", b"\0\0\0", None, b"xyz"]),
    (pa.date32(), [0, -1, None, 19_000, 2**31 - 1]),
    (pa.date64(), [0, -DAY, None, 19_000 * DAY]),
    (pa.time32("s"), [0, 86_399, None]),
    (pa.time32("ms"), [0, 86_399_999, None]),
    (pa.time64("us"), [0, 86_399_999_999, None]),
    (pa.time64("ns"), [0, 86_399_999_999_999, None]),
    *(
        (type, [0, 1, -1, None, most, most + 1, -most, -most - 1, 2**63 - 1, -(2**63), 2**40 + 12345])
        for unit, most in (("s", (2**63 - 1) // 10**9), ("ms", (2**63 - 1) // 10**6), ("us", (2**63 - 1) // 10**3))
        for type in (pa.timestamp(unit), pa.timestamp(unit, "UTC"), pa.duration(unit))
    ),
    *(
        (type, [0, 1, -1, None, 2**63 - 1, -(2**63)])
        for type in (pa.timestamp("ns"), pa.timestamp("ns", "Europe/Paris"), pa.duration("ns"))
    ),
    (pa.month_day_nano_interval(), [(1, -2, 3), (-1, 2**31 - 1, -(2**63)), None, (0, 0, 0)]),
    (pa.list_(pa.int32()), [[1, None, 2], [], None, [2, 1, None], [7]]),
    (pa.large_list(pa.string()), [["a"], [], None, ["b", "a", ""]]),
    (pa.list_(pa.int16(), 2), [[1, 2], None, [2, None]]),
    (pa.list_(pa.list_(pa.string())), [[["a"], [], None], None, []]),
    (pa.struct([("a", pa.int32()), ("b", pa.string())]), [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    (pa.struct([]), [{}, None, {}]),
    (pa.map_(pa.string(), pa.int64()), [[("a", 1), ("b", None)], [], None, [("b", 1), ("a", 3), ("c", 1)]]),
]


def array(type: pa.DataType, values: list[Any]) -> pa.Array:
    """The values, times and dates by the integers that are stored for them."""
    if pa.types.is_temporal(type) and not pa.types.is_interval(type):
        return pa.array(values, pa.int32() if type.bit_width == 32 else pa.int64()).view(type)
    return pa.array(values, type)


def by_reference(values: pa.Array, name: str = "c") -> list[list[int]]:
    return [[reference.row_hash(k, {name: value}) for k in (0, 1)] for value in values]


def hashes(values: pa.Array, name: str = "c") -> list[list[int]]:
    return row_hashes(pa.record_batch([values], names=[name])).tolist()


def test_the_values_of_every_type_hash_as_the_reference_does() -> None:
    made = [array(type, values) for type, values in VALUES]
    assert [hashes(values) for values in made] == [by_reference(values) for values in made]


def test_a_part_of_a_column_hashes_as_its_values_do() -> None:
    made = [array(type, values) for type, values in VALUES]
    assert [hashes(values[1:3]) for values in made] == [hashes(values)[1:3] for values in made]
    assert [hashes(values.slice(1)) for values in made] == [hashes(values)[1:] for values in made]


def test_values_within_lists_structs_and_maps_hash_as_the_reference_does() -> None:
    within = (pa.uint64(), pa.decimal128(12, 2), pa.float32(), pa.string(), pa.timestamp("s"), pa.list_(pa.int32()))
    for type, values in VALUES:
        if type not in within:
            continue
        child = array(type, values)
        count = len(child)
        keys = pa.array(range(count), pa.int8())
        for nested in (
            pa.ListArray.from_arrays([0, 2, 2, count], child),
            pa.MapArray.from_arrays([0, 2, count], keys, child),
            pa.StructArray.from_arrays([child, keys], ["v", "k"]),
        ):
            assert hashes(nested) == by_reference(nested), nested.type


def test_times_of_far_away_hash_as_the_reference_does() -> None:
    """Their nanoseconds have more than 64 bits."""
    rng = random.Random(5)
    for type in (pa.timestamp("s"), pa.duration("ms"), pa.timestamp("us", "UTC")):
        far = array(type, [rng.choice((-1, 1)) * (rng.getrandbits(63) >> rng.randrange(20)) for _ in range(60)])
        assert hashes(far) == by_reference(far)


def test_only_decimals_of_more_than_64_bits_are_hashed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Decimal] = []
    monkeypatch.setattr(columns.spec, "decimal_bytes", lambda value: asked.append(value) or b"")
    large = [Decimal(2**63), Decimal(-(2**63) - 1), Decimal(2**100)]
    for type in (pa.decimal128(38, 0), pa.decimal256(60, 0)):
        asked.clear()
        hashes(pa.array([Decimal(5), None, Decimal(-1), Decimal(2**63 - 1), Decimal(-(2**63)), *large], type))
        assert asked == large


def test_every_nan_hashes_as_the_reference_does() -> None:
    for bits, type in ((pa.uint16(), pa.float16()), (pa.uint32(), pa.float32()), (pa.uint64(), pa.float64())):
        width = type.bit_width
        odd = pa.array([(1 << width) - 1, (1 << width) // 2 - 1, (1 << width) // 2 - 2], bits).view(type)
        assert hashes(odd) == by_reference(odd)
        assert len({tuple(one) for one in hashes(odd)}) == 1


def test_a_state_is_a_number_of_64_bits() -> None:
    for type, values in VALUES:
        for value in array(type, values):
            assert all(0 <= reference.state_of(k, value)[1] < 2**64 for k in (0, 1)), value


def test_the_name_of_a_column_may_be_anything() -> None:
    values = pa.array([1, None])
    for name in ("", "é", "a name of more than eight bytes", "integer\0"):
        assert hashes(values, name) == by_reference(values, name)


def test_a_value_of_an_extension_type_hashes_as_what_is_stored() -> None:
    uuids = pa.array([b"0123456789abcdef", None], pa.uuid())
    assert hashes(uuids) == hashes(uuids.storage) == by_reference(uuids)


def test_a_dictionary_may_hold_a_null() -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([1, 0, None], pa.int8()), pa.array(["a", None]))
    assert hashes(values) == hashes(pa.array([None, "a", None])) == by_reference(values)


def test_run_ends_hash_as_the_values_they_stand_for() -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None]))
    assert hashes(runs) == hashes(pa.array(["a", "a", None])) == by_reference(runs)


@pytest.mark.parametrize("type", [pa.int16(), pa.uint64(), pa.decimal128(12, 2), pa.timestamp("s"), pa.date32()])
def test_numbers_of_a_narrow_range_and_of_a_wide_one_hash_alike(
    type: pa.DataType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many of a narrow range are hashed once each; the others, one by one."""
    values = array(type, [*range(90, 110), None] * 9)
    one_by_one = hashes(values)
    monkeypatch.setattr(columns, "_ENOUGH", 1)
    assert hashes(values) == one_by_one
    monkeypatch.setattr(columns, "_SPREAD", 10_000)
    assert hashes(values) == one_by_one


def test_a_column_of_few_numbers_hashes_each_of_them_once() -> None:
    asked: list[int] = []

    def states(numbers: np.ndarray) -> Any:
        asked.append(len(numbers))
        return columns._single("integer", numbers.view(np.uint64))

    def taken(numbers: np.ndarray) -> columns._Numbers:
        return columns._Numbers(numbers, states)

    many = np.arange(1024)
    taken(5000 + many % 100).keyed("c")
    taken(many * 3).keyed("c")
    taken(many % 257).keyed("c")
    taken(many[1:] % 100).keyed("c")
    assert asked == [100, 1024, 1024, 1023]
    asked.clear()
    missing = many % 2 == 1
    taken(np.where(missing, 0, 5000 + many % 100)).without(missing).keyed("c")
    missing[1:] = True
    taken(np.where(missing, 0, 5000)).without(missing).keyed("c")
    taken(many).without(many >= 0).keyed("c")
    assert asked == [99, 1, 1024]
