"""What assembling gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from towpath.registry import Row


@dataclass(frozen=True, slots=True)
class Built:
    """A source or destination with its route: each adapter's registry row, for plan and receipt."""

    part: Any
    route: tuple[Row, ...]
