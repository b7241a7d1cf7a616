"""Secrets: references to them, the type that holds them, and their removal from everything that is shown."""

from __future__ import annotations

from towpath.secrets.secret import Secret

__all__ = ["Secret"]
