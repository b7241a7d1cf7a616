"""Works on the blocks of a file in threads while their results keep the file's order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Block = TypeVar("Block")
Result = TypeVar("Result")


def ordered(blocks: Iterable[Block], work: Callable[[Block], Result], threads: int) -> Generator[Result, None, None]:
    """The results of `work` on each block, in the order of the blocks, computed by `threads` threads.

    Blocks are taken from the consumer's thread, at most `threads + 1` ahead of it. An exception of `work`, or
    of the blocks' own iterator, is raised in its place, after the results before it. Closing the iterator
    early waits for the running work, drops the rest and closes the blocks' generator.
    """
    pool = ThreadPoolExecutor(max(threads, 1), thread_name_prefix="towpath-text")
    futures = _submit(blocks, work, pool)
    waiting: deque[Future[Result]] = deque()
    try:
        waiting.extend(islice(futures, max(threads, 1) + 1))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(islice(futures, 1))
            yield result
            del result  # the consumer alone decides how long it lives
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        close = getattr(blocks, "close", None)
        if close is not None:
            close()


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
