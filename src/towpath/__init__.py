"""Towpath moves data between any two systems: planned beforehand, nothing lost or changed silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from towpath.api import copy, run
    from towpath.errors import TowError
    from towpath.receipt import Receipt

__all__ = ["Receipt", "TowError", "copy", "run"]

_HOME = {
    "Receipt": "towpath.receipt",
    "TowError": "towpath.errors",
    "copy": "towpath.api",
    "run": "towpath.api",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `import towpath` brings in no third-party package.
    if name not in _HOME:
        raise AttributeError(f"module 'towpath' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOME[name]), name)
