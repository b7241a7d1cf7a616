"""Redaction by known value: whatever a secret turned out to be is taken out of everything that is shown.

A value is known from the moment it is resolved, and removed wherever it stands, in the forms that libraries give it:
as it is; quoted by Python, JSON, SQL, a shell or HTML, up to twice; percent-encoded; in base64 and base64url however
the bytes before it shift it; in hexadecimal; and each line of a value that has several.

A value of fewer than 4 characters would be found within ordinary words, and one that is such a word (`password`) would
be told by the gap where everybody expects it: neither is removed, and a warning says so. The parts of an address and
the options that hold secrets are hidden by their places, whatever is in them (`towpath.url.shown`). What a program
writes itself as bytes (the data on standard output) is never touched.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TextIO, cast

HIDDEN = "***"
SHORTEST = 4
ORDINARY = frozenset({
    "admin", "administrator", "column", "copy", "database", "default", "demo", "empty", "error", "example",
    "false", "file", "guest", "host", "input", "kafka", "line", "localhost", "login", "mariadb", "mode",
    "mysql", "name", "none", "null", "output", "password", "passwort", "plan", "postgres", "postgresql", "read",
    "root", "rows", "schema", "secret", "server", "source", "state", "status", "step", "table", "test", "text",
    "token", "true", "type", "user", "username", "value", "warning", "write",
})  # fmt: skip
"""Words that messages are made of."""
_ROUNDS = 2

_lock = threading.Lock()
_forms: set[str] = set()
_told: set[str] = set()
_pattern: re.Pattern[str] | None = None


def known(value: str, name: str = "a secret") -> None:
    """From now on `clean` takes this value out. One that is too short for that is told in a warning, by its `name`."""
    global _pattern
    if value in _forms or value == HIDDEN or not value.strip():
        return
    if len(value.strip()) < SHORTEST:
        _warn(name, f"has fewer than {SHORTEST} characters: too short to be taken out of messages")
        return
    if value.strip().lower() in ORDINARY:
        _warn(name, "is an ordinary word, which is not taken out of messages: choose another")
        return
    parts = {value, value.strip(), *(line.strip() for line in value.splitlines())}
    with _lock:
        _forms.update(form for part in parts if len(part) >= SHORTEST for form in forms(part))
        # Longer forms first; within a lookahead, so that forms which overlap are all found.
        longest_first = sorted(_forms, key=len, reverse=True)
        _pattern = re.compile(f"(?=({'|'.join(map(re.escape, longest_first))}))")


def clean(text: str) -> str:
    """The text with `***` in the place of every known value."""
    if _pattern is None:
        return text
    out, end = [], 0
    for start, stop in _spans(text):
        out += [text[end:start], HIDDEN]
        end = stop
    return "".join([*out, text[end:]])


def clean_json(value: Any) -> Any:
    """A JSON value with its texts cleaned; numbers and keys that are plain names stay, so that the result is JSON
    still, of the same shape."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_clean_key(key): clean_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_json(one) for one in value]
    return value


def _clean_key(key: Any) -> Any:
    return key if isinstance(key, str) and key.isidentifier() else clean_json(key)


@contextmanager
def errors() -> Iterator[None]:
    """Cleans what an error says that passes, and the errors that it came from: drivers put connection strings there."""
    try:
        yield
    except BaseException as error:
        met: set[int] = set()
        linked: BaseException | None = error
        while linked is not None and id(linked) not in met:
            met.add(id(linked))
            linked.args = tuple(clean(one) if isinstance(one, str) else one for one in linked.args)
            if isinstance(linked, OSError):  # shows these, not its arguments
                for name in ("strerror", "filename", "filename2"):
                    if isinstance(getattr(linked, name, None), str):
                        setattr(linked, name, clean(getattr(linked, name)))
            linked = linked.__cause__ or linked.__context__
        raise


