"""What only the compiled arithmetic has: views, and the checks before memory is read."""

from __future__ import annotations

import ctypes
import mmap
import random

import numpy as np
import pyarrow as pa
import pytest

from tests.digest.test_words import states
from towpath.digest import columns, words

if words.compiled is None:
    pytest.skip(
        "src/towpath/digest/compiled.c is not compiled: no C compiler was found when towpath was installed",
        allow_module_level=True,
    )


@pytest.fixture(scope="module", autouse=True)
def arithmetic() -> str:
    return "compiled"


def views(values: list[bytes | None]) -> pa.Array:
    return pa.array(values, pa.binary_view())


def at(part: pa.Array, buffer: int) -> bytes:
    """The view of an array of one, into another buffer."""
    view = np.frombuffer(part.buffers()[1], np.int32, 4).copy()
    view[2] = buffer
    return view.tobytes()


def test_views_have_the_states_of_their_bytes_wherever_these_lie() -> None:
    rng = random.Random(5)
    for lengths in ([0, 1, 7, 8, 9, 12], [13, 0, 12, 700, 16], [40_000, 3, 40_000, 40_000, 13]):
        values = [rng.randbytes(length) for length in lengths]
        found = words.of_views(views([b"before, which is long", *values, b"after"])[1:-1])
        assert [lane.tolist() for lane in found] == states(values)
    assert [lane.tolist() for lane in words.of_views(views([]))] == [[], []]


def test_views_of_several_buffers_are_each_read_from_their_own() -> None:
    values = [letter * 50 for letter in (b"a", b"b", b"c")]
    parts = [views([value]) for value in values]
    together = pa.Array.from_buffers(
        pa.binary_view(),
        3,
        [None, pa.py_buffer(b"".join(at(part, n) for n, part in enumerate(parts)))]
        + [part.buffers()[2] for part in parts],
    )
    assert together.to_pylist() == values
    assert [lane.tolist() for lane in words.of_views(together)] == states(values)


def test_what_stands_for_null_is_not_followed() -> None:
    nowhere = np.array([100, 0, 7, 2**30], np.int32).tobytes()
    short = np.array([3, int.from_bytes(b"abc", "little"), 0, 0], np.int32).tobytes()
    values = pa.Array.from_buffers(pa.binary_view(), 2, [pa.py_buffer(b"\x02"), pa.py_buffer(nowhere + short)])
    assert [lane[1] for lane in words.of_views(values)] == [state[0] for state in states([b"abc"])]


def test_what_does_not_fit_together_is_refused_and_not_read() -> None:
    eight, nine = np.zeros(8, np.uint64), np.zeros(9, np.uint64)
    offsets, content = np.arange(9), np.zeros(8, np.uint8)
    words.compiled.runs(offsets, content, eight, eight.copy())
    for wrong in (
        lambda: words.compiled.mix(eight, 0, nine),
        lambda: words.compiled.runs(offsets, content, nine, eight),
        lambda: words.compiled.runs(offsets[:0], content, eight, eight),
        lambda: words.compiled.runs(offsets, content[:7], eight, eight.copy()),
        lambda: words.compiled.runs(offsets[::-1].copy(), content, eight, eight.copy()),
        lambda: words.compiled.runs(offsets - 1, content, eight, eight.copy()),
        lambda: words.compiled.decimals(eight.view(np.int64), nine, eight, eight, eight),
        lambda: words.compiled.decimals(eight.view(np.int64), eight[:0], eight[:0], eight, eight),
        lambda: words.compiled.views(np.zeros(9, "V16"), (), eight, eight.copy()),
        lambda: words.compiled.views(np.array([13, 0, 0, 0] * 8, np.int32), (), eight, eight.copy()),
        lambda: words.compiled.views(np.array([13, 0, 0, 1] * 8, np.int32), (bytes(13),), eight, eight.copy()),
        lambda: words.compiled.views(np.array([13, 0, -1, 0] * 8, np.int32), (bytes(13),), eight, eight.copy()),
        lambda: words.compiled.views(np.array([-1, 0, 0, 0] * 8, np.int32), (bytes(13),), eight, eight.copy()),
    ):
        with pytest.raises(ValueError, match="must be|there must|lies outside|not there"):
            wrong()
    with pytest.raises(ValueError, match="contiguous"):
        words.compiled.mix(eight[::2], 0, eight[:4])
    with pytest.raises(TypeError):
        words.compiled.views(np.zeros(8, "V16"), (object(),), eight, eight.copy())


def test_views_are_hashed_as_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    def copied(values: pa.Array) -> pa.Array:
        raise AssertionError("they were copied")

    assert words.is_compiled()
    assert [words.takes(type) for type in (pa.string_view(), pa.binary_view(), pa.string())] == [True, True, False]
    expected = columns.parts(pa.array(["a", None, "b" * 20]), "c")
    monkeypatch.setattr(columns, "plain", copied)
    found = columns.parts(pa.array(["a", None, "b" * 20], pa.string_view()), "c")
    assert [lane.tolist() for lane in found] == [lane.tolist() for lane in expected]
    monkeypatch.setattr(words, "compiled", None)
    assert not words.is_compiled()
    assert not words.takes(pa.string_view())


def test_nothing_beyond_the_end_of_the_content_is_read() -> None:
    """The page behind it may not be touched: whoever did would end the process."""
    page = mmap.PAGESIZE
    pages = mmap.mmap(-1, 2 * page)
    whole = np.frombuffer(pages, np.uint8)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mprotect(ctypes.c_void_p(whole.ctypes.data + page), ctypes.c_size_t(page), 0) == 0
    lengths = [9, 1, 7, 3]
    offsets = np.cumsum([page - sum(lengths), *lengths])
    first, second = np.empty(4, np.uint64), np.empty(4, np.uint64)
    words.compiled.runs(offsets, whole[:page], first, second)
    assert [first.tolist(), second.tolist()] == states([bytes(length) for length in lengths])
