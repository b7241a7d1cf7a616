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


def cache() -> Path:
    """`$XDG_CACHE_HOME/towpath`, else `~/.cache/towpath`: what can be fetched again."""
    return _folder("XDG_CACHE_HOME", "~/.cache")


def state() -> Path:
    """`$TOWPATH_STATE`, else `$XDG_STATE_HOME/towpath`, else `~/.local/state/towpath`: what happened here."""
    chosen = os.environ.get("TOWPATH_STATE")
    return Path(chosen) if chosen else _folder("XDG_STATE_HOME", "~/.local/state")


def _folder(variable: str, otherwise: str) -> Path:
    chosen = os.environ.get(variable, "")
    # The specification has relative paths ignored.
    return (Path(chosen) if os.path.isabs(chosen) else Path(otherwise).expanduser()) / "towpath"
