"""Hostile columns sent through one adapter, out and back, and what may become of them: nothing but what was announced.

They are sent from an Arrow file that pyarrow wrote. A column is refused, by its name and before anything stands at the
other end; or its way was `exact`, and it arrives; or its way was `checked`, and it arrives or stops the load, which
leaves nothing. What arrives comes back into an Arrow file, which pyarrow reads, and `tow verify` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

import towpath
from tests.attacks.fidelity import meaning
from towpath import assemble
from towpath.errors import TowError
from towpath.job import InputSpec
from towpath.nouns import Want, Way
from towpath.verify import verify


def _files(out: Path) -> list[str]:
    return sorted(path.name for path in out.rglob("*"))


@dataclass(frozen=True)
class Route:
    """One adapter with its options. `address` names where a load goes that has the folder for itself, `to` and `back`
    how it is written and read back. `pinned`: its values have no types of their own, so that these are named when it is
    read back. `left` lists what stands there; `keeps_names`: also when there is no row. `checks`: a step on the way has
    checks of its own, which the column's way does not tell. `retypes`: types of this word come out as others, as the
    plan says; columns of them are not sent."""

    name: str
    address: Callable[[Path], str]
    to: Mapping[str, Any] = field(default_factory=dict)
    back: Mapping[str, Any] = field(default_factory=dict)
    pinned: bool = False
    left: Callable[[Path], list[str]] = _files
    keeps_names: bool = True
    checks: bool = False
    retypes: str | None = None


@dataclass(frozen=True)
class Outcome:
    """`wrong` is empty when all was as announced; `refused` is the error of what did not arrive."""

    wrong: Sequence[str] = ()
    refused: TowError | None = None


def carried(sent: pa.Table, route: Route, folder: Path) -> Outcome:
    """How a table fares on a route. The folder is not there yet."""
    out = folder / "out"
    out.mkdir(parents=True)
    if route.retypes is not None:
        sent = sent.select([one.name for one in sent.schema if route.retypes not in str(one.type)])
        if not sent.num_columns:
            return Outcome()
    source, to = _written(sent, folder), route.address(out)
    try:
        offer = towpath.plan(source, to, **route.to).offer
    except TowError as refusal:
        return Outcome([*_unnamed(refusal, sent), *_left(route, out)], refusal)
    assert offer is not None
    try:
        towpath.copy(source, to, **route.to)
    except TowError as stop:
        ways = {Way.CHECKED} if route.checks else {column.way for column in offer.columns}
        return Outcome([*_unannounced(stop, ways, sent), *_unnamed(stop, sent), *_left(route, out)], stop)
    if not sent.num_rows and not route.keeps_names:
        return Outcome()  # what names no columns cannot be read, which reading says
    try:
        return Outcome([*_back(sent, route, folder), *_verified(route, source, out)])
    except TowError as error:
        return Outcome([f"it cannot be read: {error}"])


def arriving(sent: pa.Table, route: Route, folder: Path) -> tuple[list[str], pa.Table]:
    """Sends a table again and again without the column that was refused, as its sender would: what was wrong, and what
    arrived."""
    for turn in range(sent.num_columns):
        outcome = _refused_beforehand(sent, route, folder / f"plan{turn}") or carried(sent, route, folder / str(turn))
        if outcome.refused is None or outcome.wrong:
            return list(outcome.wrong), sent
        sent = sent.drop_columns([max(_named(outcome.refused, sent), key=len)])
    return [], sent


def _refused_beforehand(sent: pa.Table, route: Route, folder: Path) -> Outcome | None:
    """What the plan of a table's first rows is refused with, which takes no load to know."""
    out = folder / "out"
    out.mkdir(parents=True)
    try:
        towpath.plan(_written(sent.slice(0, 1), folder), route.address(out), **route.to)
    except TowError as refusal:
        return Outcome([*_unnamed(refusal, sent), *_left(route, out)], refusal)
    return None


