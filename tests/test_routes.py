"""Whichever way the rows of a job take, compiled or not, in one thread or several, by this library or another: the same
digest, books, kept bad rows and errors."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.movekit import job
from tests.postgresqlkit import LIBRARIES, Place
from towpath import move, overlap
from towpath.digest import words
from towpath.errors import TowError
from towpath.job import InputSpec, JobSpec, OutputSpec, RuleSpec
from towpath.lab import Server
from towpath.mariadb import textrows
from towpath.nouns import Mode
from towpath.postgresql import copybinary
from towpath.text import fields, json_fast, lines
from towpath.values import rows

_COMPILED = {
    "text": fields,
    "json": json_fast,
    "lines": lines,
    "digest": words,
    "rows": rows,
    "postgresql": copybinary,
    "mariadb": textrows,
}
_SMALL = 4 << 20
"""A limit of memory that makes many small batches."""
_ROWS = 20_000


@dataclass(frozen=True)
class Route:
    """A way of doing the same: without these parts in C, with this limit of memory, all in one thread."""

    without: tuple[str, ...] = ()
    memory: int | None = None
    alone: bool = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for part in self.without:
                patch.setattr(_COMPILED[part], "compiled", None)
            if self.alone:
                patch.setattr(overlap, "_WORTH", 1 << 62)
            yield

    def spec(self, spec: JobSpec) -> JobSpec:
        return spec if self.memory is None else spec.with_(memory=self.memory)


ROUTES = {
    "text": Route(without=("text",)),
    "json": Route(without=("json",)),
    "lines": Route(without=("lines",)),
    "digest": Route(without=("digest",)),
    "nothing-compiled": Route(without=tuple(_COMPILED)),
    "small-batches": Route(memory=_SMALL),
    "one-thread": Route(alone=True),
    "careful-small-alone": Route(tuple(_COMPILED), _SMALL, alone=True),
}


@dataclass
class Outcome:
    """What must not depend on the route."""

    digest: str | None = None
    rows: int | None = None
    books: list[dict[str, Any]] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""


def outcome(spec: JobSpec, folder: Path) -> Outcome:
    """The outcome of a run; what differs from folder to folder is taken out of its error."""
    try:
        receipt = move.run(spec)
    except TowError as error:
        return Outcome(error=re.sub(r"t_[0-9a-f]{12}", "SCHEMA", f"{error}".replace(str(folder), "FOLDER")))
    kept = sorted(folder.glob("bad/*/rows.jsonl"))
    bad = [json.loads(line) for path in kept for line in path.read_text("utf-8").splitlines()]
    told = json.loads(json.dumps(bad).replace(str(folder), "FOLDER"))
    return Outcome(receipt.digest, receipt.rows, list(receipt.books), told)


def table(rows: int = _ROWS, seed: int = 7) -> list[list[str]]:
    """Rows of all kinds of fields that a CSV file has, some of which are written in awkward ways."""
    chance = random.Random(seed)
    out = []
    for number in range(rows):
        text = chance.choice(["", "plain", 'a "quoted" word', "two\nlines", "comma, here", "é😀", " blanks ", "NULL"])
        price = chance.choice(["", f"{chance.randrange(10**6) / 100:.2f}", "-0.00", f"{chance.randrange(10**9)}.5"])
        ratio = chance.choice(["", repr(chance.uniform(-1e6, 1e6)), "1e308", "-0.0", "NaN"])
        day = f"{chance.randrange(1, 9999):04}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        moment = f"2024-02-{chance.randrange(1, 30):02} {chance.randrange(24):02}:00:00.{chance.randrange(10**6):06}"
        out.append([str(number), text, price, ratio, day, moment, chance.choice(["true", "false", ""])])
    return out


_HEAD = ["id", "name", "price", "ratio", "day", "at", "ok"]
TYPES = {"price": "decimal(20,2)", "ratio": "float64", "at": "timestamp(us)"}


@cache
def text_of(kind: str) -> str:
    rows = table()
    if kind == "bad":
        for at, (column, value) in {
            70: (0, "x7"),
            4_000: (4, "2024-02-30"),
            9_001: (3, "1,5"),
            19_999: (6, "yes"),
        }.items():
            rows[at][column] = value
    held = io.StringIO()
    csv.writer(held, lineterminator="\r\n" if kind == "crlf" else "\n").writerows([_HEAD, *rows])
    if kind == "late":
        held.write("00501,late,1.5,0.5,2024-01-01,2024-01-01 00:00:00,true\n")
    if kind == "ragged":
        held.write("7,too,few\n" + ",".join(rows[0]) + "\n" if "\n" not in rows[0][1] else "7,too,few\n")
    return held.getvalue()


def written(folder: Path, kind: str) -> Path:
    path = folder / "in.csv"
    if not path.exists():
        path.write_bytes(text_of(kind).encode())
    return path


def plain(folder: Path) -> JobSpec:
    return job(written(folder, "plain"), folder / "o.parquet")


def lines_of_windows(folder: Path) -> JobSpec:
    return job(written(folder, "crlf"), folder / "o.parquet", types=TYPES)


def late(folder: Path) -> JobSpec:
    return job(written(folder, "late"), folder / "o.parquet")


def all_text(folder: Path) -> JobSpec:
    return job(written(folder, "bad"), folder / "o.csv", all_text=True)


def kept(folder: Path) -> JobSpec:
    types = {**TYPES, "id": "int64", "day": "date", "ok": "bool"}
    return job(written(folder, "bad"), folder / "o.parquet", types=types, bad_rows=str(folder / "bad"))


def stopped(folder: Path) -> JobSpec:
    return job(written(folder, "bad"), folder / "o.parquet", types={**TYPES, "id": "int64", "day": "date"})


def records_of(kind: str) -> str:
    """The same rows as JSON Lines, some in awkward forms, with a list of structs each."""
    chance = random.Random(9)
    lines = []
    for number, (_, text, price, ratio, day, _, ok) in enumerate(table()):
        price = "0.00" if price == "-0.00" else price
        ratio = "1e30" if ratio in ("1e308", "NaN") else ratio
        tags = [{"tag": tag, "n": number} for tag in chance.choices(["x", "é", None], k=number % 3)]
        told = [
            f'"id":{number}',
            f'"name": {json.dumps(text, ensure_ascii=number % 2 == 0)}',
            f'"price":{price or "null"}',
        ]
        told += [f'"ratio" : {ratio or "null"}', f'"day":"{day}"', f'"ok":{ok or "null"}', f'"tags":{json.dumps(tags)}']
        if number % 10 == 0:
            chance.shuffle(told)
        lines.append("{" + ",".join(told[: 7 - number % 50 // 48]) + "}")
    if kind == "bad":
        for at, line in {
            9: '{"id":1,"id":2}',
            7_000: "[1]",
            19_999: '{"id":1.5}',
            12_000: '{"name":"\\ud800"}',
        }.items():
            lines[at] = line
    return "\n".join(lines) + "\n"


def records(folder: Path) -> JobSpec:
    path = folder / "in.jsonl"
    path.write_text(records_of("plain"), "utf-8")
    return job(path, folder / "o.parquet", types={"price": "decimal(20,2)"})


def records_kept(folder: Path) -> JobSpec:
    path = folder / "in.jsonl"
    path.write_text(records_of("bad"), "utf-8")
    return job(path, folder / "o.parquet", types={"id": "int64", "day": "date"}, bad_rows=str(folder / "bad"))


def ragged(folder: Path) -> JobSpec:
    return job(written(folder, "ragged"), folder / "o.parquet")


def ruled(folder: Path) -> JobSpec:
    rules = (RuleSpec("unique", ("price",)), RuleSpec("not_null", ("ratio",)))
    return job(
        written(folder, "plain"),
        f"duckdb:///{folder}/o.duckdb#t",
        rules=rules,
        bad_rows=str(folder / "bad"),
        types=TYPES,
    )


def shaped(folder: Path) -> JobSpec:
    return job(written(folder, "plain"), folder / "o.jsonl", where="price > 10", select=("id", "price", "name"))


def merged(folder: Path) -> JobSpec:
    to = OutputSpec(f"duckdb:///{folder}/w.duckdb", table="t")
    first = JobSpec({"input": InputSpec(str(written(folder, "plain")))}, to, types=TYPES)
    if not (folder / "w.duckdb").exists():
        move.run(first)
    return first.with_(mode=Mode.MERGE, key=("id",), where="id % 3 = 0")


def to_sqlite(folder: Path) -> JobSpec:
    to = f"sqlite:///{folder}/w.sqlite#t"
    return job(written(folder, "plain"), to, types=TYPES, bad_rows=str(folder / "bad"))


def from_sqlite(folder: Path) -> JobSpec:
    source = f"sqlite:///{folder}/w.sqlite#t"
    if not (folder / "w.sqlite").exists():
        move.run(to_sqlite(folder).with_(bad_rows=str(folder / "refused")))
    return job(source, folder / "o.parquet", where="id > 5")


JOBS: dict[str, Callable[[Path], JobSpec]] = {
    one.__name__: one
    for one in (
        plain, lines_of_windows, late, all_text, kept, stopped, ragged, ruled, shaped, merged, to_sqlite, from_sqlite,
        records, records_kept,
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """What the usual route makes of a job."""

    @cache
    def of(name: str) -> Outcome:
        folder = tmp_path_factory.mktemp(name)
        return outcome(JOBS[name](folder), folder)

    return of


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", JOBS)
def test_every_route_has_the_same_outcome(
    name: str, route: str, usual: Callable[[str], Outcome], tmp_path: Path
) -> None:
    way = ROUTES[route]
    with way.taken():
        found = outcome(way.spec(JOBS[name](tmp_path)), tmp_path)
    assert found == usual(name)


_LARGE = {name: route for name, route in ROUTES.items() if "postgresql" in route.without or name == "one-thread"}


def _through_postgresql(place: Place, folder: Path, taken: Callable[[JobSpec], Outcome]) -> list[Outcome]:
    """Rows into a table, a second time, over a check, and out again."""
    source = InputSpec(str(written(folder, "plain")))
    into = OutputSpec(place.address("t"))
    first = JobSpec({"input": source}, into, types=TYPES)
    made = [taken(first), taken(first.with_(mode=Mode.REPLACE)), taken(first.with_(mode=Mode.MERGE, key=("id",)))]
    place.run("alter table t add constraint low check (id < 19000) not valid")
    made.append(taken(first.with_(mode=Mode.APPEND)))
    place.run("alter table t drop constraint low", "update t set ratio = 'infinity', day = 'infinity' where id = 9")
    out = job(place.address("t"), folder / "o.parquet")
    return [*made, taken(out), taken(out.with_(mode=Mode.REPLACE, select=("id", "at"), where="id > 100"))]


def _of_postgresql(server: Server, folder: Path, library: str, route: Route) -> list[Outcome]:
    place = Place(server, library)
    folder.mkdir(exist_ok=True)
    try:
        with route.taken():
            return _through_postgresql(place, folder, lambda spec: outcome(route.spec(spec), folder))
    finally:
        place.drop()


@pytest.mark.parametrize("route", _LARGE)
@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_of_postgresql_has_the_same_outcome(
    library: str, route: str, postgresql_server: Server, tmp_path: Path
) -> None:
    usual = _of_postgresql(postgresql_server, tmp_path / "usual", "", Route())
    found = _of_postgresql(postgresql_server, tmp_path / "found", library, _LARGE[route])
    assert found == usual
    assert [bool(one.error) for one in usual] == [False, False, False, True, False, False]
    assert len({one.digest for one in usual}) == 4  # the same rows thrice, an error, and two ways out


def test_the_jobs_have_all_kinds_of_outcomes(usual: Callable[[str], Outcome]) -> None:
    assert [name for name in JOBS if usual(name).error] == ["stopped", "ragged"]
    assert [name for name in JOBS if usual(name).bad] == ["kept", "ruled", "to_sqlite", "records_kept"]
    assert len({usual(name).digest for name in JOBS}) > 6
