"""Which step waits for which: found from what they write and read, or from `depends_on`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

from towpath import address
from towpath.errors import UserError
from towpath.options import nearest
from towpath.pipeline.config import Input
from towpath.pipeline.load import Loaded


@dataclass(frozen=True, slots=True)
class Target:
    """What an address means, however it is written: the path of a file or database, and the table in it."""

    path: str
    table: str | None = None


def needs(loaded: Loaded) -> dict[str, set[str]]:
    """For each step the steps that write what it reads, and those of its `depends_on`."""
    steps = loaded.pipeline.steps
    written = {name: _target(loaded, step.to.address, step.to.table) for name, step in steps.items()}
    found = {}
    for name, step in steps.items():
        read = [(one, _target(loaded, one.address, one.table)) for one in step.from_.values()]
        from_data = {
            other
            for other, target in written.items()
            if other != name and any(_reads(one, here, target) for one, here in read)
        }
        found[name] = from_data | set(step.depends_on)
    return found


def order(loaded: Loaded, chosen: Sequence[str] = ()) -> list[str]:
    """The steps (those chosen, or all), each after what it needs, otherwise in the order of the file.

    Raises UserError for an unknown step, and for a ring of steps, naming it."""
    steps = loaded.pipeline.steps
    for name in chosen:
        if name not in steps:
            raise UserError(
                f"there is no step {name!r}{nearest(name, steps)}",
                where=loaded.document.name,
                todo=f"steps: {', '.join(steps)}",
            )
    before = needs(loaded)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        ring = error.args[1]
        raise UserError(
            f"these steps wait for each other: {' -> '.join(ring)}",
            where=loaded.document.where(("steps", ring[0])),
            todo="each reads what the one before it writes (or names it in depends_on)",
        ) from error
    found: list[str] = []
    while len(found) < len(steps):
        found.append(next(name for name in steps if name not in found and before[name] <= set(found)))
    return [name for name in found if not chosen or name in chosen]


def _target(loaded: Loaded, text: str, table: str | None) -> Target:
    connections = loaded.pipeline.connections
    folder = str(loaded.folder)
    named = {name: address.rooted(one, folder) for name, one in connections.items()}
    at = address.parse(address.rooted(text, folder, named), named)
    table = at.table or table
    # DuckDB and SQLite fold case and both call their own schema `main`.
    return Target(os.path.normpath(at.path), table and table.lower().removeprefix("main."))


def _reads(input: Input, here: Target, written: Target) -> bool:
    """Whether an input is what is written, lies in the folder that is, or matches it by its wildcards.

    A query counts as reading the tables of its database whose names it has as words."""
    if written.table is not None:
        if here.path != written.path:
            return False
        if input.query is not None:
            return re.search(rf"\b{re.escape(written.table)}\b", input.query.lower()) is not None
        return here.table == written.table
    if here.path == written.path or here.path.startswith(written.path + os.sep):
        return here.path != "-"
    return fnmatchcase(written.path, here.path.replace("**/", "*"))
