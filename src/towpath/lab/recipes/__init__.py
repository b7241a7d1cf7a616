"""The servers of the lab by name. Each is the module of its name, whose `RECIPES` are the programs that can play its
part, best first."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from towpath.errors import UserError
from towpath.lab.recipe import Recipe
from towpath.options import nearest

NAMES = ("kafka", "mariadb", "postgresql", "s3")


def recipes(name: str) -> Sequence[Recipe]:
    """The programs for one server. Raises UserError for a name that is none."""
    if name not in NAMES:
        raise UserError(
            f"there is no server {name!r}{nearest(name, NAMES)}",
            todo=f"the lab has {', '.join(NAMES)}: tow lab list",
            code="server-unknown",
        )
    found: Sequence[Recipe] = importlib.import_module(f"{__name__}.{name}").RECIPES
    return found
