"""Works on the blocks of a file in threads while their results keep the file's order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

Block = TypeVar("Block")
Result = TypeVar("Result")


def ordered(blocks: Iterable[Block], work: Callable[[Block], Result], threads: int) -> Generator[Result, None, None]:
    """The results of `work` on each block, in the order of the blocks, computed by `threads` threads.

    Blocks are taken from the consumer's thread, at most `threads + 1` ahead of it; one that is alone is worked on
    there. An exception of `work`, or of the blocks' own iterator, is raised in its place, after the results before it.
    Closing the iterator early waits for the running work, drops the rest and closes the blocks' generator.
    """
    rest = iter(blocks)
    try:
        begin, failed = _two(rest)
        if len(begin) == 2:
            yield from _pooled(chain(begin, rest), work, max(threads, 1))
        else:
            yield from map(work, begin)
        if failed is not None:
            raise failed
    finally:
        close = getattr(blocks, "close", None)
        if close is not None:
            close()


def _two(blocks: Iterator[Block]) -> tuple[list[Block], Exception | None]:
    """The first two blocks, or those there are and what was raised behind them."""
    begin: list[Block] = []
    try:
        begin.extend(islice(blocks, 1))
        begin.extend(islice(blocks, 1))
    except Exception as error:
        return begin, error
    return begin, None


def _pooled(blocks: Iterable[Block], work: Callable[[Block], Result], threads: int) -> Generator[Result, None, None]:
    pool = ThreadPoolExecutor(threads, thread_name_prefix="towpath-text")
    futures = _submit(blocks, work, pool)
    waiting: deque[Future[Result]] = deque()
    try:
        waiting.extend(islice(futures, threads + 1))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(islice(futures, 1))
            yield result
            del result  # the consumer alone decides how long it lives
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(
    blocks: Iterable[Block], work: Callable[[Block], Result], pool: ThreadPoolExecutor
) -> Iterator[Future[Result]]:
    try:
        for block in blocks:
            yield pool.submit(work, block)
    except Exception as error:
        failed: Future[Result] = Future()
        failed.set_exception(error)
        yield failed
