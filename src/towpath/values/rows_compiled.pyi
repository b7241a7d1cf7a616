from collections.abc import Iterator
from typing import Any, final

@final
class Held:
    """A buffer."""

def read(
    rows: Iterator[tuple[Any, ...]],
    most: int,
    kinds: tuple[str, ...],
    /,
) -> tuple[int, list[tuple[int, int, Held, Held, Held | None, list[Any] | None]]]: ...
