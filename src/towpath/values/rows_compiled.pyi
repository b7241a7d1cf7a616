from collections.abc import Callable, Iterator
from typing import Any, TypeVar, final

_Made = TypeVar("_Made")

@final
class Held:
    """A buffer."""

@final
class Statement:
    """A query of SQLite that is under way."""

def read(
    rows: Iterator[tuple[Any, ...]],
    most: int,
    kinds: tuple[str, ...],
    /,
) -> tuple[int, list[tuple[int, int, Held, Held, Held | None, list[Any] | None]]]: ...
def prepare(calls: tuple[int, ...], database: int, sql: str, /) -> Statement: ...
def read_statement(
    statement: Statement,
    most: int,
    kinds: tuple[str, ...],
    /,
) -> tuple[int, list[tuple[int, int, Held, Held, Held | None, list[Any] | None]]]: ...
def close_statement(statement: Statement, /) -> None: ...
def noting() -> int: ...
def noted(call: Callable[[], _Made], /) -> tuple[_Made, int]: ...
