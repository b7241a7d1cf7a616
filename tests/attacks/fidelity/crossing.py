"""Columns that cross from one end to another, and how that is judged: each cell is equal as `meaning` has it, or the
copy was refused by the column's name and nothing is there. What was done is what had been planned."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import towpath as tow
from tests.attacks.fidelity import meaning
from tests.attacks.fidelity.ends import Cells, Destination, FileEnd, Source
from tests.attacks.fidelity.meaning import Cell, Moment
from tests.attacks.fidelity.narrow import Narrow
from towpath.conformance.hostile import Hostile
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
    told = planned(source.address(table), to.address(table), left, out)
    while left:
        try:
            receipt = tow.copy(source.address(table), to.address(table), select=["n", *left])
        except tow.TowError as error:
            name = _refused(told, error, left, partial(_words, source, table))
            if to.cells(table, [name]) is not None:
                raise Silent(f"refused ({error}), and there is a table") from error
            out[name] = Crossed(told[name]["type"], told[name]["stored"], "refused", error.what)
            left.remove(name)
            continue
        ways = {one["name"]: one for one in receipt.columns}
        _judge(told, ways, _words(source, table, {name: ways[name] for name in left}), to.cells(table, left))
        return out | {name: _crossed(ways[name]) for name in left}
    return out


def planned(
    source: str, to: str, left: list[str], out: dict[str, Crossed], mode: Literal["create", "replace"] = "create"
) -> Mapping[str, Any]:
    """The ways of the columns; those that have none leave `left` for `out`."""
    while left:
        try:
            plan = tow.plan(source, to, select=["n", *left], mode=mode).as_json()
        except tow.TowError as error:
            name = _named(error, left)
            if name is None:
                raise Silent(f"refused without a column's name: {error}") from error
            out[name] = Crossed("", "", "refused", error.what)
            left.remove(name)
            continue
        return {one["name"]: one for one in plan["columns"]}
    return {}


def _words(source: Source, table: str, ways: Mapping[str, Any]) -> Cells:
    return source.words(table, {name: textform.parse_type(way["type"]) for name, way in ways.items()})


def _crossed(way: Mapping[str, Any]) -> Crossed:
    return Crossed(way["type"], way["stored"], way["way"], way["why"])


def _refused(told: Any, error: tow.TowError, left: Sequence[str], words: Callable[..., Cells]) -> str:
    """The column that stopped a load. Raises Silent where the plan had said that it would not."""
    name = _named(error, left)
    if name is None:
        raise Silent(f"refused without a column's name: {error}") from error
    way = told[name]
    if way["way"] == "exact" and error.code != "type-violated" and not _far(words({name: way})[name]):
        raise Silent(f"planned exact, refused: {error}") from error
    return name


def _named(error: tow.TowError, columns: Sequence[str]) -> str | None:
    """The column that an error is about."""
    said = re.findall(r"columns? [`']?([^\s:'`]+)", error.what) + re.findall(r"[`.](\w+)`", error.what)
    return next((name for name in said if name in columns), None)


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


def fit(source: FileEnd, to: Destination, table: str, columns: Sequence[Narrow]) -> None:
    """Sends each value of the columns, those of one number in one row, into a table that is there. Raises Silent for
    one that is kept as another, and for what a refused load leaves."""
    wrong: list[str] = []
    for number in range(max(len(one.values) for one in columns)):
        sent = {one.name: one.values.slice(number, 1) for one in columns if number < len(one.values)}
        name = f"{table}{number}"
        source.make(name, [Hostile(column, values, "") for column, values in sent.items()])
        _fit(source.address(name), to, table, sent, wrong)
    if wrong:
        raise Silent("\n".join(wrong))


def _fit(source: str, to: Destination, table: str, sent: Mapping[str, Any], wrong: list[str]) -> None:
    left = list(sent)
    told = planned(source, to.address(table), left, {}, "replace")
    before = repr(to.cells(table, ["n", *sent]))  # NaN is not equal to itself
    while left:
        try:
            tow.copy(source, to.address(table), select=["n", *left], mode="replace")
        except tow.TowError as error:
            try:
                left.remove(_refused(told, error, left, partial(_values, sent)))
            except Silent as silent:
                wrong.append(str(silent))
                left.remove(_named(error, left) or left[0])
            if repr(to.cells(table, ["n", *sent])) != before:
                wrong.append(f"refused ({error}), and the table is another")
            continue
        found = to.cells(table, left) or {}
        pairs = [(name, meaning.from_arrow(sent[name])[0], found[name][0]) for name in left]
        for name, one, two in pairs:
            # A numeric without digits is text to Towpath: it has the shortest text of a double.
            two = str(two) if told[name]["stored"] == "numeric" and isinstance(one, float) else two
            if not _kept(one, two):
                wrong.append(f"{name}: {one!r} became {two!r} ({told[name]})")
        return


def _values(sent: Mapping[str, Any], ways: Mapping[str, Any]) -> Cells:
    return {name: meaning.from_arrow(sent[name]) for name in ways}


def _kept(sent: Cell, found: Cell) -> bool:
    """Whether a column of another kind holds what was sent: what a text says, the day of a midnight."""
    return meaning.same(sent, found) or (isinstance(sent, (str, Moment)) and meaning.same(found, sent))
