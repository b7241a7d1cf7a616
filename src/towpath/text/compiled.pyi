from collections.abc import Sequence

import numpy as np

def line_feeds(data: bytes, /) -> int: ...
def split(
    data: bytes,
    width: int,
    delimiter: int,
    quote: int,
    final: bool,
    most_lines: int,
    most_bytes: int,
    starts: np.ndarray,
    ends: np.ndarray,
    lines: np.ndarray,
    fields: np.ndarray,
    /,
) -> tuple[int, int, int, bool] | None: ...
def columns(
    data: bytes,
    starts: np.ndarray,
    fields: np.ndarray,
    width: int,
    quote: int,
    words: tuple[bytes, ...],
    wanted: Sequence[tuple[int, str, int, int, np.ndarray, np.ndarray]],
    /,
) -> list[tuple[int, bytes | None] | None]: ...
