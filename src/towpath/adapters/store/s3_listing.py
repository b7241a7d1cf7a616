"""Objects by pattern: one listing below what the pattern says for certain, read page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from towpath.disk.globbing import fits, is_wild
from towpath.seams.store import Entry


def entries(client: Any, bucket: str, pattern: str) -> Iterator[Entry]:
    """The objects that a key with wildcards names. A key that is written so itself is one of them. Raises what
    the library raises."""
    fixed = pattern[: min(pattern.find(sign) for sign in "*?[" if sign in pattern)]
    parts = pattern.split("/")
    # Where the last part alone is wild, what lies in deeper folders need not be listed.
    level = "" if any(is_wild(part) for part in parts[:-1]) or parts[-1] == "**" else "/"
    for key, size, tag in listed(client, bucket, fixed, level):
        if not key.endswith("/") and (key == pattern or matches(key.split("/"), parts)):
            yield Entry(f"{bucket}/{key}", size, tag)


def listed(client: Any, bucket: str, prefix: str, delimiter: str = "") -> Iterator[tuple[str, int, str]]:
    """Key, size and etag of all objects whose keys begin so."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter=delimiter)
    for page in pages:
        for one in page.get("Contents", ()):
            yield one["Key"], one["Size"], one["ETag"]


def matches(names: list[str], parts: list[str]) -> bool:
    """Whether the names of a path fit the parts of a pattern, `**` standing for any number of folders."""
    if not parts:
        return not names
    part, rest = parts[0], parts[1:]
    if part == "**":
        rest = rest or ["*"]
        return matches(names, rest) or (len(names) > 1 and fits(names[0], "*") and matches(names[1:], parts))
    if not names:
        return False
    fit = names[0] == part or (is_wild(part) and fits(names[0], part))
    return fit and matches(names[1:], rest)
