"""Towpath moves data between any two systems: planned beforehand, nothing lost or changed silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from towpath.api import copy, plan, read, run, write
    from towpath.errors import DataError, Refused, StepsStopped, TowError, UserError
    from towpath.planning import Plan
    from towpath.python.reader import Reader
    from towpath.receipt import Receipt
    from towpath.secrets import Secret

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "Plan",
    "Reader",
    "Receipt",
    "Refused",
    "Secret",
    "StepsStopped",
    "TowError",
    "UserError",
    "copy",
    "plan",
    "read",
    "run",
    "write",
]

_HOME = {
    "DataError": "towpath.errors",
    "Plan": "towpath.planning",
    "Reader": "towpath.python.reader",
    "Receipt": "towpath.receipt",
    "Refused": "towpath.errors",
    "Secret": "towpath.secrets",
    "StepsStopped": "towpath.errors",
    "TowError": "towpath.errors",
    "UserError": "towpath.errors",
    "copy": "towpath.api",
    "plan": "towpath.api",
    "read": "towpath.api",
    "run": "towpath.api",
    "write": "towpath.api",
}


if not TYPE_CHECKING:  # a type checker would take every name for one of the module's

    def __getattr__(name: str) -> Any:
        # Loaded on first use: `import towpath` brings in no third-party package.
        if name not in _HOME:
            raise AttributeError(f"module 'towpath' has no attribute {name!r}")
        import importlib

        return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})
