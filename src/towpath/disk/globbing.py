"""Paths by pattern on a local disk. Unlike the standard library's, a folder that may not be read is an error."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator


def matches(pattern: str) -> list[str]:
    """The existing paths that a path or glob names (`*`, `?`, `[..]`, `**` for any depth), sorted, without duplicates.

    A part that exists as it is written is taken so. A wildcard leaves out names with a leading `.` or `_`, except
    `_name=value`, a partition. Raises OSError for a folder that cannot be listed."""
    root, parts = ("/", pattern.lstrip("/")) if pattern.startswith("/") else ("", pattern)
    return sorted(set(_walk(root, parts.split("/"))))


def _walk(prefix: str, parts: list[str]) -> Iterator[str]:
    while parts[1:] and _is_written_out(prefix, parts[0]):
        prefix, parts = f"{prefix}{parts[0]}/", parts[1:]
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _any_depth(prefix, rest or ["*"], frozenset())
    elif _is_written_out(prefix, part):
        if os.path.lexists(prefix + part):
            yield prefix + part
    else:
        for name in _visible(prefix, part):
            yield from _walk(f"{prefix}{name}/", rest) if rest else (prefix + name,)


def _is_written_out(prefix: str, part: str) -> bool:
    return part != "**" and (not is_wild(part) or os.path.lexists(prefix + part))


def _any_depth(prefix: str, rest: list[str], above: frozenset[tuple[int, int]]) -> Iterator[str]:
    yield from _walk(prefix, rest)
    for name in _visible(prefix, "*"):
        if os.path.isdir(prefix + name):
            found = os.stat(prefix + name)
            here = (found.st_dev, found.st_ino)
            if here not in above:  # a symbolic link may lead back to a folder above itself
                yield from _any_depth(prefix + name + "/", rest, above | {here})


def _visible(folder: str, part: str) -> list[str]:
    try:
        names = os.listdir(folder or ".")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [name for name in names if fits(name, part)]


def fits(name: str, part: str) -> bool:
    """Whether a wildcard's part of a pattern matches a name; hidden names it leaves out."""
    return fnmatch.fnmatchcase(name, part) and not _is_hidden(name, part)


def is_wild(part: str) -> bool:
    """Whether a path, or a part of one, has wildcards."""
    return any(sign in part for sign in "*?[")


def _is_hidden(name: str, part: str) -> bool:
    if part[0] == name[0]:
        return False
    return name[0] == "." or (name[0] == "_" and "=" not in name)
