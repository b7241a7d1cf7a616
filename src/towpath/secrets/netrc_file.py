"""The netrc file: `machine HOST login USER password PASSWORD`, read by the standard library."""

from __future__ import annotations

import netrc
import os
from pathlib import Path

from towpath.errors import UserError
from towpath.secrets.private import is_private


def path() -> Path:
    """`$NETRC`, else `~/.netrc`."""
    return Path(os.environ.get("NETRC") or os.path.expanduser("~/.netrc"))


def login(host: str, user: str | None = None) -> tuple[str, str] | None:
    """The user and password for a host (else those of `default`), or None; with `user` only if they are that user's.
    A file that others may read is not used. Raises UserError naming the line that cannot be read."""
    file = path()
    if not is_private(file):
        return None
    try:
        found = netrc.netrc(str(file)).authenticators(host)
    except netrc.NetrcParseError as error:
        raise UserError(
            f"cannot be read: {error.msg}", where=f"{file}:{error.lineno}", todo="see netrc(5)", code="netrc-wrong"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UserError(f"cannot be read: {reason}", where=str(file), code="file-unreadable") from error
    if found is None or not found[2] or (user is not None and user != found[0]):
        return None
    return found[0], found[2]
