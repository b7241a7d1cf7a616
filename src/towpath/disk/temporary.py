"""The folder for temporary files."""

from __future__ import annotations

import tempfile
from pathlib import Path

from towpath.interrupted import shielded


def folder() -> Path:
    """As `tempfile.gettempdir` finds it, the first time by a file that it writes: an interrupt would leave that there.

    https://docs.python.org/3/library/tempfile.html#tempfile.gettempdir"""
    with shielded():
        return Path(tempfile.gettempdir())
