from collections.abc import Sequence
from typing import final

@final
class Held:
    """A buffer."""

def parse(
    data: bytes,
    count: int,
    forms: tuple[tuple[bytes, str, int, int, int], ...],
    /,
) -> Sequence[tuple[int, int, Held | None, Held | None, Held | None]] | None: ...
def lines(data: bytes, /) -> int: ...
