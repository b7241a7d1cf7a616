"""Columns that cross from one end to another, and how that is judged: each cell is equal as `meaning` has it, or the copy
was refused by the column's name and nothing is there. What was done is what had been planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import towpath as tow
from tests.attacks.fidelity import meaning
from tests.attacks.fidelity.ends import Cells, Destination, Source
from tests.attacks.fidelity.meaning import Cell, Moment
from towpath.values import textform


@dataclass(frozen=True)
class Crossed:
    """What became of a column: `read` is its type in Towpath, `stored` what the destination keeps (both empty where
    there was no way), `way` how, or `refused`; `note` says why."""

    read: str
    stored: str
    way: str
    note: str = ""


class Silent(AssertionError):
    """A value became another one, or something was done otherwise than it was said."""


def cross(source: Source, to: Destination, table: str, columns: Sequence[str]) -> dict[str, Crossed]:
    """Copies a table into one that is not there yet, again without each column that is refused. Raises Silent."""
    left, out = list(columns), dict[str, Crossed]()
    while left:
        given = {"select": ["n", *left]}
        told = _told(source.address(table), to.address(table), given)
        try:
            receipt = tow.copy(source.address(table), to.address(table), **given)
        except tow.TowError as error:
            name, found = _refused(told, error, left, lambda left=left: source.words(table, dict.fromkeys(left)))
            if to.cells(table, [name]) is not None:
                raise Silent(f"refused ({error}), and there is a table") from error
            out[name] = found
            left.remove(name)
            continue
        if isinstance(told, tow.TowError):
            raise Silent(f"the plan was refused, and the run did it all the same: {told}")
        ways = {one["name"]: one for one in receipt.columns}
        types = {name: textform.parse_type(ways[name]["type"]) for name in left}
        _judge(told, ways, source.words(table, types), to.cells(table, left))
        return out | {name: _crossed(ways[name]) for name in left}
    return out


def _crossed(way: Mapping[str, Any]) -> Crossed:
    return Crossed(way["type"], way["stored"], way["way"], way["why"])


def _told(source: str, to: str, given: Mapping[str, Any]) -> Any:
    """The ways as planned, or what the plan was refused with."""
    try:
        return {one["name"]: one for one in tow.plan(source, to, **given).as_json()["columns"]}
    except tow.TowError as error:
        return error


def _refused(told: Any, error: tow.TowError, left: Sequence[str], cells: Any) -> tuple[str, Crossed]:
    name = max((name for name in left if name in error.what), key=len, default=None)
    if name is None:
        raise Silent(f"refused without a column's name: {error}") from error
    if isinstance(told, tow.TowError):
        return name, Crossed("", "", "refused", error.what)
    way = told[name]
    if way["way"] == "exact" and error.code != "type-violated" and not _far(cells()[name]):
        raise Silent(f"planned exact, refused: {error}") from error
    return name, Crossed(way["type"], way["stored"], "refused", error.what)


_FIRST = meaning.moment("local", "0001-01-01 00:00:00")
_LAST = meaning.moment("local", "9999-12-31 23:59:59.999999999")


def _far(cells: Sequence[Cell]) -> bool:
    """Whether a time lies outside of the years 1 to 9999, of which alone `exact` speaks."""
    assert _FIRST is not None
    assert _LAST is not None
    return any(isinstance(one, Moment) and not _FIRST.ns <= one.ns <= _LAST.ns for one in cells)


def _judge(told: Mapping[str, Any], ways: Mapping[str, Any], have: Cells, found: Cells | None) -> None:
    if found is None:
        raise Silent("the copy is done, and there is no table")
    wrong = []
    for name, cells in have.items():
        way = ways[name]
        same_plan = (
            all(told[name][part] == way[part] for part in ("type", "stored", "way")) or told[name]["from_sample"]
        )
        if not same_plan or way["way"] == "lossy":
            wrong.append(f"{name}: planned {told[name]}, done {way}")
        elif len(cells) != len(found[name]):
            wrong.append(f"{name}: {len(cells)} rows became {len(found[name])}")
        else:
            pairs = enumerate(zip(cells, found[name], strict=True))
            bad = [f"row {row}: {one!r} became {two!r}" for row, (one, two) in pairs if not meaning.same(one, two)]
            wrong += [f"{name} ({way['type']} -> {way['stored']}, {way['way']}) {'; '.join(bad[:3])}"] if bad else []
    if wrong:
        raise Silent("\n".join(wrong))
