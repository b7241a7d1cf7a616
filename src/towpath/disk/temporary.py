"""The folder for temporary files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_NAMES = ("TMPDIR", "TEMP", "TMP")
_USUAL = ("/tmp", "/var/tmp", "/usr/tmp")


def folder() -> Path:
    """The one that `tempfile.gettempdir` finds, which writes a file into it to try it: a run that is killed then would
    leave that there. https://docs.python.org/3/library/tempfile.html#tempfile.gettempdir"""
    named = [os.environ[name] for name in _NAMES if os.environ.get(name)]
    if tempfile.tempdir is None:
        for one in (*named, *(_USUAL if os.name == "posix" else ())):
            if os.path.isdir(one) and os.access(one, os.W_OK | os.X_OK):
                return Path(os.path.abspath(one))
    return Path(tempfile.gettempdir())
