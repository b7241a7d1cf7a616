"""Small objects that change by compare-and-swap: a note's version is its etag, and the server compares it.

An etag is made of the content, so that a note of blanks alone stands for one that was removed, and blanks behind a note
(all notes are JSON) make another version of the same."""

from __future__ import annotations

import contextlib
import secrets
from typing import Any

from towpath.adapters.store.s3_client import FAILURES, code_of, refused, shown, whole
from towpath.errors import Conflict

Note = tuple[bytes, str]

_AS_BLANKS = {ord(digit): f"{int(digit, 16):04b}".replace("0", " ").replace("1", "\t") for digit in "0123456789abcdef"}


def read(client: Any, path: str) -> Note | None:
    """Content and version."""
    found = _object(client, path)
    return None if _is_removed(found) else found


def put(client: Any, path: str, content: bytes, expected: str | None) -> str:
    """Replaces a note that has the expected version (None: that is not there); returns the new one. Raises Conflict."""
    try:
        return _put(client, path, content, expected)
    except Conflict:
        removed = _object(client, path) if expected is None else None
        if removed is None or not _is_removed(removed):
            raise
    return _put(client, path, content, removed[1])


def remove(client: Any, path: str, expected: str | None, *, deletes: bool) -> None:
    """Removes a note that has the expected version. Where the server's deleting knows no condition (not `deletes`), an
    empty object is left in its place. Of two runs that remove the same version both may be told that they did."""
    if expected is None:
        if read(client, path) is not None:
            raise _swapped(path)
        return
    named = {**_named(path), "IfMatch": expected}
    try:
        if deletes:
            client.delete_object(**named)
        else:
            client.put_object(**named, Body=b"")
    except FAILURES as error:
        if read(client, path) is not None:
            raise _problem(error, path) from error


def fence(client: Any, path: str) -> None:
    """Gives a note another version, also one that is not there: a change that was asked for before and has not arrived
    yet is then refused."""
    found = _object(client, path)
    content, version = (b"", None) if found is None else found
    with contextlib.suppress(Conflict):  # who changed it meanwhile gave it one
        _put(client, path, content.rstrip() + _blanks(), version)


def _blanks() -> bytes:
    """A line of blanks that is no other one."""
    return b"\n" + secrets.token_bytes(5).hex().translate(_AS_BLANKS).encode()


def _is_removed(found: Note | None) -> bool:
    return found is None or not found[0].strip()


def _put(client: Any, path: str, content: bytes, expected: str | None) -> str:
    condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
    try:
        return str(client.put_object(**_named(path), **condition, Body=content)["ETag"])
    except FAILURES as error:
        # A request whose answer was lost may have done its work, and is then refused when it is sent again.
        found = _object(client, path)
        if found is not None and found[0] == content:
            return found[1]
        raise _problem(error, path) from error


def _object(client: Any, path: str) -> Note | None:
    def ask() -> Note | None:
        try:
            answer = client.get_object(**_named(path))
        except FAILURES as error:
            if code_of(error) in ("NoSuchKey", "404"):
                return None
            raise refused(error, path, "read") from error
        with contextlib.closing(answer["Body"]) as body:
            return body.read(), answer["ETag"]

    return whole(path, ask)


def _problem(error: Exception, path: str) -> Exception:
    problem = refused(error, path, "write")
    return _swapped(path) if isinstance(problem, Conflict) else problem


def _swapped(path: str) -> Conflict:
    return Conflict("another run has changed it meanwhile", where=shown(path), todo="run again")


def _named(path: str) -> dict[str, str]:
    bucket, _, key = path.partition("/")
    return {"Bucket": bucket, "Key": key}
