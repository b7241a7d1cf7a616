"""Versions, extras and adapters: what is installed, and the command that adds what is not."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from towpath import registry
from towpath.digest import words
from towpath.doctor.report import OK, PROBLEM, WARNING, Check
from towpath.errors import MissingLibrary
from towpath.mariadb import textrows
from towpath.postgresql import copybinary
from towpath.text import fields, json_fast, lines
from towpath.values import rows

_TOPIC = "installed"
_OLDEST = (3, 11)
_FOR_DEVELOPMENT = ("dev", "docs")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LEAST = re.compile(r">=\s*([0-9.]+)")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


def checks() -> Iterator[Check]:
    version = sys.version.split()[0]
    if sys.version_info >= _OLDEST:
        yield Check(_TOPIC, "Python", OK, f"{version} ({sys.executable})")
    else:
        yield Check(_TOPIC, "Python", PROBLEM, f"{version} is too old", "install Python 3.11 or later")
    try:
        requirements = metadata.requires("towpath") or []
        yield Check(_TOPIC, "towpath", OK, f"{metadata.version('towpath')} ({Path(__file__).parents[1]})")
    except metadata.PackageNotFoundError:
        yield Check(_TOPIC, "towpath", WARNING, "runs from its source, so its requirements are not known")
        return
    yield from _core([one for one in requirements if not _EXTRA.search(one)])
    yield from _compiled()
    yield from extras(requirements)
    yield from _adapters()


def _compiled() -> Iterator[Check]:
    parts = (
        ("content digest", words),
        ("delimited text", fields),
        ("JSON records", json_fast),
        ("lines of text", lines),
        ("rows of databases", rows),
        ("rows for PostgreSQL", copybinary),
        ("rows of MariaDB", textrows),
    )
    for name, part in parts:
        if part.is_compiled():
            yield Check(_TOPIC, name, OK, "compiled")
        else:
            slower = "not compiled, which takes more time"
            yield Check(_TOPIC, name, WARNING, slower, "get a C compiler, then install towpath again")


def lacking(requirements: list[str]) -> list[str]:
    """The requirements (`pyarrow>=20`) that are not installed, or older than they ask."""
    return [one.partition(";")[0].strip() for one in requirements if not _met(one)]


def _core(requirements: list[str]) -> Iterator[Check]:
    for one in requirements:
        name = _named(one)
        missing = lacking([one])
        if missing:
            yield Check(_TOPIC, name, PROBLEM, f"{missing[0]} is not installed", f"pip install '{missing[0]}'")
        else:
            yield Check(_TOPIC, name, OK, metadata.version(name))


def extras(requirements: list[str]) -> Iterator[Check]:
    """The extras of a package's metadata that are for its users, with the command that adds one."""
    by_name: dict[str, list[str]] = {}
    for one in requirements:
        found = _EXTRA.search(one)
        if found and found[1] not in _FOR_DEVELOPMENT:
            by_name.setdefault(found[1], []).append(one)
    for name, needed in sorted(by_name.items()):
        missing = lacking(needed)
        if missing:
            yield Check(
                _TOPIC, f"extra {name}", OK, f"not installed ({', '.join(missing)})", f"pip install 'towpath[{name}]'"
            )
        else:
            has = ", ".join(f"{_named(one)} {metadata.version(_named(one))}" for one in needed)
            yield Check(_TOPIC, f"extra {name}", OK, has)


def _adapters() -> Iterator[Check]:
    usable: dict[str, list[str]] = {}
    for row in registry.rows():
        try:
            registry.load(row)
            usable.setdefault(row.seam, []).append(row.name)
        except MissingLibrary as error:
            yield Check(_TOPIC, f"{row.seam} {row.name}", OK, f"not usable: it needs {row.library}", error.todo)
        except Exception as error:  # whatever an adapter's library does at its import is what is looked for
            what = f"cannot be loaded: {type(error).__name__}: {error}"
            yield Check(_TOPIC, f"{row.seam} {row.name}", PROBLEM, what, "install its library anew")
    for seam, names in usable.items():
        yield Check(_TOPIC, f"{seam} adapters", OK, ", ".join(names))


def _met(requirement: str) -> bool:
    try:
        there = metadata.version(_named(requirement))
    except metadata.PackageNotFoundError:
        return False
    least = _LEAST.search(requirement.partition(";")[0])
    return least is None or _numbers(there) >= _numbers(least[1])


def _named(requirement: str) -> str:
    found = _NAME.match(requirement)
    return found[0] if found else requirement


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3]]
