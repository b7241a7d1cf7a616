"""`.env` files: names and values beside a job, for references alone. They never reach the process's environment."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from towpath.errors import UserError


def read(path: Path) -> dict[str, str]:
    """The values of a `.env` file ({} when there is none), by python-dotenv's grammar; a `${...}` in a value is taken
    as it stands. Raises UserError naming the line that cannot be read."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    return _parsed(path, found.st_mtime_ns, found.st_size) if path.is_file() else {}


@lru_cache(maxsize=8)
def _parsed(path: Path, changed: int, size: int) -> dict[str, str]:
    from dotenv.parser import parse_stream

    values = {}
    try:
        with open(path, encoding="utf-8") as file:
            bindings = list(parse_stream(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise _unreadable(path, str(reason)) from error
    for one in bindings:
        # The parser lets a line's text begin with the blank lines before it.
        blank = len(one.original.string) - len(one.original.string.lstrip())
        line = one.original.line + one.original.string[:blank].count("\n")
        if one.error or (one.key is not None and one.value is None):
            raise UserError("this line is not NAME=VALUE", where=f"{path}:{line}", todo="a comment begins with #",
                            code="dotenv-wrong")  # fmt: skip
        if one.key is not None and one.value is not None:
            values[one.key] = one.value
    return values


def _unreadable(path: Path, reason: str) -> UserError:
    return UserError(f"cannot be read: {reason}", where=str(path), code="file-unreadable")
