"""What these attacks share with the kills: the warm `tow`, and scenes on this machine's disk."""

from __future__ import annotations

from tests.attacks.kills.conftest import scenes, tow

__all__ = ["scenes", "tow"]
