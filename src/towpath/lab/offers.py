"""What `tow lab list` shows: the ways of having a server on this machine, and which would be taken. Fetches nothing."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from towpath import url
from towpath.lab import outside
from towpath.lab.recipe import Recipe, Way
from towpath.lab.recipes import recipes


@dataclass(frozen=True, slots=True)
class Option:
    """One way. `state` is here, fetchable or impossible; `why` says where it is, or why not. `taken`: it would be tried
    first of those that are left."""

    program: str
    kind: str
    way: str
    state: str
    why: str
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """All ways of one server, best first. `address`: the one that the environment names, without secrets; it is used
    instead of them all."""

    name: str
    variable: str
    address: str
    options: tuple[Option, ...]

    def lines(self) -> list[str]:
        width = max(len(one.way) for one in self.options)
        named = [f"  > {self.variable}: {self.address}"] if self.address else []
        return [self.name, *named, *(_line(one, width) for one in self.options)]

    def as_json(self) -> dict[str, Any]:
        ways = [
            {("class" if key == "kind" else key): value for key, value in asdict(one).items()} for one in self.options
        ]
        return {"name": self.name, "variable": self.variable, "address": self.address or None, "ways": ways}


def offer(name: str) -> Offer:
    """The ways of the server of this name. Raises UserError for an unknown one."""
    address = url.shown(os.environ.get(outside.variable(name), ""))
    found: list[Option] = []
    for recipe in recipes(name):
        for way in recipe.ways:
            taken = not address and not any(one.taken for one in found)
            found.append(_option(recipe, way, taken))
    return Offer(name, outside.variable(name), address, tuple(found))


def _option(recipe: Recipe, way: Way, first: bool) -> Option:
    build = way.here()
    if build is not None:
        version = f" {build.version}" if build.version and build.version not in way.title else ""
        return Option(recipe.program, recipe.kind, way.title, "here", f"{build.home}{version}", first)
    why = way.hindrance()
    if why:
        return Option(recipe.program, recipe.kind, way.title, "impossible", why)
    return Option(recipe.program, recipe.kind, way.title, "fetchable", "", first)


def _line(one: Option, width: int) -> str:
    words = {"here": f"here: {one.why}", "fetchable": "can be fetched", "impossible": f"no: {one.why}"}[one.state]
    return f"  {'>' if one.taken else ' '} {one.way:<{width}}  {one.program} ({one.kind}); {words}"
