"""Which step waits for which: found from what they write and read, or from `depends_on`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

from towpath import address
from towpath.errors import UserError
from towpath.options import nearest
from towpath.pipeline.config import Input
from towpath.pipeline.load import Loaded
from towpath.secrets.references import resolve


@dataclass(frozen=True, slots=True)
class Target:
    """What an address means, however it is written: the real path of a file or database, and the table in it."""

    path: str
    table: str | None = None


def needs(loaded: Loaded) -> dict[str, set[str]]:
    """For each step the steps that write what it reads, and those of its `depends_on`."""
    steps = loaded.pipeline.steps
    written = {name: destination(loaded, name) for name in steps}
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


def order(loaded: Loaded, chosen: Sequence[str] = (), *, begin: str | None = None, end: str | None = None) -> list[str]:
    """The steps, each after what it needs, otherwise in the order of the file: those chosen, those from `begin` on (it
    and all that need it), those up to `end` (it and all that it needs), or all.

    Raises UserError for an unknown step, and for a ring of steps, naming it."""
    steps = loaded.pipeline.steps
    for name in (*chosen, *(one for one in (begin, end) if one is not None)):
        if name not in steps:
            raise UserError(
                f"there is no step {name!r}{nearest(name, steps)}",
                where=loaded.document.name,
                todo=f"steps: {', '.join(steps)}",
                code="step-unknown",
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
            code="steps-circular",
        ) from error
    found: list[str] = []
    while len(found) < len(steps):
        found.append(next(name for name in steps if name not in found and before[name] <= set(found)))
    wanted = set(chosen or steps)
    if begin is not None:
        after = {name: {other for other in steps if name in before[other]} for name in steps}
        wanted &= _reached(begin, after)
    if end is not None:
        wanted &= _reached(end, before)
    return [name for name in found if name in wanted]


def _reached(name: str, onwards: Mapping[str, set[str]]) -> set[str]:
    """A step and all that can be reached from it."""
    found, new = {name}, [name]
    while new:
        new = [other for one in new for other in onwards[one] if other not in found]
        found |= set(new)
    return found


def destination(loaded: Loaded, name: str) -> Target:
    """Where a step writes."""
    to = loaded.pipeline.steps[name].to
    return _target(loaded, to.address, to.table)


def touched(loaded: Loaded, name: str) -> frozenset[str]:
    """The paths that a step must have to itself while it runs: its destination, and every database file that it opens
    (DuckDB and SQLite let nobody read one way and write another at the same time)."""
    found = {destination(loaded, name).path}
    for one in loaded.pipeline.steps[name].from_.values():
        target = _target(loaded, one.address, one.table)
        if target.table is not None or one.query is not None:
            found.add(target.path)
    return frozenset(found)


def meet(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two steps touch a path in common, or one lies within the other's folder."""
    return any(_within(a, b) or _within(b, a) for a in one for b in other)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _target(loaded: Loaded, text: str, table: str | None) -> Target:
    folder = str(loaded.folder)
    named = {name: address.rooted(_plain(one, folder), folder) for name, one in loaded.connections.items()}
    at = address.parse(address.rooted(_plain(text, folder), folder, named), named)
    table = at.table or table
    # DuckDB and SQLite fold case and both call their own schema `main`.
    path = os.path.realpath(at.path) if at.local else at.path
    if not at.local and at.path != "-":
        path = f"{at.scheme}://{at.host or ''}:{at.port or ''}/{at.path}"
    return Target(path, table and table.lower().removeprefix("main."))


def _plain(text: str, folder: str) -> str:
    """The text with its references replaced where that asks nobody: those of a keyring, and those that cannot be
    resolved, stay. (The step that has such a one stops when it begins.)"""
    if "${" not in text or "${keyring:" in text:
        return text
    try:
        return resolve(text, folder=folder)
    except UserError:
        return text


def _reads(input: Input, here: Target, written: Target) -> bool:
    """Whether an input is what is written, lies in the folder that is, or matches it by its wildcards.

    A query counts as reading the tables of its database whose names it has as words."""
    if written.table is not None:
        if here.path != written.path:
            return False
        if input.query is not None:
            return re.search(rf"\b{re.escape(written.table)}\b", input.query.lower()) is not None
        return here.table == written.table
    if _within(here.path, written.path):
        return here.path != "-"
    return fnmatchcase(written.path, here.path.replace("**/", "*"))
