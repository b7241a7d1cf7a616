"""Short programs that make a server's files or fetch its programs: run to their end, heard only when they fail."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_LAST_LINES = 5
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Failed(Exception):
    """A program ended badly; the text is the last of what it said."""


def run(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    owner: str | None = None,
    input: str = "",
    environment: Mapping[str, str] | None = None,
    secs: float = 600,
    words: Callable[[str], str] | None = None,
) -> str:
    """Runs a program in `folder`, as the system's user `owner` (None: ours), and returns what it printed. Raises
    Failed, with what `words` finds in that (default: its last lines)."""
    program = [str(one) for one in command]
    try:
        done = subprocess.run(
            program,
            cwd=folder,
            input=input,
            env=environment or bare_environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=secs,
            **as_user(owner),
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{program[0]} took more than {secs:.0f} s") from None
    except OSError as error:
        raise Failed(f"{program[0]}: {error.strerror}") from error
    said = _COLOURS.sub("", done.stdout)
    if done.returncode != 0:
        raise Failed(f"{Path(program[0]).name} ended with {done.returncode}: {(words or last_lines)(said)}")
    return said


def bare_environment(folder: Path | None) -> dict[str, str]:
    """What a server's program needs of the environment: nothing of the user's settings or secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "TZ") if name in os.environ}
    return {"PATH": os.defpath, **kept, "HOME": str(folder or "/"), "LC_ALL": "C.UTF-8"}


def own_environment() -> dict[str, str]:
    """Our own environment, for clients that fetch: where a proxy or a mirror is set up is the user's affair."""
    return dict(os.environ)


def last_lines(text: str, count: int = _LAST_LINES) -> str:
    """The end of what a program said, in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:]) or "it said nothing"


def as_user(name: str | None) -> dict[str, Any]:
    """What has `subprocess` run a program as another user, with none of root's groups; nothing for None."""
    if name is None:
        return {}
    import pwd

    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": ()}
