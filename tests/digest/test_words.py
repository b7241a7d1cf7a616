from __future__ import annotations

import importlib.util
import random
import shlex
import shutil
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from towpath.digest import reference, words

NUMBERS = [0, 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF, 2**32]


def states(values: list[bytes]) -> list[list[int]]:
    return [[reference.words_state(k, value) for value in values] for k in (0, 1)]


def test_numbers_are_mixed_as_by_the_reference_and_in_place() -> None:
    given = np.array(NUMBERS, np.uint64)
    mixed = words.mix(given)
    assert mixed is given
    assert mixed.tolist() == [reference.mix(number) for number in NUMBERS]


def test_places_count_from_one_and_wrap() -> None:
    assert words.places(4, 2**63 + 1).tolist() == [2**63 + 1, 2, 2**63 + 3, 4]
    assert words.places(0, 5).tolist() == []


def test_runs_are_summed_also_empty_ones_and_beyond_64_bits() -> None:
    x = np.array([1, 2**64 - 1, 3, 2**63, 2**63], np.uint64)
    assert words.sums(x, np.array([0, 2, 0, 1, 2, 0])).tolist() == [0, 0, 0, 3, 0, 0]
    assert words.sums(x[:0], np.array([0, 0])).tolist() == [0, 0]


def test_what_is_stored_is_found_behind_an_offset() -> None:
    pairs = pa.array([b"0123456789abcdef", b"ABCDEFGHIJKLMNOP", b"................"], pa.binary(16))
    found = words.stored(pairs[1:2], np.dtype("S8"), 2)
    assert found.tolist() == [b"ABCDEFGH", b"IJKLMNOP"]
    none = words.stored(pairs[:0], np.dtype(np.int32), 4)
    assert (none.tolist(), none.dtype) == ([], np.int32)
    assert words.stored(pa.array([1, 2, 3], pa.int32())[1:], np.dtype(np.int32)).tolist() == [2, 3]


def test_values_of_some_words_have_the_state_of_their_bytes() -> None:
    columns = [np.array(NUMBERS, np.uint64), np.array(NUMBERS[::-1], np.uint64), np.arange(6, dtype=np.uint64)]
    for count in (1, 2, 3):
        content = [np.array(row, "<u8").tobytes() for row in zip(*columns[:count], strict=True)]
        assert [lane.tolist() for lane in words.of_words(*columns[:count])] == states(content)


LENGTHS = {
    "short ones": [3, 0, 8, 7, 9, 16, 1, 15, 17],
    "of one length": [5] * 9,
    "of one number of words": [5, 8, 1, 7],
    "of one great length": [600] * 2,
    "one long one among short ones": [3, 700, 8, 0, 1, 2, 3, 9, 9],
    "none but empty ones": [0, 0, 0],
    "a single one": [11],
    "long ones": [520, 521, 527],
    "many long ones before shorter ones": [*[320] * 40, *[250] * 40, 5],
    "growing": [*range(0, 60, 3)],
}


@pytest.mark.parametrize("group", [8, 104, 1 << 20])
def test_texts_have_the_states_of_their_bytes_however_many_are_taken_at_a_time(
    group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "_GROUP", group)
    rng = random.Random(group)
    for name, lengths in LENGTHS.items():
        values = [rng.randbytes(length) for length in lengths]
        expected = states(values)
        for type in (pa.binary(), pa.large_binary()):
            found = words.of_binary(pa.array([b"before", *values, b"after"], type)[1:-1])
            assert [lane.tolist() for lane in found] == expected, name


def test_a_long_text_among_short_ones_is_hashed_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """All would go through as many places as it has words."""
    asked: list[int] = []

    def one(content: np.ndarray, by: Any = words._one) -> Any:
        asked.append(len(content))
        return by(content)

    monkeypatch.setattr(words, "compiled", None)
    monkeypatch.setattr(words, "_one", one)
    values = [b"x" * 600, *[b"short"] * 50, b"y" * 700]
    found = words.of_binary(pa.array(values, pa.binary()))
    assert asked == [600, 700]
    assert [lane.tolist() for lane in found] == states(values)
    words.of_binary(pa.array([b"x" * 40] * 50 + [b"y"], pa.binary()))
    assert asked == [600, 700]


def test_values_are_taken_together_while_a_place_is_worth_it() -> None:
    for counts, many in (
        ([], 0),
        ([1], 0),
        ([1, 1, 1], 3),
        ([1] * 5 + [100], 5),
        ([1, 1, 1, 9, 9], 3),
        ([2] * 9 + [4] * 9, 18),
    ):
        assert words._together(np.array(counts, np.int64)) == many, counts


def test_a_text_of_hundreds_of_thousands_of_bytes_is_hashed_among_others_as_by_itself() -> None:
    long, other = random.Random(7).randbytes(300_001), b"other"
    alone = words.of_binary(pa.array([long], pa.binary()))
    among = words.of_binary(pa.array([other, long, other, b""], pa.binary()))
    assert [lane[1] for lane in among] == [lane[0] for lane in alone]
    assert [[lane[0], lane[3]] for lane in among] == states([other, b""])


def test_values_of_a_fixed_width_have_the_states_of_their_bytes() -> None:
    rng = random.Random(3)
    for width in (1, 7, 8, 9, 16, 700):
        values = [rng.randbytes(width) for _ in range(5)]
        found = words.of_binary(pa.array([b"." * width, *values], pa.binary(width))[1:])
        assert [lane.tolist() for lane in found] == states(values)


def test_no_texts_have_no_states() -> None:
    for type in (pa.string(), pa.large_binary(), pa.binary(3)):
        assert [lane.tolist() for lane in words.of_binary(pa.array([], type))] == [[], []]


def test_it_is_compiled_wherever_it_can_be() -> None:
    """An installation goes on without a compiler; with one, nobody would notice that nothing is compiled."""
    compiler = shutil.which(shlex.split(sysconfig.get_config_var("CC") or "cc")[0])
    if compiler is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("there is no C compiler here, or no Python.h")
    assert importlib.util.find_spec("towpath.digest.compiled") is not None
