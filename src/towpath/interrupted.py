"""Ctrl-C, which a library may tell of in words of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def told_as(words: str) -> Iterator[None]:
    """Raises the RuntimeError with these words, which a library makes of Ctrl-C, as KeyboardInterrupt."""
    try:
        yield
    except RuntimeError as error:
        if str(error) == words:
            raise KeyboardInterrupt from error
        raise