def _written(sent: pa.Table, folder: Path) -> Path:
    """The table in an Arrow file of pyarrow's."""
    source = folder / "source.arrow"
    with pa.OSFile(str(source), "wb") as sink, pa.ipc.new_file(sink, sent.schema) as writer:
        writer.write_table(sent)
    return source


def _named(error: TowError, sent: pa.Table) -> list[str]:
    """The columns that it names, as a message shows them or within quotes."""
    said = str(error)
    return [
        name
        for name in sent.schema.names
        if str(TowError(name))[: -len(" [error]")] in said or repr(name)[1:-1] in said
    ]


def _unnamed(error: TowError, sent: pa.Table) -> list[str]:
    return [] if _named(error, sent) else [f"names no column: {error}"]


def _left(route: Route, out: Path) -> list[str]:
    return [f"left behind: {name}" for name in route.left(out)]


def _unannounced(stop: TowError, ways: set[Way], sent: pa.Table) -> list[str]:
    if not isinstance(stop, towpath.DataError):
        return [f"the plan did not foresee it: {stop}"]
    exact = ways <= {Way.EXACT} and not any(_is_far(sent.column(name)) for name in _named(stop, sent))
    return [f"all was announced as exact: {stop}"] if exact else []


_FIRST, _LAST = meaning.moment("date", "0001-01-01"), meaning.moment("date", "9999-12-31")


def _is_far(values: pa.ChunkedArray) -> bool:
    """Whether a time lies outside of the years 1 to 9999, of which alone `exact` speaks."""
    assert _FIRST is not None
    assert _LAST is not None
    moments = [one for one in _leaves(meaning.from_arrow(values)) if isinstance(one, meaning.Moment)]
    dated = [one.ns for one in moments if one.kind in ("date", "local", "instant")]
    return any(not _FIRST.ns <= ns < _LAST.ns + 86_400 * 10**9 for ns in dated)


def _leaves(cell: meaning.Cell) -> Iterator[meaning.Cell]:
    if isinstance(cell, meaning.Pairs):
        cell = [part for pair in cell.entries for part in pair]
    if isinstance(cell, dict):
        cell = list(cell.values())
    if isinstance(cell, list):
        for one in cell:
            yield from _leaves(one)
    else:
        yield cell


def _back(sent: pa.Table, route: Route, folder: Path) -> list[str]:
    """What comes back into an Arrow file."""
    target = folder / "back.arrow"
    pins = {"types": {one.name: one.type for one in sent.schema}} if route.pinned else {}
    towpath.copy(route.address(folder / "out"), target, **pins, **route.back)
    with pa.OSFile(str(target)) as file:
        found = pa.ipc.open_file(file).read_all()
    if found.schema.names != sent.schema.names:
        return [f"the columns are {found.schema.names}"]
    return [told for name in found.schema.names if (told := difference(name, sent.column(name), found.column(name)))]


def difference(name: str, sent: pa.ChunkedArray, found: pa.ChunkedArray) -> str:
    """The first cell that became another one; empty when all are the same."""
    before, after = meaning.from_arrow(sent), meaning.from_arrow(found)
    if len(before) != len(after):
        return f"{name}: {len(before)} rows became {len(after)}"
    for row, (one, other) in enumerate(zip(before, after, strict=True)):
        same = False
        with suppress(ValueError, TypeError, KeyError):
            same = meaning.same(one, other)
        if not same:
            return f"{name}, row {row}: {one!r} became {other!r}"[:300]
    return ""


def _verified(route: Route, source: Path, out: Path) -> list[str]:
    """What `tow verify` says, that reads the other end as the first."""
    options = dict(route.back.get("from_options") or {})
    b = assemble.source(InputSpec(route.address(out), route.back.get("from_format"), options))
    verdict = verify(assemble.source(InputSpec(str(source))), b, want=Want())
    return [] if verdict.equal else ["tow verify says: " + " ".join(verdict.lines())[:400]]
