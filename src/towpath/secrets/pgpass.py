"""PostgreSQL's password file: lines `hostname:port:database:username:password`, the first that matches counts.

Each of the first four may be `*`, which matches anything. `\\:` and `\\\\` stand for `:` and `\\`. A line that begins
with `#` is a comment. A file that others may read is not used. The rules are those of libpq (The Password File).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from towpath.errors import UserError
from towpath.secrets.private import is_private

_FIELDS = 5
_SOCKETS = ("/tmp", "/var/run/postgresql", "/run/postgresql")
"""Where builds of libpq look for a server's socket by default: there the host counts as localhost."""


def path() -> Path:
    """`$PGPASSFILE`, else `~/.pgpass`."""
    return Path(os.environ.get("PGPASSFILE") or os.path.expanduser("~/.pgpass"))


def password(host: str | None, port: int | None, database: str, user: str, file: Path | None = None) -> str | None:
    """The password for a connection, or None. No host, or the default folder of Unix sockets, is looked up as
    `localhost`; no port is 5432."""
    file = file or path()
    if not is_private(file):
        return None
    where = "localhost" if host is None or host in _SOCKETS else host
    wanted = (where, str(port or 5432), database, user)
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UserError(f"cannot be read: {reason}", where=str(file), code="file-unreadable") from error
    for line in lines:
        fields = list(_fields(line))
        if line.startswith("#") or len(fields) < _FIELDS:
            continue
        if all(raw == "*" or plain == value for (raw, plain), value in zip(fields, wanted, strict=False)):
            return fields[_FIELDS - 1][1]
    return None


def _fields(line: str) -> Iterator[tuple[str, str]]:
    """Each field as it stands and with its escapes taken away."""
    raw = plain = ""
    letters = iter(line)
    for letter in letters:
        if letter == ":":
            yield raw, plain
            raw = plain = ""
            continue
        raw += letter
        if letter == "\\":
            escaped = next(letters, letter)  # at the end of a line it stands for itself
            raw += escaped
            letter = escaped
        plain += letter
    yield raw, plain
