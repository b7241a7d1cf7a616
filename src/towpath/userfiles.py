"""Where a user's own files lie, by the XDG base directory specification."""

from __future__ import annotations

import os
from pathlib import Path


def config() -> Path:
    """`$XDG_CONFIG_HOME/towpath`, else `~/.config/towpath`: what the user writes."""
    return _folder("XDG_CONFIG_HOME", "~/.config")


def data() -> Path:
    """`$XDG_DATA_HOME/towpath`, else `~/.local/share/towpath`: what is kept for the user."""
    return _folder("XDG_DATA_HOME", "~/.local/share")


def _folder(variable: str, otherwise: str) -> Path:
    chosen = os.environ.get(variable, "")
    # The specification has relative paths ignored.
    return (Path(chosen) if os.path.isabs(chosen) else Path(otherwise).expanduser()) / "towpath"
