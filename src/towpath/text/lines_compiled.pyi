from typing import Any

def render(
    rows: tuple[Any, ...], after: bytes, special: bytes, quote: int, words: tuple[bytes, ...], /
) -> bytes | None: ...
