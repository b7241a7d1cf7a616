"""The pool keeps the order of blocks, of errors, and a bounded window."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from towpath.ordered import ordered


def test_results_keep_the_order_of_the_blocks_though_later_work_ends_first() -> None:
    def work(block: int) -> int:
        time.sleep(0.02 if block % 2 == 0 else 0)
        return block * 10

    assert list(ordered(range(12), work, 4)) == [block * 10 for block in range(12)]


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_no_blocks_give_no_results(threads: int) -> None:
    assert list(ordered([], str, threads)) == []


def test_one_block_alone_needs_no_thread_and_several_do() -> None:
    def work(block: int) -> int:
        return threading.get_ident()

    here = threading.get_ident()
    assert list(ordered([1], work, 4)) == [here]
    assert here not in list(ordered([1, 2], work, 4))


def test_an_error_behind_one_block_comes_after_its_result() -> None:
    def blocks() -> Iterator[int]:
        yield 7
        raise ValueError("no more")

    results = ordered(blocks(), abs, 4)
    assert next(results) == 7
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_an_error_of_the_work_comes_in_its_place() -> None:
    def work(block: int) -> int:
        if block == 3:
            raise ValueError("third")
        time.sleep(0.01)
        return block

    seen = []
    with pytest.raises(ValueError, match="third"):
        for result in ordered(range(10), work, 3):
            seen.append(result)
    assert seen == [0, 1, 2]


def test_an_error_of_the_blocks_comes_after_the_results_before_it() -> None:
    def blocks() -> Iterator[int]:
        yield 0
        yield 1
        raise ValueError("no more")

    seen = []
    with pytest.raises(ValueError, match="no more"):
        for result in ordered(blocks(), abs, 4):
            seen.append(result)
    assert seen == [0, 1]


def test_blocks_are_taken_only_a_little_ahead() -> None:
    taken = []

    def blocks() -> Iterator[int]:
        for block in range(100):
            taken.append(block)
            yield block

    results = ordered(blocks(), abs, 2)
    next(results)
    assert len(taken) <= 4
    for _ in range(10):
        next(results)
    assert len(taken) <= 14
    results.close()


def test_closing_early_ends_the_threads_and_the_blocks() -> None:
    closed = []

    def blocks() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(True)

    before = threading.active_count()
    results = ordered(blocks(), abs, 3)
    assert next(results) == 0
    results.close()
    assert closed == [True]
    assert threading.active_count() == before
