from typing_extensions import Buffer

def rows(
    count: int, columns: tuple[tuple[str, Buffer | None, Buffer, Buffer | None, int, int], ...], /
) -> tuple[bytes, int]: ...