@contextmanager
def streams() -> Iterator[None]:
    """Cleans all text that goes to standard output and standard error: words, logs, tracebacks. Bytes pass."""
    import sys

    before = sys.stdout, sys.stderr
    names = "standard output", "standard error"
    sys.stdout, sys.stderr = (cast(TextIO, Cleaned(one, name)) for one, name in zip(before, names, strict=True))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class Cleaned:
    """A text stream that cleans what is written to it; everything else is the stream's own. Writing raises Refused
    where the system refuses it (a full disk), BrokenPipeError where the reader left."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._refused():
            self._stream.write(_clean_shown(text))
        return len(text)

    def flush(self) -> None:
        with self._refused():
            self._stream.flush()

    def _refused(self) -> AbstractContextManager[None]:
        from towpath.disk.oserrors import translated  # it knows the errors, which know this module

        return translated(self._name, "write")

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)


def forms(value: str) -> set[str]:
    """The ways in which one value may stand in a text."""
    import html
    import shlex

    raw = value.encode("utf-8", "surrogatepass")
    found = {value}
    for _ in range(_ROUNDS):
        found |= {form for one in found for form in _quoted(one)}
    found |= {
        shlex.quote(value).removeprefix("'").removesuffix("'"),
        html.escape(value),
        html.escape(value, quote=False),
        repr(raw)[2:-1],
    }
    found |= {raw.hex(), raw.hex().upper()}
    found |= _percent_encoded(raw) | _base64(raw)
    return {form for form in found if len(form) >= SHORTEST}


def _quoted(value: str) -> Iterator[str]:
    import json

    yield repr(value)[1:-1]
    yield ascii(value)[1:-1]
    escaped = repr(value + "\"'")[1:-1].removesuffix("\"\\'")  # both signs force the escaping of the first
    yield from (escaped, escaped.replace('"', '\\"'), repr(value)[1:-1].replace('"', '\\"'))
    for plain in (True, False):
        coded = json.dumps(value, ensure_ascii=plain)[1:-1]
        yield from (coded, coded.replace("/", "\\/"))
    yield value.replace("'", "''")
    yield value.replace('"', '""')


def _percent_encoded(raw: bytes) -> set[str]:
    """As `quote`, `quote_plus`, SQLAlchemy, JavaScript and curl do it, in capitals or not."""
    from urllib.parse import quote, quote_plus

    found = {quote(raw, safe=safe) for safe in ("", "/", " +", "!'()*", ";,/?:@&=+$-_.!~*'()#")} | {quote_plus(raw)}
    return found | {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), one) for one in found}


def _base64(raw: bytes) -> set[str]:
    """The letters that stand for these bytes alone, for each of the three ways in which they may be aligned."""
    from base64 import b64encode, urlsafe_b64encode

    found = set()
    for before in range(3):
        first, behind = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            found.add(encode(b"\0" * before + raw).decode("ascii")[first:behind])
    return {*found, b64encode(raw).decode("ascii"), urlsafe_b64encode(raw).decode("ascii")}


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text that known values take, those that touch or overlap as one."""
    assert _pattern is not None
    start = stop = -1
    for found in _pattern.finditer(text):
        if found.start(1) > stop:
            if stop >= 0:
                yield start, stop
            start = found.start(1)
        stop = max(stop, found.end(1))
    if stop >= 0:
        yield start, stop


def _clean_shown(text: str) -> str:
    """What goes to a stream: a JSON value stays JSON though a number in it looks like a secret."""
    cleaned = clean(text)
    if cleaned == text or not text.startswith(("{", "[")):
        return cleaned
    import json

    try:
        value = json.loads(text)
    except ValueError:
        return cleaned
    indent = 2 if "\n" in text.rstrip("\n") else None
    return json.dumps(clean_json(value), ensure_ascii=False, indent=indent) + text[len(text.rstrip("\n")) :]


def _warn(name: str, why: str) -> None:
    if name not in _told:
        _told.add(name)
        import logging

        logging.getLogger("towpath.secrets").warning("%s %s", name, why)
