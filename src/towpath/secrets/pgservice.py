"""PostgreSQL's connection service file: sections `[name]` of lines `parameter=value`.

The user's file goes before the system's. In one file the first section of a name counts, and in it the first value of
a parameter. There are no blanks around `=`. The rules are those of libpq (The Connection Service File).
"""

from __future__ import annotations

import os
from pathlib import Path

from towpath.errors import UserError


def definition(name: str) -> dict[str, str]:
    """The parameters of a service. Raises UserError when no file defines it, and for a line that cannot be read."""
    searched = _files()
    for file in searched:
        found = _section(file, name) if file.exists() else None
        if found is not None:
            return found
    raise UserError(
        f"there is no service {name!r} in {' or '.join(map(str, searched))}",
        todo=f"add a section [{name}]",
        code="service-unknown",
    )


def _files() -> list[Path]:
    """`$PGSERVICEFILE`, else `~/.pg_service.conf`; then `pg_service.conf` in `$PGSYSCONFDIR`."""
    chosen = os.environ.get("PGSERVICEFILE")
    if chosen and not Path(chosen).exists():
        raise UserError("PGSERVICEFILE names a file that is not there", where=chosen, code="file-unreadable")
    system = os.environ.get("PGSYSCONFDIR")
    files = [Path(chosen or os.path.expanduser("~/.pg_service.conf"))]
    return [*files, Path(system) / "pg_service.conf"] if system else files


def _section(file: Path, name: str) -> dict[str, str] | None:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UserError(f"cannot be read: {reason}", where=str(file), code="file-unreadable") from error
    found: dict[str, str] | None = None
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            if found is not None:
                return found
            found = {} if line[1:].partition("]")[0] == name and "]" in line else None
        elif found is not None:
            key, sign, value = line.partition("=")
            if not sign or not key or key != key.strip() or key == "service":
                todo = "write parameter=value, without blanks around =; a service cannot name a service"
                raise UserError("is no parameter", where=f"{file}:{number}", todo=todo, code="service-wrong")
            found.setdefault(key, value)
    return found
